#include "cli/key_values.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace bulla::cli {
namespace {

struct Closer {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

void add_member(Value& data, const std::string& key, Value value) {
  const Value* const before = data.find(key);
  if (before == nullptr) {
    data.set(key, std::move(value));
    return;
  }
  Value list = *before;
  if (!list.is(Value::Kind::kArray)) {
    list = std::move(Value::array().push(*before));
  }
  data.set(key, std::move(list.push(std::move(value))));
}

}  // namespace

Result<std::string> read_file(const std::string& path) {
  const std::unique_ptr<std::FILE, Closer> file(
      std::fopen(path.c_str(), "rbe"));
  const auto broken = [&path] {
    return fail(unavailable(path + ": " + std::strerror(errno)));
  };
  if (!file) return broken();
  std::string text;
  char chunk[16384];
  for (;;) {
    const std::size_t n = std::fread(chunk, 1, sizeof chunk, file.get());
    text.append(chunk, n);
    if (text.size() > Console::kInputBytesMax) {
      return fail(ErrorCode::kTooLarge, path + " is over 32 MiB");
    }
    if (n == sizeof chunk) continue;
    if (std::ferror(file.get()) != 0) return broken();
    return text;
  }
}

Result<Value> KeyValueReader::read(const std::vector<std::string>& arguments,
                                   std::size_t first) {
  Value data = Value::object();
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    TRY(add(data, arguments[i], first + i));
  }
  return data;
}

Result<std::vector<std::pair<std::string, std::string>>>
KeyValueReader::read_query(const std::vector<std::string>& arguments,
                           std::size_t first) {
  std::vector<std::pair<std::string, std::string>> query;
  TRY_ASSIGN(const auto data, read(arguments, first));
  for (std::size_t i = 0; i < data.items.size(); ++i) {
    const Value& value = data.items[i];
    if (!value.is(Value::Kind::kArray)) {
      query.emplace_back(data.keys[i], to_plain(value));
      continue;
    }
    for (const auto& item : value.items) {
      query.emplace_back(data.keys[i], to_plain(item));
    }
  }
  return query;
}

Result<void> KeyValueReader::add(Value& data, const std::string& argument,
                                 std::size_t number) {
  if (argument == "-") {
    TRY_ASSIGN(const auto json, take_input());
    return add_object(data, json);
  }
  if (argument.size() > 1 && argument.front() == '@') {
    TRY_ASSIGN(const auto json, read_file(argument.substr(1)));
    return add_object(data, json);
  }
  const auto equals = argument.find('=');
  if (equals == std::string::npos || equals == 0) {
    return fail(
        invalid_argument("argument " + std::to_string(number) +
                         " is not KEY=VALUE, KEY=@FILE, KEY=-, @FILE or -"));
  }
  const std::string_view text = std::string_view(argument).substr(equals + 1);
  TRY_ASSIGN(const auto value, value_of(text));
  add_member(data, argument.substr(0, equals), Value::string(value));
  return {};
}

Result<void> KeyValueReader::add_object(Value& data, std::string_view json) {
  TRY_ASSIGN(auto object, parse_value(json));
  if (!object.is(Value::Kind::kObject)) {
    return fail(invalid_argument("the JSON must be an object"));
  }
  for (std::size_t i = 0; i < object.items.size(); ++i) {
    add_member(data, object.keys[i], std::move(object.items[i]));
  }
  return {};
}

Result<std::string> KeyValueReader::value_of(std::string_view text) {
  if (text == "-") return take_input();
  if (text.size() > 1 && text.front() == '@') {
    return read_file(std::string(text.substr(1)));
  }
  if (text.substr(0, 2) == "\\@") text.remove_prefix(1);
  return std::string(text);
}

Result<std::string> KeyValueReader::take_input() {
  if (input_taken_) {
    return fail(invalid_argument("standard input can be read only once"));
  }
  input_taken_ = true;
  return console_.read_input();
}

}  // namespace bulla::cli
