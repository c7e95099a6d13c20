#include <gtest/gtest.h>

#include <map>
#include <random>

#include "engine/transit/test_support.h"

namespace bulla::engine::transit {
namespace {

class KeysTrimTest : public TransitTest {
 protected:
  void make_versions(int versions) {
    make_key("k");
    for (int i = 1; i < versions; ++i) {
      ASSERT_TRUE(backend_->keys().update("k", clock_.time, [](KeyRecord&) {
        return Result<KeyEdit>(KeyEdit::kRotate);
      }));
    }
  }
  Outcome trim(int version) {
    return post("keys/k/trim",
                fmt::format(R"({{"min_available_version":{}}})", version));
  }
  void config(int dec, int enc) {
    must(post("keys/k/config", fmt::format(R"({{"min_decryption_version":{},)"
                                           R"("min_encryption_version":{}}})",
                                           dec, enc)));
  }
};

TEST_F(KeysTrimTest, RefusalsInTheirOrder) {
  make_versions(5);
  EXPECT_EQ(post_error("keys/no/trim"), "invalid key name");
  EXPECT_EQ(post_error("keys/k/trim"), "missing min_available_version");
  EXPECT_EQ(trim(-1).error, "minimum available version cannot be decremented");
  EXPECT_EQ(trim(3).error,
            "minimum available version cannot be set when minimum encryption "
            "version is not set");
  config(3, 4);
  EXPECT_EQ(trim(5).error,
            "minimum available version cannot be greater than minmum "
            "encryption version");
  EXPECT_EQ(trim(4).error,
            "minimum available version cannot be greater than minimum "
            "decryption version");
  EXPECT_EQ(trim(0).error, "minimum available version should be positive");
  must(trim(2));
  EXPECT_EQ(trim(1).error, "minimum available version cannot be decremented");
}

TEST_F(KeysTrimTest, DestroysWhatIsBelow) {
  make_versions(5);
  config(4, 4);
  const Outcome outcome = trim(4);
  must(outcome);
  EXPECT_EQ(outcome.at("/min_available_version"), "4");
  EXPECT_EQ(stored_versions("k"), 2U);
  EXPECT_TRUE(view_.list("purge/").value().empty());
  EXPECT_TRUE(post("encrypt/k", R"({"plaintext":""})").ok);
}

TEST_F(KeysTrimTest, ManyVersionsGoInBoundedCommits) {
  make_versions(300);
  config(299, 299);
  must(trim(299));
  EXPECT_EQ(stored_versions("k"), 2U);
}

// A crash at any step of a trim leaves a key that works, and its leftovers go
// at a later tick.
TEST_F(KeysTrimTest, CrashesAreCleanedUp) {
  make_versions(260);
  config(259, 259);
  const std::string sealed = encrypt("k", "x");
  for (std::uint64_t step = 1;; ++step) {
    storage_.clear();
    storage_.crash_at(step);
    const bool finished = trim(259).ok && storage_.steps() < step;
    storage_.clear();
    restart();
    ASSERT_EQ(decrypt("k", sealed), "x") << "at step " << step;
    if (finished) break;
  }
  backend_->tick(clock_.time);
  EXPECT_EQ(stored_versions("k"), 2U);
  EXPECT_TRUE(view_.list("purge/").value().empty());
  EXPECT_EQ(decrypt("k", sealed), "x");
}

TEST_F(KeysTrimTest, ACrashedDeletionStaysDeleted) {
  for (std::uint64_t step = 1;; ++step) {
    make_versions(260);
    must(post("keys/k/config", R"({"deletion_allowed":true})"));
    const std::string sealed = encrypt("k", "x");
    storage_.clear();
    storage_.crash_at(step);
    const Outcome erased = call(api::Operation::kDelete, "keys/k");
    const bool finished = erased.ok && storage_.steps() < step;
    storage_.clear();
    restart();
    // There whole, or gone whole; a namesake never sees the old versions.
    const std::string opened = decrypt("k", sealed);
    if (opened != "x") {
      ASSERT_EQ(opened, "encryption key not found") << "at step " << step;
      make_key("k");
      ASSERT_EQ(stored_versions("k"), 1U);
      must(post("keys/k/config", R"({"deletion_allowed":true})"));
    } else {
      ASSERT_FALSE(erased.ok);
    }
    must(call(api::Operation::kDelete, "keys/k"));
    ASSERT_EQ(stored_versions("k"), 0U);
    if (finished) break;
  }
}

// Random sequences of rotate, config and trim against a model.
TEST_F(KeysTrimTest, FollowsTheModel) {
  std::mt19937 random(20240607);
  make_key("k");
  std::map<int, std::string> sealed{{1, encrypt("k", "1")}};
  int latest = 1;
  int dec = 1;
  int enc = 0;
  int avail = 0;
  for (int step = 0; step < 400; ++step) {
    const int pick = static_cast<int>(random() % 5);
    const int n = static_cast<int>(random() % 40);
    if (pick == 0) {
      rotate("k");
      ++latest;
      sealed[latest] = encrypt("k", std::to_string(latest));
    } else if (pick == 1) {
      const bool ok =
          n >= 1 && n <= latest && n >= avail && (enc == 0 || enc >= n);
      const bool done =
          post("keys/k/config",
               fmt::format(R"({{"min_decryption_version":{}}})", n))
              .ok;
      // 0 means 1.
      const bool zero_ok = n == 0 && avail <= 1;
      ASSERT_EQ(done, ok || zero_ok) << step;
      if (done) dec = n == 0 ? 1 : n;
    } else if (pick == 2) {
      const bool ok =
          n <= latest && (n == 0 ? avail == 0 : n >= dec && n >= avail);
      const bool done =
          post("keys/k/config",
               fmt::format(R"({{"min_encryption_version":{}}})", n))
              .ok;
      ASSERT_EQ(done, ok) << step;
      if (done) enc = n;
    } else if (pick == 3) {
      const bool ok = n >= 1 && n >= avail && enc != 0 && n <= enc && n <= dec;
      ASSERT_EQ(trim(n).ok, ok) << step;
      if (ok) avail = n;
    } else if (n < 5) {
      restart();
    }
    const int version = 1 + static_cast<int>(random() % latest);
    ASSERT_EQ(decrypt("k", sealed[version]),
              version >= dec ? std::to_string(version)
                             : "ciphertext or signature version is disallowed "
                               "by policy (too old)");
    ASSERT_EQ(stored_versions("k"),
              static_cast<std::size_t>(latest - std::max(avail, 1) + 1));
  }
  EXPECT_GT(latest, 20);
  EXPECT_GT(avail, 0);
}

}  // namespace
}  // namespace bulla::engine::transit
