// DELETE data/:path (reference/kv.md §3.5): the current version, so that it can
// be undeleted.

#include "engine/kv/answers.h"
#include "engine/kv/kv.h"

namespace bulla::engine::kv {

Result<api::Response> KvBackend::data_delete(const Request& request,
                                             Context& context) {
  const auto edit = [&](Draft& draft) -> Result<bool> {
    const auto current = draft.record.versions.find(draft.record.current);
    if (current == draft.record.versions.end() ||
        !current->second.readable(context.now)) {
      return false;
    }
    current->second.deletion = context.now;
    return true;
  };
  TRY(records_.change(request.param("path"), edit));
  return Response::none();
}

}  // namespace bulla::engine::kv
