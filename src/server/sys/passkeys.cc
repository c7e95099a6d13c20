// sys/passkeys: the sealed copies of the root key.

#include "seal/passkeys.h"

#include "base/json_writer.h"
#include "base/time_format.h"
#include "server/sys/handlers.h"
#include "server/sys/share_text.h"
#include "server/sys/sys_backend.h"

namespace bulla::server {
namespace {

constexpr std::int64_t kShares = 5;
constexpr std::int64_t kThreshold = 3;

void write_passkey(JsonWriter& out, const seal::Passkey& passkey) {
  out.begin_object();
  out.key("check_value").base64(passkey.check);
  out.member("created", format_rfc3339_nano(passkey.created));
  out.member("kek_version", passkey.wrapped.version);
  out.member("key_id", passkey.wrapped.key_id);
  out.member("kind", passkey.kind);
  out.member("last_verified", format_rfc3339_nano(passkey.verified));
  out.member("name", passkey.name);
  out.member("provider", passkey.provider);
  if (passkey.shares != 0) {
    out.member("shares", passkey.shares).member("threshold", passkey.threshold);
  }
  out.end_object();
}

api::Response shown(const seal::Passkey& passkey) {
  std::string json;
  JsonWriter out(json);
  write_passkey(out, passkey);
  return api::Response::with_data(std::move(json));
}

// Its routes are not marked sudo as a whole: whoever may read them may look.
Result<void> require_sudo(const api::Context& context) {
  if (context.sudo) return {};
  return fail(permission_denied());
}

Result<api::Response> list(Core& core, const api::Request& request,
                           api::Context&) {
  TRY_ASSIGN(const auto all, core.custody().passkeys().list());
  std::vector<std::string> names;
  for (const auto& passkey : all) names.push_back(passkey.name);
  std::ranges::sort(names);
  const auto keys = page(names, request.fields);
  std::string json;
  JsonWriter out(json);
  out.begin_object().key("key_info").begin_object();
  for (const auto& passkey : all) {
    if (!std::ranges::binary_search(keys, passkey.name)) continue;
    out.key(passkey.name);
    write_passkey(out, passkey);
  }
  out.end_object().key("keys").strings(keys).end_object();
  return api::Response::with_data(std::move(json));
}

Result<api::Response> read(Core& core, const api::Request& request,
                           api::Context&) {
  auto found = core.custody().passkeys().find(request.param("name"));
  if (found) return shown(*found);
  if (found.error().code() == ErrorCode::kNotFound) {
    return api::Response::none();
  }
  return fail(std::move(found).error());
}

SecretBytes secret_field(const api::Fields& fields, std::string_view name) {
  return SecretBytes::copy_of(as_bytes(fields.text(name)));
}

Result<api::Response> add(Core& core, const api::Request& request,
                          api::Context& context) {
  TRY(require_sudo(context));
  const api::Fields& fields = request.fields;
  seal::Passkeys::New wanted;
  wanted.name = request.param("name");
  wanted.kind = fields.text("kind");
  wanted.provider = fields.text("provider");
  wanted.passphrase = secret_field(fields, "passphrase");
  if (wanted.kind.empty()) {
    return fail(invalid_argument(
        "kind is missing: shamir, passphrase, or that of a configured seal"));
  }
  const bool shamir = wanted.kind == seal::Passkey::kShamir;
  wanted.shares = fields.integer("secret_shares", shamir ? kShares : 0);
  wanted.threshold =
      fields.integer("secret_threshold", shamir ? kThreshold : 0);
  TRY_ASSIGN(const auto added,
             core.custody().passkeys().add(std::move(wanted)));
  std::string json;
  JsonWriter out(json);
  out.begin_object();
  if (!added.shares.empty()) write_shares(out, "keys", added.shares);
  out.key("passkey");
  write_passkey(out, added.passkey);
  out.end_object();
  return api::Response::with_data(std::move(json));
}

Result<api::Response> remove(Core& core, const api::Request& request,
                             api::Context& context) {
  TRY(require_sudo(context));
  auto removed = core.custody().passkeys().remove(request.param("name"));
  if (!removed && removed.error().code() != ErrorCode::kNotFound) {
    return fail(std::move(removed).error());
  }
  return api::Response::none();
}

Result<api::Response> verify(Core& core, const api::Request& request,
                             api::Context&) {
  const api::Fields& fields = request.fields;
  seal::Passkeys::Proof proof;
  proof.passphrase = secret_field(fields, "passphrase");
  for (std::string& text : fields.strings("keys")) {
    const WipeGuard guard(
        {reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
    TRY_ASSIGN(auto share, decode_share(text));
    proof.shares.push_back(std::move(share));
  }
  TRY_ASSIGN(const auto verified, core.custody().passkeys().verify(
                                      request.param("name"), std::move(proof)));
  return shown(verified);
}

Result<api::Response> rename(Core& core, const api::Request& request,
                             api::Context& context) {
  TRY(require_sudo(context));
  TRY_ASSIGN(
      const auto renamed,
      core.custody().passkeys().rename(
          request.param("name"), std::string(request.fields.text("new_name"))));
  return shown(renamed);
}

constexpr api::Field kName{"name", api::FieldType::kString,
                           "The passkey's name."};

std::vector<api::Field> add_fields() {
  using api::FieldType;
  return {kName,
          {"kind",
           FieldType::kString,
           "shamir, passphrase, or the kind of a configured seal.",
           {},
           true},
          {"provider", FieldType::kString,
           "The seal's name, where several of the kind are configured."},
          {"passphrase", FieldType::kString,
           "Of the kind passphrase: what people will open it with."},
          {"secret_shares", FieldType::kInt,
           "Of the kind shamir: shares to split the unseal key in.", "5"},
          {"secret_threshold", FieldType::kInt,
           "Of the kind shamir: shares needed to unseal.", "3"}};
}

}  // namespace

void add_passkey_routes(Core& core, Routes& routes) {
  using api::FieldType;
  using api::Operation;
  constexpr std::string_view kList = "Lists the passkeys.";
  routes.push_back({.pattern = "passkeys",
                    .fields = page_fields(),
                    .methods = {method(core, Operation::kRead, list, kList),
                                method(core, Operation::kList, list, kList)},
                    .synopsis = "The sealed copies of the root key."});
  routes.push_back(
      {.pattern = "passkeys/:name",
       .fields = add_fields(),
       .methods = {method(core, Operation::kRead, read, "Shows a passkey."),
                   method(core, Operation::kUpdate, add,
                          "Adds a passkey; needs sudo."),
                   method(core, Operation::kDelete, remove,
                          "Deletes a passkey when another one has just "
                          "opened; needs sudo.")},
       .synopsis = "One sealed copy of the root key."});
  routes.push_back(
      {.pattern = "passkeys/:name/verify",
       .fields = {kName,
                  {"passphrase", FieldType::kString,
                   "Proves that its holder still has it."},
                  {"keys", FieldType::kStringSlice,
                   "As many shares as its threshold: proves that they "
                   "combine."}},
       .methods = {method(core, Operation::kUpdate, verify,
                          "Opens the root key with a passkey, now.")},
       .synopsis = "Proves a passkey."});
  routes.push_back(
      {.pattern = "passkeys/:name/rename",
       .fields =
           {kName,
            {"new_name", FieldType::kString, "Its name to be.", {}, true}},
       .methods = {method(core, Operation::kUpdate, rename,
                          "Renames a passkey; needs sudo.")},
       .synopsis = "Renames a passkey."});
}

}  // namespace bulla::server
