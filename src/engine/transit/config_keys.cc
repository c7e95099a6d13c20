// GET and POST config/keys (reference/transit.md §4): whether an encrypt may
// make the key it names.

#include <utility>

#include "base/json_writer.h"
#include "base/wire.h"
#include "engine/transit/transit.h"

namespace bulla::engine::transit {
namespace {

constexpr std::string_view kPath = "config/keys";
constexpr std::uint8_t kFormat = 1;

api::Response answer(bool disabled) {
  std::string data;
  JsonWriter(data)
      .begin_object()
      .member("disable_upsert", disabled)
      .end_object();
  return api::Response::with_data(std::move(data));
}

}  // namespace

Result<bool> TransitBackend::upsert_disabled() const {
  TRY_ASSIGN(const auto entry, storage_.get(kPath));
  if (!entry) return false;
  WireReader reader(entry->value.expose());
  const std::uint8_t format = reader.u8();
  const bool disabled = reader.boolean();
  TRY(reader.finish("transit key configuration"));
  if (format != kFormat) {
    return fail(corrupt("transit key configuration: unknown format"));
  }
  return disabled;
}

Result<api::Response> TransitBackend::config_keys_read(const Request& request,
                                                       Context& context) {
  static_cast<void>(request);
  static_cast<void>(context);
  TRY_ASSIGN(const bool disabled, upsert_disabled());
  return answer(disabled);
}

Result<api::Response> TransitBackend::config_keys_write(const Request& request,
                                                        Context& context) {
  static_cast<void>(context);
  const bool disabled = request.fields.boolean("disable_upsert");
  WireWriter writer;
  writer.u8(kFormat).boolean(disabled);
  TRY(storage_.put(kPath, writer.view()));
  return answer(disabled);
}

}  // namespace bulla::engine::transit
