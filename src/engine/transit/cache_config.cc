// GET and POST cache-config (reference/transit.md §4): how many keys are kept
// in memory.

#include <fmt/format.h>

#include <limits>
#include <utility>

#include "base/json_writer.h"
#include "base/wire.h"
#include "engine/transit/transit.h"

namespace bulla::engine::transit {
namespace {

constexpr std::string_view kPath = "config/cache";
constexpr std::uint8_t kFormat = 1;
constexpr std::int64_t kSizeLeast = 10;

Result<std::uint32_t> read_size(const barrier::View& storage) {
  TRY_ASSIGN(const auto entry, storage.get(kPath));
  if (!entry) return 0U;
  WireReader reader(entry->value.expose());
  const std::uint8_t format = reader.u8();
  const std::uint32_t size = reader.u32();
  TRY(reader.finish("transit cache configuration"));
  if (format != kFormat) {
    return fail(corrupt("transit cache configuration: unknown format"));
  }
  return size;
}

api::Response size_answer(std::uint32_t size) {
  std::string data;
  JsonWriter(data).begin_object().member("size", size).end_object();
  return api::Response::with_data(std::move(data));
}

}  // namespace

void TransitBackend::load_cache_size() {
  const auto size = read_size(storage_);
  if (size) {
    keys_.set_capacity(*size);
    return;
  }
  log_.warn("transit: the cache size could not be read; unlimited",
            {{"error", size.error().message()}});
}

Result<api::Response> TransitBackend::cache_config_read(const Request& request,
                                                        Context& context) {
  static_cast<void>(request);
  static_cast<void>(context);
  TRY_ASSIGN(const std::uint32_t size, read_size(storage_));
  return size_answer(size);
}

Result<api::Response> TransitBackend::cache_config_write(const Request& request,
                                                         Context& context) {
  static_cast<void>(context);
  const std::int64_t size = request.fields.integer("size");
  if ((size != 0 && size < kSizeLeast) ||
      size > std::numeric_limits<std::uint32_t>::max()) {
    return fail(invalid_argument(fmt::format(
        "size must be 0 or a value greater or equal to {}", kSizeLeast)));
  }
  const auto checked = static_cast<std::uint32_t>(size);
  WireWriter writer;
  writer.u8(kFormat).u32(checked);
  TRY(storage_.put(kPath, writer.view()));
  keys_.set_capacity(checked);
  return size_answer(checked);
}

}  // namespace bulla::engine::transit
