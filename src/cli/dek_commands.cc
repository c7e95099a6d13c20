#include <algorithm>
#include <array>
#include <utility>

#include "cli/dek_argument.h"
#include "cli/invocation.h"
#include "cli/table.h"

namespace bulla::cli {
namespace {

constexpr std::string_view kPath = "sys/encryption-keys";

std::string number(const Value& of, std::string_view key) {
  return std::to_string(of.integer_of(key));
}

std::string dek_table(const Value& dek) {
  return format_table({{"Key", "Value"},
                       {"ID", dek.text_of("id")},
                       {"Name", dek.text_of("name")},
                       {"Description", dek.text_of("description")},
                       {"Algorithm", dek.text_of("algorithm")},
                       {"Scope", dek.text_of("scope")},
                       {"Status", dek.text_of("status")},
                       {"Records", number(dek, "usage")},
                       {"Encryptions", number(dek, "encryptions")},
                       {"Created", dek.text_of("created_at")},
                       {"Updated", dek.text_of("updated_at")},
                       {"Version", number(dek, "version")}});
}

int show_dek(Invocation& call, const Value& answer, std::string_view before) {
  const Value& dek = data_of(answer);
  return call.show(dek, std::string(before) + dek_table(dek));
}

int list(Invocation& call) {
  const auto answer = call.api().list(std::string(kPath));
  if (!answer) return call.fail("Error listing DEKs", answer.error());
  const Value& data = data_of(answer->json);
  std::vector<Value> deks;
  if (const Value* const info = data.find("key_info")) deks = info->items;
  std::ranges::stable_sort(deks, {}, [](const Value& dek) {
    return std::pair(dek.text_of("scope"), dek.text_of("created_at"));
  });
  std::vector<TableRow> rows = {
      {"ID", "Name", "Algorithm", "Scope", "Status", "Records", "Created"}};
  for (const Value& dek : deks) {
    rows.push_back({dek.text_of("id"), dek.text_of("name"),
                    dek.text_of("algorithm"), dek.text_of("scope"),
                    dek.text_of("status"), number(dek, "usage"),
                    dek.text_of("created_at")});
  }
  return call.show(data, format_table(rows));
}

Value body_of(const Flags& flags,
              std::initializer_list<std::string_view> names) {
  Value body = Value::object();
  for (const std::string_view name : names) {
    if (flags.given(name)) body.set(name, Value::string(flags.text(name)));
  }
  return body;
}

int add(Invocation& call) {
  const Flags& flags = call.flags();
  if (!flags.given("name")) return call.misuse("-name is needed");
  const auto answer = call.api().put(
      std::string(kPath),
      body_of(flags, {"name", "description", "algorithm", "scope"}));
  if (!answer) return call.fail("Error adding DEK", answer.error());
  return show_dek(call, answer->json,
                  "Success! It seals all new records of its scope from now "
                  "on.\n\n");
}

int show(Invocation& call) {
  int code = 0;
  const auto id = dek_id(call, call.argument(0), code);
  if (!id) return code;
  const std::string path = std::string(kPath) + "/" + *id;
  const auto answer = call.api().get(path);
  if (answer) return show_dek(call, answer->json, "");
  if (answer.error().status == 404) {
    return call.no_value(path, "`bulla dek list`");
  }
  return call.fail("Error reading DEK", answer.error());
}

int change(Invocation& call, Value body, std::string_view done) {
  int code = 0;
  const auto id = dek_id(call, call.argument(0), code);
  if (!id) return code;
  if (call.flags().given("cas")) {
    body.set("cas", Value::number(call.flags().integer("cas")));
  }
  const auto answer =
      call.api().put(std::string(kPath) + "/" + *id, std::move(body));
  if (!answer) return call.fail("Error changing DEK", answer.error());
  return show_dek(call, answer->json, done);
}

int edit(Invocation& call) {
  Value body = body_of(call.flags(), {"name", "description"});
  if (body.items.empty()) {
    return call.misuse("give -name, -description or both");
  }
  return change(call, std::move(body), "");
}

int deactivate(Invocation& call) {
  Value body = Value::object();
  body.set("status", Value::string("inactive"));
  return change(call, std::move(body),
                "Success! It seals and opens nothing any more.\n\n");
}

int usage(Invocation& call) {
  int code = 0;
  const auto id = dek_id(call, call.argument(0), code);
  if (!id) return code;
  const Flags& flags = call.flags();
  Query query;
  for (const char* const name : {"type", "after"}) {
    if (flags.given(name)) query.emplace_back(name, flags.text(name));
  }
  if (flags.given("limit")) {
    query.emplace_back("limit", std::to_string(flags.integer("limit")));
  }
  const auto answer = call.api().list(std::string(kPath) + "/" + *id + "/usage",
                                      std::move(query));
  if (!answer) return call.fail("Error listing records", answer.error());
  const Value& data = data_of(answer->json);
  std::vector<TableRow> rows = {
      {"ID", "Type", "Name", "Version", "Created", "Updated"}};
  if (const Value* const info = data.find("key_info")) {
    for (std::size_t i = 0; i < info->items.size(); ++i) {
      const Value& use = info->items[i];
      rows.push_back({info->keys[i], use.text_of("type"), use.text_of("name"),
                      number(use, "version"), use.text_of("created_at"),
                      use.text_of("updated_at")});
    }
  }
  return call.show(data, format_table(rows) + "\n\n" +
                             std::to_string(rows.size() - 1) + " of " +
                             number(data, "total") + " records under this DEK");
}

constexpr FlagRow kCas = {
    "cas", "", FlagKind::kInteger, "VERSION",
    "Only if this is the DEK's version: nobody changed it meanwhile."};
constexpr std::array<FlagRow, 4> kAddFlags = {{
    {"name", "", FlagKind::kText, "NAME", "The DEK's name."},
    {"description", "", FlagKind::kText, "TEXT", "What it is for."},
    {"algorithm", "", FlagKind::kText, "ALGORITHM",
     "AES-GCM-256 or AES-GCM-128, for its whole life; AES-GCM-256 if nothing "
     "is said."},
    {"scope", "", FlagKind::kText, "SCOPE",
     "Whose records it seals, for its whole life; default if nothing is "
     "said."},
}};
constexpr std::array<FlagRow, 3> kEditFlags = {{
    {"name", "", FlagKind::kText, "NAME", "Its name to be."},
    {"description", "", FlagKind::kText, "TEXT", "Its description to be."},
    kCas,
}};
constexpr std::array<FlagRow, 1> kDeactivateFlags = {{kCas}};
constexpr std::array<FlagRow, 3> kUsageFlags = {{
    {"type", "", FlagKind::kText, "TYPE", "Only records of this type."},
    {"after", "", FlagKind::kText, "ID",
     "Only records whose id is greater: the last one of the page before."},
    {"limit", "", FlagKind::kInteger, "N",
     "At most so many, up to 10000; 100 if nothing is said."},
}};
constexpr std::array<Example, 1> kAddExamples = {{
    {"Rotate the DEK of the default scope", "bulla dek add -name=records-2027"},
}};
constexpr std::array<Example, 1> kDeactivateExamples = {{
    {"Retire the first DEK when `bulla reencrypt` is through",
     "bulla dek deactivate Default-encryption-key"},
}};

constexpr std::array<Command, 7> kCommands = {{
    {"dek", "Work with the data encryption keys (DEKs) of records", "",
     "Commands for DEKs. The active one of a scope seals every record that is "
     "written; deprecated ones still open what they sealed.",
     CommandKind::kGroup},
    {"dek list", "List the DEKs", "", "Lists the DEKs.", CommandKind::kRemote,
     0, 0, list},
    {"dek add", "Add a DEK", "",
     "Makes a DEK. It is the active one of its scope from then on, and the one "
     "before it is deprecated. Records stay under their DEKs until they are "
     "written again or re-encrypted.",
     CommandKind::kRemote, 0, 0, add, kAddFlags, kAddExamples},
    {"dek show", "Show a DEK", "DEK", "Shows a DEK, named by its id or name.",
     CommandKind::kRemote, 1, 1, show},
    {"dek edit", "Change the name or description of a DEK", "DEK",
     "Changes a DEK's name, its description or both.", CommandKind::kRemote, 1,
     1, edit, kEditFlags},
    {"dek usage", "List the records under a DEK", "DEK",
     "Lists the records that a DEK seals, in the order of their ids.",
     CommandKind::kRemote, 1, 1, usage, kUsageFlags},
    {"dek deactivate", "Retire a deprecated DEK", "DEK",
     "Makes a deprecated DEK inactive, for ever: it seals and opens nothing "
     "any more. It is refused while a record is under it.",
     CommandKind::kRemote, 1, 1, deactivate, kDeactivateFlags,
     kDeactivateExamples},
}};

}  // namespace

std::span<const Command> dek_commands() { return kCommands; }

}  // namespace bulla::cli
