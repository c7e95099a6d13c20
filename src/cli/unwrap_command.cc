#include <array>

#include "cli/invocation.h"
#include "cli/secret_argument.h"

namespace bulla::cli {
namespace {

// The body that names the wrapping token. Who has no token of his own comes
// with the wrapping token itself.
Result<Value> unwrap_body(Invocation& call) {
  Value body = Value::object();
  if (call.arguments().empty()) return body;
  TRY_ASSIGN(const auto given, secret_argument(call, 0, ""));
  TRY_ASSIGN(auto token, parse_token(as_text(given.expose())));
  if (call.settings().token.empty()) {
    call.api().use_token(std::move(token));
    return body;
  }
  body.set("token", Value::string(as_text(token.expose())));
  return body;
}

int unwrap(Invocation& call) {
  auto body = unwrap_body(call);
  if (!body) {
    return call.misuse("reading the token: " + body.error().message());
  }
  const auto answer = call.api().put("sys/wrapping/unwrap", *std::move(body));
  if (!answer) return call.fail("Error unwrapping", answer.error());
  return call.show_secret(answer->json);
}

constexpr std::array<Example, 3> kExamples = {{
    {"Take out what a wrapping token keeps", "bulla unwrap s.Xyz…"},
    {"The same, with the token on standard input", "bulla unwrap -"},
    {"The stored token is the wrapping token; print one field",
     "bulla unwrap -field=ciphertext"},
}};

constexpr std::array<Command, 1> kCommands = {{
    {"unwrap",
     "Take out what a wrapping token keeps",
     "[TOKEN]",
     "Prints the answer that was kept under a wrapping token (see -wrap-ttl). "
     "A wrapping token has one use: if it is refused although its time is not "
     "over, someone else has taken the answer out.\n\n"
     "Without TOKEN the present token is the wrapping token. TOKEN may be - to "
     "be read from standard input.",
     CommandKind::kRemote,
     0,
     1,
     unwrap,
     {},
     kExamples},
}};

}  // namespace

std::span<const Command> unwrap_commands() { return kCommands; }

}  // namespace bulla::cli
