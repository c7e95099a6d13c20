// sys/encryption-keys/:id/usage: the records under a DEK.

#include <algorithm>

#include "base/json_writer.h"
#include "base/time_format.h"
#include "server/sys/handlers.h"
#include "server/sys/sys_backend.h"

namespace bulla::server {
namespace {

constexpr std::size_t kLimitUsual = 100;
constexpr std::size_t kLimitMost = 10'000;

// Each holder gives its own in order; the page is the first of all of them.
Result<std::vector<dek::RecordUse>> uses_of(Core& core,
                                            const api::Fields& fields,
                                            std::size_t limit) {
  std::vector<dek::RecordUse> all;
  for (const auto& holder : core.record_holders().all()) {
    TRY_ASSIGN(auto some,
               holder->list_uses(fields.text("id"), fields.text("type"),
                                 fields.text("after"), limit));
    std::ranges::move(some, std::back_inserter(all));
  }
  std::ranges::sort(all, {}, &dek::RecordUse::record_id);
  if (all.size() > limit) all.resize(limit);
  return all;
}

void write_use(const dek::RecordUse& use, JsonWriter& out) {
  out.key(use.record_id).begin_object();
  out.member("created_at", format_rfc3339_nano(use.created_at));
  out.member("name", use.name);
  out.member("type", use.type);
  out.member("updated_at", format_rfc3339_nano(use.updated_at));
  out.member("version", use.version);
  out.end_object();
}

Result<api::Response> usage(Core& core, const api::Request& request,
                            api::Context&) {
  const api::Fields& fields = request.fields;
  TRY(core.deks().find(fields.text("id")));
  const std::int64_t wanted = fields.integer("limit");
  const std::size_t limit =
      wanted <= 0 ? kLimitUsual
                  : std::min(static_cast<std::size_t>(wanted), kLimitMost);
  TRY_ASSIGN(const std::uint64_t total, core.deks().uses(fields.text("id")));
  TRY_ASSIGN(const auto uses, uses_of(core, fields, limit));
  std::vector<std::string_view> keys;
  std::string json;
  JsonWriter out(json);
  out.begin_object().key("key_info").begin_object();
  for (const auto& use : uses) {
    keys.push_back(use.record_id);
    write_use(use, out);
  }
  out.end_object().key("keys").strings(keys);
  out.member("total", total).end_object();
  return api::Response::with_data(std::move(json));
}

}  // namespace

void add_encryption_key_usage_routes(Core& core, Routes& routes) {
  using api::FieldType;
  using api::Operation;
  constexpr std::string_view kList = "Lists the records that a DEK seals.";
  routes.push_back(
      {.pattern = "encryption-keys/:id/usage",
       .fields = {{"id", FieldType::kString, "The DEK's UUID."},
                  {"type", FieldType::kString, "Only records of this type."},
                  {"after", FieldType::kString,
                   "Only records whose id is greater than this one."},
                  {"limit", FieldType::kInt,
                   "At most so many records, up to 10000.", "100"}},
       .methods = {method(core, Operation::kRead, usage, kList),
                   method(core, Operation::kList, usage, kList)},
       .synopsis = "The records under one data encryption key."});
}

}  // namespace bulla::server
