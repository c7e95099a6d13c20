// POST keys/:name/trim (reference/transit.md §4).

#include "engine/transit/config_rules.h"
#include "engine/transit/transit.h"

namespace bulla::engine::transit {

Result<api::Response> TransitBackend::keys_trim(const Request& request,
                                                Context& context) {
  const auto key =
      keys_.update(request.param("name"), context.now,
                   [&](KeyRecord& record) -> Result<KeyEdit> {
                     TRY_ASSIGN(record.min_available_version,
                                check_trim(request.fields, record));
                     return KeyEdit::kTrim;
                   });
  if (!key && key.error().code() == ErrorCode::kNotFound) {
    return fail(invalid_argument("invalid key name"));
  }
  if (!key) return fail(key.error());
  return key_body(**key);
}

}  // namespace bulla::engine::transit
