// POST destroy/:path (reference/kv.md §3.5): the bodies are gone for good.

#include "engine/kv/answers.h"
#include "engine/kv/kv.h"

namespace bulla::engine::kv {

Result<api::Response> KvBackend::versions_destroy(const Request& request,
                                                  Context& context) {
  static_cast<void>(context);
  const auto numbers = request.fields.integers("versions");
  if (numbers.empty()) {
    return fail(invalid_argument("no version number provided"));
  }
  const auto edit = [&](Draft& draft) -> Result<bool> {
    bool changed = false;
    for (const std::int64_t number : numbers) {
      const auto version =
          draft.record.versions.find(static_cast<std::uint64_t>(number));
      if (version == draft.record.versions.end() || version->second.destroyed) {
        continue;
      }
      version->second.destroyed = true;
      changed = true;
    }
    return changed;
  };
  TRY(records_.change(request.param("path"), edit));
  return Response::none();
}

}  // namespace bulla::engine::kv
