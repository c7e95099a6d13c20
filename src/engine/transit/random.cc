// POST random[/:source][/:urlbytes] (reference/sys.md §10).

#include "engine/tools/random.h"

#include <utility>

#include "engine/transit/transit.h"

namespace bulla::engine::transit {

Result<api::Response> TransitBackend::random(const Request& request,
                                             Context& context) {
  TRY_ASSIGN(std::string data,
             tools::random_json(request.fields, *context.rng));
  loop_of(context).counters->add(Count::kRandom);
  return Response::with_data(std::move(data));
}

}  // namespace bulla::engine::transit
