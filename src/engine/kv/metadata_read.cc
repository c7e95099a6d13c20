// GET metadata/:path (reference/kv.md §3.6).

#include "engine/kv/answers.h"
#include "engine/kv/kv.h"

namespace bulla::engine::kv {

Result<api::Response> KvBackend::metadata_read(const Request& request,
                                               Context& context) {
  static_cast<void>(context);
  TRY_ASSIGN(const auto record, records_.find(request.param("path")));
  if (!record) return Response::none();
  std::string json;
  JsonWriter out(json);
  write_record(out, *record);
  return Response::with_data(std::move(json));
}

}  // namespace bulla::engine::kv
