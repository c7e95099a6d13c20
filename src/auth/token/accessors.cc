// auth/token/accessors: LIST; auth/token/tidy: POST.

#include <algorithm>

#include "auth/token_backend.h"
#include "base/json_writer.h"

namespace bulla::auth {

TokenBackend::Response TokenBackend::accessors(const Request& request,
                                               Context&) {
  const std::string_view after = request.fields.text("after");
  const std::int64_t limit =
      std::max<std::int64_t>(request.fields.integer("limit"), 0);
  TRY_ASSIGN(auto keys,
             tokens_.accessors(after, static_cast<std::size_t>(limit)));
  if (keys.empty()) return api::Response::none();
  // A page keeps the order that the next one goes on in.
  if (after.empty() && limit == 0) std::ranges::sort(keys);
  std::string json;
  JsonWriter(json).begin_object().key("keys").strings(keys).end_object();
  return api::Response::with_data(std::move(json));
}

TokenBackend::Response TokenBackend::tidy(const Request&, Context&) {
  if (tidying_.exchange(true)) {
    return api::Response().with_status(202).warn(
        "Tidy operation already in progress.");
  }
  const auto tidied = tokens_.tidy();
  tidying_.store(false);
  TRY(tidied);
  return api::Response().with_status(202).warn(
      "Tidy operation successfully started. Any information from the operation "
      "will be printed to the server's logs.");
}

void TokenBackend::add_accessor_routes() {
  using api::Cost;
  using api::FieldType;
  using api::Operation;
  routes_.push_back(
      {.pattern = "accessors",
       .fields = {{"after", FieldType::kString, "List after this accessor"},
                  {"limit", FieldType::kInt, "At most so many"}},
       .methods = {{Operation::kList, Cost::kPool,
                    [this](const Request& r, Context& c) {
                      return accessors(r, c);
                    },
                    "List the accessors of all tokens"}},
       .synopsis = "The accessors of all tokens",
       .sudo = true});
  routes_.push_back(
      {.pattern = "tidy",
       .fields = {},
       .methods = {{Operation::kUpdate, Cost::kPool,
                    [this](const Request& r, Context& c) { return tidy(r, c); },
                    "Tidy the token store"}},
       .synopsis = "Tidy the token store"});
}

}  // namespace bulla::auth
