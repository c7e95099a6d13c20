// PATCH data/:path (reference/kv.md §3.4).

#include "engine/kv/answers.h"
#include "engine/kv/data_json.h"
#include "engine/kv/kv.h"
#include "engine/kv/new_version.h"

namespace bulla::engine::kv {
namespace {

// The draft's current data with the patch applied. What was read has to be
// what the draft is of.
Result<std::string> patched(const RecordStore& records, const Draft& draft,
                            const JsonObject& patch, Time now) {
  const Record& record = draft.record;
  TRY_ASSIGN(const auto found, records.read(record.path, 0, now));
  if (!found || found->record.id != record.id ||
      found->number != record.current || !found->body) {
    return fail(ErrorCode::kConflict, "changed meanwhile");
  }
  JsonParser parser;
  TRY_ASSIGN(const JsonObject data,
             parse_stored(parser, as_text(found->body->expose())));
  return merged_json(data, patch);
}

}  // namespace

Result<api::Response> KvBackend::data_patch(const Request& request,
                                            Context& context) {
  const auto patch = request.fields.object("data");
  if (!patch) return fail(invalid_argument("no data provided"));
  TRY_ASSIGN(const auto cas, parse_cas(request.fields));
  TRY_ASSIGN(const Settings settings, records_.settings());
  std::string json;
  int status = 0;
  const auto edit = [&](Draft& draft) -> Result<bool> {
    const Version* const current = draft.record.find(draft.record.current);
    if (current == nullptr) return fail(not_found(""));
    TRY(check_cas(draft.record, settings, cas));
    json.clear();
    JsonWriter out(json);
    if (!current->readable(context.now)) {
      write_version(out, draft.record, draft.record.current);
      status = 404;
      return false;
    }
    TRY_ASSIGN(std::string text, patched(records_, draft, *patch, context.now));
    const WipeGuard wipe(bytes_of(text));
    TRY_ASSIGN(
        const std::uint64_t number,
        add_version(records_, draft, settings, as_bytes(text), context.now));
    write_version(out, draft.record, number);
    return true;
  };
  TRY(records_.change(request.param("path"), edit));
  return Response::with_data(std::move(json)).with_status(status);
}

}  // namespace bulla::engine::kv
