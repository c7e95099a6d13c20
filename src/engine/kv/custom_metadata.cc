#include "engine/kv/custom_metadata.h"

#include <fmt/format.h>

#include <vector>

#include "api/field.h"
#include "base/printable.h"

namespace bulla::engine::kv {
namespace {

constexpr std::size_t kKeysMax = 64;
constexpr std::size_t kKeyBytesMax = 128;
constexpr std::size_t kValueBytesMax = 512;
constexpr std::string_view kWhat = "custom_metadata validation failed: ";

// As Go's %q shows a text of which some is unprintable.
std::string go_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out + '"';
}

void check_pair(const std::string& key, const std::string& value,
                std::vector<std::string>& errors) {
  if (key.empty() || key.size() > kKeyBytesMax) {
    errors.push_back(
        fmt::format("length of key {} is {} but must be 0 < len(key) <= {}",
                    go_quoted(key), key.size(), kKeyBytesMax));
  }
  if (value.empty() || value.size() > kValueBytesMax) {
    errors.push_back(fmt::format(
        "length of value for key {} is {} but must be 0 < len(value) <= {}",
        go_quoted(key), value.size(), kValueBytesMax));
  }
  if (!is_printable(key)) {
    errors.push_back(fmt::format("key {} ({}) contains unprintable characters",
                                 go_quoted(key), key));
  }
  if (!is_printable(value)) {
    errors.push_back(fmt::format(
        "value for key {} contains unprintable characters", go_quoted(key)));
  }
}

Result<void> check(const CustomMetadata& custom) {
  std::vector<std::string> errors;
  if (custom.size() > kKeysMax) {
    errors.push_back(
        fmt::format("payload must contain at most {} keys, provided {}",
                    kKeysMax, custom.size()));
  } else {
    for (const auto& [key, value] : custom) check_pair(key, value, errors);
  }
  if (errors.empty()) return {};
  std::string text = fmt::format("{} error{} occurred:\n", errors.size(),
                                 errors.size() == 1 ? "" : "s");
  for (const std::string& error : errors) {
    text += fmt::format("\t* {}{}\n", kWhat, error);
  }
  return fail(invalid_argument(text + '\n'));
}

Result<void> put(std::string_view key, const JsonElement& value,
                 CustomMetadata& custom) {
  auto text = api::json_to_string(value);
  if (!text) {
    return fail(invalid_argument(std::string(kWhat) + text.error().message()));
  }
  custom.insert_or_assign(std::string(key), *std::move(text));
  return {};
}

}  // namespace

Result<void> merge_custom(const JsonObject& given, CustomMetadata& custom) {
  for (const auto [key, value] : given) {
    if (value.is_null()) {
      custom.erase(std::string(key));
    } else {
      TRY(put(key, value, custom));
    }
  }
  return check(custom);
}

Result<CustomMetadata> parse_custom(const JsonObject& given) {
  CustomMetadata custom;
  for (const auto [key, value] : given) TRY(put(key, value, custom));
  TRY(check(custom));
  return custom;
}

}  // namespace bulla::engine::kv
