// POST metadata/:path (reference/kv.md §3.6).

#include "engine/kv/answers.h"
#include "engine/kv/custom_metadata.h"
#include "engine/kv/kv.h"
#include "engine/kv/metadata_change.h"

namespace bulla::engine::kv {
namespace {

bool names_a_field(const api::Fields& fields) {
  for (const std::string_view name :
       {"max_versions", "cas_required", "delete_version_after",
        "custom_metadata", "metadata_cas_required"}) {
    if (fields.has(name)) return true;
  }
  return false;
}

}  // namespace

Result<api::Response> KvBackend::metadata_write(const Request& request,
                                                Context& context) {
  if (!names_a_field(request.fields)) return Response::none();
  const auto given = request.fields.object("custom_metadata");
  CustomMetadata custom;
  if (given) {
    TRY_ASSIGN(custom, parse_custom(*given));
  }
  TRY_ASSIGN(const Settings settings, records_.settings());
  const auto edit = [&](Draft& draft) -> Result<bool> {
    TRY(check_metadata_cas(request.fields, draft, settings));
    TRY(take_metadata_fields(request.fields, draft.record));
    if (given) draft.record.custom = custom;
    metadata_changed(draft, context.now);
    return true;
  };
  TRY(records_.change(request.param("path"), edit));
  return metadata_answer(request.fields, settings);
}

}  // namespace bulla::engine::kv
