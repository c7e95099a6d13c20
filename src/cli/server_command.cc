#include <array>

#include "cli/invocation.h"

namespace bulla::cli {
namespace {

int server(Invocation& call) {
  const Flags& flags = call.flags();
  ServerFlags out;
  out.config = flags.list("config");
  out.dev_root_token_id = flags.text("dev-root-token-id");
  out.dev_listen_address =
      flags.text("dev-listen-address", out.dev_listen_address);
  out.dev_data = flags.text("dev-data");
  out.log_level = flags.text("log-level");
  out.log_format = flags.text("log-format");
  out.log_file = flags.text("log-file");
  out.dev_no_store_token = flags.on("dev-no-store-token");
  out.dev = flags.on("dev");
  if (!out.dev && out.config.empty()) {
    return call.misuse(
        "give a configuration with -config=FILE, or try the server with -dev");
  }
  return call.host().server(out);
}

constexpr std::array<FlagRow, 9> kFlags = {{
    {"config", "", FlagKind::kList, "PATH",
     "Configuration file in HCL or JSON, or a directory of them. May be given "
     "several times."},
    {"dev", "", FlagKind::kSwitch, "",
     "Run a server to try things out: initialized, unsealed, in memory, "
     "without TLS. Never for production."},
    {"dev-root-token-id", "", FlagKind::kText, "TOKEN",
     "The root token of -dev; a random one if nothing is said.",
     "DEV_ROOT_TOKEN_ID"},
    {"dev-listen-address", "", FlagKind::kText, "ADDRESS",
     "Where -dev listens; 127.0.0.1:8200 if nothing is said.",
     "DEV_LISTEN_ADDRESS"},
    {"dev-no-store-token", "", FlagKind::kSwitch, "",
     "Do not leave the root token of -dev in ~/.vault-token."},
    {"dev-data", "", FlagKind::kText, "DIR",
     "Have -dev keep its data in a directory, not in memory."},
    {"log-level", "", FlagKind::kText, "LEVEL",
     "What to log: trace, debug, info, warn or error.", "LOG_LEVEL"},
    {"log-format", "", FlagKind::kText, "FORMAT",
     "How to log: standard or json.", "LOG_FORMAT"},
    {"log-file", "", FlagKind::kText, "FILE",
     "Where to log instead of standard error.", "LOG_FILE"},
}};
constexpr std::array<Example, 2> kExamples = {{
    {"Try it out", "bulla server -dev"},
    {"Run a server", "bulla server -config=/etc/bulla/bulla.hcl"},
}};
constexpr std::array<Command, 1> kCommands = {{
    {"server", "Run the server", "",
     "Runs the server until it is told to stop (SIGTERM, SIGINT). It starts "
     "sealed unless its seal opens by itself: see `bulla operator init` and "
     "`bulla operator unseal`. SIGHUP makes it read its certificates again and "
     "reopen its audit files.",
     CommandKind::kLocal, 0, 0, server, kFlags, kExamples},
}};

}  // namespace

std::span<const Command> server_commands() { return kCommands; }

}  // namespace bulla::cli
