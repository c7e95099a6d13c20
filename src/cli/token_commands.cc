#include <array>

#include "cli/invocation.h"
#include "cli/secret_argument.h"
#include "cli/table.h"
#include "cli/token_file.h"

namespace bulla::cli {
namespace {

// What a command is about: a token, an accessor, or the caller's own token.
struct Target {
  std::string suffix;  // of the API path: "", "-accessor", "-self"
  Value body = Value::object();
};

Result<Target> target_of(Invocation& call) {
  Target target;
  if (call.arguments().empty()) {
    target.suffix = "-self";
    return target;
  }
  TRY_ASSIGN(const auto secret,
             secret_argument(call, 0, "Token (will be hidden): "));
  const bool accessor = call.flags().on("accessor");
  if (accessor) target.suffix = "-accessor";
  target.body.set(accessor ? "accessor" : "token",
                  Value::string(as_text(secret.expose())));
  return target;
}

int refuse_target(Invocation& call, const Error& error) {
  return call.misuse("reading the token: " + error.message());
}

// A flag and the member of the body that it becomes.
struct FlagMember {
  std::string_view flag, member;
};
constexpr std::array<FlagMember, 6> kTexts = {{
    {"id", "id"},
    {"ttl", "ttl"},
    {"explicit-max-ttl", "explicit_max_ttl"},
    {"period", "period"},
    {"display-name", "display_name"},
    {"entity-alias", "entity_alias"},
}};

Value create_body(Invocation& call) {
  const Flags& flags = call.flags();
  Value body = Value::object();
  for (const auto& row : kTexts) {
    if (!flags.given(row.flag)) continue;
    body.set(row.member, Value::string(flags.text(row.flag)));
  }
  if (flags.given("id")) call.hide(flags.text("id"));
  const auto& policies = flags.list("policy");
  if (!policies.empty()) body.set("policies", Value::strings(policies));
  Value meta = Value::object();
  for (const auto& [key, value] : flags.pairs("metadata")) {
    meta.set(key, Value::string(value));
  }
  if (!meta.keys.empty()) body.set("meta", std::move(meta));
  body.set("type", Value::string(flags.text("type", "service")));
  body.set("renewable",
           Value::boolean(!flags.given("renewable") || flags.on("renewable")));
  body.set("no_parent", Value::boolean(flags.on("orphan")));
  body.set("no_default_policy", Value::boolean(flags.on("no-default-policy")));
  if (flags.given("use-limit")) {
    body.set("num_uses", Value::number(flags.integer("use-limit")));
  }
  return body;
}

int create(Invocation& call) {
  std::string path = "auth/token/create";
  const std::string role = call.flags().text("role");
  if (!role.empty()) path += "/" + role;
  const auto answer = call.api().put(path, create_body(call));
  if (!answer) return call.fail("Error creating token", answer.error());
  return call.show_secret(answer->json);
}

int lookup(Invocation& call) {
  auto target = target_of(call);
  if (!target) return refuse_target(call, target.error());
  const std::string path = "auth/token/lookup" + target->suffix;
  const auto answer = target->suffix == "-self"
                          ? call.api().get(path)
                          : call.api().put(path, std::move(target->body));
  if (!answer) return call.fail("Error looking up token", answer.error());
  return call.show_secret(answer->json);
}

int renew(Invocation& call) {
  auto target = target_of(call);
  if (!target) return refuse_target(call, target.error());
  if (call.flags().given("increment")) {
    target->body.set("increment",
                     Value::string(call.flags().text("increment")));
  }
  const auto answer = call.api().put("auth/token/renew" + target->suffix,
                                     std::move(target->body));
  if (!answer) return call.fail("Error renewing token", answer.error());
  return call.show_secret(answer->json);
}

int revoke(Invocation& call) {
  const bool self = call.flags().on("self");
  const std::string mode = call.flags().text("mode");
  if (self != call.arguments().empty()) {
    return call.misuse(self ? "-self takes no token"
                            : "give a token, an accessor with -accessor, or "
                              "-self");
  }
  if (mode == "path") {
    const auto answer =
        call.api().put("sys/leases/revoke-prefix/" + call.argument(0));
    if (!answer) return call.fail("Error revoking tokens", answer.error());
    return call.done("Success! Revoked token (if it existed)");
  }
  if ((!mode.empty() && mode != "orphan") ||
      (mode == "orphan" && (self || call.flags().on("accessor")))) {
    return call.misuse("-mode is orphan or path, alone");
  }
  auto target = target_of(call);
  if (!target) return refuse_target(call, target.error());
  if (mode == "orphan") target->suffix = "-orphan";
  const auto answer = call.api().put("auth/token/revoke" + target->suffix,
                                     std::move(target->body));
  if (!answer) return call.fail("Error revoking token", answer.error());
  return call.done("Success! Revoked token (if it existed)");
}

Result<Value> capabilities_body(Invocation& call, std::string& suffix) {
  if (call.arguments().size() == 1) {
    suffix = "-self";
    return std::move(
        Value::object().set("paths", Value::strings({call.argument(0)})));
  }
  TRY_ASSIGN(auto target, target_of(call));
  suffix = target.suffix;
  return std::move(
      target.body.set("paths", Value::strings({call.argument(1)})));
}

int capabilities(Invocation& call) {
  std::string suffix;
  auto body = capabilities_body(call, suffix);
  if (!body) return refuse_target(call, body.error());
  const auto answer =
      call.api().put("sys/capabilities" + suffix, *std::move(body));
  if (!answer) return call.fail("Error listing capabilities", answer.error());
  const Value* const data = answer->json.find("data");
  const Value* const listed =
      (data == nullptr ? answer->json : *data).find("capabilities");
  const Value names = listed == nullptr ? Value::array() : *listed;
  std::string line;
  for (const auto& name : names.as_strings()) {
    line += (line.empty() ? "" : ", ") + visible(name);
  }
  return call.show(names, line);
}

constexpr std::array<FlagRow, 14> kCreateFlags = {{
    {"policy", "", FlagKind::kList, "NAME",
     "Policy of the token; those of your own token if none is given. May be "
     "given several times."},
    {"ttl", "", FlagKind::kDuration, "DURATION",
     "How long it lives if it is not renewed."},
    {"explicit-max-ttl", "", FlagKind::kDuration, "DURATION",
     "How long it lives at most, however often it is renewed."},
    {"period", "", FlagKind::kDuration, "DURATION",
     "Makes it periodic: each renewal gives it this long, without end."},
    {"renewable", "", FlagKind::kSwitch, "",
     "Whether it can be renewed; true if nothing is said."},
    {"use-limit", "", FlagKind::kInteger, "N",
     "How many requests it is good for; 0 is any number."},
    {"orphan", "", FlagKind::kSwitch, "",
     "Without a parent: it stays when your own token goes."},
    {"no-default-policy", "", FlagKind::kSwitch, "",
     "Without the policy named default."},
    {"display-name", "", FlagKind::kText, "NAME", "Its name in audit logs."},
    {"metadata", "", FlagKind::kPairs, "KEY=VALUE",
     "Kept with the token and shown in audit logs. May be given several "
     "times."},
    {"type", "", FlagKind::kText, "TYPE",
     "service or batch; service if nothing is said."},
    {"id", "", FlagKind::kText, "TOKEN",
     "The token itself, for root alone. Others on this machine may see it."},
    {"role", "", FlagKind::kText, "NAME", "Role to create it against."},
    {"entity-alias", "", FlagKind::kText, "NAME",
     "Alias of the entity that it belongs to; needs -role."},
}};
constexpr FlagRow kAccessor = {
    "accessor", "", FlagKind::kSwitch, "",
    "What is given is the accessor of a token, not the token."};
constexpr std::array<FlagRow, 1> kLookupFlags = {{kAccessor}};
constexpr std::array<FlagRow, 2> kRenewFlags = {{
    kAccessor,
    {"increment", "i", FlagKind::kDuration, "DURATION",
     "How long it shall live from now on."},
}};
constexpr std::array<FlagRow, 3> kRevokeFlags = {{
    kAccessor,
    {"self", "", FlagKind::kSwitch, "", "Revoke your own token."},
    {"mode", "", FlagKind::kText, "MODE",
     "orphan leaves its children; path revokes all that an auth path gave."},
}};
constexpr std::array<Example, 2> kCreateExamples = {{
    {"Make a token for an application",
     "bulla token create -policy=orders -period=24h -orphan"},
    {"Print only the token", "bulla token create -policy=orders -field=token"},
}};
constexpr std::array<Example, 2> kCapabilitiesExamples = {{
    {"What may I do there?", "bulla token capabilities transit/keys/orders"},
    {"What may the holder of this accessor?",
     "bulla token capabilities -accessor 9793c9b3 transit/keys/orders"},
}};

constexpr std::array<Command, 6> kCommands = {{
    {"token", "Work with tokens", "",
     "Commands for tokens, with which every request is authorized.",
     CommandKind::kGroup},
    {"token create", "Make a token", "",
     "Makes a token, a child of your own: it is revoked with yours.",
     CommandKind::kRemote, 0, 0, create, kCreateFlags, kCreateExamples},
    {"token lookup", "Show what is known of a token", "[TOKEN]",
     "Shows what is known of a token; of your own where none is given. - reads "
     "it from standard input.",
     CommandKind::kRemote, 0, 1, lookup, kLookupFlags},
    {"token renew", "Lengthen the life of a token", "[TOKEN]",
     "Renews a token; your own where none is given.", CommandKind::kRemote, 0,
     1, renew, kRenewFlags},
    {"token revoke", "Revoke a token and its children", "[TOKEN]",
     "Revokes a token and all tokens made with it.", CommandKind::kRemote, 0, 1,
     revoke, kRevokeFlags},
    {"token capabilities", "Show what a token may do at a path", "[TOKEN] PATH",
     "Shows what a token may do at a path; your own where none is given.",
     CommandKind::kRemote, 1, 2, capabilities, kLookupFlags,
     kCapabilitiesExamples},
}};

}  // namespace

std::span<const Command> token_commands() { return kCommands; }

}  // namespace bulla::cli
