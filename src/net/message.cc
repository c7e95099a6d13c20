#include "net/message.h"

#include <array>

namespace bulla::net {
namespace {

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

}  // namespace

bool iequals(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

Method parse_method(std::string_view text) {
  struct Name {
    std::string_view text;
    Method method;
  };
  static constexpr std::array<Name, 9> kNames = {{
      {"POST", Method::kPost},
      {"GET", Method::kGet},
      {"PUT", Method::kPut},
      {"DELETE", Method::kDelete},
      {"PATCH", Method::kPatch},
      {"HEAD", Method::kHead},
      {"OPTIONS", Method::kOptions},
      {"LIST", Method::kList},
      {"SCAN", Method::kScan},
  }};
  for (const auto& name : kNames) {
    if (text == name.text) return name.method;
  }
  return Method::kOther;
}

std::string_view Request::header(std::string_view name) const {
  for (const auto& header : headers) {
    if (iequals(header.name, name)) return header.value;
  }
  return {};
}

void Response::reset() {
  status = 200;
  content_type.assign("application/json");
  body.clear();
  headers.clear();
}

}  // namespace bulla::net
