// LIST metadata/:path and detailed-metadata/:path (reference/kv.md §3.6).

#include <fmt/format.h>

#include "engine/kv/answers.h"
#include "engine/kv/kv.h"

namespace bulla::engine::kv {

Result<api::Response> KvBackend::metadata_list(const Request& request,
                                               Context& context) {
  static_cast<void>(context);
  TRY_ASSIGN(const auto names,
             records_.list(request.param("path"), request.fields.text("after"),
                           list_limit(request.fields)));
  if (names.empty()) return Response::none();
  std::string json;
  JsonWriter(json).begin_object().key("keys").strings(names).end_object();
  return Response::with_data(std::move(json));
}

// Folders have nothing to tell.
Result<api::Response> KvBackend::metadata_list_detailed(const Request& request,
                                                        Context& context) {
  static_cast<void>(context);
  const std::string_view folder = request.param("path");
  TRY_ASSIGN(const auto names,
             records_.list(folder, request.fields.text("after"),
                           list_limit(request.fields)));
  if (names.empty()) return Response::none();
  std::string json;
  JsonWriter out(json);
  out.begin_object().key("key_info").begin_object();
  for (const std::string& name : names) {
    if (name.ends_with('/')) continue;
    TRY_ASSIGN(const auto record,
               records_.find(
                   folder.empty() ? name : fmt::format("{}/{}", folder, name)));
    if (!record) continue;  // gone since
    out.key(name);
    write_record(out, *record);
  }
  out.end_object().key("keys").strings(names).end_object();
  return Response::with_data(std::move(json));
}

}  // namespace bulla::engine::kv
