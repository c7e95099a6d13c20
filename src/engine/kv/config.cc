// GET and POST config (reference/kv.md §3).

#include <algorithm>

#include "base/time_format.h"
#include "engine/kv/answers.h"
#include "engine/kv/kv.h"

namespace bulla::engine::kv {

Result<api::Response> KvBackend::config_read(const Request& request,
                                             Context& context) {
  static_cast<void>(request);
  static_cast<void>(context);
  TRY_ASSIGN(const Settings settings, records_.settings());
  std::string json;
  JsonWriter(json)
      .begin_object()
      .member("cas_required", settings.cas_required)
      .member("delete_version_after",
              format_go_duration(settings.delete_version_after))
      .member("max_versions", settings.max_versions)
      .member("metadata_cas_required", settings.metadata_cas_required)
      .end_object();
  return Response::with_data(std::move(json));
}

Result<api::Response> KvBackend::config_write(const Request& request,
                                              Context& context) {
  static_cast<void>(context);
  const api::Fields& fields = request.fields;
  std::optional<std::uint32_t> max_versions;
  if (fields.has("max_versions")) {
    TRY_ASSIGN(max_versions, max_versions_of(fields));
  }
  TRY(records_.change_settings([&](Settings& settings) {
    settings.max_versions = max_versions.value_or(settings.max_versions);
    settings.cas_required =
        fields.boolean("cas_required", settings.cas_required);
    settings.metadata_cas_required =
        fields.boolean("metadata_cas_required", settings.metadata_cas_required);
    // Below 0 there is one value: never.
    settings.delete_version_after = std::max(
        fields.duration("delete_version_after", settings.delete_version_after),
        Seconds{-1});
  }));
  return Response::none();
}

}  // namespace bulla::engine::kv
