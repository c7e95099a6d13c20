// What is no path of a version 2 mount, as one of version 1 would have it
// (reference/kv.md §3.8).

#include <fmt/format.h>

#include "engine/kv/kv.h"

namespace bulla::engine::kv {
namespace {

std::string_view command_for(api::Operation operation) {
  switch (operation) {
    case api::Operation::kCreate:
    case api::Operation::kUpdate:
      return "put";
    case api::Operation::kPatch:
      return "patch";
    case api::Operation::kDelete:
      return "delete";
    case api::Operation::kList:
      return "list";
    default:
      return "get";
  }
}

}  // namespace

Result<api::Response> KvBackend::wrong_path(const Request& request,
                                            Context& context) {
  static_cast<void>(context);
  return Response::none()
      .warn(fmt::format(
          "Invalid path for a versioned K/V secrets engine. See the API docs "
          "for the appropriate API endpoints to use. If using the Bulla CLI, "
          "use 'bulla kv {}' for this operation.",
          command_for(request.operation)))
      .with_status(404);
}

Result<api::Response> KvBackend::bare_root(const Request& request,
                                           Context& context) {
  static_cast<void>(request);
  static_cast<void>(context);
  return Response::none()
      .warn(
          "Non-listing operations on the root of a K/V v2 mount are not "
          "supported.")
      .with_status(404);
}

}  // namespace bulla::engine::kv
