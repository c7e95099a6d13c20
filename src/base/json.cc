#include "base/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/json_writer.h"

namespace bulla {
namespace {

// OpenBao's model of what a value takes.
constexpr std::size_t kValueCost = 16;
constexpr std::size_t kWordCost = kValueCost + 1;
constexpr std::size_t kNumberCost = kValueCost + 8;
constexpr std::size_t kStringCost = kValueCost + 16;
constexpr std::size_t kArrayCost = kValueCost + 24;
constexpr std::size_t kObjectCost = kValueCost + 72;

// No JSON costs more for each of its bytes: `{}` is the dearest.
constexpr std::size_t kCostOfAByteMax = 44;
constexpr std::size_t kStringTextMin = 3;  // `"",`

// What a parser may keep: the room that its last text needed, and the words of
// the tree that it built. A long string needs room, but hardly a tree.
constexpr std::size_t kAlwaysKeptBytes = std::size_t{256} << 10;
constexpr std::size_t kKeptBytesMax = std::size_t{4} << 20;
constexpr std::uint64_t kKeptTreeWordsMax = std::uint64_t{64} << 10;

// Objects and arrays cost at least two characters an element, so a short text
// cannot pass the limits on width.
bool may_exceed(std::string_view text, const JsonLimits& limits) {
  return text.size() > limits.string_bytes ||
         text.size() / 2 >
             std::min(limits.object_entries, limits.array_elements);
}

bool may_cost_too_much(std::string_view text, const JsonLimits& limits) {
  return text.size() > limits.memory_bytes / kCostOfAByteMax ||
         text.size() / kStringTextMin > limits.strings;
}

// Reads a text only as far as to count what it asks for: whether it is JSON is
// for the parser, which would take the memory first and tell then.
class CostMeter {
 public:
  CostMeter(std::string_view text, const JsonLimits& limits)
      : text_(text), limits_(limits) {}

  Result<void> check() {
    while (at_ < text_.size()) {
      count_token();
      if (memory_ > limits_.memory_bytes) {
        return refused("memory", limits_.memory_bytes, " bytes");
      }
      if (strings_ > limits_.strings) {
        return refused("number of strings", limits_.strings, "");
      }
    }
    return {};
  }

 private:
  static tl::unexpected<Error> refused(std::string_view what, std::size_t most,
                                       std::string_view unit) {
    return fail(invalid_argument(
        fmt::format("refused JSON input due to high complexity: exceeded "
                    "maximum {} of {}{}",
                    what, most, unit)));
  }

  void count_token() {
    const char c = text_[at_++];
    if (c == '"') return count_string();
    if (c == '{') memory_ += kObjectCost;
    if (c == '[') memory_ += kArrayCost;
    const bool number = c == '-' || (c >= '0' && c <= '9');
    const bool word = c == 't' || c == 'f' || c == 'n';
    if (!number && !word) return;
    memory_ += number ? kNumberCost : kWordCost;
    while (at_ < text_.size() && in_scalar(text_[at_])) ++at_;
  }

  static bool in_scalar(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == 'E' ||
           c == '.' || c == '+' || c == '-';
  }

  void count_string() {
    const std::size_t start = at_;
    do {
      const void* const quote =
          std::memchr(text_.data() + at_, '"', text_.size() - at_);
      if (quote == nullptr) {
        at_ = text_.size();
        break;
      }
      at_ = static_cast<std::size_t>(static_cast<const char*>(quote) -
                                     text_.data()) +
            1;
    } while (is_escaped(start, at_ - 1));
    memory_ += kStringCost + (at_ - start);
    ++strings_;
  }

  // Behind an odd number of backslashes. No run of them is counted twice.
  bool is_escaped(std::size_t start, std::size_t quote) const {
    std::size_t first = quote;
    while (first > start && text_[first - 1] == '\\') --first;
    return (quote - first) % 2 == 1;
  }

  std::string_view text_;
  const JsonLimits& limits_;
  std::size_t at_ = 0;
  std::size_t memory_ = 0;
  std::size_t strings_ = 0;
};

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
  if (may_cost_too_much(text, limits)) TRY(CostMeter(text, limits).check());
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
    // What was built until then is unknown.
    if (parser.capacity() > kAlwaysKeptBytes) parser = JsonParser();
    return fail(invalid_argument(fmt::format("failed to decode JSON input: {}",
                                             simdjson::error_message(error))));
  }
  if (may_exceed(text, limits)) TRY(check_limits(root, limits));
  return root;
}

void trim(JsonParser& parser) {
  if (parser.capacity() <= kAlwaysKeptBytes) return;
  // The first word of the tree holds, below its type, where the tree ends.
  constexpr std::uint64_t kPlace = (std::uint64_t{1} << 56) - 1;
  const std::uint64_t words = parser.doc.tape[0] & kPlace;
  if (parser.capacity() > kKeptBytesMax || words > kKeptTreeWordsMax) {
    parser = JsonParser();
  }
}

std::string json_text(const JsonElement& element) {
  std::string out;
  JsonWriter writer(out);
  write_element(writer, element);
  return out;
}

std::string json_text(const JsonObject& object) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object();
  for (const auto [key, value] : object) {
    writer.key(key);
    write_element(writer, value);
  }
  writer.end_object();
  return out;
}

}  // namespace bulla
