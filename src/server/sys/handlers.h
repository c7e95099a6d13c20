#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/backend.h"
#include "server/core.h"

namespace bulla::server {

/// How the endpoints of this folder are written: a function over the core.
using SysHandler = Result<api::Response> (*)(Core&, const api::Request&,
                                             api::Context&);

/// A row's method that calls `handler`; the core must outlive it.
inline api::Method method(Core& core, api::Operation operation,
                          SysHandler handler, std::string_view summary) {
  return {operation, api::Cost::kPool,
          [&core, handler](const api::Request& request, api::Context& context) {
            return handler(core, request, context);
          },
          summary};
}

/// An answer whose keys also stand at the envelope's top (reference/http.md
/// §2, "Duplicated-at-top-level paths").
inline api::Response duplicated(std::string json) {
  api::Response response = api::Response::with_data(std::move(json));
  response.duplicate_at_top = true;
  return response;
}

/// The part of sorted `keys` that a request's `after` and `limit` ask for.
inline std::vector<std::string> page(const std::vector<std::string>& keys,
                                     const api::Fields& fields) {
  const std::string_view after = fields.text("after");
  const std::int64_t limit = fields.integer("limit");
  std::vector<std::string> out;
  for (const std::string& key : keys) {
    if (limit > 0 && out.size() >= static_cast<std::size_t>(limit)) break;
    if (after.empty() || key > after) out.push_back(key);
  }
  return out;
}

/// The fields that page() reads.
inline std::vector<api::Field> page_fields() {
  return {
      {"after", api::FieldType::kString, "Only names greater than this one."},
      {"limit", api::FieldType::kInt, "At most so many names.", "0"}};
}

}  // namespace bulla::server
