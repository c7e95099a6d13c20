#include <array>

#include "cli/invocation.h"
#include "cli/store_flag.h"
#include "cli/table.h"

namespace bulla::cli {
namespace {

const Value& data_of(const Value& answer) {
  const Value* const data = answer.find("data");
  return data == nullptr ? answer : *data;
}

std::string number(const Value& of, std::string_view key) {
  return std::to_string(of.integer_of(key));
}

std::string joined(const Value& of, std::string_view key) {
  const Value* const list = of.find(key);
  std::string text;
  if (list == nullptr) return text;
  for (const Value& item : list->items) {
    text += (text.empty() ? "" : ", ") + to_plain(item);
  }
  return text;
}

std::string envelopes_text(const Value& seal) {
  const Value* const counts = seal.find("envelopes");
  std::string text;
  if (counts == nullptr) return text;
  for (std::size_t i = 0; i < counts->keys.size(); ++i) {
    text += (text.empty() ? "" : ", ") + to_plain(counts->items[i]) +
            " under version " + counts->keys[i];
  }
  return text;
}

std::string active_text(const Value& seal) {
  if (!seal.flag_of("recorded")) return "not in use";
  const std::string active = number(seal, "active_version");
  const auto target = seal.integer_of("target_version");
  if (target == 0) return active;
  return active + ", moving to " + std::to_string(target);
}

void add_node_rows(std::vector<TableRow>& rows, const Value& seal) {
  const Value* const nodes = seal.find("nodes");
  if (nodes == nullptr) return;
  for (const Value& node : nodes->items) {
    rows.push_back({"Node " + node.text_of("name"),
                    joined(node, "loaded_versions") +
                        (node.flag_of("live") ? ", live" : ", gone") +
                        ", seen " + node.text_of("last_seen")});
  }
}

std::string status_text(const Value& data) {
  const Value* const seals = data.find("seals");
  if (seals == nullptr || seals->items.empty()) {
    return "No seal is configured, and no passkey is under a KEK.";
  }
  std::string text;
  for (const Value& seal : seals->items) {
    std::vector<TableRow> rows = {
        {"Seal", seal.text_of("name")},
        {"Kind", seal.text_of("kind")},
        {"Active Version", active_text(seal)},
        {"Loaded Versions", seal.flag_of("configured")
                                ? joined(seal, "loaded_versions")
                                : "not configured"},
        {"Removed Versions", joined(seal, "removed_versions")},
        {"Envelopes", envelopes_text(seal)}};
    add_node_rows(rows, seal);
    text += (text.empty() ? "" : "\n\n") + format_columns(rows);
  }
  return text;
}

int status(Invocation& call) {
  if (auto chosen = choose_api(call); !chosen) {
    return refuse_store(call, chosen.error());
  }
  const auto answer = call.api().get("sys/kek");
  if (!answer) return call.fail("Error reading KEK status", answer.error());
  const Value& data = data_of(answer->json);
  return call.show(data, status_text(data));
}

Value seal_body(Invocation& call) {
  Value body = Value::object();
  if (call.flags().given("seal")) {
    body.set("seal", Value::string(call.flags().text("seal")));
  }
  return body;
}

/// Flag and the field that it becomes.
using NumberFlag = std::pair<const char*, const char*>;

void set_numbers(Invocation& call, Value& body,
                 std::initializer_list<NumberFlag> flags) {
  for (const auto& [flag, field] : flags) {
    if (!call.flags().given(flag)) continue;
    body.set(field, Value::number(call.flags().integer(flag)));
  }
}

std::vector<TableRow> rotation_rows(const Value& done) {
  return {{"Seal", done.text_of("name")},
          {"From Version", number(done, "from_version")},
          {"To Version", number(done, "to_version")},
          {"Envelopes", number(done, "envelopes")},
          {done.flag_of("dry_run") ? "To Rewrap" : "Rewrapped",
           number(done, "rewrapped")}};
}

int show_rotation(Invocation& call, const Value& answer,
                  const std::string& after) {
  const Value& done = data_of(answer);
  const std::string said =
      done.flag_of("dry_run")
          ? "Success! The rotation would go through. Nothing was changed."
          : "Success! Everything is under version " +
                number(done, "to_version") + ".";
  return call.show(done,
                   said + "\n\n" + format_columns(rotation_rows(done)) + after);
}

int verify(Invocation& call) {
  if (!call.flags().given("target")) {
    return call.misuse("-target is missing: the version to go to");
  }
  if (auto chosen = choose_api(call); !chosen) {
    return refuse_store(call, chosen.error());
  }
  Value body = seal_body(call);
  set_numbers(call, body, {{"target", "target"}});
  const auto answer = call.api().put("sys/kek/verify", std::move(body));
  if (!answer) return call.fail("Error verifying KEK", answer.error());
  return show_rotation(call, answer->json, "");
}

int rotate(Invocation& call) {
  if (!call.flags().given("to-version")) {
    return call.misuse("-to-version is missing: the version to go to");
  }
  if (auto chosen = choose_api(call); !chosen) {
    return refuse_store(call, chosen.error());
  }
  Value body = seal_body(call);
  set_numbers(call, body,
              {{"from-version", "from_version"}, {"to-version", "to_version"}});
  if (call.flags().on("dry-run")) body.set("dry_run", Value::boolean(true));
  const auto answer = call.api().put("sys/kek/rotate", std::move(body));
  if (!answer) return call.fail("Error rotating KEK", answer.error());
  return show_rotation(call, answer->json, "");
}

// The newest version that the configuration's KEKs have; absent when there is
// none beside the active one.
bool has_next_kek(const Value& status) {
  const Value* const seals = status.find("seals");
  if (seals == nullptr) return false;
  for (const Value& seal : seals->items) {
    if (seal.text_of("kind") != "config") continue;
    const Value* const loaded = seal.find("loaded_versions");
    return loaded != nullptr && loaded->items.size() > 1;
  }
  return false;
}

int rotate_config(Invocation& call) {
  if (auto chosen = choose_api(call); !chosen) {
    return refuse_store(call, chosen.error());
  }
  const auto status = call.api().get("sys/kek");
  if (!status) return call.fail("Error reading KEK status", status.error());
  if (!has_next_kek(data_of(status->json))) {
    return call.refuse(
        "Error rotating KEK: the configuration has no next KEK.",
        "add rotation { kek = \"…\" } to its encryption block, with what "
        "`openssl rand -base64 32` makes" +
            std::string(call.flags().list("config").empty()
                            ? ", and restart the server"
                            : ""));
  }
  Value body = Value::object();
  body.set("seal", Value::string("config"));
  const auto answer = call.api().put("sys/kek/rotate", std::move(body));
  if (!answer) return call.fail("Error rotating KEK", answer.error());
  return show_rotation(
      call, answer->json,
      "\n\nNext: put the new KEK in place of the old one (encryption { kek }), "
      "drop the rotation\nblock, and restart.");
}

int change_version(Invocation& call, const std::string& path,
                   const std::string& failed, const std::string& done) {
  if (!call.flags().given("version")) {
    return call.misuse("-version is missing");
  }
  if (auto chosen = choose_api(call); !chosen) {
    return refuse_store(call, chosen.error());
  }
  Value body = seal_body(call);
  set_numbers(call, body, {{"version", "version"}});
  const auto answer = call.api().put(path, std::move(body));
  if (!answer) return call.fail(failed, answer.error());
  const Value& data = data_of(answer->json);
  return call.show(data, done + " version " + number(data, "version") +
                             " of seal " + data.text_of("name"));
}

int remove(Invocation& call) {
  return change_version(call, "sys/kek/remove", "Error removing KEK version",
                        "Success! Nothing needs any more:");
}

int pkcs11_init(Invocation& call) {
  return change_version(call, "sys/kek/pkcs11-init", "Error making KEK",
                        "Success! The HSM has made");
}

constexpr FlagRow kSeal = {
    "seal", "", FlagKind::kText, "NAME",
    "The seal's name or kind; the only one if nothing is said."};
constexpr FlagRow kVersion = {"version", "", FlagKind::kInteger, "N",
                              "The version."};
constexpr std::array<FlagRow, 1> kStatusFlags = {{kStoreFlag}};
constexpr std::array<FlagRow, 3> kVerifyFlags = {{
    kStoreFlag,
    kSeal,
    {"target", "", FlagKind::kInteger, "N", "The version to go to."},
}};
constexpr std::array<FlagRow, 5> kRotateFlags = {{
    kStoreFlag,
    kSeal,
    {"from-version", "", FlagKind::kInteger, "M",
     "Refuse unless this version is active: says in the audit log what was "
     "meant."},
    {"to-version", "", FlagKind::kInteger, "N", "The version to go to."},
    {"dry-run", "", FlagKind::kSwitch, "", "Prove all, change nothing."},
}};
constexpr std::array<FlagRow, 3> kVersionFlags = {
    {kStoreFlag, kSeal, kVersion}};
constexpr std::array<Example, 2> kRotateExamples = {{
    {"See whether it would go through",
     "bulla kek rotate -to-version=2 -dry-run"},
    {"Move to version 2 on a stopped server",
     "bulla kek rotate -config=/etc/bulla/bulla.hcl -from-version=1 "
     "-to-version=2"},
}};
constexpr std::array<Example, 1> kConfigExamples = {{
    {"With the server stopped", "bulla rotate -config=/etc/bulla/bulla.hcl"},
}};

constexpr std::array<Command, 7> kCommands = {{
    {"kek", "Work with the KEKs behind the passkeys", "",
     "Commands for key-encryption keys, their versions, and moving from one "
     "to the next. The root key and all data stay as they are.",
     CommandKind::kGroup},
    {"kek status", "Show versions, what is under them, and nodes", "",
     "Shows each seal's KEK: its active version, the versions that are loaded, "
     "how much is under each, and what other nodes have loaded.",
     CommandKind::kRemote, 0, 0, status, kStatusFlags},
    {"kek verify", "Tell whether a rotation would go through", "",
     "Proves that a version is loaded here and on every live node, that it "
     "wraps and opens, and that everything that is to be moved opens now.",
     CommandKind::kRemote, 0, 0, verify, kVerifyFlags},
    {"kek rotate", "Wrap everything under another version of a KEK", "",
     "Wraps every envelope under the new version, reads all of them again, and "
     "only then makes the version the active one. Repeat it to finish one that "
     "was interrupted; the server opens at any point of it.",
     CommandKind::kRemote, 0, 0, rotate, kRotateFlags, kRotateExamples},
    {"kek remove", "Mark a version as never to be used again", "",
     "Marks a version as removed, unless something or some live node still "
     "needs it. Then take the KEK itself out of the configuration or the HSM.",
     CommandKind::kRemote, 0, 0, remove, kVersionFlags},
    {"kek pkcs11-init", "Make the KEK of a version in the HSM", "",
     "Has the HSM make the KEK of a version; it never leaves the HSM.",
     CommandKind::kRemote, 0, 0, pkcs11_init, kVersionFlags},
    {"rotate", "Move to the next KEK of the configuration file", "",
     "Wraps everything that is under the KEK of the encryption block under the "
     "KEK of its rotation block.",
     CommandKind::kRemote, 0, 0, rotate_config, kStatusFlags, kConfigExamples},
}};

}  // namespace

std::span<const Command> kek_commands() { return kCommands; }

}  // namespace bulla::cli
