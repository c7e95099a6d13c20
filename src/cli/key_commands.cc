#include <fmt/format.h>

#include <array>
#include <chrono>

#include "base/time_format.h"
#include "cli/invocation.h"
#include "cli/table.h"

namespace bulla::cli {
namespace {

// "02 Jan 06 15:04 UTC", as Vault prints it here.
std::string short_time(const std::string& rfc3339) {
  constexpr std::array<std::string_view, 12> kMonths = {
      "Jan", "Feb", "Mar", "Apr", "May", "Jun",
      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto time = parse_rfc3339(rfc3339);
  if (!time) return rfc3339;
  const auto day = std::chrono::floor<std::chrono::days>(*time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(
      std::chrono::floor<std::chrono::minutes>(*time - day));
  return fmt::format("{:02} {} {:02} {:02}:{:02} UTC",
                     static_cast<unsigned>(date.day()),
                     kMonths[static_cast<unsigned>(date.month()) - 1],
                     static_cast<int>(date.year()) % 100, clock.hours().count(),
                     clock.minutes().count());
}

int show_key_status(Invocation& call, std::string_view before) {
  const auto answer = call.api().get("sys/key-status");
  if (!answer) return call.fail("Error reading key status", answer.error());
  const Value* const data = answer->json.find("data");
  const Value& status = data == nullptr ? answer->json : *data;
  const std::vector<TableRow> rows = {
      {"Key Term", std::to_string(status.integer_of("term"))},
      {"Install Time", short_time(status.text_of("install_time"))},
      {"Encryption Count", std::to_string(status.integer_of("encryptions"))}};
  return call.show(status, std::string(before) + format_columns(rows));
}

int key_status(Invocation& call) { return show_key_status(call, ""); }

int rotate(Invocation& call) {
  const auto answer = call.api().put("sys/rotate");
  if (!answer) return call.fail("Error rotating key", answer.error());
  return show_key_status(call, "Success! Rotated key\n\n");
}

int rotate_config(Invocation& call) {
  const Flags& flags = call.flags();
  Value body = Value::object();
  if (flags.given("enabled")) {
    body.set("enabled", Value::boolean(flags.on("enabled")));
  }
  if (flags.given("max-operations")) {
    body.set("max_operations", Value::number(flags.integer("max-operations")));
  }
  if (flags.given("interval")) {
    body.set("interval", Value::string(flags.text("interval")));
  }
  if (!body.items.empty()) {
    const auto set = call.api().put("sys/rotate/config", std::move(body));
    if (!set) return call.fail("Error configuring rotation", set.error());
  }
  const auto answer = call.api().get("sys/rotate/config");
  if (!answer) {
    return call.fail("Error reading the rotation's configuration",
                     answer.error());
  }
  return call.show_secret(answer->json);
}

constexpr std::array<FlagRow, 3> kRotateConfigFlags = {{
    {"enabled", "", FlagKind::kSwitch, "",
     "Whether the key is rotated without being asked; =false ends that."},
    {"max-operations", "", FlagKind::kInteger, "N",
     "Encryptions after which it is, 1000000 to 3865470566."},
    {"interval", "", FlagKind::kDuration, "TIME",
     "Age at which it is, 24h or more; 0 for none."},
}};
constexpr std::array<Example, 2> kRotateConfigExamples = {{
    {"Show when the key is rotated", "bulla operator rotate-config"},
    {"Rotate it every thirty days",
     "bulla operator rotate-config -interval=720h"},
}};

constexpr std::array<Command, 3> kCommands = {{
    {"operator rotate", "Rotate the key that encrypts the storage", "",
     "Makes a new key for the storage. What is written from now on is "
     "encrypted with it; what is there stays readable with the keys before. "
     "Unseal keys do not change.",
     CommandKind::kRemote, 0, 0, rotate},
    {"operator rotate-config",
     "Say when the key of the storage rotates by itself", "",
     "Shows, and with flags changes, when the key that encrypts the storage is "
     "followed by another without anybody asking: by encryptions, which no "
     "key may make without end, and by age.",
     CommandKind::kRemote, 0, 0, rotate_config, kRotateConfigFlags,
     kRotateConfigExamples},
    {"operator key-status", "Show the key that encrypts the storage", "",
     "Shows the term of the key that encrypts the storage, since when it is in "
     "use, and how often it was used.",
     CommandKind::kRemote, 0, 0, key_status},
}};

}  // namespace

std::span<const Command> key_commands() { return kCommands; }

}  // namespace bulla::cli
