#include "cli/cli.h"

#include <cstdlib>
#include <thread>

#include "cli/invocation.h"

namespace bulla::cli {

int run_cli(int argc, char** argv, const Local& local) {
  ProcessConsole console;
  net::HttpClient client;
  Host host{
      .console = console,
      .environment = [](const std::string& name) -> std::optional<std::string> {
        const char* const value = std::getenv(name.c_str());
        if (value == nullptr) return std::nullopt;
        return value;
      },
      .send =
          [&client](const net::ClientRequest& request) {
            return client.send(request);
          },
      .sleep =
          [](std::chrono::milliseconds time) {
            std::this_thread::sleep_for(time);
          },
      .server = local.server,
      .store = local.store,
      .snapshots = local.snapshots,
      .migrate = local.migrate};
  return run(host,
             std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc));
}

}  // namespace bulla::cli
