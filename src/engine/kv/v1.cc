// GET, POST, DELETE and LIST :path of a version 1 mount (reference/kv.md §4).

#include "api/field.h"
#include "engine/kv/answers.h"
#include "engine/kv/data_json.h"
#include "engine/kv/kv.h"
#include "engine/kv/new_version.h"

namespace bulla::engine::kv {
namespace {

constexpr Seconds kSystemLease{2764800};  // 768 h

// What the data itself says of how long it is good for.
std::optional<Seconds> lease_of(const JsonObject& data) {
  JsonElement given;
  if (data.at_key("ttl").get(given) && data.at_key("lease").get(given)) {
    return std::nullopt;
  }
  const auto lease = api::json_to_duration(given, false);
  return lease ? std::optional(*lease) : std::nullopt;
}

Error upgrading() {
  return invalid_argument(
      "Upgrading from non-versioned to versioned data. This backend will be "
      "unavailable for a brief period and will resume service shortly.");
}

Result<std::size_t> loose_limit(const api::Fields& fields) {
  const auto raw = fields.raw("limit");
  if (!raw) return std::size_t{0};
  TRY_ASSIGN(const std::int64_t limit, api::json_to_int(*raw));
  return static_cast<std::size_t>(std::max<std::int64_t>(limit, 0));
}

}  // namespace

Result<api::Response> KvBackend::v1_read(const Request& request,
                                         Context& context) {
  TRY_ASSIGN(const auto found,
             records_.read(request.param("path"), 0, context.now));
  if (!found || !found->body) return Response::none();
  const std::string_view text = as_text(found->body->expose());
  JsonParser parser;
  TRY_ASSIGN(const JsonObject data, parse_stored(parser, text));
  Response response = Response::with_data(std::string(text));
  const Seconds of_mount = config_.load()->default_lease_ttl;
  response.lease_duration =
      lease_of(data).value_or(of_mount.count() != 0 ? of_mount : kSystemLease);
  return response;
}

Result<api::Response> KvBackend::v1_write(const Request& request,
                                          Context& context) {
  if (request.param("path").empty()) {
    return fail(invalid_argument("missing path"));
  }
  const auto& body = request.fields.body();
  if (!body || body->size() == 0) {
    return fail(invalid_argument("missing data fields"));
  }
  std::string text = stored_json(*body, Numbers::kAsTheyAre);
  const WipeGuard wipe(bytes_of(text));
  const auto edit = [&](Draft& draft) -> Result<bool> {
    if (versioned_) return fail(upgrading());
    TRY(replace_version(records_, draft, as_bytes(text), context.now));
    return true;
  };
  TRY(records_.change(request.param("path"), edit));
  return Response::none();
}

Result<api::Response> KvBackend::v1_delete(const Request& request,
                                           Context& context) {
  static_cast<void>(context);
  const auto edit = [this](Draft& draft) -> Result<bool> {
    if (versioned_) return fail(upgrading());
    draft.removed = true;
    return draft.exists;
  };
  TRY(records_.change(request.param("path"), edit));
  return Response::none();
}

Result<api::Response> KvBackend::v1_list(const Request& request,
                                         Context& context) {
  static_cast<void>(context);
  TRY_ASSIGN(const std::size_t limit, loose_limit(request.fields));
  TRY_ASSIGN(const auto names,
             records_.list(request.param("path"), request.fields.text("after"),
                           limit));
  if (names.empty()) return Response::none();
  std::string json;
  JsonWriter(json).begin_object().key("keys").strings(names).end_object();
  return Response::with_data(std::move(json));
}

}  // namespace bulla::engine::kv
