// sys/init: whether this server is initialised, and doing it.

#include "base/json_writer.h"
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

// Shares cannot be encrypted to PGP keys; handing them out in the clear to one
// who asked for that would be worse than handing out none.
Result<void> refuse_pgp(const api::Fields& fields, std::string_view keys,
                        std::optional<std::int64_t> shares) {
  const auto given = fields.strings(keys);
  if (given.empty()) return {};
  if (static_cast<std::int64_t>(given.size()) != shares.value_or(0)) {
    return fail(invalid_argument(
        "invalid seal configuration: count mismatch between number of "
        "provided PGP keys and number of shares"));
  }
  return fail(
      invalid_argument("invalid seal configuration: error parsing given PGP "
                       "key: PGP encryption is not available"));
}

Result<seal::InitParams> params_of(const api::Fields& fields) {
  seal::InitParams params;
  params.secret_shares = number(fields, "secret_shares");
  params.secret_threshold = number(fields, "secret_threshold");
  params.recovery_shares = number(fields, "recovery_shares");
  params.recovery_threshold = number(fields, "recovery_threshold");
  TRY(refuse_pgp(fields, "pgp_keys", params.secret_shares));
  TRY(refuse_pgp(fields, "recovery_pgp_keys", params.recovery_shares));
  if (!fields.text("root_token_pgp_key").empty()) {
    return fail(
        invalid_argument("invalid seal configuration: error parsing given PGP "
                         "key: PGP encryption is not available"));
  }
  return params;
}

Result<api::Response> do_init(Core& core, const api::Request& request,
                              api::Context&) {
  TRY_ASSIGN(const bool done, core.custody().initialized());
  if (done) return fail(invalid_argument("Vault is already initialized"));
  TRY_ASSIGN(const auto params, params_of(request.fields));
  TRY_ASSIGN(const Initialized made, core.initialize(params));
  std::string body;
  JsonWriter out(body);
  out.begin_object();
  write_shares(out, "keys", made.keys.shares);
  if (!made.keys.recovery_shares.empty()) {
    write_shares(out, "recovery_keys", made.keys.recovery_shares);
  }
  out.member("root_token", made.root_token).end_object();
  return api::Response::bare_body(std::move(body));
}

std::vector<api::Field> init_fields() {
  using api::FieldType;
  return {
      {"secret_shares", FieldType::kInt, "Shares to split the unseal key in."},
      {"secret_threshold", FieldType::kInt, "Shares needed to unseal."},
      {"stored_shares", FieldType::kInt, "Accepted and ignored."},
      {"pgp_keys", FieldType::kCommaStringSlice, "Not available."},
      {"root_token_pgp_key", FieldType::kString, "Not available."},
      {"recovery_shares", FieldType::kInt,
       "Shares to split the recovery key in, with an automatic seal."},
      {"recovery_threshold", FieldType::kInt,
       "Recovery shares needed, with an automatic seal."},
      {"recovery_pgp_keys", FieldType::kCommaStringSlice, "Not available."},
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
