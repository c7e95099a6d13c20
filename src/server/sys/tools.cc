#include "engine/tools/hash.h"
#include "engine/tools/random.h"
#include "server/sys/handlers.h"
#include "server/sys/sys_backend.h"

namespace bulla::server {
namespace {

Result<api::Response> random(const api::Request& request,
                             api::Context& context) {
  TRY_ASSIGN(std::string json,
             engine::tools::random_json(request.fields, *context.rng));
  return api::Response::with_data(std::move(json));
}

Result<api::Response> hash(const api::Request& request, api::Context&) {
  TRY_ASSIGN(std::string json, engine::tools::hash_json(request.fields));
  return api::Response::with_data(std::move(json));
}

}  // namespace

void add_tools_routes(Core&, Routes& routes) {
  for (const std::string_view pattern : {"tools/random", "tools/random/:source",
                                         "tools/random/:source/:urlbytes"}) {
    routes.push_back({.pattern = pattern,
                      .fields = engine::tools::random_fields(),
                      .methods = {{api::Operation::kUpdate, api::Cost::kPool,
                                   random, "Makes random bytes."}},
                      .synopsis = "Random bytes."});
  }
  for (const std::string_view pattern :
       {"tools/hash", "tools/hash/:urlalgorithm"}) {
    routes.push_back({.pattern = pattern,
                      .fields = engine::tools::hash_fields(),
                      .methods = {{api::Operation::kUpdate, api::Cost::kPool,
                                   hash, "Hashes the input."}},
                      .synopsis = "A hash of the input."});
  }
}

}  // namespace bulla::server
