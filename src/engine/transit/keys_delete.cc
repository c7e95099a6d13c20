// DELETE keys/:name (reference/transit.md §3).

#include <fmt/format.h>

#include "engine/transit/transit.h"

namespace bulla::engine::transit {

Result<api::Response> TransitBackend::keys_delete(const Request& request,
                                                  Context& context) {
  static_cast<void>(context);
  const std::string_view name = request.param("name");
  const auto removed = keys_.remove(name);
  if (removed) return Response::none();
  const ErrorCode code = removed.error().code();
  if (code == ErrorCode::kNotFound || code == ErrorCode::kInvalidArgument) {
    return fail(invalid_argument(fmt::format("error deleting policy {}: {}",
                                             name, removed.error().message())));
  }
  return fail(removed.error());
}

}  // namespace bulla::engine::transit
