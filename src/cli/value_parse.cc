#include <simdjson.h>

#include <charconv>

#include "cli/value.h"

namespace bulla::cli {
namespace {

namespace od = simdjson::ondemand;

Error not_json(std::string_view why) {
  return invalid_argument("failed to decode JSON: " + std::string(why));
}
Error not_json(simdjson::error_code code) {
  return not_json(simdjson::error_message(code));
}

// simdjson hands numbers over unread, so that none is rounded: whether the
// token is a number is ours to check.
bool is_number(std::string_view token) {
  double ignored = 0;
  const char* const end = token.data() + token.size();
  const auto [at, error] = std::from_chars(token.data(), end, ignored);
  const bool in_range =
      error == std::errc() || error == std::errc::result_out_of_range;
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return in_range && at == end && digit(token.back()) &&
         (digit(token.front()) || token.front() == '-');
}

std::string_view trimmed(std::string_view token) {
  const auto last = token.find_last_not_of(" \t\r\n");
  return token.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

Result<Value> from_number(std::string_view token) {
  token = trimmed(token);
  if (token.empty() || !is_number(token)) return fail(not_json("bad number"));
  Value value;
  value.kind = Value::Kind::kNumber;
  value.text = token;
  return value;
}

Result<Value> convert(od::value from, int depth);

Result<Value> convert_array(od::value from, int depth) {
  Value value = Value::array();
  od::array array;
  if (const auto error = from.get_array().get(array)) {
    return fail(not_json(error));
  }
  for (auto element : array) {
    od::value item;
    if (const auto error = element.get(item)) return fail(not_json(error));
    TRY_ASSIGN(auto converted, convert(item, depth + 1));
    value.items.push_back(std::move(converted));
  }
  return value;
}

Result<Value> convert_object(od::value from, int depth) {
  Value value = Value::object();
  od::object object;
  if (const auto error = from.get_object().get(object)) {
    return fail(not_json(error));
  }
  for (auto field : object) {
    std::string_view key;
    if (const auto error = field.unescaped_key().get(key)) {
      return fail(not_json(error));
    }
    value.keys.emplace_back(key);
    od::value item;
    if (const auto error = field.value().get(item)) {
      return fail(not_json(error));
    }
    TRY_ASSIGN(auto converted, convert(item, depth + 1));
    value.items.push_back(std::move(converted));
  }
  return value;
}

Result<Value> convert_scalar(od::value from, od::json_type type) {
  if (type == od::json_type::number) {
    return from_number(from.raw_json_token());
  }
  if (type == od::json_type::string) {
    std::string_view text;
    if (const auto error = from.get_string().get(text)) {
      return fail(not_json(error));
    }
    return Value::string(text);
  }
  if (type == od::json_type::boolean) {
    bool flag = false;
    if (const auto error = from.get_bool().get(flag)) {
      return fail(not_json(error));
    }
    return Value::boolean(flag);
  }
  if (trimmed(from.raw_json_token()) != "null") {
    return fail(not_json("bad literal"));
  }
  return Value();
}

Result<Value> convert(od::value from, int depth) {
  if (depth > Value::kDepthMax) return fail(not_json("nested too deeply"));
  od::json_type type{};
  if (const auto error = from.type().get(type)) return fail(not_json(error));
  if (type == od::json_type::array) return convert_array(from, depth);
  if (type == od::json_type::object) return convert_object(from, depth);
  return convert_scalar(from, type);
}

}  // namespace

Result<Value> parse_value(std::string_view json) {
  od::parser parser;
  const simdjson::padded_string padded(json);
  od::document document;
  if (const auto error = parser.iterate(padded).get(document)) {
    return fail(not_json(error));
  }
  // A lone scalar has no od::value of its own: it is read inside an array.
  const auto first = json.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return fail(not_json("empty"));
  if (json[first] != '{' && json[first] != '[') {
    TRY_ASSIGN(auto wrapped, parse_value("[" + std::string(json) + "]"));
    if (wrapped.items.size() != 1) return fail(not_json("trailing content"));
    return std::move(wrapped.items.front());
  }
  od::value root;
  if (const auto error = document.get_value().get(root)) {
    return fail(not_json(error));
  }
  TRY_ASSIGN(auto value, convert(root, 1));
  const char* rest = nullptr;
  const bool more = document.current_location().get(rest) == simdjson::SUCCESS;
  if (more) return fail(not_json("trailing content"));
  return value;
}

}  // namespace bulla::cli
