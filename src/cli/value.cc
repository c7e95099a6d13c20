#include "cli/value.h"

#include <algorithm>
#include <charconv>
#include <numeric>

#include "base/bytes.h"
#include "base/json_writer.h"
#include "base/secret_bytes.h"

namespace bulla::cli {
namespace {

void write_json(JsonWriter& writer, const Value& value) {
  switch (value.kind) {
    case Value::Kind::kNull:
      writer.null();
      return;
    case Value::Kind::kBoolean:
      writer.value(value.flag);
      return;
    case Value::Kind::kNumber:
      writer.raw(value.text);
      return;
    case Value::Kind::kString:
      writer.value(value.text);
      return;
    case Value::Kind::kArray:
      writer.begin_array();
      for (const auto& item : value.items) write_json(writer, item);
      writer.end_array();
      return;
    case Value::Kind::kObject:
      writer.begin_object();
      for (std::size_t i = 0; i < value.items.size(); ++i) {
        writer.key(value.keys[i]);
        write_json(writer, value.items[i]);
      }
      writer.end_object();
      return;
  }
}

void write_pretty(std::string& out, const Value& value, std::size_t indent) {
  const bool object = value.is(Value::Kind::kObject);
  if (value.items.empty() || (!object && !value.is(Value::Kind::kArray))) {
    out += to_json(value);
    return;
  }
  const std::string margin(indent + 2, ' ');
  out += object ? "{\n" : "[\n";
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    if (i > 0) out += ",\n";
    out += margin;
    if (object) {
      append_json_string(out, value.keys[i]);
      out += ": ";
    }
    write_pretty(out, value.items[i], indent + 2);
  }
  out.append("\n").append(indent, ' ');
  out += object ? '}' : ']';
}

std::vector<std::size_t> key_order(const Value& value) {
  std::vector<std::size_t> order(value.keys.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&value](std::size_t a, std::size_t b) {
                     return value.keys[a] < value.keys[b];
                   });
  return order;
}

}  // namespace

Value Value::string(std::string_view text) {
  Value value;
  value.kind = Kind::kString;
  value.text = text;
  return value;
}

Value Value::number(std::int64_t number) {
  Value value;
  value.kind = Kind::kNumber;
  value.text = std::to_string(number);
  return value;
}

Value Value::boolean(bool flag) {
  Value value;
  value.kind = Kind::kBoolean;
  value.flag = flag;
  return value;
}

Value Value::array() {
  Value value;
  value.kind = Kind::kArray;
  return value;
}

Value Value::object() {
  Value value;
  value.kind = Kind::kObject;
  return value;
}

Value Value::strings(const std::vector<std::string>& texts) {
  Value value = array();
  for (const auto& text : texts) value.push(string(text));
  return value;
}

const Value* Value::find(std::string_view key) const {
  const auto at = std::find(keys.begin(), keys.end(), key);
  if (at == keys.end()) return nullptr;
  return &items[static_cast<std::size_t>(at - keys.begin())];
}

std::string Value::text_of(std::string_view key) const {
  const Value* const member = find(key);
  return member != nullptr && member->is(Kind::kString) ? member->text : "";
}

bool Value::flag_of(std::string_view key) const {
  const Value* const member = find(key);
  return member != nullptr && member->is(Kind::kBoolean) && member->flag;
}

std::int64_t Value::integer_of(std::string_view key) const {
  const Value* const member = find(key);
  std::int64_t number = 0;
  if (member == nullptr || !member->is(Kind::kNumber)) return number;
  const std::string& digits = member->text;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

std::vector<std::string> Value::as_strings() const {
  std::vector<std::string> texts;
  if (!is(Kind::kArray)) return texts;
  for (const auto& item : items) {
    if (item.is(Kind::kString)) texts.push_back(item.text);
  }
  return texts;
}

Value& Value::set(std::string_view key, Value value) {
  const auto at = std::find(keys.begin(), keys.end(), key);
  if (at != keys.end()) {
    items[static_cast<std::size_t>(at - keys.begin())] = std::move(value);
    return *this;
  }
  keys.emplace_back(key);
  items.push_back(std::move(value));
  return *this;
}

Value& Value::push(Value value) {
  items.push_back(std::move(value));
  return *this;
}

std::string to_json(const Value& value) {
  std::string out;
  JsonWriter writer(out);
  write_json(writer, value);
  return out;
}

std::string to_pretty_json(const Value& value) {
  std::string out;
  write_pretty(out, value, 0);
  return out;
}

std::string to_plain(const Value& value) {
  if (value.is_null()) return "<nil>";
  if (value.is(Value::Kind::kBoolean)) return value.flag ? "true" : "false";
  const bool object = value.is(Value::Kind::kObject);
  if (!object && !value.is(Value::Kind::kArray)) return value.text;
  std::string out = object ? "map[" : "[";
  const Value ordered = object ? sorted(value) : value;
  for (std::size_t i = 0; i < ordered.items.size(); ++i) {
    if (i > 0) out += ' ';
    if (object) out.append(ordered.keys[i]).append(":");
    out += to_plain(ordered.items[i]);
  }
  return out + "]";
}

Value sorted(const Value& value) {
  Value out = value;
  out.keys.clear();
  out.items.clear();
  if (!value.is(Value::Kind::kObject)) {
    for (const auto& item : value.items) out.push(sorted(item));
    return out;
  }
  for (const std::size_t i : key_order(value)) {
    out.keys.push_back(value.keys[i]);
    out.items.push_back(sorted(value.items[i]));
  }
  return out;
}

void wipe(Value& value) {
  bulla::wipe(
      {reinterpret_cast<std::uint8_t*>(value.text.data()), value.text.size()});
  for (auto& item : value.items) wipe(item);
}

}  // namespace bulla::cli
