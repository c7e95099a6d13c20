// sys/init: whether this server is initialised, and doing it.

#include "base/encoding.h"
#include "base/json_writer.h"
#include "crypto/pgp.h"
#include "server/sys/handlers.h"
#include "server/sys/share_text.h"
#include "server/sys/sys_backend.h"

namespace bulla::server {
namespace {

Result<api::Response> read_init(Core& core, const api::Request&,
                                api::Context&) {
  TRY_ASSIGN(const bool initialized, core.custody().initialized());
  std::string body;
  JsonWriter(body)
      .begin_object()
      .member("initialized", initialized)
      .end_object();
  return api::Response::bare_body(std::move(body));
}

std::optional<std::int64_t> number(const api::Fields& fields,
                                   std::string_view name) {
  if (!fields.has(name)) return std::nullopt;
  return fields.integer(name);
}

using PgpKeys = std::vector<crypto::PgpKey>;

Result<crypto::PgpKey> parse_key(std::string_view text) {
  auto key = crypto::PgpKey::parse(text);
  if (key) return key;
  return fail(std::move(key).error().with_context(
      "invalid seal configuration: error parsing given PGP key"));
}

// To whom the shares and the token go. Keys are read, and tried, before
// anything is made.
struct Holders {
  PgpKeys keys;
  PgpKeys recovery_keys;
  std::optional<crypto::PgpKey> token_key;
};

Result<PgpKeys> parse_keys(const std::vector<std::string>& texts,
                           std::optional<std::int64_t> shares) {
  PgpKeys keys;
  if (texts.empty()) return keys;
  if (static_cast<std::int64_t>(texts.size()) != shares.value_or(0)) {
    return fail(invalid_argument(
        "invalid seal configuration: count mismatch between number of "
        "provided PGP keys and number of shares"));
  }
  for (const std::string& text : texts) {
    TRY_ASSIGN(auto key, parse_key(text));
    keys.push_back(std::move(key));
  }
  return keys;
}

seal::InitParams params_of(const api::Fields& fields) {
  seal::InitParams params;
  params.secret_shares = number(fields, "secret_shares");
  params.secret_threshold = number(fields, "secret_threshold");
  params.recovery_shares = number(fields, "recovery_shares");
  params.recovery_threshold = number(fields, "recovery_threshold");
  return params;
}

Result<Holders> holders_of(const api::Fields& fields,
                           const seal::InitParams& params) {
  Holders holders;
  TRY_ASSIGN(holders.keys,
             parse_keys(fields.strings("pgp_keys"), params.secret_shares));
  TRY_ASSIGN(
      holders.recovery_keys,
      parse_keys(fields.strings("recovery_pgp_keys"), params.recovery_shares));
  if (const auto text = fields.text("root_token_pgp_key"); !text.empty()) {
    TRY_ASSIGN(holders.token_key, parse_key(text));
  }
  return holders;
}

Result<std::vector<SecretBytes>> encrypted(
    const PgpKeys& keys, const std::vector<SecretBytes>& shares) {
  std::vector<SecretBytes> messages;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    if (keys.empty()) {
      messages.push_back(shares[i].clone());
      continue;
    }
    std::string hex = hex_encode(shares[i].expose());
    const WipeGuard guard(
        {reinterpret_cast<std::uint8_t*>(hex.data()), hex.size()});
    TRY_ASSIGN(const auto message, keys[i].encrypt(as_bytes(hex)));
    messages.push_back(SecretBytes::copy_of(message));
  }
  return messages;
}

// What is answered, made before anything is stored.
struct Handed {
  std::vector<SecretBytes> shares;
  std::vector<SecretBytes> recovery_shares;
  std::string root_token;
};

Result<Handed> hand_out(const Holders& holders, const seal::InitResult& keys,
                        std::string_view root_token) {
  Handed handed;
  TRY_ASSIGN(handed.shares, encrypted(holders.keys, keys.shares));
  TRY_ASSIGN(handed.recovery_shares,
             encrypted(holders.recovery_keys, keys.recovery_shares));
  handed.root_token = root_token;
  if (holders.token_key) {
    TRY_ASSIGN(const auto message,
               holders.token_key->encrypt(as_bytes(root_token)));
    handed.root_token = base64_encode(message);
  }
  return handed;
}

Result<api::Response> do_init(Core& core, const api::Request& request,
                              api::Context&) {
  TRY_ASSIGN(const bool done, core.custody().initialized());
  if (done) return fail(invalid_argument("Vault is already initialized"));
  const seal::InitParams params = params_of(request.fields);
  TRY_ASSIGN(const auto holders, holders_of(request.fields, params));
  Handed handed;
  const HandOut prepare = [&](const seal::InitResult& keys,
                              std::string_view root_token) -> Result<void> {
    TRY_ASSIGN(handed, hand_out(holders, keys, root_token));
    return {};
  };
  TRY(core.initialize(params, {}, prepare));
  std::string body;
  JsonWriter out(body);
  out.begin_object();
  write_shares(out, "keys", handed.shares);
  if (!handed.recovery_shares.empty()) {
    write_shares(out, "recovery_keys", handed.recovery_shares);
  }
  out.member("root_token", handed.root_token).end_object();
  return api::Response::bare_body(std::move(body));
}

std::vector<api::Field> init_fields() {
  using api::FieldType;
  return {
      {"secret_shares", FieldType::kInt, "Shares to split the unseal key in."},
      {"secret_threshold", FieldType::kInt, "Shares needed to unseal."},
      {"stored_shares", FieldType::kInt, "Accepted and ignored."},
      {"pgp_keys", FieldType::kCommaStringSlice,
       "A public key, base64, for each share."},
      {"root_token_pgp_key", FieldType::kString,
       "A public key, base64, to encrypt the root token to."},
      {"recovery_shares", FieldType::kInt,
       "Shares to split the recovery key in, with an automatic seal."},
      {"recovery_threshold", FieldType::kInt,
       "Recovery shares needed, with an automatic seal."},
      {"recovery_pgp_keys", FieldType::kCommaStringSlice,
       "A public key, base64, for each recovery share."},
  };
}

}  // namespace

void add_init_routes(Core& core, Routes& routes) {
  using api::Operation;
  routes.push_back(
      {.pattern = "init",
       .fields = init_fields(),
       .methods = {method(core, Operation::kRead, read_init,
                          "Tells whether the server is initialised."),
                   method(core, Operation::kUpdate, do_init,
                          "Initialises the server.")},
       .synopsis = "Initialises the server, or tells whether it is.",
       .unauthenticated = true,
       .while_sealed = true,
       .audited = false});
}

}  // namespace bulla::server
