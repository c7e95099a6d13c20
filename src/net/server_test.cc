#include "net/server.h"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <mutex>
#include <vector>

#include "net/test_server.h"

namespace bulla::net {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;
using namespace std::chrono_literals;

std::string get(const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n";
}

/// Detaches every exchange, and completes them when told to.
class Worker {
 public:
  void operator()(Exchange& exchange) {
    exchange.detach();
    const std::lock_guard lock(mutex_);
    held_.push_back(&exchange);
  }
  std::size_t held() {
    const std::lock_guard lock(mutex_);
    return held_.size();
  }
  void complete_all() {
    const std::lock_guard lock(mutex_);
    for (auto* exchange : held_) {
      exchange->response().body = "late " +
                                  std::string(exchange->request().target) +
                                  std::string(exchange->request().body);
      exchange->complete();
    }
    held_.clear();
  }

 private:
  std::mutex mutex_;
  std::vector<Exchange*> held_;
};

TEST(Server, DetachedExchangesAreAnsweredFromOtherThreads) {
  Worker worker;
  TestServer server(std::ref(worker));
  RawPeer peer(server.port());
  peer.send(get("/1") + get("/2"));
  ASSERT_TRUE(eventually([&] { return worker.held() == 1; }));
  // The one behind waits for the first.
  std::this_thread::sleep_for(20ms);
  EXPECT_EQ(worker.held(), 1U);
  worker.complete_all();
  EXPECT_THAT(peer.read_answer(), EndsWith("late /1"));
  ASSERT_TRUE(eventually([&] { return worker.held() == 1; }));
  worker.complete_all();
  EXPECT_THAT(peer.read_answer(), EndsWith("late /2"));
}

TEST(Server, DetachedExchangesOutliveTheirConnection) {
  Worker worker;
  TestServer server(std::ref(worker));
  const std::string body(50000, 'b');
  for (int i = 0; i < 20; ++i) {
    RawPeer peer(server.port());
    peer.send("PUT /gone HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n" +
              body + get("/behind"));
    ASSERT_TRUE(eventually([&] { return worker.held() >= 1; }));
    i % 2 == 0 ? peer.reset() : peer.close();
    std::this_thread::sleep_for(1ms);
    worker.complete_all();
  }
  RawPeer peer(server.port());
  peer.send(get("/alive"));
  ASSERT_TRUE(eventually([&] { return worker.held() >= 1; }));
  worker.complete_all();
  EXPECT_THAT(peer.read_answer(), EndsWith("late /alive"));
}

TEST(Server, CompletionsOfManyThreadsAllArrive) {
  TestServer server([](Exchange& exchange) {
    exchange.detach();
    std::thread([&exchange] {
      exchange.response().body.assign(exchange.request().target);
      exchange.complete();
    }).detach();
  });
  std::vector<std::unique_ptr<RawPeer>> peers;
  for (int i = 0; i < 16; ++i) {
    peers.push_back(std::make_unique<RawPeer>(server.port()));
  }
  for (int round = 0; round < 20; ++round) {
    for (auto& peer : peers) peer->send(get("/" + std::to_string(round)));
    for (auto& peer : peers) {
      ASSERT_THAT(peer->read_answer(), EndsWith("/" + std::to_string(round)));
    }
  }
}

TEST(Server, StopAnswersWhatIsInFlight) {
  Worker worker;
  TestServer server(std::ref(worker));
  RawPeer idle(server.port());
  RawPeer busy(server.port());
  busy.send(get("/busy"));
  ASSERT_TRUE(eventually([&] { return worker.held() == 1; }));
  const auto port = server.port();
  server.server().stop(10s);
  EXPECT_EQ(idle.read_all(), "");
  EXPECT_TRUE(idle.closed());
  EXPECT_FALSE(RawPeer(port).connected());
  worker.complete_all();
  const auto answer = busy.read_all();
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(answer, EndsWith("late /busy"));
  const auto begin = std::chrono::steady_clock::now();
  server.stop(10s);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
}

TEST(Server, StopCutsWhatTakesLongerThanTheGrace) {
  Worker worker;
  TestServer server(std::ref(worker));
  RawPeer busy(server.port());
  busy.send(get("/busy"));
  ASSERT_TRUE(eventually([&] { return worker.held() == 1; }));
  server.stop(50ms);
  EXPECT_EQ(busy.read_all(), "");
  EXPECT_TRUE(busy.closed());
  worker.complete_all();  // Must be harmless.
}

TEST(Server, StopBeforeRunIsNotLost) {
  auto server = Server::create({{"127.0.0.1:0", {}, {}}}, 2, [](unsigned) {
    return std::unique_ptr<LoopHandler>();
  });
  ASSERT_TRUE(server.has_value());
  (*server)->stop(0ms);
  (*server)->run();
}

TEST(Server, BadPeersDoNotStopTheListener) {
  TestServer server(&echo);
  for (int i = 0; i < 50; ++i) {
    RawPeer peer(server.port());
    peer.send(i % 2 == 0 ? "GET / HTTP/1.1\r\nHo" : get("/"));
    i % 3 == 0 ? peer.reset() : peer.close();
  }
  RawPeer peer(server.port());
  peer.send(get("/alive"));
  EXPECT_THAT(peer.read_answer(), EndsWith("GET /alive []"));
}

TEST(Server, ConnectionsOverTheLimitAreClosed) {
  ListenerOptions options;
  options.limits.connections = 2;
  TestServer server(&echo, options);
  const auto served = [&](RawPeer& peer) {
    peer.send(get("/"));
    return peer.read_answer().ends_with("GET / []");
  };
  auto first = std::make_unique<RawPeer>(server.port());
  RawPeer second(server.port());
  EXPECT_TRUE(served(*first));
  EXPECT_TRUE(served(second));
  RawPeer third(server.port());
  EXPECT_FALSE(served(third));
  first.reset();
  EXPECT_TRUE(eventually([&] {
    RawPeer next(server.port());
    return served(next);
  }));
}

TEST(Server, SurvivesRunningOutOfDescriptors) {
  TestServer server(&echo);
  RawPeer before(server.port());
  before.send(get("/"));
  EXPECT_THAT(before.read_answer(), EndsWith("[]"));
  rlimit old{};
  getrlimit(RLIMIT_NOFILE, &old);
  rlimit low = old;
  RawPeer waiting(server.port());
  std::this_thread::sleep_for(20ms);
  low.rlim_cur = static_cast<rlim_t>(::dup(0));
  ::close(static_cast<int>(low.rlim_cur));
  std::vector<std::unique_ptr<RawPeer>> peers;
  // One descriptor for the peer's end, none for the server's.
  ++low.rlim_cur;
  setrlimit(RLIMIT_NOFILE, &low);
  RawPeer refused(server.port());
  std::this_thread::sleep_for(150ms);
  before.send(get("/still"));
  EXPECT_THAT(before.read_answer(), EndsWith("GET /still []"));
  setrlimit(RLIMIT_NOFILE, &old);
  refused.send(get("/then"));
  EXPECT_THAT(refused.read_answer(), EndsWith("GET /then []"));
}

TEST(Server, LoopsShareAPortAndPostReachesEach) {
  TestServer server(&echo, {}, 3);
  std::atomic<unsigned> reached{0};
  for (unsigned i = 0; i < 3; ++i) {
    server.server().post(i, [&reached, i] { reached |= 1U << i; });
  }
  EXPECT_TRUE(eventually([&] { return reached == 7U; }));
  for (int i = 0; i < 30; ++i) {
    RawPeer peer(server.port());
    peer.send(get("/"));
    ASSERT_THAT(peer.read_answer(), EndsWith("GET / []"));
  }
}

TEST(Server, CreateNamesWhatItCannotBind) {
  TestServer server(&echo);
  const auto factory = [](unsigned) { return std::unique_ptr<LoopHandler>(); };
  for (const unsigned loops : {1U, 2U}) {
    auto taken = Server::create({{server.address(), {}, {}}}, loops, factory);
    ASSERT_FALSE(taken.has_value());
    EXPECT_EQ(taken.error().code(), ErrorCode::kUnavailable);
    EXPECT_THAT(taken.error().message(), HasSubstr(server.address()));
  }
  for (const std::string address :
       {"nowhere", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:99999"}) {
    auto bad = Server::create({{address, {}, {}}}, 1, factory);
    ASSERT_FALSE(bad.has_value());
    EXPECT_EQ(bad.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(bad.error().message(), HasSubstr(address));
  }
}

TEST(Server, ListensOnIpv6AndNormalisesMappedPeers) {
  ListenerOptions options;
  options.address = "[::]:0";
  const auto probe = Server::create(
      {options}, 1, [](unsigned) { return std::unique_ptr<LoopHandler>(); });
  if (!probe) GTEST_SKIP() << "no IPv6 here";
  TestServer server(
      [](Exchange& exchange) {
        exchange.response().body = exchange.request().peer->address;
      },
      options);
  EXPECT_THAT(server.address(), StartsWith("[::]:"));
  RawPeer peer(server.port());
  peer.send(get("/"));
  EXPECT_THAT(peer.read_answer(), EndsWith("\r\n\r\n127.0.0.1"));
}

}  // namespace
}  // namespace bulla::net
