// GET wrapping_key (reference/transit.md §11): what keys are wrapped to for
// import. Made when it is first asked for and kept where no list shows it.

#include <utility>

#include "base/json_writer.h"
#include "engine/transit/transit.h"

namespace bulla::engine::transit {

Result<std::shared_ptr<const Key>> TransitBackend::wrapping_pair(Time now) {
  KeyRecord wanted;
  wanted.type = KeyType::kRsa4096;
  TRY_ASSIGN(auto made, wrapping_keys_.create("wrapping-key", wanted, now));
  return std::move(made.key);
}

Result<api::Response> TransitBackend::wrapping_key(const Request&,
                                                   Context& context) {
  TRY_ASSIGN(const auto key, wrapping_pair(context.now));
  std::string data;
  JsonWriter(data)
      .begin_object()
      .member("public_key", key->latest().public_key()->spki_pem())
      .end_object();
  return Response::with_data(std::move(data));
}

}  // namespace bulla::engine::transit
