#include "cli/settings.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/bytes.h"
#include "base/time_format.h"
#include "cli/command.h"
#include "cli/token_file.h"
#include "net/message.h"

namespace bulla::cli {
namespace {

constexpr std::size_t kTokenBytesMax = 8192;
constexpr int kRetriesMax = 10;

constexpr std::array<FlagRow, 20> kGlobalFlags = {{
    {"address", "", FlagKind::kText, "URL",
     "Address of the server, https://127.0.0.1:8200 if nothing is said.",
     "ADDR"},
    {"agent-address", "", FlagKind::kText, "URL",
     "Address of an agent that stands before the server; goes before "
     "-address.",
     "AGENT_ADDR"},
    {"ca-cert", "", FlagKind::kText, "FILE",
     "PEM file of the authorities that may sign the server's certificate.",
     "CACERT"},
    {"ca-path", "", FlagKind::kText, "DIR",
     "Directory of such PEM files, by hash.", "CAPATH"},
    {"client-cert", "", FlagKind::kText, "FILE",
     "PEM certificate to show to the server.", "CLIENT_CERT"},
    {"client-key", "", FlagKind::kText, "FILE",
     "PEM private key of -client-cert.", "CLIENT_KEY"},
    {"tls-server-name", "", FlagKind::kText, "NAME",
     "Name the server's certificate must have, where it is not the address's.",
     "TLS_SERVER_NAME"},
    {"tls-skip-verify", "", FlagKind::kSwitch, "",
     "Do not check the server's certificate. Whoever sits between then reads "
     "everything.",
     "SKIP_VERIFY"},
    {"wrap-ttl", "", FlagKind::kDuration, "DURATION",
     "Have the answer wrapped in a single-use token that lives this long.",
     "WRAP_TTL"},
    {"namespace", "ns", FlagKind::kText, "NAME",
     "Namespace to send with each request.", "NAMESPACE"},
    {"header", "", FlagKind::kPairs, "NAME=VALUE",
     "Another header to send. May be given several times."},
    {"format", "", FlagKind::kText, "FORMAT",
     "Print the answer as table, json or yaml.", "FORMAT"},
    {"field", "", FlagKind::kText, "NAME",
     "Print only this field of the answer, as it is."},
    {"output-curl-string", "", FlagKind::kSwitch, "",
     "Print the request as a curl command, with names in place of secrets, "
     "and do not send it."},
    {"output-policy", "", FlagKind::kSwitch, "",
     "Print the policy that the request needs, and do not send it."},
    {"disable-redirects", "", FlagKind::kSwitch, "",
     "Do not follow a redirect to another server.", "DISABLE_REDIRECTS"},
    {"mfa", "", FlagKind::kList, "METHOD[:PASSCODE]",
     "Proof of a second factor. May be given several times.", "MFA"},
    {"policy-override", "", FlagKind::kSwitch, "",
     "Ask for soft policies to be overridden; this server has none."},
    {"non-interactive", "", FlagKind::kSwitch, "",
     "Never ask at the terminal."},
    {"help", "h", FlagKind::kSwitch, "", "Print this help."},
}};

Result<void> read_address(const Flags& flags, Settings& settings) {
  std::string address =
      flags.text("agent-address", flags.text("address", settings.address));
  const auto colon = address.find("://");
  const std::string scheme = address.substr(0, colon);
  const bool known =
      colon != std::string::npos &&
      (net::iequals(scheme, "http") || net::iequals(scheme, "https"));
  if (!known) {
    return fail(invalid_argument(
        "-address (BULLA_ADDR, VAULT_ADDR) must begin with http:// or "
        "https://, as in https://127.0.0.1:8200"));
  }
  if (address.find('@') != std::string::npos) {
    return fail(invalid_argument(
        "-address (BULLA_ADDR, VAULT_ADDR) must not hold a user or password"));
  }
  const bool broken = address.size() == colon + 3 ||
                      std::any_of(address.begin(), address.end(), [](char c) {
                        return c <= ' ' || c == '?' || c == '#';
                      });
  if (broken) return fail(invalid_argument("-address is not an address"));
  while (address.back() == '/') address.pop_back();
  settings.address = std::move(address);
  return {};
}

Result<void> read_format(const Flags& flags, Settings& settings) {
  const std::string format = flags.text("format", settings.format);
  settings.format = format == "yml" ? "yaml" : format;
  if (settings.format == "table" || settings.format == "json" ||
      settings.format == "yaml") {
    return {};
  }
  return fail(invalid_argument(
      "-format (BULLA_FORMAT, VAULT_FORMAT) must be table, json or yaml"));
}

Result<void> read_headers(const Flags& flags, Settings& settings) {
  for (auto& [name, value] : flags.pairs("header")) {
    if (name.size() >= 8 && net::iequals(name.substr(0, 8), "x-vault-")) {
      return fail(invalid_argument(
          "-header must not begin with X-Vault-: those have flags of their "
          "own"));
    }
    settings.headers.emplace_back(name, value);
  }
  return {};
}

Result<void> read_limits(const Environment& environment, Settings& settings) {
  if (const auto text = variable(environment, "CLIENT_TIMEOUT")) {
    const auto timeout = parse_duration(*text);
    if (!timeout || *timeout <= Duration::zero()) {
      return fail(invalid_argument(
          "BULLA_CLIENT_TIMEOUT (or VAULT_CLIENT_TIMEOUT) must be a duration "
          "such as 60s"));
    }
    settings.timeout =
        std::chrono::duration_cast<std::chrono::milliseconds>(*timeout);
  }
  if (const auto text = variable(environment, "MAX_RETRIES")) {
    const char* const end = text->data() + text->size();
    const auto [at, error] =
        std::from_chars(text->data(), end, settings.retries_max);
    if (error != std::errc() || at != end || settings.retries_max < 0) {
      return fail(invalid_argument(
          "BULLA_MAX_RETRIES (or VAULT_MAX_RETRIES) must be a whole number"));
    }
    settings.retries_max = std::min(settings.retries_max, kRetriesMax);
  }
  return {};
}

Result<void> read_token(const Environment& environment, Settings& settings) {
  for (const std::string name : {"BULLA_TOKEN", "VAULT_TOKEN"}) {
    const auto text = environment(name);
    if (!text || text->empty()) continue;
    auto token = parse_token(*text);
    if (!token) return fail(std::move(token).error().with_context(name));
    settings.token = *std::move(token);
    settings.token_source = name;
    return {};
  }
  const TokenFile file(environment);
  TRY_ASSIGN(settings.token, file.read());
  if (!settings.token.empty()) settings.token_source = file.path();
  return {};
}

}  // namespace

std::span<const FlagRow> global_flags() { return kGlobalFlags; }

Result<Settings> load_local_settings(const Flags& flags) {
  Settings settings;
  TRY(read_format(flags, settings));
  settings.field = flags.text("field");
  settings.non_interactive = flags.on("non-interactive");
  return settings;
}

Result<Settings> load_settings(const Flags& flags,
                               const Environment& environment) {
  Settings settings;
  TRY(read_address(flags, settings));
  TRY(read_format(flags, settings));
  TRY(read_headers(flags, settings));
  TRY(read_limits(environment, settings));
  TRY(read_token(environment, settings));
  settings.ca_cert = flags.text("ca-cert");
  settings.ca_path = flags.text("ca-path");
  settings.client_cert = flags.text("client-cert");
  settings.client_key = flags.text("client-key");
  settings.tls_server_name = flags.text("tls-server-name");
  settings.tls_skip_verify = flags.on("tls-skip-verify");
  settings.namespace_name = flags.text("namespace");
  settings.wrap_ttl = flags.text("wrap-ttl");
  settings.field = flags.text("field");
  settings.mfa = flags.list("mfa");
  settings.output_curl_string = flags.on("output-curl-string");
  settings.output_policy = flags.on("output-policy");
  settings.policy_override = flags.on("policy-override");
  settings.disable_redirects = flags.on("disable-redirects");
  settings.non_interactive = flags.on("non-interactive");
  return settings;
}

Result<SecretBytes> parse_token(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) {
    return fail(invalid_argument("the token is empty"));
  }
  text.remove_prefix(first);
  text = text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
  if (text.size() > kTokenBytesMax) {
    return fail(invalid_argument("the token is longer than 8192 bytes"));
  }
  const bool printable = std::all_of(
      text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (!printable) {
    return fail(invalid_argument(
        "the token has a character in it that no token has: copy it again"));
  }
  return SecretBytes::copy_of(as_bytes(text));
}

}  // namespace bulla::cli
