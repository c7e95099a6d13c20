#include "seal/people_kek.h"

#include <gtest/gtest.h>

#include "kek/passphrase_kek.h"
#include "seal/test_world.h"

namespace bulla::seal {
namespace {

constexpr crypto::Argon2Cost kCheap{.memory_kib = 8, .passes = 1, .lanes = 1};

Passkey of_kind(std::string_view kind, kek::WrappedKey wrapped) {
  Passkey passkey;
  passkey.kind = kind;
  passkey.wrapped = std::move(wrapped);
  return passkey;
}

TEST(PeopleKek, WrapsUnderAPassphraseAndAnewUnderItsKek) {
  crypto::SystemRng rng;
  const SecretBytes root = rng.secret(32);
  const Bytes context = passkey_context("i", "p");
  const auto made = wrap_under_passphrase(secret_text("long enough"), kCheap,
                                          root, context, rng);
  ASSERT_TRUE(made) << made.error().message();
  const Passkey passkey = of_kind("passphrase", made->wrapped);
  const auto kek = passphrase_kek(secret_text("long enough"), passkey);
  ASSERT_TRUE(kek);
  EXPECT_TRUE(*kek == made->kek);
  const auto back = unwrap_with_people_kek(*kek, passkey, context);
  ASSERT_TRUE(back);
  EXPECT_TRUE(*back == root);

  const auto other = passphrase_kek(secret_text("another one"), passkey);
  ASSERT_TRUE(other);
  EXPECT_EQ(unwrap_with_people_kek(*other, passkey, context).error().code(),
            ErrorCode::kCorrupt);
  EXPECT_FALSE(
      unwrap_with_people_kek(*kek, passkey, passkey_context("i", "q")));

  // A new root key under the same passphrase, without the passphrase.
  const SecretBytes next = rng.secret(32);
  const auto again = wrap_with_people_kek(*kek, passkey, next, context, rng);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->key_id, made->wrapped.key_id);
  const auto opened =
      passphrase_kek(secret_text("long enough"), of_kind("passphrase", *again));
  ASSERT_TRUE(opened);
  EXPECT_TRUE(*unwrap_with_people_kek(*opened, of_kind("passphrase", *again),
                                      context) == next);
}

// One form for people's passphrases and for those of a stanza.
TEST(PeopleKek, WritesWhatTheProviderReads) {
  crypto::SystemRng rng;
  const SecretBytes root = rng.secret(32);
  const Bytes context = passkey_context("i", "p");
  const auto made = wrap_under_passphrase(secret_text("long enough"), kCheap,
                                          root, context, rng);
  ASSERT_TRUE(made);
  const auto provider =
      kek::PassphraseKek::create("p", secret_text("long enough"), kCheap, rng);
  const auto opened = (*provider)->unwrap(
      made->wrapped, context,
      std::chrono::steady_clock::now() + std::chrono::seconds(10));
  ASSERT_TRUE(opened) << opened.error().message();
  EXPECT_TRUE(*opened == root);
}

TEST(PeopleKek, RefusesHostileBlobs) {
  crypto::SystemRng rng;
  const Bytes context = passkey_context("i", "p");
  const auto made = wrap_under_passphrase(secret_text("long enough"), kCheap,
                                          rng.secret(32), context, rng);
  ASSERT_TRUE(made);
  for (std::size_t i = 0; i < made->wrapped.blob.size(); ++i) {
    kek::WrappedKey altered = made->wrapped;
    altered.blob[i] ^= 1;
    const Passkey passkey = of_kind("passphrase", altered);
    EXPECT_FALSE(unwrap_with_people_kek(made->kek, passkey, context)) << i;
    altered.blob.resize(i);
    EXPECT_FALSE(unwrap_with_people_kek(
        made->kek, of_kind("passphrase", altered), context));
  }
  EXPECT_FALSE(passphrase_kek(secret_text("x"),
                              of_kind("passphrase", {1, "", Bytes(3)})));
}

}  // namespace
}  // namespace bulla::seal
