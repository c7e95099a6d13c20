#include "api/field.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/field_convert.h"
#include "base/assert.h"
#include "base/time_format.h"

namespace bulla::api {
namespace {

bool is_text_type(FieldType type) {
  return type == FieldType::kString || type == FieldType::kLowerString;
}

Error field_error(std::string_view name, Error error) {
  return invalid_argument(fmt::format(
      "Field validation failed: error converting input for field \"{}\": {}",
      name, error.message()));
}

// Whether a path parameter converts; the getters convert again.
Result<void> check_text(FieldType type, std::string_view text) {
  switch (type) {
    case FieldType::kInt:
      TRY(text_to_int(text));
      return {};
    case FieldType::kBool:
      TRY(text_to_bool(text));
      return {};
    case FieldType::kDuration:
    case FieldType::kSignedDuration:
      TRY(text_to_duration(text, type == FieldType::kSignedDuration));
      return {};
    case FieldType::kCommaIntSlice:
      TRY(text_to_ints(text));
      return {};
    case FieldType::kKvPairs:
      TRY(text_to_pair(text));
      return {};
    case FieldType::kTime:
      TRY(text_to_time(text));
      return {};
    case FieldType::kMap:
      return fail(invalid_argument("expected an object, got a string"));
    default:
      return {};
  }
}

Result<void> check_element(FieldType type, const JsonElement& element) {
  switch (type) {
    case FieldType::kInt:
      if (element.is<std::int64_t>()) return {};
      TRY(json_to_int(element));
      return {};
    case FieldType::kBool:
      if (element.is<bool>()) return {};
      TRY(json_to_bool(element));
      return {};
    case FieldType::kDuration:
    case FieldType::kSignedDuration:
      TRY(json_to_duration(element, type == FieldType::kSignedDuration));
      return {};
    case FieldType::kStringSlice:
    case FieldType::kCommaStringSlice:
      TRY(json_to_strings(element, type == FieldType::kCommaStringSlice));
      return {};
    case FieldType::kCommaIntSlice:
      TRY(json_to_ints(element));
      return {};
    case FieldType::kKvPairs:
      TRY(json_to_pairs(element));
      return {};
    case FieldType::kTime:
      TRY(json_to_time(element));
      return {};
    case FieldType::kMap:
      if (!element.is_object()) return fail(expected("an object", element));
      return {};
    default:
      return {};
  }
}

bool needs_lowering(std::string_view text) {
  return trimmed(text).size() != text.size() ||
         std::any_of(text.begin(), text.end(),
                     [](char c) { return c >= 'A' && c <= 'Z'; });
}

}  // namespace

Result<void> Fields::bind(std::span<const Field> schema,
                          std::span<const PathParam> params,
                          std::optional<JsonObject> body) {
  BULLA_ASSERT(schema.size() <= kFieldsMax);
  schema_ = schema;
  body_ = body;
  std::fill_n(slots_.begin(), schema.size(), Slot{});
  extra_.clear();
  unrecognized_.clear();
  replaced_.clear();
  made_.clear();
  for (const PathParam& param : params) {
    const std::size_t index = index_of(param.name);
    if (index == schema_.size()) {
      extra_.push_back(param);
      continue;
    }
    slots_[index] = {Source::kPath, param.value, {}};
  }
  if (body_) take_body(*body_);
  for (std::size_t i = 0; i < schema_.size(); ++i) {
    if (slots_[i].source == Source::kNone) continue;
    if (auto checked = check(schema_[i], slots_[i]); !checked) {
      return fail(field_error(schema_[i].name, std::move(checked).error()));
    }
  }
  return {};
}

void Fields::take_body(const JsonObject& body) {
  for (const auto member : body) {
    const std::size_t index = index_of(member.key);
    if (index == schema_.size()) {
      (captured(member.key) ? replaced_ : unrecognized_).push_back(member.key);
      continue;
    }
    Slot& slot = slots_[index];
    if (slot.source == Source::kPath) {
      replaced_.push_back(member.key);
      continue;
    }
    // The last of several members of one name wins, null included, as in Go.
    slot = {};
    if (member.value.is_null()) continue;
    slot.source = Source::kBody;
    slot.element = member.value;
    if (member.value.is_string()) {
      slot.text = member.value.get_string().value_unsafe();
    }
  }
  for (auto* names : {&unrecognized_, &replaced_}) {
    if (names->size() < 2) continue;
    std::sort(names->begin(), names->end());
    names->erase(std::unique(names->begin(), names->end()), names->end());
  }
}

Result<void> Fields::check(const Field& field, Slot& slot) {
  if (slot.source == Source::kPath) {
    TRY(check_text(field.type, slot.text));
  } else if (!is_text_type(field.type)) {
    return check_element(field.type, slot.element);
  } else if (!slot.element.is_string()) {
    TRY_ASSIGN(std::string text, json_to_string(slot.element));
    made_.push_back(std::make_unique<std::string>(std::move(text)));
    slot.text = *made_.back();
  }
  if (field.type == FieldType::kLowerString) lower(slot);
  return {};
}

void Fields::lower(Slot& slot) {
  if (!needs_lowering(slot.text)) return;
  made_.push_back(
      std::make_unique<std::string>(lower_case(trimmed(slot.text))));
  slot.text = *made_.back();
}

std::size_t Fields::index_of(std::string_view name) const {
  std::size_t i = 0;
  while (i < schema_.size() && schema_[i].name != name) ++i;
  return i;
}

bool Fields::captured(std::string_view name) const {
  return std::any_of(extra_.begin(), extra_.end(),
                     [&](const PathParam& p) { return p.name == name; });
}

const Fields::Slot* Fields::find(std::string_view name) const {
  const std::size_t index = index_of(name);
  if (index == schema_.size()) return nullptr;
  const Slot& slot = slots_[index];
  return slot.source == Source::kNone ? nullptr : &slot;
}

bool Fields::has(std::string_view name) const {
  return find(name) != nullptr || captured(name);
}

std::string_view Fields::text(std::string_view name,
                              std::string_view otherwise) const {
  if (const Slot* slot = find(name)) return slot->text;
  for (const PathParam& param : extra_) {
    if (param.name == name) return param.value;
  }
  return otherwise;
}

std::int64_t Fields::integer(std::string_view name,
                             std::int64_t otherwise) const {
  const Slot* slot = find(name);
  if (slot == nullptr) return otherwise;
  const auto value = slot->source == Source::kPath ? text_to_int(slot->text)
                                                   : json_to_int(slot->element);
  return value.value_or(otherwise);
}

bool Fields::boolean(std::string_view name, bool otherwise) const {
  const Slot* slot = find(name);
  if (slot == nullptr) return otherwise;
  const auto value = slot->source == Source::kPath
                         ? text_to_bool(slot->text)
                         : json_to_bool(slot->element);
  return value.value_or(otherwise);
}

Seconds Fields::duration(std::string_view name, Seconds otherwise) const {
  const Slot* slot = find(name);
  if (slot == nullptr) return otherwise;
  const auto value = slot->source == Source::kPath
                         ? text_to_duration(slot->text, true)
                         : json_to_duration(slot->element, true);
  return value.value_or(otherwise);
}

std::vector<std::string> Fields::strings(std::string_view name) const {
  const Slot* slot = find(name);
  if (slot == nullptr) return {};
  const bool commas =
      schema_[index_of(name)].type == FieldType::kCommaStringSlice;
  if (slot->source == Source::kBody) {
    return json_to_strings(slot->element, commas)
        .value_or(std::vector<std::string>{});
  }
  return commas ? split_commas(slot->text)
                : std::vector{std::string(slot->text)};
}

std::vector<std::int64_t> Fields::integers(std::string_view name) const {
  const Slot* slot = find(name);
  if (slot == nullptr) return {};
  auto values = slot->source == Source::kPath ? text_to_ints(slot->text)
                                              : json_to_ints(slot->element);
  return std::move(values).value_or(std::vector<std::int64_t>{});
}

std::vector<std::pair<std::string, std::string>> Fields::pairs(
    std::string_view name) const {
  const Slot* slot = find(name);
  if (slot == nullptr) return {};
  if (slot->source == Source::kBody) {
    return json_to_pairs(slot->element).value_or(KvPairs{});
  }
  auto pair = text_to_pair(slot->text);
  return pair ? KvPairs{*std::move(pair)} : KvPairs{};
}

std::optional<JsonObject> Fields::object(std::string_view name) const {
  const Slot* slot = find(name);
  if (slot == nullptr || slot->source != Source::kBody ||
      !slot->element.is_object()) {
    return std::nullopt;
  }
  return slot->element.get_object().value_unsafe();
}

std::optional<Time> Fields::time(std::string_view name) const {
  const Slot* slot = find(name);
  if (slot == nullptr) return std::nullopt;
  const auto value = slot->source == Source::kPath
                         ? text_to_time(slot->text)
                         : json_to_time(slot->element);
  return value ? std::optional(*value) : std::nullopt;
}

std::optional<JsonElement> Fields::raw(std::string_view name) const {
  const Slot* slot = find(name);
  if (slot == nullptr || slot->source != Source::kBody) return std::nullopt;
  return slot->element;
}

}  // namespace bulla::api
