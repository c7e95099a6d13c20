#include "seal/seal_config.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/wire.h"
#include "seal/passkey.h"

namespace bulla::seal {
namespace {

SealConfig sample() {
  SealConfig config;
  config.installation = "6a1d2f60-0d3a-4a5e-9a38-6a8a4b3f7b11";
  config.recovery_shares = 5;
  config.recovery_threshold = 3;
  config.created = from_unix_nanos(1'700'000'000'000'000'000);
  return config;
}

TEST(SealConfig, RoundTrips) {
  SealConfig config = sample();
  for (int i = 0; i < 2; ++i) {
    const auto parsed = SealConfig::parse(config.serialise());
    ASSERT_TRUE(parsed) << parsed.error().message();
    EXPECT_EQ(*parsed, config);
    config.providers = {{{"static", "main"}, 1, 0, {}},
                        {{"env", "env"}, 4, 7, {1, 3}}};
  }
  EXPECT_FALSE(sample().automatic());
  EXPECT_TRUE(config.automatic());
  EXPECT_EQ(config.find({"env", "env"})->write_version(), 7U);
  EXPECT_EQ(config.find({"static", "main"})->write_version(), 1U);
  EXPECT_TRUE(config.find({"env", "env"})->is_removed(3));
  EXPECT_EQ(config.find({"env", "other"}), nullptr);
}

// Golden: docs/formats/seal.md.
TEST(SealConfig, HasTheDocumentedBytes) {
  SealConfig config = sample();
  config.providers = {{{"env", "main"}, 2, 3, {1}}};
  EXPECT_EQ(hex_encode(config.serialise()),
            "02"
            "00000024"
            "36613164326636302d306433612d346135652d396133382d366138613462336637"
            "623131"
            "00000005"
            "00000003"
            "17979cfe362a0000"
            "00000001"
            "00000003"
            "656e76"
            "00000004"
            "6d61696e"
            "00000002"
            "00000003"
            "00000001"
            "00000001");
}

TEST(SealConfig, RefusesEveryTruncationAndExtension) {
  SealConfig config = sample();
  config.providers = {{{"static", "main"}, 2, 0, {1}}};
  Bytes bytes = config.serialise();
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    const auto parsed = SealConfig::parse(ByteView(bytes).first(n));
    ASSERT_FALSE(parsed) << n;
    EXPECT_EQ(parsed.error().code(), ErrorCode::kCorrupt);
  }
  bytes.push_back(0);
  EXPECT_FALSE(SealConfig::parse(bytes));
}

TEST(SealConfig, RefusesImpossibleNumbers) {
  const auto refused = [](std::uint32_t shares, std::uint32_t threshold) {
    SealConfig config = sample();
    config.recovery_shares = shares;
    config.recovery_threshold = threshold;
    return !SealConfig::parse(config.serialise());
  };
  EXPECT_FALSE(refused(0, 0));
  EXPECT_TRUE(refused(3, 4));
  EXPECT_TRUE(refused(3, 0));
  EXPECT_TRUE(refused(256, 3));
  SealConfig config = sample();
  config.installation.clear();
  EXPECT_FALSE(SealConfig::parse(config.serialise()));
}

TEST(SealConfig, RefusesImpossibleProviders) {
  using Providers = std::vector<SealConfig::Provider>;
  const auto refused = [](Providers providers) {
    SealConfig config = sample();
    config.providers = std::move(providers);
    return !SealConfig::parse(config.serialise());
  };
  EXPECT_FALSE(refused({{{"a", "b"}, 1, 2, {3, 4}}}));
  EXPECT_TRUE(refused({{{"", "b"}, 1, 0, {}}}));
  EXPECT_TRUE(refused({{{"a", "b"}, 0, 0, {}}}));
  EXPECT_TRUE(refused({{{"a", "b"}, 1, 1, {}}}));
  EXPECT_TRUE(refused({{{"a", "b"}, 1, 0, {1}}}));
  EXPECT_TRUE(refused({{{"a", "b"}, 1, 2, {2}}}));
  EXPECT_TRUE(refused({{{"a", "b"}, 1, 0, {4, 3}}}));
  EXPECT_TRUE(refused({{{"a", "b"}, 1, 0, {3, 3}}}));
  EXPECT_TRUE(refused({{{"a", "b"}, 1, 0, {}}, {{"a", "b"}, 2, 0, {}}}));
  Providers many;
  for (std::size_t i = 0; i <= SealConfig::kProvidersMax; ++i) {
    many.push_back({{"a", std::to_string(i)}, 1, 0, {}});
  }
  EXPECT_TRUE(refused(many));
  std::vector<kek::KekVersion> removed(SealConfig::kRemovedMax + 1);
  for (std::size_t i = 0; i < removed.size(); ++i) {
    removed[i] = static_cast<kek::KekVersion>(i + 2);
  }
  EXPECT_TRUE(refused({{{"a", "b"}, 1, 0, removed}}));
}

Passkey sample_passkey() {
  Passkey passkey;
  passkey.id = "6a1d2f60-0d3a-4a5e-9a38-6a8a4b3f7b12";
  passkey.name = "main";
  passkey.kind = "static";
  passkey.provider = "kek";
  passkey.wrapped = {7, "k1", Bytes(4, 0xab)};
  passkey.check = Bytes(32, 0xcd);
  passkey.created = from_unix_nanos(1);
  passkey.verified = from_unix_nanos(2);
  return passkey;
}

TEST(Passkey, HasTheDocumentedBytesAndRoundTrips) {
  const Passkey passkey = sample_passkey();
  const Bytes bytes = passkey.serialise();
  EXPECT_EQ(hex_encode(bytes),
            "02"
            "000000046d61696e"
            "00000006737461746963"
            "000000036b656b"
            "00000007"
            "000000026b31"
            "00000004abababab"
            "00000020"
            "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
            "00000000"
            "00000000"
            "0000000000000001"
            "0000000000000002");
  const auto parsed = Passkey::parse(passkey.id, bytes);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->serialise(), bytes);
  EXPECT_EQ(parsed->path(), "core/passkeys/" + passkey.id);
  EXPECT_EQ(parsed->wrapped.version, 7U);
}

