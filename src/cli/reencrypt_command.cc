#include <array>
#include <chrono>
#include <cstdlib>

#include "cli/dek_argument.h"
#include "cli/invocation.h"
#include "cli/progress.h"
#include "cli/store_flag.h"
#include "cli/table.h"

namespace bulla::cli {
namespace {

std::string records_text(std::int64_t count) {
  return std::to_string(count) + (count == 1 ? " record" : " records");
}

constexpr std::chrono::milliseconds kLookEvery{500};
// Lines in a log are fewer than looks.
constexpr int kLooksALine = 10;

Value order_of(const Flags& flags) {
  Value body = Value::object();
  if (flags.given("scope")) {
    body.set("scope", Value::string(flags.text("scope")));
  }
  for (const char* const name : {"limit", "rate"}) {
    if (flags.given(name)) body.set(name, Value::number(flags.integer(name)));
  }
  if (flags.on("dry-run")) body.set("dry_run", Value::boolean(true));
  return body;
}

std::string progress_text(const Value& job) {
  const std::string error = job.text_of("error");
  if (!error.empty()) return "waits: " + error;
  const Value* const speed = job.find("records_per_second");
  const double rate =
      speed == nullptr ? 0 : std::strtod(speed->text.c_str(), nullptr);
  return std::to_string(static_cast<std::int64_t>(rate)) + "/s, " +
         std::to_string(job.integer_of("eta_seconds")) + "s left";
}

bool is_running(const Value& job) { return job.text_of("state") == "running"; }

// Until the job runs no more; what it is then.
ApiResult<Value> watch(Invocation& call, Value job) {
  Console& console = call.host().console;
  Progress progress(console, static_cast<std::size_t>(job.integer_of("total")));
  std::string before;
  for (int looks = 0; is_running(job); ++looks) {
    call.host().sleep(kLookEvery);
    auto answer = call.api().get("sys/jobs/" + job.text_of("id"));
    if (!answer) return tl::unexpected(std::move(answer).error());
    job = data_of(answer->json);
    const bool told = job.text_of("error") != before;
    before = job.text_of("error");
    if (!is_running(job)) break;
    if (!console.err_is_terminal() && !told && looks % kLooksALine != 0) {
      continue;
    }
    progress.reach(static_cast<std::size_t>(job.integer_of("reencrypted")),
                   progress_text(job));
  }
  return job;
}

int ended(Invocation& call, const Value& job) {
  const std::string state = job.text_of("state");
  const std::string records = records_text(job.integer_of("reencrypted"));
  if (state == "complete") {
    return call.show(job, "Success! Re-encrypted " + records + ".");
  }
  const std::string id = job.text_of("id");
  std::string text = "Job " + visible(id) + " is " + visible(state);
  if (!job.text_of("error").empty())
    text += ": " + visible(job.text_of("error"));
  call.refuse(text + ". It re-encrypted " + records + ".",
              state == "paused"
                  ? "`bulla write -f sys/jobs/" + id + "/resume`, or cancel it"
                  : "run `bulla reencrypt` again when that is mended");
  return 2;
}

int reencrypt(Invocation& call) {
  if (auto chosen = choose_api(call); !chosen) {
    return refuse_store(call, chosen.error());
  }
  const auto answer =
      call.api().put("sys/encryption-keys/reencrypt", order_of(call.flags()));
  if (!answer) return call.fail("Error re-encrypting", answer.error());
  const Value& data = data_of(answer->json);
  if (call.flags().on("dry-run")) {
    return call.show(data, records_text(data.integer_of("total")) +
                               " would be re-encrypted.");
  }
  const auto job = watch(call, data);
  if (!job) {
    call.warn("The job goes on without this command: `bulla read sys/jobs/" +
              data.text_of("id") + "`");
    return call.fail("Error looking at the job", job.error());
  }
  return ended(call, *job);
}

constexpr std::array<FlagRow, 5> kFlags = {{
    kStoreFlag,
    {"scope", "", FlagKind::kText, "SCOPE",
     "Only records of this scope; of all if nothing is said."},
    {"limit", "", FlagKind::kInteger, "N",
     "At most so many records; all if nothing is said."},
    {"rate", "", FlagKind::kInteger, "N",
     "At most so many records a second; any number if nothing is said."},
    {"dry-run", "", FlagKind::kSwitch, "",
     "Only count the records, and change nothing."},
}};
constexpr std::array<Example, 2> kExamples = {{
    {"Move every record to the active DEKs", "bulla reencrypt"},
    {"Do it beside a busy day's work", "bulla reencrypt -rate=500"},
}};
constexpr std::array<Command, 1> kCommands = {{
    {"reencrypt", "Move records to the active DEKs", "",
     "Seals the records of deprecated DEKs anew under the active DEK of their "
     "scope, and shows how far that is. The server does it: when this command "
     "ends early the job goes on, also after a restart, and running the "
     "command again shows the same job. Records keep their versions and "
     "times, and whoever writes one meanwhile wins.\n\n"
     "With -config this command does it to the store of a stopped server that "
     "a configured seal opens; what is left when it ends early goes on when "
     "the server starts.",
     CommandKind::kRemote, 0, 0, reencrypt, kFlags, kExamples},
}};

}  // namespace

std::span<const Command> reencrypt_commands() { return kCommands; }

}  // namespace bulla::cli
