// The commands over a real connection: what arrives at a server is what was
// meant.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <mutex>
#include <thread>

#include "cli/fake_host.h"
#include "net/client.h"
#include "net/server.h"

namespace bulla::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Seen {
  std::mutex mutex;
  std::vector<std::string> lines;

  void add(std::string line) {
    const std::scoped_lock lock(mutex);
    lines.push_back(std::move(line));
  }
  std::vector<std::string> take() {
    const std::scoped_lock lock(mutex);
    return std::exchange(lines, {});
  }
};

class Handler : public net::LoopHandler {
 public:
  explicit Handler(Seen& seen) : seen_(seen) {}

  void handle(net::Exchange& exchange) override {
    const auto& request = exchange.request();
    std::string line(request.method_text);
    line.append(" ").append(request.target);
    line.append(" token=").append(request.header("x-vault-token"));
    line.append(" ").append(request.body);
    seen_.add(line);
    exchange.response().status = 200;
    exchange.response().body =
        request.target.find("denied") == std::string_view::npos
            ? R"({"request_id":"r","data":{"keys":["a"],"id":"x"}})"
            : R"({"errors":["permission denied"]})";
    if (request.target.find("denied") != std::string_view::npos) {
      exchange.response().status = 403;
    }
  }
  bool before_send() override { return true; }

 private:
  Seen& seen_;
};

class Wire : public testing::Test {
 protected:
  void SetUp() override {
    net::ListenerOptions options;
    options.address = "127.0.0.1:0";
    auto server = net::Server::create({options}, 1, [this](unsigned) {
      return std::make_unique<Handler>(seen_);
    });
    ASSERT_TRUE(server.has_value()) << server.error().message();
    server_ = *std::move(server);
    thread_ = std::thread([this] { server_->run(); });
    fake_.variables["BULLA_ADDR"] = "http://" + server_->addresses().front();
  }
  void TearDown() override {
    server_->stop(std::chrono::milliseconds(100));
    thread_.join();
  }

  int run(const std::vector<std::string>& arguments) {
    Host host{.console = fake_.console,
              .environment =
                  [this](const std::string& name) {
                    const auto found = fake_.variables.find(name);
                    return found == fake_.variables.end()
                               ? std::nullopt
                               : std::optional<std::string>(found->second);
                  },
              .send =
                  [this](const net::ClientRequest& request) {
                    return client_.send(request);
                  },
              .sleep = [](std::chrono::milliseconds) {},
              .server = {}};
    return cli::run(host, arguments);
  }

  Seen seen_;
  FakeHost fake_;
  net::HttpClient client_;
  std::unique_ptr<net::Server> server_;
  std::thread thread_;
};

TEST_F(Wire, AStoryOfCommands) {
  EXPECT_EQ(run({"login", "hvs.token-for-the-story"}), 0);
  EXPECT_EQ(run({"write", "a/ü b", "k=v"}), 0);
  EXPECT_EQ(run({"list", "a"}), 0);
  EXPECT_EQ(run({"read", "a", "q=1&2"}), 0);
  EXPECT_EQ(run({"delete", "a"}), 0);
  EXPECT_EQ(run({"operator", "unseal", "-reset"}), 0);
  const std::string token = " token=hvs.token-for-the-story ";
  EXPECT_THAT(seen_.take(),
              ElementsAre("GET /v1/auth/token/lookup-self" + token,
                          "PUT /v1/a/%C3%BC%20b" + token + R"({"k":"v"})",
                          "GET /v1/a/?list=true" + token,
                          "GET /v1/a?q=1%262" + token, "DELETE /v1/a" + token,
                          R"(PUT /v1/sys/unseal token= {"reset":true})"));
}

TEST_F(Wire, RefusalsAndDeadServersExitWithTwo) {
  EXPECT_EQ(run({"read", "denied"}), 2);
  EXPECT_THAT(fake_.console.complained,
              HasSubstr("Code: 403. Errors:\n\n* permission denied"));
  fake_.variables["BULLA_ADDR"] = "http://127.0.0.1:1";
  EXPECT_EQ(run({"read", "a"}), 2);
  EXPECT_THAT(fake_.console.complained, HasSubstr("`bulla server -dev`"));
}

TEST_F(Wire, TlsToAPlainServerSaysSo) {
  fake_.variables["BULLA_ADDR"] = "https://" + server_->addresses().front();
  EXPECT_EQ(run({"read", "a"}), 2);
  EXPECT_THAT(fake_.console.complained,
              HasSubstr("export BULLA_ADDR=http://127.0.0.1:"))
      << fake_.console.complained;
}

}  // namespace
}  // namespace bulla::cli
