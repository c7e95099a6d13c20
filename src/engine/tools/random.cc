#include "engine/tools/random.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <utility>

#include "base/encoding.h"
#include "base/json_writer.h"

namespace bulla::engine::tools {
namespace {

constexpr std::int64_t kBytesDefault = 32;
constexpr std::int64_t kBytesMax = 131'072;

tl::unexpected<Error> invalid(std::string text) {
  return fail(invalid_argument(std::move(text)));
}

bool known_source(std::string_view source) {
  return source == "platform" || source == "seal" || source == "all";
}

Result<std::int64_t> url_bytes(std::string_view text) {
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc() && at == end) return value;
  return invalid(
      fmt::format("error parsing url-set byte count: strconv.Atoi: parsing "
                  "\"{}\": {}",
                  text,
                  error == std::errc::result_out_of_range ? "value out of range"
                                                          : "invalid syntax"));
}

struct Wanted {
  std::string_view source = "platform";
  std::int64_t bytes = kBytesDefault;
};

// One segment in the URL is a source or a count, two are both.
Result<Wanted> wanted(const api::Fields& fields) {
  const std::string_view first = fields.text("source");
  const std::string_view second = fields.text("urlbytes");
  Wanted wanted;
  if (!second.empty()) {
    wanted.source = first;
    TRY_ASSIGN(wanted.bytes, url_bytes(second));
    return wanted;
  }
  if (!first.empty() && !known_source(first)) {
    TRY_ASSIGN(wanted.bytes, url_bytes(first));
    return wanted;
  }
  if (!first.empty()) wanted.source = first;
  wanted.bytes = fields.integer("bytes", kBytesDefault);
  return wanted;
}

}  // namespace

const std::vector<api::Field>& random_fields() {
  static const std::vector<api::Field> kFields{
      {.name = "source",
       .description = "Which generator: platform, seal or all.",
       .default_text = "platform"},
      {.name = "urlbytes",
       .description = "The number of bytes, as part of the URL."},
      {.name = "bytes",
       .type = api::FieldType::kInt,
       .description = "The number of bytes to make, 1 to 131072.",
       .default_text = "32"},
      {.name = "format",
       .description = "How the bytes are written: base64 or hex.",
       .default_text = "base64"},
  };
  return kFields;
}

Result<std::string> random_json(const api::Fields& fields, crypto::Rng& rng) {
  TRY_ASSIGN(const Wanted ask, wanted(fields));
  if (ask.bytes < 1) return invalid("'bytes' cannot be less than 1");
  if (ask.bytes > kBytesMax) {
    return invalid(fmt::format("'bytes' should be less than {}", kBytesMax));
  }
  const std::string_view format = fields.text("format", "base64");
  if (format != "base64" && format != "hex") {
    return invalid(
        fmt::format("unsupported encoding format \"{}\"; must be \"hex\" or "
                    "\"base64\"",
                    format));
  }
  if (!known_source(ask.source)) {
    return invalid(fmt::format(
        "unsupported entropy source \"{}\"; must be \"platform\" or "
        "\"seal\", or \"all\"",
        ask.source));
  }
  const SecretBytes bytes = rng.secret(static_cast<std::size_t>(ask.bytes));
  std::string data;
  JsonWriter writer(data);
  writer.begin_object().key("random_bytes");
  if (format == "hex") {
    writer.plain(hex_encode(bytes.expose()));
  } else {
    writer.base64(bytes.expose());
  }
  writer.end_object();
  return data;
}

}  // namespace bulla::engine::tools
