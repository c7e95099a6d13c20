#include <array>

#include "cli/invocation.h"
#include "cli/pgp_files.h"
#include "cli/share_input.h"
#include "cli/table.h"

namespace bulla::cli {
namespace {

constexpr std::int64_t kShares = 5;
constexpr std::int64_t kThreshold = 3;

bool for_recovery(const Invocation& call) {
  const std::string target = call.flags().text("target", "barrier");
  return target == "recovery" || target == "recovery-key";
}

std::string api(const Invocation& call, std::string_view rest) {
  return (for_recovery(call) ? "sys/rekey-recovery-key/" : "sys/rekey/") +
         std::string(rest);
}

std::string backup_api(const Invocation& call) {
  return for_recovery(call) ? "sys/rekey/recovery-key-backup"
                            : "sys/rekey/backup";
}

bool verifies(const Invocation& call) {
  return call.flags().on("verify") || call.flags().on("verify-all");
}

std::string yes_no(bool value) { return value ? "true" : "false"; }

std::string progress_of(const Value& status, std::string_view of) {
  return std::to_string(status.integer_of("progress")) + "/" +
         std::to_string(status.integer_of(of));
}

void add_fingerprints(const Value& status, std::vector<TableRow>& rows) {
  const Value* const found = status.find("pgp_fingerprints");
  if (found == nullptr) return;
  for (const auto& fingerprint : found->as_strings()) {
    rows.push_back({"PGP Fingerprint", visible(fingerprint)});
  }
}

std::string status_text(const Value& status) {
  std::vector<TableRow> rows = {{"Key", "Value"},
                                {"Nonce", visible(status.text_of("nonce"))},
                                {"Started", yes_no(status.flag_of("started"))}};
  if (!status.flag_of("started")) {
    rows.push_back(
        {"Required Keys", std::to_string(status.integer_of("required"))});
    return format_table(rows);
  }
  rows.push_back({"Rekey Progress", progress_of(status, "required")});
  rows.push_back({"New Shares", std::to_string(status.integer_of("n"))});
  rows.push_back({"New Threshold", std::to_string(status.integer_of("t"))});
  rows.push_back({"Verification Required",
                  yes_no(status.flag_of("verification_required"))});
  const std::string nonce = status.text_of("verification_nonce");
  if (!nonce.empty()) rows.push_back({"Verification Nonce", visible(nonce)});
  add_fingerprints(status, rows);
  rows.push_back({"Backup", yes_no(status.flag_of("backup"))});
  return format_table(rows);
}

std::string verify_text(const Value& status) {
  const std::vector<TableRow> rows = {
      {"Key", "Value"},
      {"Verification Nonce", visible(status.text_of("nonce"))},
      {"Started", yes_no(status.flag_of("started"))},
      {"New Shares", std::to_string(status.integer_of("n"))},
      {"Verification Progress", progress_of(status, "t")}};
  return format_table(rows);
}

int show_status(Invocation& call, const Value& status) {
  return call.show(status,
                   verifies(call) ? verify_text(status) : status_text(status));
}

int status(Invocation& call) {
  const auto answer =
      call.api().get(api(call, verifies(call) ? "verify" : "init"));
  if (!answer) return call.fail("Error reading rekey status", answer.error());
  return show_status(call, answer->json);
}

// A seal that opens by itself has no shares of its root key.
std::int64_t default_number(Invocation& call, std::int64_t usual) {
  if (for_recovery(call) || call.settings().output_curl_string) return usual;
  const auto seal = call.api().get("sys/seal-status");
  return seal && seal->json.flag_of("recovery_seal") ? 1 : usual;
}

int init(Invocation& call) {
  const Flags& flags = call.flags();
  const auto keys = read_pgp_keys(flags.list("pgp-keys"));
  if (!keys) {
    return call.refuse("Error reading PGP keys: " + keys.error().message(),
                       "`gpg --export ID > FILE` writes a key to a file");
  }
  const bool told = flags.given("key-shares") && flags.given("key-threshold");
  const bool single = !told && default_number(call, kShares) == 1;
  Value body = Value::object();
  body.set("secret_shares",
           Value::number(flags.integer("key-shares", single ? 1 : kShares)));
  body.set("secret_threshold", Value::number(flags.integer(
                                   "key-threshold", single ? 1 : kThreshold)));
  if (!keys->empty()) body.set("pgp_keys", Value::strings(*keys));
  body.set("backup", Value::boolean(flags.on("backup")));
  body.set("require_verification", Value::boolean(verifies(call)));
  if (flags.on("verify-all")) body.set("verify_all", Value::boolean(true));
  const auto answer = call.api().put(api(call, "init"), std::move(body));
  if (!answer) return call.fail("Error initializing rekey", answer.error());
  return call.show(
      answer->json,
      status_text(answer->json) +
          "\n\nTell each holder of a present key share the nonce. Next, by "
          "each: `bulla operator rekey" +
          (for_recovery(call) ? " -target=recovery" : "") + "`");
}

int cancel(Invocation& call) {
  Value body = Value::object();
  std::string nonce = call.flags().text("nonce");
  if (nonce.empty() && !verifies(call) && !call.settings().output_curl_string) {
    const auto now = call.api().get(api(call, "init"));
    if (now) nonce = now->json.text_of("nonce");
  }
  if (!nonce.empty()) body.set("nonce", Value::string(nonce));
  const auto answer =
      call.api().call({.method = "DELETE",
                       .path = api(call, verifies(call) ? "verify" : "init"),
                       .body = nonce.empty() ? Value() : std::move(body)});
  if (!answer) return call.fail("Error canceling rekey", answer.error());
  return call.done(verifies(call)
                       ? "Success! The verification begins anew (if there was "
                         "one)."
                       : "Success! Canceled rekeying (if it was started)");
}

int backup_retrieve(Invocation& call) {
  const auto answer = call.api().get(backup_api(call));
  if (!answer) return call.fail("Error retrieving backup", answer.error());
  return call.show_secret(answer->json);
}

int backup_delete(Invocation& call) {
  const auto answer = call.api().remove(backup_api(call));
  if (!answer) return call.fail("Error deleting backup", answer.error());
  return call.done("Success! Delete backup (if it existed)");
}

std::string keys_text(const Value& result) {
  std::string text;
  const Value* const keys = result.find("keys_base64");
  const Value* const prints = result.find("pgp_fingerprints");
  const auto fingerprints =
      prints == nullptr ? std::vector<std::string>{} : prints->as_strings();
  const auto shares =
      keys == nullptr ? std::vector<std::string>{} : keys->as_strings();
  for (std::size_t i = 0; i < shares.size(); ++i) {
    text += "Key " + std::to_string(i + 1);
    if (i < fingerprints.size()) {
      text += " fingerprint: " + visible(fingerprints[i]) + "; value";
    }
    text += ": " + visible(shares[i]) + "\n";
  }
  return text + (shares.empty() ? "" : "\n") +
         "Operation nonce: " + visible(result.text_of("nonce")) + "\n\n";
}

std::string result_text(const Invocation& call, const Value& result) {
  std::string text = keys_text(result);
  const std::string target = for_recovery(call) ? " -target=recovery" : "";
  if (result.flag_of("verification_required")) {
    return text +
           "Nothing has changed yet: the new key shares count once they were "
           "given back. Verification nonce: " +
           visible(result.text_of("verification_nonce")) +
           "\n\nNext, by each new holder: `bulla operator rekey" + target +
           (result.flag_of("verify_all") ? " -verify-all`" : " -verify`");
  }
  text += for_recovery(call) || !result.find("keys")->items.empty()
              ? "The new key shares count from now on, and the ones before are "
                "useless. They are\nshown this once: give each to another "
                "person, now."
              : "Success! The root key was replaced; the seal opens as before.";
  if (result.flag_of("backup")) {
    text +=
        "\n\nThe server keeps the encrypted shares: `bulla operator rekey "
        "-backup-retrieve`";
  }
  return text;
}

ApiResult<ApiAnswer> give(Invocation& call, const SecretBytes& share,
                          const std::string& nonce) {
  Value body = Value::object();
  body.set("key", Value::string(as_text(share.expose())));
  body.set("nonce", Value::string(nonce));
  return call.api().put(api(call, verifies(call) ? "verify" : "update"),
                        std::move(body));
}

int show_progress(Invocation& call, const Value& answer) {
  if (!answer.flag_of("complete")) return show_status(call, answer);
  if (!verifies(call)) return call.show(answer, result_text(call, answer));
  return call.show(answer,
                   "Success! The new key shares are proved and count from now "
                   "on; the ones before are\nuseless.");
}

int refuse_share(Invocation& call, const Error& error) {
  return call.refuse(
      "Error reading the key share: " + error.message(),
      "run the command in a terminal, or give the share on standard input with "
      "-nonce=NONCE and -");
}

// With -verify-all one run may prove every share: typed one after the other, or
// one a line.
bool goes_on(const Invocation& call, const Value& answer) {
  return call.flags().on("verify-all") && call.arguments().empty() &&
         !answer.flag_of("complete");
}

int provide(Invocation& call) {
  const auto now =
      call.api().get(api(call, verifies(call) ? "verify" : "init"));
  if (!now) return call.fail("Error getting rekey status", now.error());
  if (!now->json.flag_of("started")) {
    return call.refuse("No rekey is in progress",
                       "begin one with `bulla operator rekey -init`");
  }
  const std::string nonce_now = now->json.text_of("nonce");
  for (;;) {
    const auto input =
        share_input(call, "Key Share (will be hidden): ", nonce_now);
    if (!input) return refuse_share(call, input.error());
    Value last;
    for (const SecretBytes& share : input->shares) {
      const auto answer = give(call, share, input->nonce);
      if (!answer) return call.fail("Error posting key", answer.error());
      last = answer->json;
      if (last.flag_of("complete")) break;
    }
    if (!goes_on(call, last)) return show_progress(call, last);
    call.warn("Proved: " + progress_of(last, "t") + "\n");
  }
}

int rekey(Invocation& call) {
  const std::string target = call.flags().text("target", "barrier");
  if (target != "barrier" && !for_recovery(call)) {
    return call.misuse("-target must be barrier or recovery");
  }
  const Flags& flags = call.flags();
  if (flags.on("backup-retrieve")) return backup_retrieve(call);
  if (flags.on("backup-delete")) return backup_delete(call);
  if (flags.on("init")) return init(call);
  if (flags.on("cancel")) return cancel(call);
  if (flags.on("status")) return status(call);
  return provide(call);
}

constexpr std::array<FlagRow, 13> kFlags = {{
    {"init", "", FlagKind::kSwitch, "",
     "Begin a rekey; one at a time of each target."},
    {"status", "", FlagKind::kSwitch, "", "Show how far it is."},
    {"cancel", "", FlagKind::kSwitch, "",
     "Drop it; with -verify, begin the verification anew."},
    {"target", "", FlagKind::kText, "KEY",
     "barrier (the root key and its unseal shares) or recovery (the recovery "
     "key); barrier if nothing is said."},
    {"key-shares", "n", FlagKind::kInteger, "N",
     "New key shares; 5 if nothing is said."},
    {"key-threshold", "t", FlagKind::kInteger, "N",
     "New shares that are needed together; 3 if nothing is said."},
    {"nonce", "", FlagKind::kText, "NONCE",
     "The operation's nonce, as whoever began it was told."},
    {"pgp-keys", "", FlagKind::kList, "FILES",
     "Files with OpenPGP public keys, separated by commas, one for each new "
     "share, which is encrypted to it."},
    {"backup", "", FlagKind::kSwitch, "",
     "Let the server keep the encrypted new shares."},
    {"backup-retrieve", "", FlagKind::kSwitch, "",
     "Show the encrypted shares that the server keeps."},
    {"backup-delete", "", FlagKind::kSwitch, "", "Delete them."},
    {"verify", "", FlagKind::kSwitch, "",
     "With -init: the new shares count only when enough of them were given "
     "back. Alone: give one back."},
    {"verify-all", "", FlagKind::kSwitch, "",
     "The same with every new share: not one of them is in doubt when they "
     "begin to count. Asks for them one after the other."},
}};
constexpr std::array<Example, 5> kExamples = {{
    {"Begin: seven shares, of which four unseal",
     "bulla operator rekey -init -key-shares=7 -key-threshold=4"},
    {"Be asked for one of the present shares", "bulla operator rekey"},
    {"Begin one that counts when every new share was given back",
     "bulla operator rekey -init -verify-all"},
    {"Encrypt each new share to its holder, and keep a copy",
     "bulla operator rekey -init -n=2 -t=2 -backup "
     "-pgp-keys=ada.gpg,grace.gpg"},
    {"Replace the recovery key", "bulla operator rekey -init -target=recovery"},
}};

constexpr std::array<Command, 1> kCommands = {{
    {"operator rekey", "Replace the root key and its shares", "[KEY]",
     "Makes a new root key and new shares that unseal, or a new recovery key, "
     "while the server serves. It is begun with -init and carried by as many "
     "of the present shares as the threshold, each given by this command "
     "without -init. The present shares stay good until the new ones are "
     "out, and nothing that fails spends a share. Without KEY a share is "
     "asked for and not shown; - reads it from standard input.",
     CommandKind::kRemote, 0, 1, rekey, kFlags, kExamples},
}};

}  // namespace

std::span<const Command> rekey_commands() { return kCommands; }

}  // namespace bulla::cli
