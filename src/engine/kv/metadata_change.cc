#include "engine/kv/metadata_change.h"

#include <fmt/format.h>

#include "engine/kv/answers.h"

namespace bulla::engine::kv {
namespace {

void warn_overruled(const api::Fields& fields, std::string_view name,
                    bool mandated, api::Response& response) {
  if (!mandated || !fields.has(name) || fields.boolean(name)) return;
  response.present = true;
  response.warnings.push_back(
      fmt::format("\"{}\" set to false, but is mandated by backend config. "
                  "This value will be ignored.",
                  name));
}

}  // namespace

Result<void> check_metadata_cas(const api::Fields& fields, const Draft& draft,
                                const Settings& settings) {
  const bool required =
      settings.metadata_cas_required || draft.record.metadata_cas_required;
  if (!fields.has("metadata_cas")) {
    if (!required) return {};
    return fail(invalid_argument(
        "metadata check-and-set parameter required for this call"));
  }
  const auto cas = static_cast<std::uint64_t>(fields.integer("metadata_cas"));
  if (cas == draft.record.metadata_version) return {};
  return fail(invalid_argument(
      draft.exists
          ? "metadata check-and-set parameter does not match the current "
            "version"
          : "metadata_cas must be 0 when creating new metadata"));
}

Result<void> take_metadata_fields(const api::Fields& fields, Record& record) {
  if (fields.has("max_versions")) {
    TRY_ASSIGN(record.max_versions, max_versions_of(fields));
  }
  record.cas_required = fields.boolean("cas_required", record.cas_required);
  record.metadata_cas_required =
      fields.boolean("metadata_cas_required", record.metadata_cas_required);
  record.delete_version_after =
      fields.duration("delete_version_after", record.delete_version_after);
  return {};
}

void metadata_changed(Draft& draft, Time now) {
  if (!draft.exists) draft.record.created = now;
  draft.record.updated = now;
  ++draft.record.metadata_version;
}

api::Response metadata_answer(const api::Fields& fields,
                              const Settings& settings) {
  api::Response response;
  warn_overruled(fields, "cas_required", settings.cas_required, response);
  warn_overruled(fields, "metadata_cas_required",
                 settings.metadata_cas_required, response);
  return response;
}

}  // namespace bulla::engine::kv
