// POST undelete/:path (reference/kv.md §3.5).

#include "engine/kv/answers.h"
#include "engine/kv/kv.h"
#include "engine/kv/new_version.h"

namespace bulla::engine::kv {

Result<api::Response> KvBackend::versions_undelete(const Request& request,
                                                   Context& context) {
  const auto numbers = request.fields.integers("versions");
  if (numbers.empty()) {
    return fail(invalid_argument("No version number provided"));
  }
  TRY_ASSIGN(const Settings settings, records_.settings());
  const auto edit = [&](Draft& draft) -> Result<bool> {
    bool changed = false;
    const auto deletion = deletion_time(draft.record, settings, context.now);
    for (const std::int64_t number : numbers) {
      const auto version =
          draft.record.versions.find(static_cast<std::uint64_t>(number));
      if (version == draft.record.versions.end() || version->second.destroyed ||
          version->second.deletion == deletion) {
        continue;
      }
      version->second.deletion = deletion;
      changed = true;
    }
    return changed;
  };
  TRY(records_.change(request.param("path"), edit));
  return Response::none();
}

}  // namespace bulla::engine::kv
