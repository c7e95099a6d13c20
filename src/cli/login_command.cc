#include <array>

#include "cli/invocation.h"
#include "cli/key_values.h"
#include "cli/paths.h"
#include "cli/secret_argument.h"
#include "cli/token_file.h"

namespace bulla::cli {
namespace {

constexpr std::string_view kInTerminal =
    "run it in a terminal, or give it on standard input";

// What was looked up of a token, in the form of a login's answer.
Value auth_of_lookup(const Value& data, std::string_view token) {
  const auto copy = [&data](std::string_view key) {
    const Value* const found = data.find(key);
    return found == nullptr ? Value() : *found;
  };
  Value auth = Value::object();
  auth.set("client_token", Value::string(token));
  auth.set("accessor", copy("accessor"));
  auth.set("policies", copy("policies"));
  auth.set("token_policies", copy("policies"));
  auth.set("identity_policies", copy("identity_policies"));
  auth.set("metadata", copy("meta"));
  auth.set("lease_duration", copy("ttl"));
  auth.set("renewable", Value::boolean(data.flag_of("renewable")));
  return auth;
}

Value secret_with_auth(Value auth) {
  return std::move(Value::object().set("auth", std::move(auth)));
}

int store(Invocation& call, const SecretBytes& token) {
  const TokenFile file(call.host().environment);
  if (const auto written = file.write(token); !written) {
    return call.refuse("Error storing the token: " + written.error().message(),
                       "`bulla login -no-store -token-only` prints it instead");
  }
  const std::string& source = call.settings().token_source;
  if (source != file.path() && !source.empty()) {
    call.warn("WARNING! " + source +
              " is set: commands will go on using it, not the token just "
              "stored.\nNext: `unset " +
              source + "`\n");
  }
  return 0;
}

// The last step of every method: stores the token and tells about it.
int finish(Invocation& call, const Value& secret) {
  const Value* const auth = secret.find("auth");
  const std::string text = auth == nullptr ? "" : auth->text_of("client_token");
  if (text.empty()) {
    call.refuse("Error authenticating: the answer holds no token");
    return 2;
  }
  call.hide(text);
  const Flags& flags = call.flags();
  if (flags.on("token-only")) return call.show_raw(Value::string(text));
  if (!flags.on("no-store")) {
    const int code = store(call, SecretBytes::copy_of(as_bytes(text)));
    if (code != 0) return code;
  }
  const bool bare = call.is_structured() || !call.settings().field.empty();
  if (flags.on("no-print")) return 0;
  if (!bare) {
    call.out(flags.on("no-store")
                 ? "Success! You are now authenticated. The token was not "
                   "stored: set BULLA_TOKEN to use it.\n"
                 : "Success! You are now authenticated. The token is stored: "
                   "commands will use it from now on.\n");
  }
  return call.show_secret(secret);
}

int login_with_token(Invocation& call) {
  if (call.arguments().size() > 1) {
    return call.misuse("the token method takes one argument, the token");
  }
  std::size_t index = 0;
  std::string given = call.argument(0);
  if (given.rfind("token=", 0) == 0) {
    return call.misuse("give the token without \"token=\", or leave it out");
  }
  const auto raw = secret_argument(call, index, "Token (will be hidden): ");
  if (!raw) {
    return call.refuse("Error reading the token: " + raw.error().message(),
                       kInTerminal);
  }
  auto token = parse_token(as_text(raw->expose()));
  if (!token)
    return call.refuse("Error authenticating: " + token.error().message());
  const std::string text(as_text(token->expose()));
  call.api().use_token(*std::move(token));
  const auto answer = call.api().get("auth/token/lookup-self");
  if (!answer) return call.fail("Error authenticating", answer.error());
  const Value* const data = answer->json.find("data");
  if (data == nullptr) {
    call.refuse("Error authenticating: the answer holds no token");
    return 2;
  }
  return finish(call, secret_with_auth(auth_of_lookup(*data, text)));
}

// userpass has the name in the path and asks for the password.
Result<std::string> take_username(Invocation& call, Value& data) {
  const std::string username = data.text_of("username");
  if (username.empty()) return std::string();
  Value rest = Value::object();
  for (std::size_t i = 0; i < data.items.size(); ++i) {
    if (data.keys[i] != "username") rest.set(data.keys[i], data.items[i]);
  }
  if (rest.find("password") == nullptr) {
    TRY_ASSIGN(const auto password, call.ask("Password (will be hidden): "));
    rest.set("password", Value::string(as_text(password.expose())));
  }
  call.hide(rest.text_of("password"));
  data = std::move(rest);
  return "/" + username;
}

int login_with_method(Invocation& call, const std::string& method) {
  KeyValueReader reader(call.host().console);
  auto data = reader.read(call.arguments());
  if (!data) return call.misuse(data.error().message());
  const std::string path = clean_path(call.flags().text("path", method));
  const auto suffix = take_username(call, *data);
  if (!suffix) {
    return call.refuse(
        "Error reading the password: " + suffix.error().message(), kInTerminal);
  }
  const auto answer =
      call.api().call({.method = "PUT",
                       .path = "auth/" + path + "/login" + *suffix,
                       .body = *std::move(data),
                       .user_data = true,
                       .with_token = false});
  if (!answer) return call.fail("Error authenticating", answer.error());
  return finish(call, answer->json);
}

int login(Invocation& call) {
  const Flags& flags = call.flags();
  if ((flags.on("no-store") || flags.on("token-only")) && flags.on("no-print"))
    return call.misuse("-no-store and -no-print cannot be used together");
  const std::string method = flags.text("method", "token");
  if (method == "token") return login_with_token(call);
  return login_with_method(call, method);
}

constexpr std::array<FlagRow, 5> kFlags = {{
    {"method", "", FlagKind::kText, "METHOD",
     "How to log in: token, userpass, approle, … Token if nothing is said."},
    {"path", "", FlagKind::kText, "PATH",
     "Where the method is mounted below auth/, if not under its own name."},
    {"no-store", "", FlagKind::kSwitch, "",
     "Do not leave the token in ~/.vault-token."},
    {"no-print", "", FlagKind::kSwitch, "",
     "Print nothing but errors and warnings."},
    {"token-only", "", FlagKind::kSwitch, "",
     "Print the token and nothing else, and do not store it."},
}};
constexpr std::array<Example, 3> kExamples = {{
    {"Be asked for a token", "bulla login"},
    {"Log in with a name and be asked for the password",
     "bulla login -method=userpass username=ada"},
    {"Log in a service",
     "bulla login -method=approle role_id=@role secret_id=-"},
}};
constexpr std::array<Command, 1> kCommands = {{
    {"login", "Log in, and keep the token for later commands",
     "[TOKEN | KEY=VALUE...]",
     "Logs in with a token or another method, and stores the token in "
     "~/.vault-token, which only you can read. Without TOKEN it is asked for "
     "and not shown; - reads it from standard input.",
     CommandKind::kRemote, 0, kAnyNumber, login, kFlags, kExamples},
}};

}  // namespace

std::span<const Command> login_commands() { return kCommands; }

}  // namespace bulla::cli
