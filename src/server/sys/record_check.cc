// POST sys/encryption-keys/check: whether DEKs, records and the index agree.

#include <algorithm>

#include "base/encoding.h"
#include "base/json_writer.h"
#include "dek/checker.h"
#include "server/sys/handlers.h"
#include "server/sys/sys_backend.h"

namespace bulla::server {
namespace {

constexpr std::size_t kLimitUsual = 1000;
constexpr std::size_t kLimitMost = 10'000;

Result<std::string> cursor_of(const api::Fields& fields) {
  const auto bytes = base64url_decode(fields.text("cursor"));
  if (bytes) return to_text(*bytes);
  return fail(invalid_argument("cursor: give what the answer before gave"));
}

Result<api::Response> check(Core& core, const api::Request& request,
                            api::Context&) {
  TRY_ASSIGN(const std::string cursor, cursor_of(request.fields));
  const std::int64_t wanted = request.fields.integer("limit");
  const std::size_t limit =
      wanted <= 0 ? kLimitUsual
                  : std::min(static_cast<std::size_t>(wanted), kLimitMost);
  TRY_ASSIGN(
      const auto step,
      dek::check_records(core.deks(), core.record_holders(), cursor, limit));
  std::string json;
  JsonWriter out(json);
  out.begin_object();
  out.member("bodies", step.bodies);
  out.member("cursor", base64url_encode(as_bytes(step.cursor)));
  out.key("problems").strings(step.problems);
  out.member("records", step.records);
  out.member("uses", step.uses).end_object();
  return api::Response::with_data(std::move(json));
}

}  // namespace

void add_record_check_routes(Core& core, Routes& routes) {
  using api::FieldType;
  routes.push_back(
      {.pattern = "encryption-keys/check",
       .fields = {{"cursor", FieldType::kString,
                   "Where to go on: what the answer before gave; \"\" begins."},
                  {"limit", FieldType::kInt,
                   "Look at so many entries at most, up to 10000.", "1000"}},
       .methods = {method(core, api::Operation::kUpdate, check,
                          "Looks at some more entries; changes nothing.")},
       .synopsis = "Whether DEKs, records, their bodies and the index of their "
                   "use agree.",
       .sudo = true});
}

}  // namespace bulla::server
