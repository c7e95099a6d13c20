// sys/encryption-keys/…/reencrypt: moving records to the active DEKs.

#include "server/sys/handlers.h"
#include "server/sys/job_body.h"
#include "server/sys/sys_backend.h"

namespace bulla::server {
namespace {

Result<std::uint64_t> count_field(const api::Fields& fields,
                                  std::string_view name) {
  const std::int64_t value = fields.integer(name);
  if (value >= 0) return static_cast<std::uint64_t>(value);
  return fail(invalid_argument(std::string(name) + ": may not be negative"));
}

api::Response counted(std::uint64_t total) {
  std::string json;
  JsonWriter out(json);
  out.begin_object().member("dry_run", true);
  out.member("total", total).end_object();
  return api::Response::with_data(std::move(json));
}

Result<api::Response> reencrypt(Core& core, const api::Request& request,
                                api::Context&) {
  const api::Fields& fields = request.fields;
  dek::ReencryptOrder order;
  order.dek_id = fields.text("id");
  order.scope = fields.text("scope");
  TRY_ASSIGN(order.limit, count_field(fields, "limit"));
  TRY_ASSIGN(order.rate, count_field(fields, "rate"));
  if (fields.boolean("dry_run")) {
    TRY_ASSIGN(const std::uint64_t total, core.reencryptor().count(order));
    return counted(total);
  }
  TRY_ASSIGN(const auto job, core.reencryptor().start(order));
  return shown_job(job);
}

std::vector<api::Field> order_fields(api::Field which) {
  using api::FieldType;
  return {
      which,
      {"limit", FieldType::kInt, "At most so many records; 0 for all.", "0"},
      {"rate", FieldType::kInt, "At most so many records a second; 0 for any.",
       "0"},
      {"dry_run", FieldType::kBool,
       "Only counts the records, and changes nothing.", "false"}};
}

}  // namespace

void add_reencrypt_routes(Core& core, Routes& routes) {
  using api::FieldType;
  using api::Operation;
  routes.push_back(
      {.pattern = "encryption-keys/reencrypt",
       .fields = order_fields({"scope", FieldType::kString,
                               "Only records of this scope; \"\" for all."}),
       .methods = {method(core, Operation::kUpdate, reencrypt,
                          "Begins a job that moves the records of deprecated "
                          "DEKs to the active ones; where the same is under "
                          "way, that one.")},
       .synopsis = "Re-encrypts the records of deprecated DEKs."});
  routes.push_back(
      {.pattern = "encryption-keys/:id/reencrypt",
       .fields = order_fields({"id", FieldType::kString, "The DEK's UUID."}),
       .methods = {method(core, Operation::kUpdate, reencrypt,
                          "Begins a job that moves the records of a deprecated "
                          "DEK to the active one.")},
       .synopsis = "Re-encrypts the records of one deprecated DEK."});
}

}  // namespace bulla::server
