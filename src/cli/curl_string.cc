#include <algorithm>
#include <array>

#include "cli/api_client.h"

namespace bulla::cli {
namespace {

// Members that hold secrets in the bodies that the commands build themselves.
constexpr std::array<std::string_view, 8> kSecretMembers = {
    "key",      "token",     "accessor",  "id",
    "password", "secret_id", "plaintext", "otp"};

std::string variable_name(std::string_view key) {
  std::string name;
  for (const char c : key) {
    const bool lower = c >= 'a' && c <= 'z';
    const bool word = lower || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!word) {
      name += '_';
      continue;
    }
    name += lower ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return name.empty() || (name[0] >= '0' && name[0] <= '9') ? "V" + name : name;
}

std::string shell_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
      continue;
    }
    out += c;
  }
  return out + "'";
}

// Leaves the quotes around the body for a variable: '{"key":"'"$KEY"'"}'.
std::string placeholder(std::string_view key) {
  return "'\"$" + variable_name(key) + "\"'";
}

bool is_secret(std::string_view key) {
  return std::find(kSecretMembers.begin(), kSecretMembers.end(), key) !=
         kSecretMembers.end();
}

// A key pasted in place of KEY=VALUE may end in "=" and pass for a name.
bool is_plain_name(std::string_view key) {
  constexpr std::size_t kNameBytesMax = 32;
  return key.size() <= kNameBytesMax &&
         std::all_of(key.begin(), key.end(), [](char c) {
           return c == '_' || c == '-' || (c >= '0' && c <= '9') ||
                  (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
         });
}

void append_body(std::string& out, const Value& value, std::string_view key,
                 bool hide) {
  const bool object = value.is(Value::Kind::kObject);
  const bool scalar = !object && !value.is(Value::Kind::kArray);
  if (scalar && (hide || is_secret(key))) {
    const bool text = value.is(Value::Kind::kString);
    const std::string_view quote = text ? "\"" : "";
    out.append(quote).append(placeholder(key)).append(quote);
    return;
  }
  if (scalar) {
    // Quoted for the shell inside the quotes that stand around the body.
    const std::string quoted = shell_quoted(to_json(value));
    out += quoted.substr(1, quoted.size() - 2);
    return;
  }
  out += object ? '{' : '[';
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    if (i > 0) out += ',';
    const std::string key_text(object ? value.keys[i] : std::string(key));
    const std::string name =
        hide && !is_plain_name(key_text) ? "name" : key_text;
    if (object) {
      append_body(out, Value::string(name), "", false);
      out += ':';
    }
    append_body(out, value.items[i], name, hide);
  }
  out += object ? '}' : ']';
}

}  // namespace

std::string curl_string(const ApiRequest& request, const std::string& url,
                        const Settings& settings) {
  std::string out = "curl";
  if (request.method != "GET") out += " -X " + request.method;
  if (settings.tls_skip_verify) out += " --insecure";
  const auto option = [&out](std::string_view name, const std::string& value) {
    if (value.empty()) return;
    out.append(" ").append(name).append(" ").append(shell_quoted(value));
  };
  option("--cacert", settings.ca_cert);
  option("--capath", settings.ca_path);
  option("--cert", settings.client_cert);
  option("--key", settings.client_key);
  out += " -H \"X-Vault-Request: true\"";
  if (request.with_token) out += " -H \"X-Vault-Token: $VAULT_TOKEN\"";
  if (!settings.namespace_name.empty()) {
    option("-H", "X-Vault-Namespace: " + settings.namespace_name);
  }
  if (!settings.wrap_ttl.empty()) {
    option("-H", "X-Vault-Wrap-TTL: " + settings.wrap_ttl);
  }
  for (const auto& header : settings.headers) {
    out += " -H " + shell_quoted(header.first + ": ") + "\"$" +
           variable_name(header.first) + "\"";
  }
  if (!request.body.is_null()) {
    out += " -d '";
    append_body(out, request.body, "data", request.user_data);
    out += "'";
  }
  return out + " " + shell_quoted(url);
}

}  // namespace bulla::cli