TEST(Passkey, RefusesHostileRecords) {
  const Bytes bytes = sample_passkey().serialise();
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_FALSE(Passkey::parse("x", ByteView(bytes).first(n))) << n;
  }
  Passkey passkey = sample_passkey();
  passkey.check.pop_back();
  EXPECT_FALSE(Passkey::parse("x", passkey.serialise()));
  passkey = sample_passkey();
  passkey.kind.clear();
  EXPECT_FALSE(Passkey::parse("x", passkey.serialise()));
  passkey = sample_passkey();
  passkey.name.assign(Passkey::kTextBytesMax + 1, 'n');
  EXPECT_FALSE(Passkey::parse("x", passkey.serialise()));
  passkey = sample_passkey();
  passkey.wrapped.blob.resize(kek::KekProvider::kBlobBytesMax + 1);
  EXPECT_FALSE(Passkey::parse("x", passkey.serialise()));
  Bytes newer = bytes;
  newer[0] = 3;
  EXPECT_FALSE(Passkey::parse("x", newer));
  passkey = sample_passkey();
  passkey.shares = passkey.threshold = 1;  // only a shamir passkey has shares
  EXPECT_FALSE(Passkey::parse("x", passkey.serialise()));
  passkey.kind = "shamir";
  EXPECT_FALSE(Passkey::parse("x", passkey.serialise()));
  passkey.provider.clear();
  EXPECT_TRUE(Passkey::parse("x", passkey.serialise()));
  passkey.threshold = 2;
  EXPECT_FALSE(Passkey::parse("x", passkey.serialise()));
  passkey.shares = passkey.threshold = 0;
  EXPECT_FALSE(Passkey::parse("x", passkey.serialise()));
}

TEST(Passkey, WrapsUnderAnUnsealKey) {
  crypto::SystemRng rng;
  const SecretBytes unseal = rng.secret(32);
  const SecretBytes root = rng.secret(32);
  const Bytes context = passkey_context("i", "p");
  const auto wrapped = wrap_under_unseal_key(unseal, root, context, rng);
  ASSERT_TRUE(wrapped);
  EXPECT_EQ(wrapped->blob.size(), 12U + 32U + 16U);
  const auto back = unwrap_under_unseal_key(unseal, *wrapped, context);
  ASSERT_TRUE(back);
  EXPECT_TRUE(*back == root);
  EXPECT_FALSE(
      unwrap_under_unseal_key(unseal, *wrapped, passkey_context("i", "q")));
  EXPECT_FALSE(
      unwrap_under_unseal_key(unseal, *wrapped, passkey_context("j", "p")));
  for (const std::size_t size : {0U, 16U, 31U, 32U, 33U}) {
    const auto other =
        unwrap_under_unseal_key(rng.secret(size), *wrapped, context);
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code(), ErrorCode::kCorrupt);
  }
  EXPECT_FALSE(wrap_under_unseal_key(rng.secret(31), root, context, rng));
}

// "ab"+"c" and "a"+"bc" must not be one context.
TEST(Passkey, ContextsAreUnambiguous) {
  EXPECT_NE(passkey_context("ab", "c"), passkey_context("a", "bc"));
}

TEST(Passkey, CheckValueTellsKeysApart) {
  crypto::SystemRng rng;
  const SecretBytes key = rng.secret(32);
  EXPECT_EQ(check_value(key), check_value(key));
  EXPECT_NE(check_value(key), check_value(rng.secret(32)));
}

}  // namespace
}  // namespace bulla::seal
