// LIST and SCAN of metadata/:path and detailed-metadata/:path (reference/kv.md
// §3.6).

#include <fmt/format.h>

#include "engine/kv/answers.h"
#include "engine/kv/kv.h"

namespace bulla::engine::kv {
namespace {

std::string path_in(std::string_view folder, const std::string& name) {
  return folder.empty() ? name : fmt::format("{}/{}", folder, name);
}

}  // namespace

Result<std::vector<std::string>> KvBackend::names_of(const Request& request,
                                                     std::string_view after,
                                                     std::size_t limit) const {
  const std::string_view folder = request.param("path");
  return request.operation == api::Operation::kScan
             ? records_.scan(folder, after, limit)
             : records_.list(folder, after, limit);
}

// Folders are kept, and what has no version yet.
Result<bool> KvBackend::is_deleted(std::string_view folder,
                                   const std::string& name, Time now) const {
  if (name.ends_with('/')) return false;
  TRY_ASSIGN(const auto record, records_.find(path_in(folder, name)));
  if (!record) return true;  // gone since
  const Version* const current = record->find(record->current);
  return current != nullptr && !current->readable(now);
}

Result<std::vector<std::string>> KvBackend::undeleted_names(
    const Request& request, std::size_t limit, Time now) const {
  std::vector<std::string> kept;
  std::string after(request.fields.text("after"));
  while (true) {
    TRY_ASSIGN(const auto names, names_of(request, after, limit));
    for (const std::string& name : names) {
      TRY_ASSIGN(const bool gone, is_deleted(request.param("path"), name, now));
      if (gone) continue;
      kept.push_back(name);
      if (kept.size() == limit) return kept;
    }
    if (limit == 0 || names.size() < limit) return kept;
    after = names.back();
  }
}

Result<api::Response> KvBackend::metadata_list(const Request& request,
                                               Context& context) {
  const std::size_t limit = list_limit(request.fields);
  const bool all = !request.fields.boolean("exclude_deleted");
  TRY_ASSIGN(const auto names,
             all ? names_of(request, request.fields.text("after"), limit)
                 : undeleted_names(request, limit, context.now));
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
  TRY_ASSIGN(const auto names, names_of(request, request.fields.text("after"),
                                        list_limit(request.fields)));
  if (names.empty()) return Response::none();
  std::string json;
  JsonWriter out(json);
  out.begin_object().key("key_info").begin_object();
  for (const std::string& name : names) {
    if (name.ends_with('/')) continue;
    TRY_ASSIGN(const auto record, records_.find(path_in(folder, name)));
    if (!record) continue;  // gone since
    out.key(name);
    write_record(out, *record);
  }
  out.end_object().key("keys").strings(names).end_object();
  return Response::with_data(std::move(json));
}

}  // namespace bulla::engine::kv
