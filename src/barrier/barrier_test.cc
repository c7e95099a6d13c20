#include "barrier/barrier.h"

#include "barrier/test_support.h"

namespace bulla::barrier {
namespace {

TEST_F(BarrierTest, PutsGetsAndRemoves) {
  ASSERT_TRUE(put("a/b", "secret"));
  EXPECT_EQ(value_at("a/b"), "secret");
  EXPECT_EQ(value_at("a"), "<absent>");
  EXPECT_EQ(barrier_.get("a/b").value()->version,
            memory_.get("a/b").value()->version);
  ASSERT_TRUE(barrier_.remove("a/b"));
  EXPECT_EQ(value_at("a/b"), "<absent>");
}

TEST_F(BarrierTest, StoresNoPlaintext) {
  ASSERT_TRUE(put("p", "find me if you can"));
  const Bytes bytes = stored("p");
  EXPECT_EQ(bytes.size(), 18 + SealedEntry::kOverheadBytes);
  EXPECT_EQ(as_text(bytes).find("find me"), std::string_view::npos);
  ASSERT_TRUE(put("p", "find me if you can"));
  EXPECT_NE(stored("p"), bytes);  // a new nonce
}

TEST_F(BarrierTest, CommitsAllOrNothing) {
  ASSERT_TRUE(put("a", "1"));
  const auto version = barrier_.get("a").value()->version;
  const std::string two = "2";
  std::vector<Change> changes;
  changes.push_back(Change::put("b", as_bytes(two)));
  changes.push_back(Change::put("a", as_bytes(two)).expecting(version + 1));
  EXPECT_EQ(code_of(barrier_.commit(changes)), ErrorCode::kConflict);
  EXPECT_EQ(value_at("b"), "<absent>");
  changes[1].expected = version;
  changes.push_back(Change::remove("c").expecting(storage::Change::kAbsent));
  ASSERT_TRUE(barrier_.commit(changes));
  EXPECT_EQ(value_at("a"), "2");
  EXPECT_EQ(value_at("b"), "2");
}

TEST_F(BarrierTest, HoldsItsLimits) {
  const std::string most(Barrier::kValueBytesMax, 'v');
  ASSERT_TRUE(put("a", most));
  EXPECT_EQ(value_at("a"), most);
  EXPECT_EQ(code_of(put("b", most + "v")), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of(put("", "v")), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of(put(std::string(512, 'p'), "v")),
            ErrorCode::kInvalidArgument);
  EXPECT_TRUE(put(std::string(511, 'p'), "v"));
}

TEST_F(BarrierTest, KeepsItsKeyringToItself) {
  EXPECT_EQ(code_of(put("core/keyring", "mine")), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of(barrier_.remove("core/keyring")),
            ErrorCode::kInvalidArgument);
  EXPECT_FALSE(barrier_.seal_change(Change::remove("core/keyring")));
  EXPECT_EQ(value_at("core/keyring"), "invalid_argument");
}

TEST_F(BarrierTest, RefusesEveryFlippedBit) {
  ASSERT_TRUE(put("p", "v"));
  const Bytes good = stored("p");
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes bad = good;
    bad[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    forge("p", bad);
    EXPECT_EQ(value_at("p"), "corrupt") << bit;
  }
}

TEST_F(BarrierTest, NamesWhatIsWrongWithAnEntry) {
  ASSERT_TRUE(put("dir/p", "v"));
  const Bytes good = stored("dir/p");
  forge("q", good);
  EXPECT_EQ(get_error("q"),
            "entry \"q\": does not open: altered, moved, or of another key");
  forge("q", Bytes(good.begin(), good.begin() + 20));
  EXPECT_EQ(get_error("q"), "entry \"q\": truncated: 20 bytes of at least 33");
  forge("q", {});
  EXPECT_EQ(get_error("q"), "entry \"q\": truncated: 0 bytes of at least 33");
  Bytes other = good;
  other[4] = 1;
  forge("dir/p", other);
  EXPECT_EQ(get_error("dir/p"), "entry \"dir/p\": unknown format version 0x01");
  other = good;
  other[3] = 9;
  forge("dir/p", other);
  EXPECT_EQ(get_error("dir/p"),
            "entry \"dir/p\": no decryption key available for term 9");
}

TEST_F(BarrierTest, PassesOnStorageErrors) {
  fault_.fail_reads(unavailable("gone"));
  EXPECT_EQ(value_at("p"), "unavailable");
  fault_.clear();
  fault_.fail_commit(1, storage::FaultStorage::When::kBefore,
                     Error(ErrorCode::kExhausted, "full"));
  EXPECT_EQ(code_of(put("p", "v")), ErrorCode::kExhausted);
}

TEST_F(BarrierTest, SealsAndOpensChangesForOthers) {
  const std::string text = "v";
  const auto change =
      barrier_.seal_change(Change::put("p", as_bytes(text)).expecting(3));
  ASSERT_TRUE(change);
  EXPECT_EQ(change->path, "p");
  EXPECT_EQ(change->expected, 3u);
  const auto plain = barrier_.open("p", *change->value);
  ASSERT_TRUE(plain);
  EXPECT_EQ(as_text(plain->expose()), "v");
  EXPECT_FALSE(barrier_.open("q", *change->value));
  EXPECT_FALSE(barrier_.seal_change(Change::remove("p"))->value);
}

TEST_F(BarrierTest, AnswersSealedToEverything) {
  ASSERT_TRUE(put("p", "v"));
  const Bytes bytes = stored("p");
  barrier_.seal();
  EXPECT_TRUE(barrier_.sealed());
  EXPECT_EQ(get_error("p"), "Vault is sealed");
  EXPECT_EQ(code_of(put("p", "v")), ErrorCode::kSealed);
  EXPECT_EQ(code_of(barrier_.remove("p")), ErrorCode::kSealed);
  EXPECT_EQ(code_of(barrier_.rotate(root_)), ErrorCode::kSealed);
  EXPECT_EQ(barrier_.list("").error().code(), ErrorCode::kSealed);
  EXPECT_EQ(barrier_.scan("").error().code(), ErrorCode::kSealed);
  EXPECT_EQ(barrier_.key_status().error().code(), ErrorCode::kSealed);
  EXPECT_EQ(barrier_.open("p", bytes).error().code(), ErrorCode::kSealed);
  EXPECT_EQ(barrier_.seal_change(Change::remove("p")).error().code(),
            ErrorCode::kSealed);
  EXPECT_EQ(barrier_.keyring_change(root_).error().code(), ErrorCode::kSealed);
  barrier_.seal();  // again
  ASSERT_TRUE(barrier_.unseal(root_));
  EXPECT_EQ(value_at("p"), "v");
}

TEST_F(BarrierTest, ListsAndScans) {
  for (const char* path : {"a/1", "a/2", "a/b/3", "c"}) {
    ASSERT_TRUE(put(path, "v"));
  }
  using Names = std::vector<std::string>;
  EXPECT_EQ(barrier_.list("a/").value(), (Names{"1", "2", "b/"}));
  EXPECT_EQ(barrier_.list("a/", "1", 1).value(), Names{"2"});
  EXPECT_EQ(barrier_.scan("a/", "a/1").value(), (Names{"a/2", "a/b/3"}));
}

TEST_F(BarrierTest, AViewIsAWorldOfItsOwn) {
  using Names = std::vector<std::string>;
  const View view(barrier_, "mount/1/");
  const View other(barrier_, "mount/2/");
  ASSERT_TRUE(view.put("a/b", as_bytes("x")));
  ASSERT_TRUE(view.sub("a/").put("c", as_bytes("y")));
  ASSERT_TRUE(other.put("a/b", as_bytes("z")));
  EXPECT_EQ(value_at("mount/1/a/c"), "y");
  EXPECT_EQ(view.list("").value(), Names{"a/"});
  EXPECT_EQ(view.list("a/").value(), (Names{"b", "c"}));
  EXPECT_EQ(view.scan("").value(), (Names{"a/b", "a/c"}));
  EXPECT_EQ(view.scan("", "a/b").value(), Names{"a/c"});
  EXPECT_EQ(as_text(view.get("a/b").value()->value.expose()), "x");
  const auto version = view.get("a/b").value()->version;
  std::vector<Change> changes;
  changes.push_back(Change::remove("a/b").expecting(version));
  changes.push_back(Change::put("n", as_bytes("w")));
  ASSERT_TRUE(view.commit(changes));
  EXPECT_EQ(view.scan("").value(), (Names{"a/c", "n"}));
  ASSERT_TRUE(view.remove("n"));
  ASSERT_TRUE(view.clear());
  EXPECT_EQ(view.scan("").value(), Names{});
  EXPECT_EQ(value_at("mount/2/a/b"), "z");
  EXPECT_EQ(view.sub("q/").prefix(), "mount/1/q/");
}

TEST_F(BarrierTest, AViewClearsMoreThanOneCommitHolds) {
  const View view(barrier_, "v/");
  for (int i = 0; i < 300; ++i) {
    ASSERT_TRUE(view.put(std::to_string(i), as_bytes("x")));
  }
  ASSERT_TRUE(view.clear());
  EXPECT_TRUE(view.scan("")->empty());
}

}  // namespace
}  // namespace bulla::barrier
