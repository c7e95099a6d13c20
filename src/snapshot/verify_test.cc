#include "snapshot/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "seal/passkeys.h"
#include "snapshot/test_support.h"
#include "storage/temp_dir.h"

namespace bulla::snapshot {
namespace {

using seal::World;
using ::testing::HasSubstr;

/// An installation with a passkey of each sort, and a snapshot of it in a file.
class Verify : public ::testing::Test {
 protected:
  Verify() {
    seal::Node node(world_, seal::static_provider(world_, key()),
                    seal::cheap_passphrases());
    EXPECT_TRUE(node.init(seal::recovery_params(3, 2)));
    auto passkeys = node.custody.passkeys();
    seal::Passkeys::New shamir;
    shamir.name = "glass";
    shamir.kind = "shamir";
    shamir.shares = 3;
    shamir.threshold = 2;
    auto added = passkeys.add(std::move(shamir));
    EXPECT_TRUE(added) << added.error().message();
    shares_ = std::move(added->shares);
    seal::Passkeys::New phrase;
    phrase.name = "phrase";
    phrase.kind = "passphrase";
    phrase.passphrase = seal::secret_text("correct horse");
    EXPECT_TRUE(passkeys.add(std::move(phrase)));
    EXPECT_TRUE(node.barrier.put("logical/a", as_bytes("one")));
    const auto listed = passkeys.list().value();
    for (const auto& passkey : listed) {
      if (passkey.kind == "static") automatic_ = passkey.name;
    }
    write(snapshot_of(world_.memory));
  }

  static kek::StaticKek::Key key() { return seal::static_key("k1", 1); }
  void write(const Bytes& bytes) {
    const std::string path = dir_.path() + "/s" + std::to_string(++files_);
    file_.emplace(File::create(path).value());
    ASSERT_TRUE(file_->write_at(0, bytes));
  }
  Key of(const std::string& passkey, std::size_t shares = 0,
         std::string_view phrase = {}) {
    Key key;
    key.passkey = passkey;
    for (std::size_t i = 0; i < shares; ++i) {
      key.shares.push_back(shares_[i].clone());
    }
    key.passphrase = seal::secret_text(phrase);
    return key;
  }
  Result<Verified> verify_with(Key key, seal::Providers providers = {}) {
    return verify(*file_, std::move(key), std::move(providers),
                  {world_.rng, world_.clock, world_.log});
  }

  World world_;
  storage::TempDir dir_;
  int files_ = 0;
  std::optional<File> file_;
  std::vector<SecretBytes> shares_;
  std::string automatic_;
};

TEST_F(Verify, OpensWithEachPasskeyAlone) {
  const auto before = contents(world_.memory);
  for (int way = 0; way < 3; ++way) {
    const auto verified =
        way == 0
            ? verify_with(of(automatic_), seal::static_provider(world_, key()))
        : way == 1 ? verify_with(of("glass", 2))
                   : verify_with(of("phrase", 0, "correct horse"));
    ASSERT_TRUE(verified) << way << verified.error().message();
    EXPECT_EQ(verified->opened + verified->clear,
              verified->checked.summary.entries);
    EXPECT_EQ(verified->clear, 4U);  // seal-config and three passkeys
    EXPECT_EQ(verified->checked.header.passkeys.size(), 3U);
  }
  EXPECT_EQ(contents(world_.memory), before);
}

TEST_F(Verify, SaysWhatIsWrongWithTheKey) {
  const auto error = [&](Result<Verified> verified) {
    EXPECT_FALSE(verified);
    return verified ? "" : verified.error().message();
  };
  EXPECT_THAT(error(verify_with(of("none"))), HasSubstr("glass (shamir)"));
  EXPECT_THAT(error(verify_with(of(automatic_))), HasSubstr("configured"));
  EXPECT_THAT(error(verify_with(of("glass", 1))),
              HasSubstr("2 different shares are needed, 1 were given"));
  EXPECT_FALSE(verify_with(of("phrase", 0, "wrong horse")));
  EXPECT_FALSE(
      verify_with(of(automatic_),
                  seal::static_provider(world_, seal::static_key("k1", 2))));
  Key wrong = of("glass");
  wrong.shares.push_back(SecretBytes::copy_of(Bytes(33, 1)));
  wrong.shares.push_back(SecretBytes::copy_of(Bytes(33, 2)));
  EXPECT_FALSE(verify_with(std::move(wrong)));
}

// Checksums are for accidents; who forges them is found by the keyring.
TEST_F(Verify, NamesAnEntryThatWasForged) {
  const storage::Change forged{"logical/a", Bytes(60, 7), std::nullopt};
  ASSERT_TRUE(world_.memory.commit({&forged, 1}));
  write(snapshot_of(world_.memory));
  EXPECT_TRUE(check(source_of(*file_)));
  const auto verified = verify_with(of("glass", 2));
  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error().code(), ErrorCode::kCorrupt);
  EXPECT_THAT(verified.error().message(), HasSubstr("logical/a"));
}

}  // namespace
}  // namespace bulla::snapshot
