// POST keys/:name/rotate (reference/transit.md §4).

#include "engine/transit/transit.h"

namespace bulla::engine::transit {

Result<api::Response> TransitBackend::keys_rotate(const Request& request,
                                                  Context& context) {
  TRY_ASSIGN(const Key* present, find_key(request.param("name"), context));
  if (present != nullptr && present->type().managed()) {
    return rotate_managed(request, context, *present);
  }
  const auto key = keys_.update(
      request.param("name"), context.now,
      [](KeyRecord&) { return Result<KeyEdit>(KeyEdit::kRotate); });
  if (!key && key.error().code() == ErrorCode::kNotFound) {
    return fail(invalid_argument("key not found"));
  }
  if (!key) return fail(key.error());
  return key_body(**key);
}

}  // namespace bulla::engine::transit
