#include "net/url.h"

namespace bulla::net {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c != '%') {
      out.push_back(c == '+' && plus_is_space ? ' ' : c);
      continue;
    }
    const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
    if (high < 0 || low < 0) {
      return fail(invalid_argument("invalid URL escape \"" +
                                   std::string(text.substr(i, 3)) + "\""));
    }
    out.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return out;
}

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

}  // namespace

Target split_target(std::string_view target) {
  if (!target.empty() && target.front() != '/') {
    const auto scheme = target.find("://");
    if (scheme != std::string_view::npos &&
        scheme < target.find_first_of("/?")) {
      target.remove_prefix(scheme + 3);
      const auto path = target.find_first_of("/?");
      target.remove_prefix(path == std::string_view::npos ? target.size()
                                                          : path);
    }
  }
  target = target.substr(0, target.find('#'));
  const auto mark = target.find('?');
  if (mark == std::string_view::npos) return {target, {}};
  return {target.substr(0, mark), target.substr(mark + 1)};
}

Result<std::string> percent_decode(std::string_view text) {
  return decode(text, false);
}

Result<std::string> query_decode(std::string_view text) {
  return decode(text, true);
}

std::string percent_encode(std::string_view text, std::string_view keep) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (is_unreserved(c) || keep.find(c) != std::string_view::npos) {
      out.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out.push_back('%');
    out.push_back(kHex[byte >> 4]);
    out.push_back(kHex[byte & 15]);
  }
  return out;
}

Result<QueryParameters> parse_query(std::string_view query, std::size_t most) {
  QueryParameters parameters;
  while (!query.empty()) {
    const auto end = query.find('&');
    const auto piece = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view{}
                                          : query.substr(end + 1);
    if (piece.empty()) continue;
    if (parameters.size() == most) {
      return fail(invalid_argument("more than " + std::to_string(most) +
                                   " parameters"));
    }
    if (piece.find(';') != std::string_view::npos) {
      return fail(invalid_argument("invalid semicolon separator in query"));
    }
    const auto equals = piece.find('=');
    TRY_ASSIGN(auto key, query_decode(piece.substr(0, equals)));
    if (equals == std::string_view::npos) {
      parameters.emplace_back(std::move(key), std::string());
      continue;
    }
    TRY_ASSIGN(auto value, query_decode(piece.substr(equals + 1)));
    parameters.emplace_back(std::move(key), std::move(value));
  }
  return parameters;
}

}  // namespace bulla::net
