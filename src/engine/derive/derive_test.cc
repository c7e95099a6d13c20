#include "engine/derive/derive.h"

#include <thread>

#include "engine/test_support.h"

namespace bulla::engine::derive {
namespace {

using api::Operation;
using testing::HasSubstr;

class DeriveTest : public EngineTest {
 protected:
  void SetUp() override { mount(); }
  void mount() {
    backend_ = std::make_unique<DeriveBackend>(backend_context());
  }
  Outcome read(std::string_view path) {
    api::Context context = request_context(loop_);
    return run(*backend_, context, Operation::kRead, path, {});
  }
  std::string key(std::string_view path) { return read(path).at("/key"); }

  std::unique_ptr<DeriveBackend> backend_;
};

TEST(Derive, Vectors) {
  SecretBytes secret(32);
  for (std::size_t i = 0; i < 32; ++i) {
    secret.expose_mutable()[i] = static_cast<std::uint8_t>(i);
  }
  const auto hex = [&](std::string_view purpose, std::string_view name) {
    return hex_encode(derive_key(secret, purpose, name).expose());
  };
  EXPECT_EQ(hex("policy", "nightly"),
            "7d829cfdc12f13ac196216defe4ddf86ad27ced29b2ef95a0f7e6196095c62be");
  EXPECT_EQ(hex("namespace", "6f1d2c3b-4a59-4687-9f0e-1d2c3b4a5968"),
            "3191a3702b66026501e466b0eabb3850ed1389fea7bfd4ceb35d084c0cd93624");
  EXPECT_EQ(hex("a", "bc"),
            "afdceb2b306ce3f5a39049c77aad3539c0fc10d5a65ce4cf8b84569555cc6213");
  EXPECT_EQ(hex("ab", "c"),
            "9019ee221397455147b9f3eddaa96cbec19fc7914b20d2366063044d9b6a1862");
}

TEST_F(DeriveTest, TheSameForEver) {
  const Outcome first = read("key/policy/nightly");
  ASSERT_TRUE(first.ok) << first.error;
  EXPECT_EQ(first.at("/algorithm"), "HKDF-SHA256");
  EXPECT_EQ(first.at("/purpose"), "policy");
  EXPECT_EQ(first.at("/name"), "nightly");
  EXPECT_EQ(base64_decode(first.at("/key"))->size(), 32U);
  EXPECT_EQ(key("key/policy/nightly"), first.at("/key"));
  mount();
  EXPECT_EQ(key("key/policy/nightly"), first.at("/key"));
  EXPECT_NE(key("key/namespace/nightly"), first.at("/key"));
  EXPECT_NE(key("key/policy/weekly"), first.at("/key"));
}

TEST_F(DeriveTest, EachMountHasASecretOfItsOwn) {
  const std::string first = key("key/policy/nightly");
  view_ = barrier::View(barrier_, "logical/other/");
  mount();
  EXPECT_NE(key("key/policy/nightly"), first);
}

TEST_F(DeriveTest, StoresNothingButItsSecret) {
  ASSERT_EQ(view_.scan("")->size(), 1U);
  const auto before = memory_.get("logical/mount/secret").value()->value;
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(read("key/policy/p" + std::to_string(i)).ok);
  }
  EXPECT_EQ(view_.scan("")->size(), 1U);
  EXPECT_EQ(memory_.get("logical/mount/secret").value()->value, before);
}

TEST_F(DeriveTest, RefusesWhatIsTooLong) {
  EXPECT_EQ(read("key/policy/" + std::string(513, 'a')).code,
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(read("key/" + std::string(129, 'a') + "/a").code,
            ErrorCode::kInvalidArgument);
  EXPECT_TRUE(read("key/policy/" + std::string(512, 'a')).ok);
}

TEST_F(DeriveTest, OnALoopItBlocksForNothing) {
  ASSERT_TRUE(read("key/policy/a").ok);
  storage_.fail_reads(unavailable("away"));
  mount();
  api::Context context = request_context(loop_);
  context.may_block = false;
  EXPECT_EQ(run(*backend_, context, Operation::kRead, "key/policy/a", {}).code,
            ErrorCode::kWouldBlock);
  EXPECT_EQ(read("key/policy/a").code, ErrorCode::kUnavailable);
  storage_.clear();
  ASSERT_TRUE(read("key/policy/a").ok);
  EXPECT_TRUE(run(*backend_, context, Operation::kRead, "key/policy/a", {}).ok);
}

TEST_F(DeriveTest, ASecretWhoseWriteIsUnknownIsLookedUp) {
  for (const auto when : {storage::FaultStorage::When::kBefore,
                          storage::FaultStorage::When::kAfter}) {
    view_ = barrier::View(barrier_, when == storage::FaultStorage::When::kBefore
                                        ? "logical/b/"
                                        : "logical/a/");
    storage_.fail_commit(1, when);
    mount();
    const std::string first = key("key/policy/a");
    mount();
    EXPECT_EQ(key("key/policy/a"), first);
  }
}

TEST_F(DeriveTest, ManyAtOnceGetOneSecret) {
  view_ = barrier::View(barrier_, "logical/many/");
  storage_.fail_commit(1, storage::FaultStorage::When::kBefore);
  mount();
  std::vector<std::string> keys(8);
  std::vector<std::thread> threads;
  for (std::string& one : keys) {
    threads.emplace_back([&] {
      api::LoopState loop;
      api::Context context = request_context(loop);
      one = run(*backend_, context, Operation::kRead, "key/policy/a", {})
                .at("/key");
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& one : keys) EXPECT_EQ(one, keys[0]);
}

TEST_F(DeriveTest, DamageIsNotPassedOver) {
  ASSERT_TRUE(view_.put("secret", as_bytes("x")));
  mount();
  const Outcome outcome = read("key/policy/a");
  EXPECT_EQ(outcome.code, ErrorCode::kCorrupt);
  EXPECT_THAT(outcome.error, HasSubstr("derivation secret"));
}

}  // namespace
}  // namespace bulla::engine::derive
