#include "auth/policy_hcl.h"

#include <fmt/format.h>

#include "api/field_convert.h"
#include "base/json_writer.h"

namespace bulla::auth {
namespace {

// An object stands for itself, a list for its objects.
Result<std::vector<const HclObject*>> objects_of(const HclValue& value) {
  std::vector<const HclObject*> out;
  if (value.object() != nullptr) {
    out.push_back(value.object());
    return out;
  }
  if (value.list() != nullptr) {
    for (const HclValue& element : value.list()->values) {
      if (element.object() == nullptr) break;
      out.push_back(element.object());
    }
    if (out.size() == value.list()->values.size()) return out;
  }
  return fail(invalid_argument(
      fmt::format("expected a block or an object on line {}", value.line)));
}

void write_value(JsonWriter& out, const HclValue& value) {
  if (const HclList* list = value.list()) {
    out.begin_array();
    for (const HclValue& element : list->values) write_value(out, element);
    out.end_array();
  } else if (const HclObject* object = value.object()) {
    out.begin_object();
    for (const HclItem& item : object->items) {
      out.key(item.key);
      write_value(out, *item.value);
    }
    out.end_object();
  } else if (const std::string* text = value.string()) {
    out.value(*text);
  } else {
    out.raw(value.scalar_text());
  }
}

std::string value_text(const HclValue& value) {
  if (value.list() == nullptr && value.object() == nullptr) {
    return value.scalar_text();
  }
  std::string text;
  JsonWriter writer(text);
  write_value(writer, value);
  return text;
}

}  // namespace

Result<std::vector<HclStanza>> hcl_stanzas(const HclItem& item) {
  std::vector<HclStanza> out;
  if (item.labels.size() > 1) {
    return fail(invalid_argument(
        fmt::format("a path takes one label on line {}", item.line)));
  }
  TRY_ASSIGN(const auto objects, objects_of(*item.value));
  for (const HclObject* object : objects) {
    if (!item.labels.empty()) {
      out.push_back({item.labels.front(), object});
      continue;
    }
    for (const HclItem& inner : object->items) {
      if (!inner.labels.empty()) {
        return fail(invalid_argument(
            fmt::format("a path takes one label on line {}", inner.line)));
      }
      TRY_ASSIGN(const auto bodies, objects_of(*inner.value));
      for (const HclObject* body : bodies) out.push_back({inner.key, body});
    }
  }
  return out;
}

Result<std::vector<std::string>> hcl_strings(const HclValue& value) {
  std::vector<std::string> out;
  if (value.list() != nullptr) {
    for (const HclValue& element : value.list()->values) {
      if (element.list() != nullptr || element.object() != nullptr) {
        return fail(invalid_argument(
            fmt::format("expected a string on line {}", element.line)));
      }
      out.push_back(element.scalar_text());
    }
    return out;
  }
  return fail(invalid_argument(
      fmt::format("expected a list of strings on line {}", value.line)));
}

Result<std::map<std::string, std::vector<std::string>>> hcl_parameters(
    const HclValue& value) {
  std::map<std::string, std::vector<std::string>> out;
  TRY_ASSIGN(const auto objects, objects_of(value));
  for (const HclObject* object : objects) {
    for (const HclItem& item : object->items) {
      const auto [at, fresh] = out.try_emplace(api::lower_case(item.key),
                                               std::vector<std::string>{});
      if (!fresh || !item.labels.empty()) {
        return fail(invalid_argument(
            fmt::format("the parameter \"{}\" on line {} was already set",
                        item.key, item.line)));
      }
      if (item.value->list() == nullptr) {
        return fail(invalid_argument(
            fmt::format("expected a list of values for \"{}\" on line {}",
                        item.key, item.line)));
      }
      for (const HclValue& element : item.value->list()->values) {
        at->second.push_back(value_text(element));
      }
    }
  }
  return out;
}

}  // namespace bulla::auth
