// The barrier's keyring: init, unseal, rotate, rekey, counts; with faults.

#include <atomic>
#include <thread>

#include "barrier/test_support.h"

namespace bulla::barrier {
namespace {

using storage::FaultStorage;

class CustodyTest : public BarrierTest {
 protected:
  /// The keyring as stored, opened with `root_key`.
  std::vector<Keyring::Term> stored_terms(const SecretBytes& root_key) {
    const auto aead = crypto::Aead::create(crypto::AeadAlgorithm::kAes256Gcm,
                                           root_key.expose());
    const Bytes bytes = stored(Barrier::kKeyringPath);
    const auto entry = SealedEntry::parse(bytes).value();
    EXPECT_EQ(entry.term, 1u);
    const auto record = open_entry(*aead, Barrier::kKeyringPath, entry);
    if (!record) return {};
    return Keyring::parse(record->expose()).value();
  }
  /// Another process that opens the same storage.
  Result<void> opens_elsewhere(const SecretBytes& root_key) {
    Barrier other(memory_, rng_, clock_);
    TRY(other.unseal(root_key));
    if (memory_.get("p").value() && value_at(other, "p") != "v") {
      return fail(internal_error("p is " + value_at(other, "p")));
    }
    return {};
  }
  Result<void> rekey(const SecretBytes& root_key) {
    TRY_ASSIGN(const auto change, barrier_.keyring_change(root_key));
    return memory_.commit({&change, 1});
  }
};

TEST_F(CustodyTest, CreatesNothingInStorage) {
  storage::MemoryStorage memory;
  Barrier barrier(memory, rng_, clock_);
  EXPECT_TRUE(barrier.sealed());
  EXPECT_EQ(code_of(barrier.unseal(root_)), ErrorCode::kNotFound);
  const auto change = barrier.create(root_);
  ASSERT_TRUE(change);
  EXPECT_EQ(change->path, "core/keyring");
  EXPECT_EQ(change->expected, storage::Change::kAbsent);
  EXPECT_FALSE(barrier.sealed());
  EXPECT_TRUE(memory.scan("")->empty());
  EXPECT_FALSE(barrier.create(root_));  // open already
  const auto sealed = barrier.seal_change(Change::put("p", as_bytes("v")));
  ASSERT_TRUE(sealed);
  ASSERT_TRUE(memory.commit(std::vector{*change, *sealed}));
  barrier.seal();
  ASSERT_TRUE(barrier.unseal(root_));
  EXPECT_EQ(value_at(barrier, "p"), "v");
}

TEST_F(CustodyTest, UnsealsOnlyWithItsRootKey) {
  ASSERT_TRUE(put("p", "v"));
  barrier_.seal();
  const auto wrong = barrier_.unseal(key_of(0x12));
  EXPECT_EQ(code_of(wrong), ErrorCode::kCorrupt);
  EXPECT_NE(wrong.error().message().find("core/keyring"), std::string::npos);
  EXPECT_EQ(code_of(barrier_.unseal(SecretBytes(16))),
            ErrorCode::kInvalidArgument);
  EXPECT_TRUE(barrier_.sealed());
  ASSERT_TRUE(barrier_.unseal(root_));
  EXPECT_EQ(value_at("p"), "v");
}

TEST_F(CustodyTest, UnsealsOnlyAnUndamagedKeyring) {
  barrier_.seal();
  const Bytes good = stored(Barrier::kKeyringPath);
  for (std::size_t i = 0; i < good.size(); ++i) {
    fault_.flip(std::string(Barrier::kKeyringPath), i, 0x40);
    ASSERT_EQ(code_of(barrier_.unseal(root_)), ErrorCode::kCorrupt) << i;
  }
  EXPECT_TRUE(barrier_.sealed());
  fault_.clear();
  fault_.fail_reads(unavailable("gone"));
  EXPECT_EQ(code_of(barrier_.unseal(root_)), ErrorCode::kUnavailable);
}

TEST_F(CustodyTest, RotatesOnline) {
  const auto before = barrier_.key_status().value();
  EXPECT_EQ(before.term, 1u);
  EXPECT_EQ(before.install_time, clock_.now());
  ASSERT_TRUE(put("p", "v"));
  clock_.time += std::chrono::hours(1);
  ASSERT_TRUE(barrier_.rotate(root_));
  const auto after = barrier_.key_status().value();
  EXPECT_EQ(after.term, 2u);
  EXPECT_EQ(after.install_time, clock_.now());
  EXPECT_EQ(after.encryptions, 0u);
  EXPECT_EQ(value_at("p"), "v");  // of the old term
  ASSERT_TRUE(put("q", "w"));
  EXPECT_EQ(get_be32(stored("p").data()), 1u);
  EXPECT_EQ(get_be32(stored("q").data()), 2u);
  EXPECT_EQ(stored_terms(root_).size(), 2u);
  EXPECT_TRUE(opens_elsewhere(root_));
}

TEST_F(CustodyTest, RotatesOnlyWithItsRootKey) {
  EXPECT_EQ(code_of(barrier_.rotate(key_of(0x12))), ErrorCode::kCorrupt);
  EXPECT_EQ(term(), 1u);
  EXPECT_EQ(stored_terms(root_).size(), 1u);
}

TEST_F(CustodyTest, ARotationCountsOnlyOnceItIsStored) {
  fault_.fail_commit(1, FaultStorage::When::kBefore);
  EXPECT_EQ(code_of(barrier_.rotate(root_)), ErrorCode::kUnavailable);
  EXPECT_EQ(term(), 1u);
  fault_.fail_commit(1, FaultStorage::When::kAfter);  // stored, and not known
  EXPECT_EQ(code_of(barrier_.rotate(root_)), ErrorCode::kUnavailable);
  EXPECT_EQ(term(), 1u);
  ASSERT_TRUE(put("p", "v"));
  ASSERT_TRUE(opens_elsewhere(root_));
  ASSERT_TRUE(barrier_.rotate(root_));  // takes up term 2, adds term 3
  EXPECT_EQ(term(), 3u);
  EXPECT_EQ(value_at("p"), "v");
  EXPECT_TRUE(opens_elsewhere(root_));
}

TEST_F(CustodyTest, ACrashAtAnyStepLeavesAKeyringThatOpens) {
  ASSERT_TRUE(put("p", "v"));
  fault_.clear();
  ASSERT_TRUE(barrier_.rotate(root_));
  const auto steps = fault_.steps();
  ASSERT_GE(steps, 3u);
  for (std::uint64_t step = 1; step <= steps; ++step) {
    fault_.clear();
    fault_.crash_at(step);
    EXPECT_FALSE(barrier_.rotate(root_));
    EXPECT_TRUE(opens_elsewhere(root_)) << step;
  }
}

TEST_F(CustodyTest, RefusesToWriteOverARolledBackKeyring) {
  const Bytes old = stored(Barrier::kKeyringPath);
  ASSERT_TRUE(barrier_.rotate(root_));
  forge(std::string(Barrier::kKeyringPath), old);
  const auto rotated = barrier_.rotate(root_);
  EXPECT_EQ(code_of(rotated), ErrorCode::kCorrupt);
  EXPECT_NE(rotated.error().message().find("lost term 2"), std::string::npos);
  EXPECT_FALSE(barrier_.keyring_change(key_of(0x22)));
  EXPECT_FALSE(barrier_.unseal(root_));
  EXPECT_EQ(term(), 2u);
}

TEST_F(CustodyTest, RekeysUnderANewRootKey) {
  ASSERT_TRUE(put("p", "v"));
  ASSERT_TRUE(barrier_.rotate(root_));
  const SecretBytes next = key_of(0x22);
  ASSERT_TRUE(rekey(next));
  EXPECT_TRUE(opens_elsewhere(next));
  EXPECT_FALSE(opens_elsewhere(root_));
  ASSERT_TRUE(barrier_.unseal(next));  // without a pause
  EXPECT_EQ(term(), 2u);
  EXPECT_EQ(value_at("p"), "v");
  EXPECT_EQ(code_of(barrier_.rotate(root_)), ErrorCode::kCorrupt);
  ASSERT_TRUE(barrier_.rotate(next));
  EXPECT_EQ(term(), 3u);
  EXPECT_TRUE(opens_elsewhere(next));
}

TEST_F(CustodyTest, FindsTheNewRootKeyByItself) {
  const SecretBytes next = key_of(0x22);
  ASSERT_TRUE(rekey(next));
  ASSERT_TRUE(barrier_.rotate(next));
  EXPECT_TRUE(opens_elsewhere(next));
  EXPECT_EQ(stored_terms(next).size(), 2u);
}

TEST_F(CustodyTest, AnAbandonedRekeyChangesNothing) {
  const SecretBytes next = key_of(0x22);
  ASSERT_TRUE(barrier_.keyring_change(next));
  EXPECT_EQ(code_of(barrier_.rotate(next)), ErrorCode::kCorrupt);
  ASSERT_TRUE(barrier_.rotate(root_));
  EXPECT_TRUE(opens_elsewhere(root_));
}

TEST_F(CustodyTest, ARotationDuringARekeyIsNotLost) {
  const SecretBytes next = key_of(0x22);
  const auto change = barrier_.keyring_change(next);
  ASSERT_TRUE(change);
  ASSERT_TRUE(barrier_.rotate(root_));
  EXPECT_EQ(code_of(memory_.commit({&*change, 1})), ErrorCode::kConflict);
  ASSERT_TRUE(rekey(next));
  EXPECT_EQ(stored_terms(next).size(), 2u);
}

TEST_F(CustodyTest, CountsEncryptions) {
  ASSERT_TRUE(put("a", "1"));
  ASSERT_TRUE(barrier_.remove("a"));
  ASSERT_TRUE(barrier_.seal_change(Change::put("b", as_bytes("2"))));
  const std::string text = "3";
  const std::vector<Change> two{Change::put("c", as_bytes(text)),
                                Change::put("d", as_bytes(text))};
  ASSERT_TRUE(barrier_.commit(two));
  EXPECT_EQ(barrier_.key_status()->encryptions, 4u);
  EXPECT_EQ(stored_terms(root_)[0]->reserved(), Keyring::kReserveAhead);
}

// A crash may count too many, never too few: the count goes on from the stored
// bound, and the next encryption stores a higher one before it gets out.
TEST_F(CustodyTest, CountsTooManyAfterACrash) {
  ASSERT_TRUE(put("a", "1"));
  barrier_.seal();
  ASSERT_TRUE(barrier_.unseal(root_));
  EXPECT_EQ(barrier_.key_status()->encryptions, Keyring::kReserveAhead);
  fault_.fail_commit(1, FaultStorage::When::kBefore);
  EXPECT_EQ(code_of(put("a", "2")), ErrorCode::kUnavailable);
  EXPECT_EQ(value_at("a"), "1");
  ASSERT_TRUE(put("a", "2"));
  const auto used = barrier_.key_status()->encryptions;
  EXPECT_EQ(used, Keyring::kReserveAhead + 2);
  EXPECT_EQ(stored_terms(root_)[0]->reserved(), used + Keyring::kReserveAhead);
  const auto version = memory_.get(Barrier::kKeyringPath).value()->version;
  ASSERT_TRUE(put("a", "3"));  // within the bound: the keyring rests
  EXPECT_EQ(memory_.get(Barrier::kKeyringPath).value()->version, version);
}

TEST_F(CustodyTest, CountsOnAfterARekeyNobodyAnnounced) {
  barrier_.seal();
  ASSERT_TRUE(barrier_.unseal(root_));
  const SecretBytes next = key_of(0x22);
  ASSERT_TRUE(rekey(next));
  ASSERT_TRUE(put("p", "v"));  // stores a bound, under the new root key
  EXPECT_TRUE(opens_elsewhere(next));
}

TEST_F(CustodyTest, RotatesWhileOthersSealAndOpen) {
  constexpr int kThreads = 4;
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const std::string path = "t/" + std::to_string(t);
      for (int i = 0; !stop; ++i) {
        const std::string value = std::to_string(i);
        const std::vector<Change> changes{Change::put(path, as_bytes(value))};
        ASSERT_TRUE(barrier_.commit(changes));
        ASSERT_TRUE(put("shared", "v"));
        ASSERT_EQ(value_at(path), value);
        ASSERT_EQ(value_at("shared"), "v");
      }
    });
  }
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(barrier_.rotate(root_));
  stop = true;
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(term(), 101u);
  EXPECT_EQ(stored_terms(root_).size(), 101u);
  EXPECT_TRUE(opens_elsewhere(root_));
}

TEST_F(CustodyTest, SealsWhileOthersRead) {
  ASSERT_TRUE(put("p", "v"));
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      while (!stop) {
        const std::string value = value_at("p");
        ASSERT_TRUE(value == "v" || value == "sealed") << value;
      }
    });
  }
  for (int i = 0; i < 200; ++i) {
    barrier_.seal();
    ASSERT_TRUE(barrier_.unseal(root_));
  }
  stop = true;
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace bulla::barrier
