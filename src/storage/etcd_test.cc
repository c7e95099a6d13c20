#include "storage/etcd.h"

#include <gmock/gmock.h>

#include "storage/coordination_conformance.h"
#include "storage/fault.h"
#include "storage/test_etcd.h"

namespace bulla::storage {
namespace {

using testing::HasSubstr;

class EtcdFactory {
 public:
  static constexpr bool kReopens = true;
  static constexpr bool kLapses = true;
  static constexpr std::size_t kKept = 100;

  EtcdFactory() { reopen(); }
  Storage& storage() { return *engine_; }
  Coordination& coordination() { return *engine_; }
  Coordination& other() {
    if (other_ == nullptr) other_ = TestEtcd::shared().open(path_).value();
    return *other_;
  }
  void reopen() {
    engine_.reset();
    engine_ = TestEtcd::shared().open(path_).value();
  }
  void forget_history() {
    EtcdClient client(TestEtcd::shared().options(path_).client);
    ProtoWriter compact;
    compact.number(1, coordination().revision().value());
    ASSERT_TRUE(client.call("KV/Compact", compact.text()));
  }

 private:
  std::string path_ = TestEtcd::fresh_path();
  std::unique_ptr<EtcdStorage> engine_;
  std::unique_ptr<EtcdStorage> other_;
};
INSTANTIATE_TYPED_TEST_SUITE_P(Etcd, StorageConformance, EtcdFactory);
INSTANTIATE_TYPED_TEST_SUITE_P(Etcd, CoordinationConformance, EtcdFactory);

class FaultEtcdFactory {
 public:
  static constexpr bool kReopens = false;
  Storage& storage() { return fault_; }

 private:
  EtcdFactory engine_;
  FaultStorage fault_{engine_.storage()};
};
INSTANTIATE_TYPED_TEST_SUITE_P(FaultEtcd, StorageConformance, FaultEtcdFactory);

class Etcd : public testing::Test {
 protected:
  using Lose = EtcdStorage::Lose;

  static ErrorCode open_error(EtcdOptions options) {
    options.client.timeout = std::chrono::seconds(1);
    auto opened = EtcdStorage::open(std::move(options));
    EXPECT_FALSE(opened);
    return opened ? ErrorCode::kInternal : opened.error().code();
  }

