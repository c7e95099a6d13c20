// GET subkeys/:path (reference/kv.md §3.7).

#include "engine/kv/answers.h"
#include "engine/kv/data_json.h"
#include "engine/kv/kv.h"

namespace bulla::engine::kv {

Result<api::Response> KvBackend::subkeys(const Request& request,
                                         Context& context) {
  const auto number = static_cast<std::uint64_t>(
      std::max<std::int64_t>(request.fields.integer("version"), 0));
  TRY_ASSIGN(const auto found,
             records_.read(request.param("path"), number, context.now));
  if (!found) return Response::none();
  std::string json;
  JsonWriter out(json);
  out.begin_object().key("metadata");
  write_version(out, found->record, found->number);
  out.key("subkeys");
  if (found->body) {
    JsonParser parser;
    TRY_ASSIGN(const JsonObject data,
               parse_stored(parser, as_text(found->body->expose())));
    out.raw(subkeys_json(data, request.fields.integer("depth")));
  } else {
    out.null();
  }
  out.end_object();
  Response response = Response::with_data(std::move(json));
  if (!found->body) response.status = 404;
  return response;
}

}  // namespace bulla::engine::kv
