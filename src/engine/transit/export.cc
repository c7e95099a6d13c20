// GET export/:type/:name[/:version] (reference/transit.md §9).

#include <fmt/format.h>

#include <map>
#include <string>
#include <utility>

#include "base/json_writer.h"
#include "engine/transit/exported_key.h"
#include "engine/transit/transit.h"
#include "engine/transit/version_choice.h"

namespace bulla::engine::transit {

// Go prints maps in the order of their keys' text: "1", "10", "2".
api::Response exported_answer(
    const Key& key, const std::map<std::string, SecretBytes>& versions) {
  std::string data;
  JsonWriter writer(data);
  writer.begin_object().key("keys").begin_object();
  for (const auto& [number, text] : versions) {
    writer.member(number, as_text(text.expose()));
  }
  writer.end_object()
      .member("name", key.record().name)
      .member("type", key.type().name)
      .end_object();
  return api::Response::with_data(std::move(data));
}

Result<api::Response> TransitBackend::export_key(const Request& request,
                                                 Context& context) {
  TRY_ASSIGN(const ExportType type, export_type_named(request.param("type")));
  TRY_ASSIGN(const ExportFormat format,
             export_format_named(request.fields.text("format")));
  TRY_ASSIGN(const Key* key, find_key(request.param("name"), context));
  if (key == nullptr) return Response::none();
  TRY(check_exportable(*key, type));
  std::map<std::string, SecretBytes> versions;
  TRY(visit_chosen(keys_, *key, request.param("version"),
                   [&](const KeyVersion& version) -> Result<void> {
                     TRY_ASSIGN(auto text,
                                exported_version(*key, version, type, format));
                     versions.emplace(fmt::format_int(version.number()).str(),
                                      std::move(text));
                     return {};
                   }));
  return exported_answer(*key, versions);
}

}  // namespace bulla::engine::transit