  TestEtcd& server_ = TestEtcd::shared();
  std::string path_ = TestEtcd::fresh_path();
  std::unique_ptr<EtcdStorage> storage_ = server_.open(path_).value();
};

TEST_F(Etcd, SaysWhatItCannotOpen) {
  for (const char* bad : {"localhost:2379", "ftp://h:1", "http://h:1/path"}) {
    auto options = server_.options("/x");
    options.client.endpoints = {bad};
    EXPECT_EQ(open_error(std::move(options)), ErrorCode::kInvalidArgument);
  }
  auto options = server_.options("");
  EXPECT_EQ(open_error(std::move(options)), ErrorCode::kInvalidArgument);
  options = server_.options("/x");
  options.client.endpoints.clear();
  EXPECT_EQ(open_error(std::move(options)), ErrorCode::kInvalidArgument);
  options = server_.options("/x");
  options.client.endpoints = {"http://127.0.0.1:1"};
  EXPECT_EQ(open_error(std::move(options)), ErrorCode::kUnavailable);
}

TEST_F(Etcd, PrefixesDoNotMix) {
  const auto longer = server_.open(path_ + "0").value();
  const auto within = server_.open(path_ + "/e").value();
  must_put(*storage_, "a", "1");
  must_put(*longer, "b", "1");
  must_put(*within, "c", "1");
  EXPECT_EQ(longer->scan("").value(), Names{"b"});
  EXPECT_EQ(value_at(*storage_, "b"), "<absent>");
}

TEST_F(Etcd, RefusesWhatIsOverARequest) {
  const std::string value(Storage::kValueBytesMax, 'v');
  const std::vector<Change> changes{put_change("a", value),
                                    put_change("b", value)};
  EXPECT_EQ(code_of(storage_->commit(changes)), ErrorCode::kInvalidArgument);
  EXPECT_EQ(value_at(*storage_, "a"), "<absent>");
  // What every engine takes: bytes in one, and with as many changes.
  std::vector<Change> most;
  const std::size_t each =
      Storage::kCommitBytesMax / Storage::kChangesMax - Storage::kPathBytesMax;
  for (std::size_t i = 0; i < Storage::kChangesMax; ++i) {
    std::string path = std::to_string(i);
    path.resize(Storage::kPathBytesMax, 'p');
    most.push_back(put_change(path, std::string(each, 'v'), Change::kAbsent));
  }
  const auto done = storage_->commit(most);
  EXPECT_TRUE(done) << done.error().message();
}

TEST_F(Etcd, SettlesALostCommit) {
  for (const Lose how : {Lose::kRequest, Lose::kAnswer}) {
    const std::string path = how == Lose::kRequest ? "request" : "answer";
    int sent = 0;
    storage_->set_hook([&] { return sent++ == 0 ? how : Lose::kNothing; });
    const auto done =
        commit_one(*storage_, put_change(path, "1", Change::kAbsent));
    EXPECT_TRUE(done) << done.error().message();
    EXPECT_EQ(sent, how == Lose::kRequest ? 2 : 1);
    EXPECT_EQ(value_at(*storage_, path), "1");
  }
}

// Others move the gate and write in between: it is found in the history.
TEST_F(Etcd, SettlesALostCommitThatOthersFollowed) {
  const auto other = server_.open(path_).value();
  int sent = 0;
  storage_->set_hook([&] {
    for (int i = 0; i < 3; ++i) must_put(*other, "theirs", "1");
    return sent++ == 0 ? Lose::kAnswer : Lose::kNothing;
  });
  std::thread busy([&] {
    for (int i = 0; i < 20; ++i) must_put(*other, "busy", "1");
  });
  ASSERT_TRUE(commit_one(*storage_, put_change("a", "1", Change::kAbsent)));
  busy.join();
  EXPECT_EQ(sent, 1);
  EXPECT_EQ(value_at(*storage_, "a"), "1");
}

TEST_F(Etcd, ASnapshotEndsWithItsHistory) {
  must_put(*storage_, "a", "1");
  const auto snapshot = storage_->snapshot().value();
  must_put(*storage_, "b", "1");
  EtcdClient client(server_.options(path_).client);
  ProtoWriter compact;
  compact.number(1, storage_->revision().value());
  ASSERT_TRUE(client.call("KV/Compact", compact.text()));
  EXPECT_EQ(snapshot->next().error().code(), ErrorCode::kConflict);
}

TEST_F(Etcd, AStoppedServerIsUnavailableAndComesBack) {
  TestEtcd server;
  auto options = server.options("/x");
  options.client.timeout = std::chrono::milliseconds(700);
  const auto storage = EtcdStorage::open(std::move(options)).value();
  must_put(*storage, "a", "1");
  server.pause();
  EXPECT_EQ(value_at(*storage, "a"), "unavailable");
  EXPECT_EQ(code_of(commit_one(*storage, put_change("b", "1"))),
            ErrorCode::kUnavailable);
  server.resume();
  EXPECT_EQ(value_at(*storage, "a"), "1");
  must_put(*storage, "c", "1");
  const auto feed = storage->watch(storage->revision().value());
  ASSERT_TRUE(feed->next(std::chrono::milliseconds(0)));
  server.kill();
  EXPECT_EQ(value_at(*storage, "a"), "unavailable");
  EXPECT_EQ(code_of(commit_one(*storage, put_change("b", "1"))),
            ErrorCode::kUnavailable);
  EXPECT_EQ(feed->next(std::chrono::milliseconds(0)).error().code(),
            ErrorCode::kUnavailable);
  server.start();
  EXPECT_EQ(value_at(*storage, "a"), "1");
  must_put(*storage, "d", "1");
  const auto batch = feed->next(std::chrono::seconds(5));
  ASSERT_TRUE(batch) << batch.error().message();
  EXPECT_EQ(batch->paths, Names{"d"});
}

TEST_F(Etcd, GoesToTheNextEndpoint) {
  TestEtcd second;
  auto options = second.options("/x");
  options.client.timeout = std::chrono::milliseconds(700);
  options.client.endpoints.insert(options.client.endpoints.begin(),
                                  "http://127.0.0.1:1");
  const auto storage = EtcdStorage::open(std::move(options)).value();
  for (int i = 0; i < 5; ++i) must_put(*storage, "a", "1");
  EXPECT_EQ(value_at(*storage, "a"), "1");
}

TEST_F(Etcd, AFullServerIsExhausted) {
  TestEtcd small({"--quota-backend-bytes=4194304"});
  const auto storage = small.open("/x").value();
  const std::string value(std::size_t{900} << 10, 'v');
  Result<void> done;
  for (int i = 0; done && i < 400; ++i) {
    done = commit_one(*storage, put_change("a", value));
  }
  EXPECT_EQ(code_of(done), ErrorCode::kExhausted);
  EXPECT_EQ(value_at(*storage, "a").size(), value.size());
}

TEST_F(Etcd, ReadsLargeAnswersWithoutAPause) {
  const std::string value(Storage::kValueBytesMax, 'v');
  for (int i = 0; i < 6; ++i) must_put(*storage_, std::to_string(i), value);
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(value_at(*storage_, std::to_string(i)), value);
  }
  EXPECT_EQ(rest_of(*storage_->snapshot().value()).size(), 6u);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(4));
}

TEST_F(Etcd, ReadsMoreThanAPage) {
  Names paths;
  for (int i = 10'000; i < 12'000; ++i) paths.push_back(std::to_string(i));
  for (std::size_t at = 0; at < paths.size(); at += 100) {
    std::vector<Change> changes;
    for (std::size_t i = at; i < at + 100; ++i) {
      changes.push_back(put_change(paths[i], "v"));
    }
    ASSERT_TRUE(storage_->commit(changes));
  }
  EXPECT_EQ(storage_->scan("").value(), paths);
  EXPECT_EQ(storage_->list("", "11000", 500).value().size(), 500u);
  EXPECT_EQ(rest_of(*storage_->snapshot().value()).size(), paths.size());
}

}  // namespace
}  // namespace bulla::storage
