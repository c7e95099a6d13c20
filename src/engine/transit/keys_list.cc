// LIST keys (reference/transit.md §1).

#include <algorithm>
#include <utility>

#include "base/json_writer.h"
#include "engine/transit/transit.h"

namespace bulla::engine::transit {

Result<api::Response> TransitBackend::keys_list(const Request& request,
                                                Context& context) {
  static_cast<void>(context);
  const std::int64_t limit =
      std::max<std::int64_t>(request.fields.integer("limit"), 0);
  TRY_ASSIGN(const auto names, keys_.list(request.fields.text("after"),
                                          static_cast<std::size_t>(limit)));
  if (names.empty()) return Response::none();
  std::string data;
  JsonWriter(data).begin_object().key("keys").strings(names).end_object();
  return Response::with_data(std::move(data));
}

}  // namespace bulla::engine::transit
