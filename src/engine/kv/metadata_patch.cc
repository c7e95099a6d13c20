// PATCH metadata/:path (reference/kv.md §3.6): null takes a value back.

#include <array>

#include "engine/kv/answers.h"
#include "engine/kv/custom_metadata.h"
#include "engine/kv/kv.h"
#include "engine/kv/metadata_change.h"

namespace bulla::engine::kv {
namespace {

constexpr std::array<std::string_view, 5> kPatched{
    "max_versions", "cas_required", "delete_version_after", "custom_metadata",
    "metadata_cas_required"};

bool is_null(const JsonObject& body, std::string_view name) {
  JsonElement element;
  return !body.at_key(name).get(element) && element.is_null();
}

bool names_a_field(const JsonObject& body) {
  JsonElement element;
  for (const std::string_view name : kPatched) {
    if (!body.at_key(name).get(element)) return true;
  }
  return false;
}

void take_back(const JsonObject& body, Record& record) {
  const Record fresh;
  if (is_null(body, "max_versions")) record.max_versions = fresh.max_versions;
  if (is_null(body, "cas_required")) record.cas_required = fresh.cas_required;
  if (is_null(body, "metadata_cas_required")) {
    record.metadata_cas_required = fresh.metadata_cas_required;
  }
  if (is_null(body, "delete_version_after")) {
    record.delete_version_after = fresh.delete_version_after;
  }
  if (is_null(body, "custom_metadata")) record.custom.clear();
}

}  // namespace

Result<api::Response> KvBackend::metadata_patch(const Request& request,
                                                Context& context) {
  const auto& body = request.fields.body();
  if (!body || !names_a_field(*body)) return Response::none();
  const auto custom = request.fields.object("custom_metadata");
  TRY_ASSIGN(const Settings settings, records_.settings());
  const auto edit = [&](Draft& draft) -> Result<bool> {
    if (!draft.exists) return fail(not_found(""));
    TRY(check_metadata_cas(request.fields, draft, settings));
    TRY(take_metadata_fields(request.fields, draft.record));
    take_back(*body, draft.record);
    if (custom) TRY(merge_custom(*custom, draft.record.custom));
    metadata_changed(draft, context.now);
    return true;
  };
  TRY(records_.change(request.param("path"), edit));
  return metadata_answer(request.fields, settings);
}

}  // namespace bulla::engine::kv
