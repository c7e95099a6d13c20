// DELETE keys/:name/soft-delete and POST keys/:name/soft-delete-restore
// (reference/transit.md §4): a key that is kept and shown, but not used.

#include <utility>

#include "engine/transit/transit.h"

namespace bulla::engine::transit {

Result<api::Response> TransitBackend::set_soft_deleted(const Request& request,
                                                       Context& context,
                                                       bool deleted) {
  bool changed = false;
  const auto key =
      keys_.update(request.param("name"), context.now,
                   [&](KeyRecord& record) -> Result<KeyEdit> {
                     changed = record.soft_deleted != deleted;
                     record.soft_deleted = deleted;
                     return changed ? KeyEdit::kStore : KeyEdit::kNone;
                   });
  // A key that is not there is as good as deleted, and as restored.
  if (!key && key.error().code() == ErrorCode::kNotFound) {
    return Response::none();
  }
  if (!key) return fail(key.error());
  TRY_ASSIGN(auto answer, key_body(**key));
  if (!changed) {
    answer.warnings.emplace_back(deleted
                                     ? "key was already marked as soft deleted"
                                     : "key was already restored");
  }
  return answer;
}

Result<api::Response> TransitBackend::keys_soft_delete(const Request& request,
                                                       Context& context) {
  return set_soft_deleted(request, context, true);
}

Result<api::Response> TransitBackend::keys_soft_delete_restore(
    const Request& request, Context& context) {
  return set_soft_deleted(request, context, false);
}

}  // namespace bulla::engine::transit
