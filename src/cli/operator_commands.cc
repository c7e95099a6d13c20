#include <array>

#include "cli/invocation.h"
#include "cli/passphrase_flag.h"
#include "cli/pgp_files.h"
#include "cli/seal_status.h"
#include "cli/secret_argument.h"

namespace bulla::cli {
namespace {

constexpr std::int64_t kShares = 5;
constexpr std::int64_t kThreshold = 3;

std::string joined_lines(const std::vector<std::string>& lines) {
  std::string out;
  for (const auto& line : lines) out += (out.empty() ? "" : "\n") + line;
  return out;
}

int init_status(Invocation& call) {
  const auto answer = call.api().get("sys/init");
  if (!answer) {
    const int code =
        call.fail("Error checking initialization status", answer.error());
    return code == 0 ? 0 : 1;
  }
  const bool initialized = answer->json.flag_of("initialized");
  const int shown =
      call.show(answer->json, initialized ? "Bulla is initialized"
                                          : "Bulla is not initialized");
  if (shown != 0) return shown;
  return initialized ? 0 : 2;
}

// A seal that opens by itself has recovery keys in place of unseal keys: the
// server knows, unless the flags say.
bool wants_recovery(Invocation& call) {
  const Flags& flags = call.flags();
  if (flags.given("recovery-shares") || flags.given("recovery-threshold") ||
      flags.given("recovery-pgp-keys")) {
    return true;
  }
  if (flags.given("key-shares") || flags.given("key-threshold") ||
      call.settings().output_curl_string) {
    return false;
  }
  const auto status = call.api().get("sys/seal-status");
  return status && status->json.flag_of("recovery_seal");
}

struct Split {
  bool recovery;
  std::int64_t shares, threshold;
};

Split requested_split(Invocation& call) {
  const bool recovery = wants_recovery(call);
  const Flags& flags = call.flags();
  return {recovery,
          flags.integer(recovery ? "recovery-shares" : "key-shares", kShares),
          flags.integer(recovery ? "recovery-threshold" : "key-threshold",
                        kThreshold)};
}

Value member_or_empty(const Value& answer, std::string_view key) {
  const Value* const found = answer.find(key);
  return found == nullptr || found->is_null() ? Value::array() : *found;
}

Value init_json(const Value& answer, const Split& split) {
  const std::int64_t shares = split.shares, threshold = split.threshold;
  const bool recovery = split.recovery;
  Value out = Value::object();
  out.set("unseal_keys_b64", member_or_empty(answer, "keys_base64"));
  out.set("unseal_keys_hex", member_or_empty(answer, "keys"));
  out.set("unseal_shares", Value::number(recovery ? 1 : shares));
  out.set("unseal_threshold", Value::number(recovery ? 1 : threshold));
  out.set("recovery_keys_b64", member_or_empty(answer, "recovery_keys_base64"));
  out.set("recovery_keys_hex", member_or_empty(answer, "recovery_keys"));
  out.set("recovery_keys_shares", Value::number(recovery ? shares : 0));
  out.set("recovery_keys_threshold", Value::number(recovery ? threshold : 0));
  out.set("root_token", Value::string(answer.text_of("root_token")));
  return out;
}

std::string counted(std::int64_t n, const std::string& noun) {
  return std::to_string(n) + " " + noun + (n == 1 ? "" : "s");
}

std::string init_advice(const Split& split) {
  const std::string threshold = std::to_string(split.threshold);
  const std::string handing =
      "They are shown\nthis once: give each to another person, now.";
  if (split.recovery) {
    return "Bulla is initialized, and its seal opens by itself. The recovery "
           "keys above authorize\nwhat only their holders may do, " +
           threshold + " of " + std::to_string(split.shares) + " together. " +
           handing;
  }
  return "Bulla is initialized with " + counted(split.shares, "key share") +
         " and a threshold of " + threshold + ". " + handing +
         " Whenever Bulla is sealed or\nrestarted, it takes " + threshold +
         " of them to unseal it. Bulla keeps no copy: with fewer left,\nall it "
         "holds is lost.\n\nNext: `bulla operator unseal`, " +
         counted(split.threshold, "time");
}

std::string init_text(const Value& keys, const Split& split) {
  std::vector<std::string> lines;
  const auto add = [&lines, &keys](std::string_view member,
                                   const std::string& title) {
    const auto texts = keys.find(member)->as_strings();
    for (std::size_t i = 0; i < texts.size(); ++i) {
      lines.push_back(title + " " + std::to_string(i + 1) + ": " + texts[i]);
    }
  };
  add("unseal_keys_b64", "Unseal Key");
  add("recovery_keys_b64", "Recovery Key");
  lines.push_back("");
  lines.push_back("Initial Root Token: " + keys.text_of("root_token"));
  lines.push_back("");
  lines.push_back(init_advice(split));
  return joined_lines(lines);
}

// The OpenPGP keys that shares and token are encrypted to, where flags say so.
Result<void> add_pgp_keys(Invocation& call, const Split& split, Value& body) {
  const Flags& flags = call.flags();
  const char* const flag = split.recovery ? "recovery-pgp-keys" : "pgp-keys";
  TRY_ASSIGN(const auto keys, read_pgp_keys(flags.list(flag)));
  if (!keys.empty()) {
    body.set(split.recovery ? "recovery_pgp_keys" : "pgp_keys",
             Value::strings(keys));
  }
  if (!flags.given("root-token-pgp-key")) return {};
  TRY_ASSIGN(const auto token,
             read_pgp_keys({flags.text("root-token-pgp-key")}));
  if (token.size() != 1) {
    return fail(invalid_argument("one key is wanted for the root token"));
  }
  body.set("root_token_pgp_key", Value::string(token.front()));
  return {};
}

int init(Invocation& call) {
  if (call.flags().on("status")) return init_status(call);
  const Split split = requested_split(call);
  const std::string kind = split.recovery ? "recovery" : "secret";
  Value body = Value::object();
  body.set(kind + "_shares", Value::number(split.shares));
  body.set(kind + "_threshold", Value::number(split.threshold));
  if (const auto added = add_pgp_keys(call, split, body); !added) {
    return call.refuse("Error reading PGP keys: " + added.error().message(),
                       "`gpg --export ID > FILE` writes a key to a file");
  }
  const auto answer = call.api().call({.method = "PUT",
                                       .path = "sys/init",
                                       .body = std::move(body),
                                       .with_token = false});
  if (!answer) return call.fail("Error initializing", answer.error());
  const Value keys = init_json(answer->json, split);
  return call.show(keys, init_text(keys, split));
}

Result<Value> unseal_body(Invocation& call) {
  Value body = Value::object();
  if (call.flags().on("reset")) {
    body.set("reset", Value::boolean(true));
    return body;
  }
  TRY_ASSIGN(const auto phrase, passphrase_of_flag(call));
  if (!phrase.empty()) {
    body.set("passphrase", Value::string(as_text(phrase.expose())));
    if (call.flags().given("passkey")) {
      body.set("passkey", Value::string(call.flags().text("passkey")));
    }
    return body;
  }
  if (!call.arguments().empty() && call.argument(0) != "-") {
    call.warn(
        "WARNING! Others on this machine can see a key that is given as an "
        "argument, and the\nshell keeps it. Leave it out to be asked for "
        "it.\n");
  }
  TRY_ASSIGN(const auto key,
             secret_argument(call, 0, "Unseal Key (will be hidden): "));
  body.set("key", Value::string(as_text(key.expose())));
  if (call.flags().on("migrate")) body.set("migrate", Value::boolean(true));
  return body;
}

int unseal(Invocation& call) {
  auto body = unseal_body(call);
  if (!body) {
    return call.refuse(
        "Error reading the unseal key: " + body.error().message(),
        "run `bulla operator unseal` in a terminal, or give the key on "
        "standard input with `bulla operator unseal -`");
  }
  const auto answer = call.api().call({.method = "PUT",
                                       .path = "sys/unseal",
                                       .body = *std::move(body),
                                       .with_token = false});
  if (!answer) return call.fail("Error unsealing", answer.error());
  return call.show(answer->json, format_table(seal_status_rows(answer->json)));
}

int seal(Invocation& call) {
  const auto answer = call.api().put("sys/seal");
  if (!answer) return call.fail("Error sealing", answer.error());
  return call.done("Success! Bulla is sealed.");
}

constexpr std::array<FlagRow, 8> kInitFlags = {{
    {"key-shares", "n", FlagKind::kInteger, "N",
     "Key shares to split the unseal key into; 5 if nothing is said."},
    {"key-threshold", "t", FlagKind::kInteger, "N",
     "Shares that are needed to unseal; 3 if nothing is said."},
    {"recovery-shares", "", FlagKind::kInteger, "N",
     "The same for the recovery key, where the seal opens by itself."},
    {"recovery-threshold", "", FlagKind::kInteger, "N",
     "Recovery shares that are needed together."},
    {"pgp-keys", "", FlagKind::kList, "FILES",
     "Files with OpenPGP public keys, separated by commas, one for each share, "
     "which is encrypted to it."},
    {"recovery-pgp-keys", "", FlagKind::kList, "FILES",
     "The same for recovery shares."},
    {"root-token-pgp-key", "", FlagKind::kText, "FILE",
     "The key to encrypt the root token to."},
    {"status", "", FlagKind::kSwitch, "",
     "Only tell whether the server is initialized: exit code 0 if it is, 2 if "
     "it is not, 1 on an error."},
}};
constexpr std::array<FlagRow, 4> kUnsealFlags = {{
    kPassphraseFlag,
    {"passkey", "", FlagKind::kText, "NAME",
     "Which passkey the passphrase is of; any if nothing is said."},
    {"reset", "", FlagKind::kSwitch, "",
     "Forget the shares that were given so far."},
    {"migrate", "", FlagKind::kSwitch, "",
     "Give this share for a migration to another seal."},
}};
constexpr std::array<Example, 3> kInitExamples = {{
    {"Initialize with five shares, three of which unseal",
     "bulla operator init"},
    {"The same with one share, for a test",
     "bulla operator init -key-shares=1 -key-threshold=1"},
    {"For a program", "bulla operator init -format=json"},
}};
constexpr std::array<Example, 3> kUnsealExamples = {{
    {"Be asked for a share", "bulla operator unseal"},
    {"Give a share from a file", "bulla operator unseal - < share.txt"},
    {"Open with the passphrase of a passkey",
     "bulla operator unseal -passphrase-file=office.txt"},
}};

constexpr std::array<Command, 4> kCommands = {{
    {"operator", "Initialize, unseal, seal, rotate", "",
     "Commands for those who run the server.", CommandKind::kGroup},
    {"operator init", "Initialize a new server", "",
     "Initializes a server: makes its keys, splits the key that unseals it "
     "into shares, and prints the shares and the first root token, this once. "
     "A server is initialized once; nodes that share a storage, together.",
     CommandKind::kRemote, 0, 0, init, kInitFlags, kInitExamples},
    {"operator unseal", "Give a key share to unseal the server", "[KEY]",
     "Gives one share of the unseal key. When as many as the threshold have "
     "been given, by whomever and from wherever, the server is unsealed. "
     "Without KEY the share is asked for and not shown; - reads it from "
     "standard input. The passphrase of a passkey unseals at once.",
     CommandKind::kRemote, 0, 1, unseal, kUnsealFlags, kUnsealExamples},
    {"operator seal", "Seal the server", "",
     "Seals the server: it forgets its keys and answers nothing until it is "
     "unsealed again.",
     CommandKind::kRemote, 0, 0, seal},
}};

}  // namespace

std::span<const Command> operator_commands() { return kCommands; }

}  // namespace bulla::cli
