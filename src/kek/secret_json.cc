#include "kek/secret_json.h"

#include <algorithm>

#include "base/encoding.h"

namespace bulla::kek {

Error strange_answer() {
  return unavailable("the answer is not of the form that was expected");
}

Result<SecretJson> SecretJson::parse(std::string_view body) {
  SecretJson made;
  made.text_ = SecretBytes(body.size() + simdjson::SIMDJSON_PADDING);
  std::ranges::copy(as_bytes(body), made.text_.expose_mutable().begin());
  const std::string_view padded =
      as_text(made.text_.expose()).substr(0, body.size());
  auto element = parse_json(*made.parser_, padded, {.depth = 32}, true);
  // The parser's own message may tell characters of the text.
  if (!element || element->get(made.root_)) return fail(strange_answer());
  return made;
}

Result<JsonObject> SecretJson::object(const char* name) const {
  JsonObject inner;
  if (root_.at_key(name).get(inner)) return fail(strange_answer());
  return inner;
}

Result<std::string_view> text_at(const JsonObject& object, const char* name) {
  std::string_view text;
  if (object.at_key(name).get(text)) return fail(strange_answer());
  return text;
}

Result<SecretBytes> take_secret(const JsonObject& object, const char* name) {
  TRY_ASSIGN(const std::string_view text, text_at(object, name));
  SecretBytes decoded(base64_decoded_max(text.size()));
  const auto size = base64_decode_to(text, decoded.expose_mutable().data());
  // The parser's buffer is its own and mutable; only its view is not.
  auto* const copy = const_cast<char*>(text.data());
  wipe({reinterpret_cast<std::uint8_t*>(copy), text.size()});
  if (!size) return fail(strange_answer());
  return SecretBytes::copy_of(decoded.expose().first(*size));
}

}  // namespace bulla::kek
