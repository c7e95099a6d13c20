#include <array>

#include "base/encoding.h"
#include "cli/invocation.h"
#include "cli/pgp_files.h"
#include "cli/share_input.h"
#include "cli/table.h"
#include "crypto/rng.h"

namespace bulla::cli {
namespace {

constexpr std::string_view kAttempt = "sys/generate-root/attempt";

std::string status_text(const Value& status) {
  std::vector<TableRow> rows = {
      {"Key", "Value"},
      {"Nonce", visible(status.text_of("nonce"))},
      {"Started", status.flag_of("started") ? "true" : "false"},
      {"Progress", std::to_string(status.integer_of("progress")) + "/" +
                       std::to_string(status.integer_of("required"))},
      {"Complete", status.flag_of("complete") ? "true" : "false"}};
  const auto add = [&](std::string title, std::string_view member) {
    const std::string text = status.text_of(member);
    if (!text.empty()) rows.push_back({std::move(title), visible(text)});
  };
  add("PGP Fingerprint", "pgp_fingerprint");
  add("Encoded Token", "encoded_token");
  add("OTP", "otp");
  if (status.integer_of("otp_length") > 0) {
    rows.push_back(
        {"OTP Length", std::to_string(status.integer_of("otp_length"))});
  }
  return format_table(rows);
}

int status(Invocation& call) {
  const auto answer = call.api().get(std::string(kAttempt));
  if (!answer) {
    return call.fail("Error getting root generation status", answer.error());
  }
  return call.show(answer->json, status_text(answer->json));
}

int generate_otp(Invocation& call) {
  const auto answer = call.api().get(std::string(kAttempt));
  if (!answer) {
    return call.fail("Error getting root generation status", answer.error());
  }
  const std::int64_t length = answer->json.integer_of("otp_length");
  if (length < 1 || length > 1024) {
    return call.refuse("The server says no length for a one-time password");
  }
  crypto::SystemRng rng;
  const Value otp = Value::string(rng.base62(static_cast<std::size_t>(length)));
  return call.is_structured() ? call.show(otp, "") : call.show_raw(otp);
}

Result<std::string> decoded(const std::string& encoded,
                            const std::string& otp) {
  std::string padded = encoded;
  while (padded.size() % 4 != 0) padded += '=';
  TRY_ASSIGN(const auto bytes, base64_decode(padded));
  if (bytes.size() != otp.size()) {
    return fail(invalid_argument(
        "the one-time password has another length than the token"));
  }
  std::string token(as_text(bytes));
  for (std::size_t i = 0; i < token.size(); ++i) {
    token[i] = static_cast<char>(token[i] ^ otp[i]);
  }
  return token;
}

Result<std::string> asked(Invocation& call, std::string_view flag,
                          std::string_view prompt) {
  const std::string given = call.flags().text(flag);
  if (!given.empty() && given != "-") return given;
  if (given == "-") {
    TRY_ASSIGN(const auto text, call.host().console.read_input());
    auto lines = secret_lines(text);
    if (lines.empty()) return fail(invalid_argument("nothing was given"));
    return std::string(as_text(lines.front().expose()));
  }
  TRY_ASSIGN(const auto typed, call.ask(prompt));
  return std::string(as_text(typed.expose()));
}

int decode(Invocation& call) {
  const auto run = [&]() -> Result<std::string> {
    TRY_ASSIGN(const auto encoded,
               asked(call, "decode", "Encoded Token (will be hidden): "));
    TRY_ASSIGN(const auto otp, asked(call, "otp", "OTP (will be hidden): "));
    call.hide(otp);
    return decoded(encoded, otp);
  };
  const auto token = run();
  if (!token) {
    return call.refuse("Error decoding the token: " + token.error().message(),
                       "give -decode=TOKEN and -otp=OTP of one and the same "
                       "attempt");
  }
  Value out = Value::object();
  out.set("token", Value::string(*token));
  if (call.is_structured()) return call.show(out, "");
  return call.show_raw(Value::string(*token));
}

int init(Invocation& call) {
  const Flags& flags = call.flags();
  Value body = Value::object();
  if (flags.given("otp")) body.set("otp", Value::string(flags.text("otp")));
  if (flags.given("pgp-key")) {
    const auto keys = read_pgp_keys({flags.text("pgp-key")});
    if (!keys || keys->size() != 1) {
      return call.refuse(
          "Error reading the PGP key: " +
              (keys ? "one key is wanted" : keys.error().message()),
          "`gpg --export ID > FILE` writes a key to a file");
    }
    body.set("pgp_key", Value::string(keys->front()));
  }
  const auto answer = call.api().put(std::string(kAttempt), std::move(body));
  if (!answer) {
    return call.fail("Error initializing root generation", answer.error());
  }
  return call.show(answer->json,
                   status_text(answer->json) +
                       "\n\nKeep the OTP to yourself, and tell each holder of "
                       "a key share the nonce. Next, by\neach: `bulla operator "
                       "generate-root`");
}

int cancel(Invocation& call) {
  Value body;
  const std::string nonce = call.flags().text("nonce");
  if (!nonce.empty()) {
    body = Value::object();
    body.set("nonce", Value::string(nonce));
  }
  const auto answer = call.api().call({.method = "DELETE",
                                       .path = std::string(kAttempt),
                                       .body = std::move(body)});
  if (!answer) {
    return call.fail("Error canceling root token generation", answer.error());
  }
  return call.done(
      "Success! Root token generation canceled (if it was "
      "started)");
}

int provide(Invocation& call) {
  const auto now = call.api().get(std::string(kAttempt));
  if (!now) {
    return call.fail("Error getting root generation status", now.error());
  }
  if (!now->json.flag_of("started")) {
    return call.refuse("No root generation is in progress",
                       "begin one with `bulla operator generate-root -init`");
  }
  const auto input = share_input(
      call, "Key Share (will be hidden): ", now->json.text_of("nonce"));
  if (!input) {
    return call.refuse(
        "Error reading the key share: " + input.error().message(),
        "run `bulla operator generate-root` in a terminal, or give the share "
        "on standard input with -nonce=NONCE and -");
  }
  Value last;
  for (const SecretBytes& share : input->shares) {
    Value body = Value::object();
    body.set("key", Value::string(as_text(share.expose())));
    body.set("nonce", Value::string(input->nonce));
    const auto answer =
        call.api().put("sys/generate-root/update", std::move(body));
    if (!answer) return call.fail("Error posting key", answer.error());
    last = answer->json;
    if (last.flag_of("complete")) break;
  }
  std::string text = status_text(last);
  if (last.flag_of("complete")) {
    text +=
        "\n\nNext, by whoever has the OTP: `bulla operator generate-root "
        "-decode=ENCODED_TOKEN`";
  }
  return call.show(last, text);
}

int generate_root(Invocation& call) {
  const Flags& flags = call.flags();
  if (flags.on("generate-otp")) return generate_otp(call);
  if (flags.given("decode")) return decode(call);
  if (flags.on("init")) return init(call);
  if (flags.on("cancel")) return cancel(call);
  if (flags.on("status")) return status(call);
  return provide(call);
}

constexpr std::array<FlagRow, 8> kFlags = {{
    {"init", "", FlagKind::kSwitch, "", "Begin an attempt; one at a time."},
    {"status", "", FlagKind::kSwitch, "", "Show how far it is."},
    {"cancel", "", FlagKind::kSwitch, "", "Drop it."},
    {"generate-otp", "", FlagKind::kSwitch, "",
     "Print a one-time password to begin with."},
    {"otp", "", FlagKind::kText, "OTP",
     "With -init: the one-time password to use; the server makes one where "
     "neither this nor -pgp-key is given. With -decode: the attempt's; asked "
     "for where it is missing."},
    {"pgp-key", "", FlagKind::kText, "FILE",
     "A file with the OpenPGP public key to encrypt the token to."},
    {"decode", "", FlagKind::kText, "TOKEN",
     "Decode the encoded token; - reads it from standard input."},
    {"nonce", "", FlagKind::kText, "NONCE",
     "The attempt's nonce, as whoever began it was told."},
}};
constexpr std::array<Example, 3> kExamples = {{
    {"Begin, with a one-time password that the server makes",
     "bulla operator generate-root -init"},
    {"Be asked for a key share", "bulla operator generate-root"},
    {"Decode the token, being asked for the password",
     "bulla operator generate-root -decode=Qx9zcXdxc3F"},
}};

constexpr std::array<Command, 1> kCommands = {{
    {"operator generate-root", "Make a root token by a quorum of key shares",
     "[KEY]",
     "Makes a new root token when as many holders of key shares as the "
     "threshold give theirs: shares of the unseal key, or of the recovery key "
     "where the seal opens by itself. The token comes encoded, and only "
     "whoever began has what decodes it. Without KEY a share is asked for and "
     "not shown; - reads it from standard input.",
     CommandKind::kRemote, 0, 1, generate_root, kFlags, kExamples},
}};

}  // namespace

std::span<const Command> generate_root_commands() { return kCommands; }

}  // namespace bulla::cli
