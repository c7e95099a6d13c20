// DELETE metadata/:path (reference/kv.md §3.6): all that there is of a record.

#include "engine/kv/answers.h"
#include "engine/kv/kv.h"

namespace bulla::engine::kv {

Result<api::Response> KvBackend::metadata_delete(const Request& request,
                                                 Context& context) {
  static_cast<void>(context);
  const auto edit = [](Draft& draft) -> Result<bool> {
    draft.removed = true;
    return draft.exists;
  };
  TRY(records_.change(request.param("path"), edit));
  return Response::none();
}

}  // namespace bulla::engine::kv
