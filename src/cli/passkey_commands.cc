#include <array>

#include "cli/invocation.h"
#include "cli/key_values.h"
#include "cli/passphrase_flag.h"
#include "cli/paths.h"
#include "cli/secret_output.h"
#include "cli/share_input.h"
#include "cli/table.h"

namespace bulla::cli {
namespace {

std::string passkey_api(const std::string& name) {
  return "sys/passkeys/" + clean_path(name);
}

const Value& data_of(const Value& answer) {
  const Value* const data = answer.find("data");
  return data == nullptr ? answer : *data;
}

std::string number(const Value& of, std::string_view key) {
  return std::to_string(of.integer_of(key));
}

std::vector<TableRow> passkey_rows(const Value& passkey) {
  std::vector<TableRow> rows = {{"Key", "Value"},
                                {"Name", passkey.text_of("name")},
                                {"Kind", passkey.text_of("kind")},
                                {"Seal", passkey.text_of("provider")},
                                {"KEK Version", number(passkey, "kek_version")},
                                {"KEK", passkey.text_of("key_id")}};
  if (passkey.integer_of("shares") != 0) {
    rows.push_back({"Shares", number(passkey, "shares")});
    rows.push_back({"Threshold", number(passkey, "threshold")});
  }
  rows.push_back({"Created", passkey.text_of("created")});
  rows.push_back({"Last Verified", passkey.text_of("last_verified")});
  rows.push_back({"Check Value", passkey.text_of("check_value")});
  return rows;
}

int show_passkey(Invocation& call, const Value& answer,
                 std::string_view before) {
  const Value& passkey = data_of(answer);
  return call.show(passkey,
                   std::string(before) + format_table(passkey_rows(passkey)));
}

std::string added_text(const Value& data) {
  std::string text;
  const Value* const shares = data.find("keys_base64");
  if (shares != nullptr) {
    int i = 0;
    for (const auto& share : shares->as_strings()) {
      text += "Unseal Key " + std::to_string(++i) + ": " + share + "\n";
    }
    text +=
        "\nThese shares are shown this once: give each to another person, "
        "now.\n\n";
  }
  const Value* const passkey = data.find("passkey");
  if (passkey != nullptr) text += format_table(passkey_rows(*passkey));
  return text;
}

// -passphrase-file, or a bare "-" at argument `i`.
Result<SecretBytes> given_passphrase(Invocation& call, std::size_t i) {
  const std::string bare = call.argument(i);
  if (bare.empty()) return passphrase_of_flag(call);
  if (bare != "-" || call.flags().given("passphrase-file")) {
    return fail(invalid_argument(
        "it stands in no argument, where others could see it"));
  }
  return passphrase_from(call, bare);
}

// A passphrase of people is asked for where no file gives it; with -provider it
// is the one that a seal stanza holds.
Result<SecretBytes> passphrase_to_add(Invocation& call,
                                      const std::string& kind) {
  TRY_ASSIGN(auto phrase, given_passphrase(call, 0));
  if (kind != "passphrase" || !phrase.empty() ||
      call.flags().given("provider")) {
    return phrase;
  }
  return ask_new_passphrase(call);
}

int add(Invocation& call) {
  const Flags& flags = call.flags();
  const std::string name = flags.text("name");
  const std::string kind = flags.text("kind");
  if (name.empty() || kind.empty()) {
    return call.misuse("-kind and -name are both needed");
  }
  const auto phrase = passphrase_to_add(call, kind);
  if (!phrase) {
    return call.refuse(
        "Error reading the passphrase: " + phrase.error().message(),
        "give it with -passphrase-file=FILE, or on standard input with "
        "-passphrase-file=-");
  }
  Value body = Value::object();
  body.set("kind", Value::string(kind));
  if (flags.given("provider")) {
    body.set("provider", Value::string(flags.text("provider")));
  }
  if (!phrase->empty()) {
    body.set("passphrase", Value::string(as_text(phrase->expose())));
  }
  for (const auto& [flag, field] :
       {std::pair{"shares", "secret_shares"},
        std::pair{"threshold", "secret_threshold"}}) {
    if (flags.given(flag)) body.set(field, Value::number(flags.integer(flag)));
  }
  const auto answer = call.api().call({.method = "PUT",
                                       .path = passkey_api(name),
                                       .body = std::move(body),
                                       .user_data = true});
  if (!answer) return call.fail("Error adding passkey", answer.error());
  const Value& data = data_of(answer->json);
  return call.show(data, added_text(data));
}

int list(Invocation& call) {
  const auto answer = call.api().list("sys/passkeys");
  if (!answer) return call.fail("Error listing passkeys", answer.error());
  const Value& data = data_of(answer->json);
  const Value* const info = data.find("key_info");
  std::vector<TableRow> rows = {
      {"Name", "Kind", "Seal", "KEK Version", "KEK", "Last Verified"}};
  if (info != nullptr) {
    for (const Value& passkey : sorted(*info).items) {
      rows.push_back({passkey.text_of("name"), passkey.text_of("kind"),
                      passkey.text_of("provider"),
                      number(passkey, "kek_version"), passkey.text_of("key_id"),
                      passkey.text_of("last_verified")});
    }
  }
  return call.show(data, format_table(rows));
}

int show(Invocation& call) {
  const std::string path = passkey_api(call.argument(0));
  const auto answer = call.api().get(path);
  if (!answer) {
    if (answer.error().status == 404) {
      return call.no_value(path, "`bulla passkey list`");
    }
    return call.fail("Error reading passkey", answer.error());
  }
  return show_passkey(call, answer->json, "");
}

// The shares in the file of -shares-file; empty where it was not given.
Result<std::vector<std::string>> given_shares(Invocation& call) {
  std::vector<std::string> shares;
  const std::string source = call.flags().text("shares-file");
  if (source.empty()) return shares;
  TRY_ASSIGN(auto text, source == "-" ? call.host().console.read_input()
                                      : read_file(source));
  const WipeGuard guard(
      {reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  for (const SecretBytes& share : secret_lines(text)) {
    call.hide(as_text(share.expose()));
    shares.emplace_back(as_text(share.expose()));
  }
  if (shares.empty()) return fail(invalid_argument("no share is in it"));
  return shares;
}

int verify(Invocation& call) {
  const auto shares = given_shares(call);
  if (!shares) {
    return call.refuse("Error reading the shares: " + shares.error().message());
  }
  const auto phrase = given_passphrase(call, 1);
  if (!phrase) {
    return call.refuse("Error reading the passphrase: " +
                       phrase.error().message());
  }
  Value body = Value::object();
  if (!phrase->empty()) {
    body.set("passphrase", Value::string(as_text(phrase->expose())));
  }
  if (!shares->empty()) body.set("keys", Value::strings(*shares));
  const auto answer =
      call.api().call({.method = "PUT",
                       .path = passkey_api(call.argument(0)) + "/verify",
                       .body = std::move(body),
                       .user_data = true});
  if (!answer) return call.fail("Error verifying passkey", answer.error());
  return show_passkey(call, answer->json,
                      "Success! The passkey opens the root key.\n\n");
}

int remove(Invocation& call) {
  const std::string name = clean_path(call.argument(0));
  const auto answer = call.api().remove(passkey_api(name));
  if (!answer) return call.fail("Error deleting passkey", answer.error());
  return call.done("Success! Deleted passkey (if it existed): " + name);
}

int rename(Invocation& call) {
  Value body = Value::object();
  body.set("new_name", Value::string(call.argument(1)));
  const auto answer = call.api().put(passkey_api(call.argument(0)) + "/rename",
                                     std::move(body));
  if (!answer) return call.fail("Error renaming passkey", answer.error());
  return call.done("Success! Renamed passkey to: " + call.argument(1));
}

constexpr std::array<FlagRow, 6> kAddFlags = {{
    {"kind", "", FlagKind::kText, "KIND",
     "shamir, passphrase, or the kind of a configured seal."},
    {"name", "", FlagKind::kText, "NAME", "The passkey's name."},
    {"provider", "", FlagKind::kText, "SEAL",
     "The seal's name, where several of the kind are configured, or where a "
     "stanza holds the passphrase."},
    kPassphraseFlag,
    {"shares", "", FlagKind::kInteger, "N",
     "Of the kind shamir: shares to split the unseal key into; 5 if nothing is "
     "said."},
    {"threshold", "", FlagKind::kInteger, "N",
     "Of the kind shamir: shares that are needed to unseal; 3 if nothing is "
     "said."},
}};
constexpr std::array<FlagRow, 2> kVerifyFlags = {{
    kPassphraseFlag,
    {"shares-file", "", FlagKind::kText, "FILE",
     "A file with shares, one a line, as many as the threshold; - reads them "
     "from standard input."},
}};
constexpr std::array<Example, 3> kAddExamples = {{
    {"Put the root key under a configured HSM, too",
     "bulla passkey add -kind=pkcs11 -name=hsm"},
    {"Let three of five people open it when all else is down",
     "bulla passkey add -kind=shamir -name=break-glass -shares=5 -threshold=3"},
    {"Let one person open it with a passphrase",
     "bulla passkey add -kind=passphrase -name=office "
     "-passphrase-file=office.txt"},
}};
constexpr std::array<Example, 2> kVerifyExamples = {{
    {"Try each after an outage", "bulla passkey verify hsm"},
    {"Prove that three people still have their shares",
     "bulla passkey verify break-glass -shares-file=-"},
}};

constexpr std::array<Command, 7> kCommands = {{
    {"passkey", "Work with the sealed copies of the root key", "",
     "Commands for passkeys. Each holds one sealed copy of the root key; any "
     "one of them opens the server.",
     CommandKind::kGroup},
    {"passkey add", "Add a passkey", "[-]",
     "Wraps the root key once more: under a configured seal, under shares of a "
     "new unseal key, or under a passphrase. It is opened again before "
     "anything is stored. Shares are printed, this once. A passphrase comes "
     "from -passphrase-file, from standard input with -, or is asked for."
     "\n\nAfter adding one, "
     "prove it with `bulla passkey verify`, and delete the one whose place it "
     "takes.",
     CommandKind::kRemote, 0, 1, add, kAddFlags, kAddExamples},
    {"passkey list", "List the passkeys", "", "Lists the passkeys.",
     CommandKind::kRemote, 0, 0, list},
    {"passkey show", "Show a passkey", "NAME", "Shows a passkey.",
     CommandKind::kRemote, 1, 1, show},
    {"passkey verify", "Prove that a passkey opens the root key", "NAME [-]",
     "Opens the root key with a passkey, now, and notes when. Of shares and "
     "passphrases this proves the record alone, unless -shares-file, "
     "-passphrase-file or - (standard input) gives what its holders have.",
     CommandKind::kRemote, 1, 2, verify, kVerifyFlags, kVerifyExamples},
    {"passkey delete", "Delete a passkey", "NAME",
     "Deletes a passkey and its copy of the root key. The last one that opens "
     "cannot be deleted: another one is tried first.",
     CommandKind::kRemote, 1, 1, remove},
    {"passkey rename", "Rename a passkey", "NAME NEW-NAME",
     "Gives a passkey another name.", CommandKind::kRemote, 2, 2, rename},
}};

}  // namespace

std::span<const Command> passkey_commands() { return kCommands; }

}  // namespace bulla::cli
