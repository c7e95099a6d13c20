#include "server/router_rules.h"

#include <fmt/format.h>

namespace bulla::server {

const api::Method* find_method(const api::Route& route,
                               api::Operation operation) {
  const api::Operation wanted = operation == api::Operation::kCreate
                                    ? api::Operation::kUpdate
                                    : operation;
  for (const api::Method& method : route.methods) {
    if (method.operation == wanted) return &method;
  }
  return nullptr;
}

Result<void> check_routed(const Mount* mount, const api::Route* route,
                          std::string_view path) {
  if (mount == nullptr) {
    return fail(not_found(fmt::format("no handler for route \"{}\". route "
                                      "entry not found.",
                                      path))
                    .as_plain());
  }
  if (route == nullptr) return fail(not_found("unsupported path"));
  return {};
}

}  // namespace bulla::server
