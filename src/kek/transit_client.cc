#include "kek/transit_client.h"

#include <fmt/format.h>

#include "net/url.h"

namespace bulla::kek {
namespace {

constexpr std::size_t kNameBytesMax = 256;

std::string_view without_slashes(std::string_view text) {
  while (text.starts_with('/')) text.remove_prefix(1);
  while (text.ends_with('/')) text.remove_suffix(1);
  return text;
}

Result<void> require(std::string_view what, std::string_view text) {
  if (!text.empty() && text.size() <= kNameBytesMax) return {};
  return fail(invalid_argument(
      fmt::format("{} is {}", what, text.empty() ? "missing" : "too long")));
}

// As Vault does: one TLS option in the stanza, and the environment's do not
// count, so that no mixture of two servers' settings arises.
Result<RemoteTls> read_tls(const Stanza& stanza) {
  bool own = false;
  for (const char* key :
       {"tls_ca_cert", "tls_ca_path", "tls_client_cert", "tls_client_key",
        "tls_server_name", "tls_skip_verify"}) {
    own |= !stanza.given(key).empty();
  }
  using Names = std::initializer_list<const char*>;
  const auto text = [&](const char* key, Names variables) {
    return stanza.text(key, own ? Names{} : variables);
  };
  RemoteTls tls;
  tls.ca_file = text("tls_ca_cert", {"BAO_CACERT", "VAULT_CACERT"});
  tls.ca_path = text("tls_ca_path", {"BAO_CAPATH", "VAULT_CAPATH"});
  tls.client_cert =
      text("tls_client_cert", {"BAO_CLIENT_CERT", "VAULT_CLIENT_CERT"});
  tls.client_key =
      text("tls_client_key", {"BAO_CLIENT_KEY", "VAULT_CLIENT_KEY"});
  tls.server_name =
      text("tls_server_name", {"BAO_TLS_SERVER_NAME", "VAULT_TLS_SERVER_NAME"});
  const Names skip{"BAO_SKIP_VERIFY", "VAULT_SKIP_VERIFY"};
  TRY_ASSIGN(tls.skip_verify,
             stanza.flag("tls_skip_verify", own ? Names{} : skip));
  if (tls.client_cert.empty() == tls.client_key.empty()) return tls;
  return fail(invalid_argument(
      "tls_client_cert and tls_client_key go together; one is missing"));
}

// Here the stanza comes first: it says which server this seal is of, while the
// environment may be a client's.
Result<std::string> read_address(const Stanza& stanza) {
  std::string_view text = stanza.given("address");
  if (text.empty()) {
    text = environment({"BAO_ADDR", "VAULT_ADDR", "TRANSIT_WRAPPER_ADDR"});
  }
  if (text.empty()) return fail(invalid_argument("address is missing"));
  return base_url("address", text);
}

Result<Credential> read_token(const Stanza& stanza) {
  const auto text = stanza.given("token");
  const auto file = stanza.given("token_file");
  if (!text.empty() && !file.empty()) {
    return fail(invalid_argument(
        "token and token_file exclude each other; take one out"));
  }
  if (!file.empty()) return Credential::from_file(file);
  const auto set = environment({"BAO_TOKEN", "VAULT_TOKEN"});
  if (text.empty() && set.empty()) {
    return fail(
        invalid_argument("token is missing; or give token_file, a file that "
                         "holds it"));
  }
  if (text.empty()) return Credential::fixed(set);
  return Credential::from_text(text);
}

}  // namespace

Result<TransitOptions> TransitOptions::from_stanza(
    const Stanza::Options& options) {
  const Stanza stanza(options);
  TRY(stanza.check_known({"address", "token", "token_file", "mount_path",
                          "key_name", "namespace", "disable_renewal",
                          "key_id_prefix", "tls_ca_cert", "tls_ca_path",
                          "tls_client_cert", "tls_client_key",
                          "tls_server_name", "tls_skip_verify"}));
  TransitOptions made;
  TRY_ASSIGN(made.address, read_address(stanza));
  made.mount_path = without_slashes(stanza.text(
      "mount_path",
      {"BULLA_TRANSIT_SEAL_MOUNT_PATH", "BAO_TRANSIT_SEAL_MOUNT_PATH",
       "VAULT_TRANSIT_SEAL_MOUNT_PATH", "TRANSIT_WRAPPER_MOUNT_PATH"}));
  TRY(require("mount_path", made.mount_path));
  made.key_name = stanza.text(
      "key_name", {"BULLA_TRANSIT_SEAL_KEY_NAME", "BAO_TRANSIT_SEAL_KEY_NAME",
                   "VAULT_TRANSIT_SEAL_KEY_NAME", "TRANSIT_WRAPPER_KEY_NAME"});
  TRY(require("key_name", made.key_name));
  made.key_namespace = without_slashes(
      stanza.text("namespace", {"BAO_NAMESPACE", "VAULT_NAMESPACE"}));
  made.key_id_prefix = stanza.given("key_id_prefix");
  TRY_ASSIGN(
      const bool disabled,
      stanza.flag("disable_renewal", {"BULLA_TRANSIT_SEAL_DISABLE_RENEWAL",
                                      "BAO_TRANSIT_SEAL_DISABLE_RENEWAL",
                                      "VAULT_TRANSIT_SEAL_DISABLE_RENEWAL",
                                      "TRANSIT_WRAPPER_DISABLE_RENEWAL"}));
  made.renew = !disabled;
  TRY_ASSIGN(made.token, read_token(stanza));
  TRY_ASSIGN(made.tls, read_tls(stanza));
  return made;
}

std::string TransitClient::key_path(std::string_view operation) const {
  return fmt::format("{}/{}/{}", net::percent_encode(options_.mount_path, "/"),
                     operation, net::percent_encode(options_.key_name));
}

Result<SecretResponse> TransitClient::call(TransitCall call, std::string path,
                                           std::string body,
                                           const CallLimits& limits) const {
  SecretRequest request;
  request.method = body.empty() ? "GET" : "POST";
  request.url = options_.address + "/v1/" + std::move(path);
  request.body.swap(body);
  // A standby may send on to its leader.
  request.follow_redirect = true;
  request.use(options_.tls);
  TRY_ASSIGN(const SecretBytes token, options_.token.read());
  request.add_secret("X-Vault-Token", token.expose());
  request.headers.emplace_back("X-Vault-Request", "true");
  if (!options_.key_namespace.empty()) {
    request.headers.emplace_back("X-Vault-Namespace", options_.key_namespace);
  }
  TRY_ASSIGN(auto answer,
             call_remote(request, limits, [](const net::ClientResponse& a) {
               return transit_worth_repeating(a.status, a.body);
             }));
  if (answer.status / 100 == 2) return answer;
  return fail(transit_error(call, answer.status, answer.body));
}

}  // namespace bulla::kek
