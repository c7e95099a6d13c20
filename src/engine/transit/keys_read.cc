// GET keys/:name (reference/transit.md §3).

#include "base/encoding.h"
#include "engine/transit/transit.h"

namespace bulla::engine::transit {

Result<api::Response> TransitBackend::keys_read(const Request& request,
                                                Context& context) {
  TRY_ASSIGN(const Key* key, find_key(request.param("name"), context));
  if (key == nullptr) return Response::none();
  // Of use to derived ed25519 keys alone; bad base64 is refused for all.
  const auto derivation = base64_decode(request.fields.text("context"));
  if (!derivation) {
    return fail(invalid_argument("failed to base64-decode context"));
  }
  return key_body(*key, *derivation);
}

}  // namespace bulla::engine::transit
