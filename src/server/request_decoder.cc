#include "server/request_decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "api/field.h"
#include "base/json_writer.h"
#include "base/printable.h"
#include "net/url.h"

namespace bulla::server {
namespace {

// The value of a parameter of the raw query, or absent.
std::optional<std::string> query_value(std::string_view query,
                                       std::string_view name) {
  if (query.find(name) == std::string_view::npos) return std::nullopt;
  auto parameters = net::parse_query(query);
  if (!parameters) return std::nullopt;
  for (auto& [key, value] : *parameters) {
    if (key == name) return std::move(value);
  }
  return std::nullopt;
}

Result<bool> query_flag(std::string_view query, std::string_view name) {
  const auto value = query_value(query, name);
  if (!value) return false;
  auto flag = api::text_to_bool(*value);
  // Vault answers {"errors":[]} here.
  if (!flag || value->empty()) return fail(invalid_argument(""));
  return *flag;
}

Result<api::Operation> operation_of(const net::Request& request,
                                    std::string_view query) {
  using net::Method;
  switch (request.method) {
    case Method::kGet: {
      TRY_ASSIGN(const bool list, query_flag(query, "list"));
      if (list) return api::Operation::kList;
      TRY_ASSIGN(const bool help, query_flag(query, "help"));
      return help ? api::Operation::kHelp : api::Operation::kRead;
    }
    case Method::kHead:
      return api::Operation::kRead;
    case Method::kList:
      return api::Operation::kList;
    case Method::kPost:
    case Method::kPut:
      return api::Operation::kUpdate;
    case Method::kDelete:
      return api::Operation::kDelete;
    case Method::kPatch:
      return api::Operation::kPatch;
    default:
      if (request.method_text == "HELP") return api::Operation::kHelp;
      return fail(ErrorCode::kUnsupported, "");
  }
}

bool is_write(api::Operation operation) {
  return operation == api::Operation::kUpdate ||
         operation == api::Operation::kPatch;
}

using Values = std::vector<std::string_view>;
using Named = std::vector<std::pair<std::string_view, Values>>;

// The values of each name; names in the order of their first appearance.
Named by_name(const net::QueryParameters& parameters) {
  Named named;
  std::unordered_map<std::string_view, std::size_t> places;
  for (const auto& [key, value] : parameters) {
    const auto [place, is_new] = places.emplace(key, named.size());
    if (is_new) named.push_back({key, {}});
    named[place->second].second.push_back(value);
  }
  return named;
}

std::string query_to_json(const net::QueryParameters& parameters) {
  std::string json;
  JsonWriter writer(json);
  writer.begin_object();
  for (const auto& [key, values] : by_name(parameters)) {
    if (key == "list" || key == "help" || key == "scan") continue;
    writer.key(key);
    if (values.size() == 1) {
      writer.value(values.front());
      continue;
    }
    writer.begin_array();
    for (const std::string_view value : values) writer.value(value);
    writer.end_array();
  }
  writer.end_object();
  return json;
}

// A form's repeated field is one text, joined by commas (reference/http.md §5).
std::string form_to_json(const net::QueryParameters& parameters) {
  std::string json;
  JsonWriter writer(json);
  writer.begin_object();
  for (const auto& [key, values] : by_name(parameters)) {
    writer.member(key, fmt::format("{}", fmt::join(values, ",")));
  }
  writer.end_object();
  return json;
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

bool is_form(const net::Request& request) {
  const std::string_view type = request.header("content-type");
  const bool looks_json = !request.body.empty() &&
                          (request.body[0] == '{' || request.body[0] == '[');
  return !looks_json && net::iequals(type.substr(0, type.find(';')),
                                     "application/x-www-form-urlencoded");
}

Result<void> check_patch_type(const net::Request& request) {
  const std::string_view type = request.header("content-type");
  std::string_view word = type.substr(0, type.find(';'));
  while (word.ends_with(' ')) word.remove_suffix(1);
  if (net::iequals(word, "application/merge-patch+json")) return {};
  if (type.empty()) {
    return fail(invalid_argument(
        "PATCH requires Content-Type of application/merge-patch+json"));
  }
  return fail(ErrorCode::kWrongMediaType,
              "PATCH requires Content-Type of application/merge-patch+json, "
              "provided " +
                  std::string(type));
}

Result<std::optional<JsonObject>> as_object(Result<JsonElement> element) {
  if (!element) return fail(std::move(element).error());
  // Clients that have nothing to send, send null (`vault write -f`).
  if (element->is_null()) return std::optional<JsonObject>{};
  JsonObject object;
  if (element->get_object().get(object)) {
    return fail(invalid_argument(
        "failed to decode JSON input: the body must be a JSON object"));
  }
  return object;
}

}  // namespace

// Every segment must be something: "", "." and ".." are how a path is made to
// look like another one to policy than to routing (CVE-2026-3605).
Result<void> check_clean(std::string_view path) {
  if (!is_printable(path)) {
    return fail(invalid_argument("path contains unprintable characters"));
  }
  std::size_t start = 0;
  while (start <= path.size()) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    const std::string_view segment = path.substr(start, end - start);
    if (segment == "." || segment == "..") {
      return fail(invalid_argument("relative paths not supported"));
    }
    if (segment.empty() && end != path.size()) {
      return fail(invalid_argument("path contains an empty segment"));
    }
    start = end + 1;
  }
  return {};
}

Result<void> decode_target(const net::Request& request, Decoded& out) {
  const net::Target target = net::split_target(request.target);
  if (!target.path.starts_with("/v1/")) return fail(not_found(""));
  out.path = target.path.substr(4);
  out.query = target.query;
  if (out.path.find('%') != std::string_view::npos) {
    TRY_ASSIGN(out.storage, net::percent_decode(out.path));
    out.path = out.storage;
  }
  TRY(check_clean(out.path));
  TRY_ASSIGN(out.operation, operation_of(request, out.query));
  out.head = request.method == net::Method::kHead;
  out.trailing_slash = out.path.ends_with('/');
  if (out.trailing_slash && is_write(out.operation)) {
    return fail(invalid_argument("cannot write to a path ending in '/'"));
  }
  if (out.trailing_slash && out.operation == api::Operation::kList) {
    out.path.remove_suffix(1);
  }
  return {};
}

Result<std::optional<JsonObject>> decode_body(const net::Request& request,
                                              const Decoded& decoded,
                                              const JsonLimits& limits,
                                              JsonParser& parser,
                                              std::string& scratch) {
  if (decoded.operation == api::Operation::kPatch) {
    TRY(check_patch_type(request));
  }
  // Vault's clients send the nonce of what they cancel in a DELETE's body.
  const bool body_counts = is_write(decoded.operation) ||
                           (decoded.operation == api::Operation::kDelete &&
                            !request.body.empty() && decoded.query.empty());
  if (!body_counts) {
    if (decoded.query.empty()) return std::optional<JsonObject>{};
    TRY_ASSIGN(const auto parameters, net::parse_query(decoded.query));
    scratch = query_to_json(parameters);
    return as_object(parse_json(parser, scratch, limits));
  }
  if (is_blank(request.body)) return std::optional<JsonObject>{};
  if (is_form(request)) {
    TRY_ASSIGN(const auto parameters,
               net::parse_query(request.body, limits.object_entries));
    scratch = form_to_json(parameters);
    return as_object(parse_json(parser, scratch, limits));
  }
  return as_object(parse_json(parser, request.body, limits, /*padded=*/true));
}

std::string_view client_token_of(const net::Request& request) {
  const std::string_view token = request.header("x-vault-token");
  if (!token.empty()) return token;
  constexpr std::string_view kBearer = "Bearer ";
  const std::string_view authorization = request.header("authorization");
  if (!authorization.starts_with(kBearer)) return {};
  return authorization.substr(kBearer.size());
}

}  // namespace bulla::server
