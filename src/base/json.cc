#include "base/json.h"

#include <fmt/format.h>

#include "base/json_writer.h"

namespace bulla {
namespace {

// Objects and arrays cost at least two characters an element, so a short text
// cannot pass the limits on width.
bool may_exceed(std::string_view text, const JsonLimits& limits) {
  return text.size() / 2 >
         std::min({limits.object_entries, limits.array_elements,
                   limits.string_bytes});
}

Result<void> check_string(std::size_t bytes, const JsonLimits& limits) {
  if (bytes <= limits.string_bytes) return {};
  return fail(invalid_argument(fmt::format(
      "failed to decode JSON input: a string is longer than {} bytes",
      limits.string_bytes)));
}

Result<void> check_limits(const JsonElement& element,
                          const JsonLimits& limits) {
  switch (element.type()) {
    case JsonType::STRING:
      return check_string(element.get_string_length().value_unsafe(), limits);
    case JsonType::ARRAY: {
      std::size_t count = 0;
      for (const JsonElement item : JsonArray(element)) {
        if (++count > limits.array_elements) {
          return fail(invalid_argument(fmt::format(
              "failed to decode JSON input: an array has more than {} elements",
              limits.array_elements)));
        }
        TRY(check_limits(item, limits));
      }
      return {};
    }
    case JsonType::OBJECT: {
      std::size_t count = 0;
      for (const auto field : JsonObject(element)) {
        if (++count > limits.object_entries) {
          return fail(invalid_argument(fmt::format(
              "failed to decode JSON input: an object has more than {} entries",
              limits.object_entries)));
        }
        TRY(check_string(field.key.size(), limits));
        TRY(check_limits(field.value, limits));
      }
      return {};
    }
    default:
      return {};
  }
}

void write_element(JsonWriter& out, const JsonElement& element) {
  switch (element.type()) {
    case JsonType::ARRAY:
      out.begin_array();
      for (const JsonElement item : JsonArray(element)) {
        write_element(out, item);
      }
      out.end_array();
      return;
    case JsonType::OBJECT:
      out.begin_object();
      for (const auto field : JsonObject(element)) {
        out.key(field.key);
        write_element(out, field.value);
      }
      out.end_object();
      return;
    case JsonType::INT64:
      out.value(element.get_int64().value_unsafe());
      return;
    case JsonType::UINT64:
      out.value(element.get_uint64().value_unsafe());
      return;
    case JsonType::DOUBLE:
      out.value(element.get_double().value_unsafe());
      return;
    case JsonType::STRING:
      out.value(element.get_string().value_unsafe());
      return;
    case JsonType::BOOL:
      out.value(element.get_bool().value_unsafe());
      return;
    case JsonType::NULL_VALUE:
      out.null();
      return;
  }
}

}  // namespace

Result<JsonElement> parse_json(JsonParser& parser, std::string_view text,
                               const JsonLimits& limits, bool padded) {
  if (parser.max_depth() != limits.depth) {
    // Only grows the parser's own stacks; the text's size comes at parse time.
    if (parser.allocate(std::max<std::size_t>(parser.capacity(), 4096),
                        limits.depth)) {
      return fail(internal_error("no memory for a JSON parser"));
    }
  }
  JsonElement root;
  const auto error = parser.parse(text.data(), text.size(), !padded).get(root);
  if (error) {
    return fail(invalid_argument(fmt::format("failed to decode JSON input: {}",
                                             simdjson::error_message(error))));
  }
  if (may_exceed(text, limits)) TRY(check_limits(root, limits));
  return root;
}

std::string json_text(const JsonElement& element) {
  std::string out;
  JsonWriter writer(out);
  write_element(writer, element);
  return out;
}

}  // namespace bulla
