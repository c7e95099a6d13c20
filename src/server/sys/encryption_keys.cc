// sys/encryption-keys: the data encryption keys of records.

#include "server/sys/dek_body.h"
#include "server/sys/handlers.h"
#include "server/sys/sys_backend.h"

namespace bulla::server {
namespace {

Result<api::Response> list(Core& core, const api::Request& request,
                           api::Context&) {
  TRY_ASSIGN(const auto all, core.deks().list());
  std::vector<std::string> ids;
  for (const auto& info : all) ids.push_back(info.id);
  const auto keys = page(ids, request.fields);
  std::string json;
  JsonWriter out(json);
  out.begin_object().key("key_info").begin_object();
  for (const auto& info : all) {
    if (!std::ranges::binary_search(keys, info.id)) continue;
    out.key(info.id);
    TRY(write_dek(core, info, out));
  }
  out.end_object().key("keys").strings(keys).end_object();
  return api::Response::with_data(std::move(json));
}

Result<api::Response> create(Core& core, const api::Request& request,
                             api::Context&) {
  const api::Fields& fields = request.fields;
  dek::NewDek wanted;
  wanted.name = fields.text("name");
  wanted.description = fields.text("description");
  wanted.algorithm = fields.text("algorithm");
  wanted.scope = fields.text("scope");
  TRY_ASSIGN(const auto made, core.deks().create(wanted));
  return shown_dek(core, made);
}

Result<api::Response> read(Core& core, const api::Request& request,
                           api::Context&) {
  const auto found = core.deks().find(request.param("id"));
  if (found) return shown_dek(core, *found);
  if (found.error().code() == ErrorCode::kNotFound) {
    return api::Response::none();
  }
  return fail(found.error());
}

Result<api::Response> update(Core& core, const api::Request& request,
                             api::Context&) {
  const api::Fields& fields = request.fields;
  dek::DekUpdate change;
  const auto take = [&](std::string_view name,
                        std::optional<std::string>& into) {
    if (fields.has(name)) into = std::string(fields.text(name));
  };
  take("name", change.name);
  take("description", change.description);
  take("status", change.status);
  take("algorithm", change.algorithm);
  take("scope", change.scope);
  if (fields.has("cas")) {
    const std::int64_t cas = fields.integer("cas");
    if (cas < 0) {
      return fail(invalid_argument("cas: expected the DEK's version"));
    }
    change.cas = static_cast<std::uint64_t>(cas);
  }
  TRY_ASSIGN(const auto changed,
             core.deks().update(request.param("id"), change));
  return shown_dek(core, changed);
}

constexpr api::Field kId{"id", api::FieldType::kString, "The DEK's UUID."};

std::vector<api::Field> create_fields() {
  using api::FieldType;
  auto fields = page_fields();
  fields.push_back({"name", FieldType::kString, "The DEK's name.", {}, true});
  fields.push_back(
      {"description", FieldType::kString, "What it is for; any text."});
  fields.push_back({"algorithm", FieldType::kString,
                    "AES-GCM-256 or AES-GCM-128; for its whole life.",
                    "AES-GCM-256"});
  fields.push_back({"scope", FieldType::kString,
                    "Whose records it seals; for its whole life.", "default"});
  return fields;
}

std::vector<api::Field> update_fields() {
  using api::FieldType;
  return {kId,
          {"name", FieldType::kString, "The DEK's name."},
          {"description", FieldType::kString, "What it is for; any text."},
          {"status", FieldType::kString,
           "inactive: retires a deprecated DEK that no record uses."},
          {"cas", FieldType::kInt,
           "The version that the DEK must have for the change to be made."},
          {"algorithm", FieldType::kString, "Immutable: only as it is."},
          {"scope", FieldType::kString, "Immutable: only as it is."}};
}

}  // namespace

void add_encryption_key_routes(Core& core, Routes& routes) {
  using api::Operation;
  constexpr std::string_view kList = "Lists the DEKs.";
  routes.push_back(
      {.pattern = "encryption-keys",
       .fields = create_fields(),
       .methods = {method(core, Operation::kRead, list, kList),
                   method(core, Operation::kList, list, kList),
                   method(core, Operation::kUpdate, create,
                          "Creates a DEK: it is the active one of its scope "
                          "from then on.")},
       .synopsis = "The data encryption keys of records."});
  routes.push_back(
      {.pattern = "encryption-keys/:id",
       .fields = update_fields(),
       .methods = {method(core, Operation::kRead, read, "Shows a DEK."),
                   method(core, Operation::kUpdate, update,
                          "Changes name, description or status of a DEK.")},
       .synopsis = "One data encryption key."});
  add_encryption_key_usage_routes(core, routes);
}

}  // namespace bulla::server
