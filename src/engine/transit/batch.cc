#include "engine/transit/batch.h"

#include <fmt/format.h>

#include <utility>

namespace bulla::engine::transit {
namespace {

// How the reference reads a batch: encrypt and decrypt have a decoder of their
// own, the rest its library's, which takes numbers for text and null for an
// item.
enum class Decoder : std::uint8_t { kOwn, kLibrary };

// Faults found so far, a line each.
class Faults {
 public:
  explicit Faults(Decoder decoder) : decoder_(decoder) {}
  Decoder decoder() const { return decoder_; }
  void add(std::string_view line) {
    if (!text_.empty()) text_ += '\n';
    text_ += line;
  }
  Result<void> result() && {
    if (text_.empty()) return {};
    if (decoder_ == Decoder::kOwn) return not_parsed(text_);
    return not_parsed("decoding failed due to the following error(s):\n\n" +
                      text_);
  }
  static Result<void> not_parsed(const std::string& text) {
    return fail(internal_error("failed to parse batch input: " + text));
  }

 private:
  const Decoder decoder_;
  std::string text_;
};

// What Go's reflection calls the kind of a JSON value.
std::string_view go_kind_name(const JsonElement& element) {
  if (element.is_object()) return "map";
  if (element.is_array()) return "slice";
  return element.is_number() ? "string" : go_type_name(element);
}

// The text of a string or, where `decoder` allows, of a number; that one is
// kept in `numbers`.
bool text_of(const JsonElement& value, Decoder decoder,
             std::list<std::string>& numbers, std::string_view& out) {
  if (value.get_string().get(out) == simdjson::SUCCESS) return true;
  if (decoder == Decoder::kOwn || !value.is_number()) return false;
  out = numbers.emplace_back(json_text(value));
  return true;
}

void read_text(const JsonElement& value, std::size_t index,
               std::string_view name, bool null_ok,
               std::list<std::string>& numbers, std::string_view& out,
               Faults& faults) {
  if (text_of(value, faults.decoder(), numbers, out)) return;
  if (value.is_null() && null_ok) return;
  faults.add(fmt::format(
      "'[{}].{}' expected type 'string', got unconvertible type '{}'", index,
      name, go_type_name(value)));
}

void read_version(const JsonElement& value, std::size_t index,
                  std::int64_t& out, Faults& faults) {
  if (value.is_null()) return;
  if (value.get_int64().get(out) == simdjson::SUCCESS) return;
  if (value.is_number()) {
    const std::string what =
        faults.decoder() == Decoder::kOwn
            ? fmt::format("error decoding json.Number into [{}].key_version",
                          index)
            : fmt::format("'[{}].key_version' cannot parse value as 'int'",
                          index);
    faults.add(
        fmt::format("{}: strconv.ParseInt: parsing \"{}\": invalid syntax",
                    what, json_text(value)));
    return;
  }
  faults.add(fmt::format(
      "'[{}].key_version' expected type 'int', got unconvertible type '{}'",
      index, go_type_name(value)));
}

void read_item(const JsonObject& object, std::size_t index, BatchNeed need,
               BatchItem& item, Faults& faults) {
  bool has_plaintext = false;
  bool has_ciphertext = false;
  for (const auto [key, value] : object) {
    if (key == "plaintext") {
      has_plaintext = true;
      read_text(value, index, key, false, item.numbers, item.plaintext, faults);
    } else if (key == "ciphertext") {
      has_ciphertext = true;
      read_text(value, index, key, true, item.numbers, item.ciphertext, faults);
    } else if (key == "context") {
      read_text(value, index, key, true, item.numbers, item.context, faults);
    } else if (key == "associated_data") {
      read_text(value, index, key, true, item.numbers, item.associated_data,
                faults);
    } else if (key == "reference") {
      read_text(value, index, key, true, item.numbers, item.reference, faults);
    } else if (key == "key_version") {
      read_version(value, index, item.key_version, faults);
    } else if (key == "padding_scheme") {
      read_text(value, index, key, true, item.numbers, item.padding, faults);
    } else if (key == "encrypt_padding_scheme") {
      read_text(value, index, key, true, item.numbers, item.seal_padding,
                faults);
    } else if (key == "decrypt_padding_scheme") {
      read_text(value, index, key, true, item.numbers, item.open_padding,
                faults);
    }
  }
  if (need == BatchNeed::kPlaintext && !has_plaintext) {
    faults.add(
        fmt::format("'[{}].plaintext' missing plaintext to encrypt", index));
  }
  if (need == BatchNeed::kCiphertext && !has_ciphertext) {
    faults.add(
        fmt::format("'[{}].ciphertext' missing ciphertext to decrypt", index));
  }
}

void read_mac_item(const JsonObject& object, std::size_t index, MacItem& item,
                   Faults& faults) {
  for (const auto [key, value] : object) {
    std::string_view other;
    std::string_view* out = &other;
    if (key == "input") {
      item.has_input = true;
      out = &item.input;
    } else if (key == "hmac") {
      item.has_hmac = true;
      out = &item.hmac;
    } else if (key == "cmac") {
      item.has_cmac = true;
      out = &item.cmac;
    } else if (key == "context") {
      out = &item.context;
    } else if (key == "signature") {
      item.has_signature = true;
      out = &item.signature;
    } else if (key == "reference") {
      out = &item.reference;
    }
    if (!text_of(value, Decoder::kLibrary, item.numbers, *out) &&
        !value.is_null()) {
      faults.add(fmt::format(
          "'[{}][{}]' expected type 'string', got unconvertible type '{}'",
          index, key, go_type_name(value)));
    }
  }
}

Result<void> no_array(const JsonElement& input, Decoder decoder) {
  const bool own = decoder == Decoder::kOwn;
  return Faults::not_parsed(fmt::format(
      "{}source data must be an array or slice, got {}", own ? "" : "'' ",
      own ? go_type_name(input) : go_kind_name(input)));
}

// What is no object: null is one with nothing in it to the library.
Result<void> no_object(const JsonElement& member, std::size_t index,
                       Faults& faults) {
  if (faults.decoder() == Decoder::kOwn) {
    return Faults::not_parsed(fmt::format("[{}] expected a map, got '{}'",
                                          index, go_type_name(member)));
  }
  if (!member.is_null()) {
    faults.add(fmt::format("'[{}]' expected a map or struct, got \"{}\"", index,
                           go_kind_name(member)));
  }
  return {};
}

// Runs `read` over the members of `input`.
template <typename Item, typename Read>
Result<void> read_items(const JsonElement& input, Decoder decoder,
                        std::vector<Item>& items, Read read) {
  items.clear();
  JsonArray array;
  if (input.get_array().get(array) != simdjson::SUCCESS) {
    return no_array(input, decoder);
  }
  items.reserve(array.size());
  Faults faults(decoder);
  for (const JsonElement member : array) {
    const std::size_t index = items.size();
    Item& item = items.emplace_back();
    JsonObject object;
    if (member.get_object().get(object) == simdjson::SUCCESS) {
      read(object, index, item, faults);
    } else {
      TRY(no_object(member, index, faults));
    }
  }
  TRY(std::move(faults).result());
  if (items.empty()) {
    return fail(invalid_argument("missing batch input to process"));
  }
  return {};
}

}  // namespace

std::string_view go_type_name(const JsonElement& element) {
  switch (element.type()) {
    case JsonType::ARRAY:
      return "[]interface {}";
    case JsonType::OBJECT:
      return "map[string]interface {}";
    case JsonType::STRING:
      return "string";
    case JsonType::BOOL:
      return "bool";
    case JsonType::NULL_VALUE:
      return "<nil>";
    case JsonType::INT64:
    case JsonType::UINT64:
    case JsonType::DOUBLE:
      return "json.Number";
  }
  return "unknown";
}

Result<void> parse_batch(const JsonElement& input, BatchNeed need,
                         std::vector<BatchItem>& items) {
  const Decoder decoder =
      need == BatchNeed::kNothing ? Decoder::kLibrary : Decoder::kOwn;
  TRY(read_items(input, decoder, items,
                 [need](const JsonObject& object, std::size_t index,
                        BatchItem& item, Faults& faults) {
                   read_item(object, index, need, item, faults);
                 }));
  const bool context = !items.front().context.empty();
  for (const BatchItem& item : items) {
    if (item.context.empty() == context) {
      return fail(
          invalid_argument("context should be set either in all the request "
                           "blocks or in none"));
    }
  }
  return {};
}

Result<void> parse_mac_batch(const JsonElement& input,
                             std::vector<MacItem>& items) {
  return read_items(input, Decoder::kLibrary, items, read_mac_item);
}

}  // namespace bulla::engine::transit
