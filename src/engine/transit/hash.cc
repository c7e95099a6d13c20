// POST hash[/:urlalgorithm] (reference/sys.md §10).

#include "engine/tools/hash.h"

#include <utility>

#include "engine/transit/transit.h"

namespace bulla::engine::transit {

Result<api::Response> TransitBackend::hash(const Request& request,
                                           Context& context) {
  TRY_ASSIGN(std::string data, tools::hash_json(request.fields));
  loop_of(context).counters->add(Count::kHash);
  return Response::with_data(std::move(data));
}

}  // namespace bulla::engine::transit
