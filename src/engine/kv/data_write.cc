// POST data/:path (reference/kv.md §3.3).

#include "engine/kv/answers.h"
#include "engine/kv/data_json.h"
#include "engine/kv/kv.h"
#include "engine/kv/new_version.h"

namespace bulla::engine::kv {

Result<api::Response> KvBackend::data_write(const Request& request,
                                            Context& context) {
  const auto data = request.fields.object("data");
  if (!data) return fail(invalid_argument("no data provided"));
  TRY_ASSIGN(const auto cas, parse_cas(request.fields));
  TRY_ASSIGN(const Settings settings, records_.settings());
  std::string text = stored_json(*data, Numbers::kAsDoubles);
  const WipeGuard wipe(bytes_of(text));
  std::string json;
  const auto edit = [&](Draft& draft) -> Result<bool> {
    TRY(check_cas(draft.record, settings, cas));
    TRY_ASSIGN(
        const std::uint64_t number,
        add_version(records_, draft, settings, as_bytes(text), context.now));
    json.clear();
    JsonWriter out(json);
    write_version(out, draft.record, number);
    return true;
  };
  TRY(records_.change(request.param("path"), edit));
  return Response::with_data(std::move(json));
}

}  // namespace bulla::engine::kv
