#include "server/help.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/json_writer.h"

namespace bulla::server {
namespace {

using api::FieldType;
using api::Operation;

struct Segment {
  std::string_view name;  // of a capture; "" for a literal
  std::string_view text;
};

std::vector<Segment> segments_of(std::string_view pattern) {
  std::vector<Segment> segments;
  while (!pattern.empty()) {
    const std::size_t end = std::min(pattern.find('/'), pattern.size());
    std::string_view text = pattern.substr(0, end);
    pattern.remove_prefix(std::min(end + 1, pattern.size()));
    Segment segment{{}, text};
    if (text.starts_with(':') || text.starts_with('*')) {
      segment.name = text.substr(1);
      if (segment.name.ends_with('@') || segment.name.ends_with('~')) {
        segment.name.remove_suffix(1);
      }
    }
    segments.push_back(segment);
  }
  return segments;
}

std::set<std::string_view> captured(std::string_view pattern) {
  std::set<std::string_view> names;
  for (const Segment& segment : segments_of(pattern)) {
    if (!segment.name.empty()) names.insert(segment.name);
  }
  return names;
}

std::string_view type_word(FieldType type) {
  switch (type) {
    case FieldType::kInt:
    case FieldType::kDuration:
    case FieldType::kSignedDuration:
      return "integer";
    case FieldType::kBool:
      return "boolean";
    case FieldType::kStringSlice:
    case FieldType::kCommaStringSlice:
    case FieldType::kCommaIntSlice:
      return "array";
    case FieldType::kMap:
    case FieldType::kKvPairs:
      return "object";
    case FieldType::kString:
    case FieldType::kLowerString:
    case FieldType::kTime:
    case FieldType::kAny:
      return "string";
  }
  return "string";
}

void write_schema(JsonWriter& out, const api::Field& field) {
  out.begin_object();
  if (!field.description.empty()) out.member("description", field.description);
  if (field.type == FieldType::kAny) {
    out.end_object();
    return;
  }
  out.member("type", type_word(field.type));
  if (field.type == FieldType::kDuration ||
      field.type == FieldType::kSignedDuration) {
    out.member("format", "seconds");
  }
  if (field.type == FieldType::kTime) out.member("format", "date-time");
  if (type_word(field.type) == "array") {
    out.key("items").begin_object().member(
        "type", field.type == FieldType::kCommaIntSlice ? "integer" : "string");
    out.end_object();
  }
  if (!field.default_text.empty()) {
    out.member("x-default", field.default_text);
  }
  out.end_object();
}

void write_path_parameters(JsonWriter& out, const api::Route& route) {
  const auto names = captured(route.pattern);
  if (names.empty()) return;
  out.key("parameters").begin_array();
  for (const Segment& segment : segments_of(route.pattern)) {
    if (segment.name.empty()) continue;
    api::Field field{segment.name, FieldType::kString, {}};
    for (const api::Field& known : route.fields) {
      if (known.name == segment.name) field = known;
    }
    out.begin_object();
    if (!field.description.empty()) {
      out.member("description", field.description);
    }
    out.member("in", "path")
        .member("name", field.name)
        .member("required", true)
        .key("schema");
    write_schema(out, {field.name, field.type, {}});
    out.end_object();
  }
  out.end_array();
}

void write_query_parameters(JsonWriter& out, const api::Route& route,
                            bool lists, bool reads) {
  const auto names = captured(route.pattern);
  out.key("parameters").begin_array();
  if (lists) {
    out.begin_object()
        .member("description", "Return a list if `true`")
        .member("in", "query")
        .member("name", "list")
        .member("required", !reads)
        .key("schema")
        .begin_object()
        .member("type", "string")
        .end_object()
        .end_object();
  }
  const bool writes = std::any_of(route.methods.begin(), route.methods.end(),
                                  [](const api::Method& m) {
                                    return m.operation == Operation::kUpdate ||
                                           m.operation == Operation::kPatch;
                                  });
  // Fields of a route that is also written to are those of its body.
  for (const api::Field& field : route.fields) {
    if (writes || names.contains(field.name)) continue;
    out.begin_object().member("in", "query").member("name", field.name);
    out.key("schema");
    write_schema(out, field);
    out.end_object();
  }
  out.end_array();
}

void write_body(JsonWriter& out, const api::Route& route) {
  const auto names = captured(route.pattern);
  std::vector<std::string_view> required;
  out.key("requestBody").begin_object().key("content").begin_object();
  out.key("application/json").begin_object().key("schema").begin_object();
  out.member("type", "object").key("properties").begin_object();
  for (const api::Field& field : route.fields) {
    if (names.contains(field.name)) continue;
    if (field.required) required.push_back(field.name);
    out.key(field.name);
    write_schema(out, field);
  }
  out.end_object();
  if (!required.empty()) out.key("required").strings(required);
  out.end_object().end_object().end_object().end_object();
}

const api::Method* method_of(const api::Route& route, Operation operation) {
  for (const api::Method& method : route.methods) {
    if (method.operation == operation) return &method;
  }
  return nullptr;
}

void write_responses(JsonWriter& out, bool answers) {
  out.key("responses").begin_object();
  out.key(answers ? "200" : "204").begin_object();
  out.member("description", answers ? "OK" : "empty body");
  out.end_object().end_object();
}

void write_verb(JsonWriter& out, const api::Route& route, std::string_view verb,
                const api::Method& method) {
  out.key(verb).begin_object().member("summary", method.summary);
  const bool writes = method.operation == Operation::kUpdate ||
                      method.operation == Operation::kPatch;
  if (writes) write_body(out, route);
  write_responses(out, method.operation != Operation::kDelete);
  out.end_object();
}

void write_get(JsonWriter& out, const api::Route& route) {
  const api::Method* const read = method_of(route, Operation::kRead);
  const api::Method* const list = method_of(route, Operation::kList);
  if (read == nullptr && list == nullptr) return;
  out.key("get").begin_object().member("summary",
                                       (read ? read : list)->summary);
  write_query_parameters(out, route, list != nullptr, read != nullptr);
  write_responses(out, true);
  out.end_object();
}

std::string help_text(const api::Route& route, std::string_view mount_point) {
  std::string text = fmt::format("Request:        {}{}\n\n{}\n", mount_point,
                                 route.pattern, route.synopsis);
  if (!route.fields.empty()) text += "\n## PARAMETERS\n";
  for (const api::Field& field : route.fields) {
    text += fmt::format("\n    {} ({})\n        {}\n", field.name,
                        type_word(field.type), field.description);
  }
  if (!route.methods.empty()) text += "\n## OPERATIONS\n\n";
  for (const api::Method& method : route.methods) {
    text += fmt::format("    {:<8} {}\n", api::operation_name(method.operation),
                        method.summary);
  }
  if (!route.description.empty()) {
    text += fmt::format("\n## DESCRIPTION\n\n{}\n", route.description);
  }
  return text;
}

}  // namespace

std::string openapi_path(std::string_view mount_point,
                         std::string_view pattern) {
  std::string path = "/" + std::string(mount_point);
  bool first = true;
  for (const Segment& segment : segments_of(pattern)) {
    if (!first) path += '/';
    first = false;
    path += segment.name.empty() ? std::string(segment.text)
                                 : fmt::format("{{{}}}", segment.name);
  }
  return path;
}

std::string openapi_path_item(const api::Route& route) {
  std::string json;
  JsonWriter out(json);
  out.begin_object().member("description", route.synopsis);
  write_path_parameters(out, route);
  if (route.sudo) out.member("x-vault-sudo", true);
  if (route.unauthenticated) out.member("x-vault-unauthenticated", true);
  if (route.exists) out.member("x-vault-createSupported", true);
  write_get(out, route);
  if (const auto* update = method_of(route, Operation::kUpdate)) {
    write_verb(out, route, "post", *update);
  }
  if (const auto* patch = method_of(route, Operation::kPatch)) {
    write_verb(out, route, "patch", *patch);
  }
  if (const auto* remove = method_of(route, Operation::kDelete)) {
    write_verb(out, route, "delete", *remove);
  }
  out.end_object();
  return json;
}

std::string help_json(const api::Route& route, const api::Backend& backend,
                      std::string_view mount_point) {
  std::string json;
  JsonWriter out(json);
  out.begin_object().member("help", help_text(route, mount_point));
  out.key("see_also").null();
  out.key("openapi").begin_object().key("components").begin_object();
  out.end_object()
      .key("info")
      .begin_object()
      .member("description", backend.help())
      .member("title", "Bulla API")
      .member("version", BULLA_VERSION)
      .end_object()
      .member("openapi", "3.0.2")
      .key("paths")
      .begin_object()
      .key(openapi_path(mount_point, route.pattern))
      .raw(openapi_path_item(route))
      .end_object()
      .end_object()
      .end_object();
  return json;
}

}  // namespace bulla::server
