// POST keys/:name/config (reference/transit.md §4).

#include <fmt/format.h>

#include <utility>

#include "engine/transit/config_rules.h"
#include "engine/transit/transit.h"

namespace bulla::engine::transit {

Result<api::Response> TransitBackend::keys_config(const Request& request,
                                                  Context& context) {
  const std::string_view name = request.param("name");
  std::vector<std::string> warnings;
  const auto key = keys_.update(
      name, context.now, [&](KeyRecord& record) -> Result<KeyEdit> {
        TRY_ASSIGN(const bool changed,
                   apply_config(request.fields, record, warnings));
        return changed ? KeyEdit::kStore : KeyEdit::kNone;
      });
  if (!key && key.error().code() == ErrorCode::kNotFound) {
    return fail(invalid_argument(
        fmt::format("no existing key named {} could be found", name)));
  }
  if (!key) return fail(key.error());
  TRY_ASSIGN(auto answer, key_body(**key));
  answer.warnings = std::move(warnings);
  return answer;
}

}  // namespace bulla::engine::transit
