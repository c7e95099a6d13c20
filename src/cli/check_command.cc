#include <array>

#include "cli/dek_argument.h"
#include "cli/invocation.h"
#include "cli/progress.h"
#include "cli/store_flag.h"
#include "cli/table.h"

namespace bulla::cli {
namespace {

struct Findings {
  std::int64_t records = 0;
  std::int64_t bodies = 0;
  std::int64_t uses = 0;
  std::vector<std::string> problems;
};

Value json_of(const Findings& findings) {
  Value out = Value::object();
  out.set("bodies", Value::number(findings.bodies));
  out.set("problems", Value::strings(findings.problems));
  out.set("records", Value::number(findings.records));
  out.set("uses", Value::number(findings.uses));
  return out;
}

std::string counted(std::int64_t count, std::string_view one,
                    std::string_view many) {
  return std::to_string(count) + " " + std::string(count == 1 ? one : many);
}

std::string looked_at(const Findings& findings) {
  return counted(findings.records, "record", "records") + ", " +
         counted(findings.bodies, "body", "bodies") + " and " +
         counted(findings.uses, "entry", "entries") + " of their index";
}

// As many records as the server has for the bar; 0 where it does not say.
std::size_t expected_entries(Invocation& call) {
  if (!call.host().console.err_is_terminal() ||
      !call.flags().list("config").empty()) {
    return 0;
  }
  const auto answer = call.api().list("sys/encryption-keys");
  if (!answer) return 0;
  const Value* const infos = data_of(answer->json).find("key_info");
  std::int64_t uses = 0;
  if (infos != nullptr) {
    for (const Value& info : infos->items) uses += info.integer_of("usage");
  }
  return static_cast<std::size_t>(uses);
}

ApiResult<Findings> walk(Invocation& call) {
  Console& console = call.host().console;
  std::optional<Progress> bar;
  if (console.err_is_terminal()) bar.emplace(console, expected_entries(call));
  Findings all;
  std::string cursor;
  do {
    Value body = Value::object();
    if (!cursor.empty()) body.set("cursor", Value::string(cursor));
    auto answer = call.api().put("sys/encryption-keys/check", std::move(body));
    if (!answer) return tl::unexpected(std::move(answer).error());
    const Value& data = data_of(answer->json);
    all.records += data.integer_of("records");
    all.bodies += data.integer_of("bodies");
    all.uses += data.integer_of("uses");
    if (const Value* const some = data.find("problems")) {
      for (auto& problem : some->as_strings()) {
        all.problems.push_back(std::move(problem));
      }
    }
    cursor = data.text_of("cursor");
    if (bar) bar->reach(static_cast<std::size_t>(all.records), "records");
  } while (!cursor.empty());
  return all;
}

int check(Invocation& call) {
  if (auto chosen = choose_api(call); !chosen) {
    return refuse_store(call, chosen.error());
  }
  const auto found = walk(call);
  if (!found) return call.fail("Error checking the store", found.error());
  const auto& problems = found->problems;
  if (problems.empty()) {
    return call.show(json_of(*found),
                     "Success! " + looked_at(*found) + " agree.");
  }
  std::string lines;
  for (const std::string& problem : problems) {
    if (!lines.empty()) lines += '\n';
    lines += visible(problem);
  }
  if (const int shown = call.show(json_of(*found), lines); shown != 0) {
    return shown;
  }
  call.refuse("Error: of " + looked_at(*found) + ", " +
                  counted(static_cast<std::int64_t>(problems.size()),
                          "does not agree", "do not agree"),
              "keep a snapshot of what is there (`bulla operator snapshot "
              "save`), and write those records anew from their source");
  return 2;
}

constexpr std::array<FlagRow, 1> kFlags = {{kStoreFlag}};
constexpr std::array<Example, 2> kExamples = {{
    {"Check beside the day's work", "bulla operator check"},
    {"Check the store of a stopped server",
     "bulla operator check -config=bulla.hcl"},
}};
constexpr std::array<Command, 1> kCommands = {{
    {"operator check", "Check that records, DEKs and their index agree", "",
     "Walks every record of every key-value mount, opens each version, and "
     "compares them with the index of which DEK seals what and with the "
     "DEKs. Prints each disagreement with its path. Nothing is changed, and "
     "the server goes on meanwhile.\n\n"
     "The exit code is 0 when all agrees and 2 when something does not.",
     CommandKind::kRemote, 0, 0, check, kFlags, kExamples},
}};

}  // namespace

std::span<const Command> check_commands() { return kCommands; }

}  // namespace bulla::cli
