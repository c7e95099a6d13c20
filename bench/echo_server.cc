// A net::Server that answers every request with one fixed body: what the
// network layer costs by itself. Arguments: PORT LOOPS BODY_BYTES [CERT KEY].
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "net/server.h"

namespace {

using namespace bulla;

class Echo final : public net::LoopHandler {
 public:
  explicit Echo(std::size_t bytes) : body_(bytes, 'x') {}
  void handle(net::Exchange& exchange) override {
    exchange.response().body.assign(body_);
  }
  bool before_send() override { return true; }

 private:
  const std::string body_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4 && argc != 6) {
    std::fprintf(stderr, "usage: %s PORT LOOPS BODY_BYTES [CERT KEY]\n",
                 argv[0]);
    return 2;
  }
  // Taken by sigwait below; the loops' threads inherit the block.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  net::ListenerOptions options;
  options.address = std::string("127.0.0.1:") + argv[1];
  if (argc == 6) {
    options.tls.emplace();
    options.tls->cert_file = argv[4];
    options.tls->key_file = argv[5];
  }
  const auto bytes = std::strtoul(argv[3], nullptr, 10);
  auto server = net::Server::create(
      {options}, static_cast<unsigned>(std::atoi(argv[2])),
      [bytes](unsigned) { return std::make_unique<Echo>(bytes); });
  if (!server) {
    std::fprintf(stderr, "%s\n", server.error().message().c_str());
    return 1;
  }
  std::thread runner([&server] { (*server)->run(); });
  std::printf("%s\n", (*server)->addresses().front().c_str());
  std::fflush(stdout);
  int signal = 0;
  sigwait(&signals, &signal);
  (*server)->stop(std::chrono::seconds(1));
  runner.join();
  return 0;
}
