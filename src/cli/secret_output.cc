#include "cli/secret_output.h"

#include <algorithm>
#include <array>

#include "base/time_format.h"

namespace bulla::cli {
namespace {

constexpr std::int64_t kSecondsMax = 9'000'000'000;  // what a Duration holds

bool ends_with(std::string_view text, std::string_view tail) {
  return text.size() >= tail.size() &&
         text.substr(text.size() - tail.size()) == tail;
}

bool looks_like_duration(std::string_view key) {
  static constexpr std::array<std::string_view, 3> kWords = {"period", "ttl",
                                                             "duration"};
  return key == "lease_max" || key == "ttl_max" ||
         std::any_of(kWords.begin(), kWords.end(), [key](auto word) {
           return key == word || ends_with(key, "_" + std::string(word));
         });
}

std::string quoted_list(const Value* list) {
  std::string out = "[";
  if (list == nullptr) return out + "]";
  for (const auto& text : list->as_strings()) {
    if (out.size() > 1) out += ' ';
    out += to_json(Value::string(text));
  }
  return out + "]";
}

std::string truth(bool flag) { return flag ? "true" : "false"; }

void add_lease(std::vector<TableRow>& rows, const Value& secret) {
  const auto seconds = secret.integer_of("lease_duration");
  if (seconds <= 0) return;
  const std::string lease = secret.text_of("lease_id");
  if (lease.empty()) {
    rows.push_back({"refresh_interval", human_duration(seconds)});
    return;
  }
  rows.push_back({"lease_id", lease});
  rows.push_back({"lease_duration", human_duration(seconds)});
  rows.push_back({"lease_renewable", truth(secret.flag_of("renewable"))});
}

std::string token_duration(const Value& auth) {
  const auto seconds = auth.integer_of("lease_duration");
  return seconds == 0 ? "∞" : human_duration(seconds);
}

void add_auth(std::vector<TableRow>& rows, const Value& secret) {
  const Value* const auth = secret.find("auth");
  if (auth == nullptr || !auth->is(Value::Kind::kObject)) return;
  rows.push_back({"token", auth->text_of("client_token")});
  rows.push_back({"token_accessor", auth->text_of("accessor")});
  rows.push_back({"token_duration", token_duration(*auth)});
  rows.push_back({"token_renewable", truth(auth->flag_of("renewable"))});
  rows.push_back({"token_policies", quoted_list(auth->find("token_policies"))});
  rows.push_back(
      {"identity_policies", quoted_list(auth->find("identity_policies"))});
  rows.push_back({"policies", quoted_list(auth->find("policies"))});
  const Value* const meta = auth->find("metadata");
  if (meta == nullptr) return;
  const Value ordered = sorted(*meta);
  for (std::size_t i = 0; i < ordered.keys.size(); ++i) {
    rows.push_back(
        {"token_meta_" + ordered.keys[i], to_plain(ordered.items[i])});
  }
}

void add_wrapping(std::vector<TableRow>& rows, const Value& secret) {
  const Value* const wrap = secret.find("wrap_info");
  if (wrap == nullptr || !wrap->is(Value::Kind::kObject)) return;
  rows.push_back({"wrapping_token:", wrap->text_of("token")});
  rows.push_back({"wrapping_accessor:", wrap->text_of("accessor")});
  rows.push_back(
      {"wrapping_token_ttl:", human_duration(wrap->integer_of("ttl"))});
  rows.push_back(
      {"wrapping_token_creation_time:", wrap->text_of("creation_time")});
  rows.push_back(
      {"wrapping_token_creation_path:", wrap->text_of("creation_path")});
  if (wrap->text_of("wrapped_accessor").empty()) return;
  rows.push_back({"wrapped_accessor:", wrap->text_of("wrapped_accessor")});
}

std::optional<Value> member(const Value* object, std::string_view name) {
  const Value* const found = object == nullptr ? nullptr : object->find(name);
  if (found == nullptr || found->is_null()) return std::nullopt;
  return *found;
}

// The names of the columns above, and where their values are.
struct FieldSource {
  std::string_view field, object, member;
};
constexpr std::array<FieldSource, 16> kFields = {{
    {"token", "auth", "client_token"},
    {"token_accessor", "auth", "accessor"},
    {"token_duration", "auth", "lease_duration"},
    {"token_renewable", "auth", "renewable"},
    {"token_policies", "auth", "token_policies"},
    {"identity_policies", "auth", "identity_policies"},
    {"policies", "auth", "policies"},
    {"wrapping_token", "wrap_info", "token"},
    {"wrapping_accessor", "wrap_info", "accessor"},
    {"wrapping_token_ttl", "wrap_info", "ttl"},
    {"wrapping_token_creation_time", "wrap_info", "creation_time"},
    {"wrapping_token_creation_path", "wrap_info", "creation_path"},
    {"wrapped_accessor", "wrap_info", "wrapped_accessor"},
    {"lease_id", "", "lease_id"},
    {"lease_duration", "", "lease_duration"},
    {"refresh_interval", "", "lease_duration"},
}};

}  // namespace

std::string human_duration(std::int64_t seconds) {
  if (seconds > kSecondsMax || seconds < -kSecondsMax) {
    return std::to_string(seconds) + "s";
  }
  std::string text = format_go_duration(std::chrono::seconds(seconds));
  if (ends_with(text, "m0s")) text.resize(text.size() - 2);
  if (ends_with(text, "h0m")) text.resize(text.size() - 2);
  return text;
}

std::string cell_of(std::string_view key, const Value& value) {
  const bool whole = value.is(Value::Kind::kNumber) &&
                     value.text.find_first_of(".eE") == std::string::npos;
  if (!whole || !looks_like_duration(key)) return to_plain(value);
  Value holder = Value::object();
  holder.set("n", value);
  return human_duration(holder.integer_of("n"));
}

Value as_secret(const Value& answer) {
  const bool envelope =
      answer.find("request_id") != nullptr || answer.find("data") != nullptr ||
      answer.find("auth") != nullptr || answer.find("wrap_info") != nullptr;
  if (envelope || answer.keys.empty()) return answer;
  return std::move(Value::object().set("data", answer));
}

std::vector<TableRow> secret_rows(const Value& secret) {
  std::vector<TableRow> rows = {{"Key", "Value"}};
  add_lease(rows, secret);
  add_auth(rows, secret);
  add_wrapping(rows, secret);
  const Value* const data = secret.find("data");
  if (data != nullptr && data->is(Value::Kind::kObject)) {
    const Value ordered = sorted(*data);
    for (std::size_t i = 0; i < ordered.keys.size(); ++i) {
      const std::string& key = ordered.keys[i];
      rows.push_back({key, cell_of(key, ordered.items[i])});
    }
  }
  if (rows.size() == 1) rows.clear();
  return rows;
}

Value secret_json(const Value& secret) {
  Value out = Value::object();
  out.set("request_id", Value::string(secret.text_of("request_id")));
  out.set("lease_id", Value::string(secret.text_of("lease_id")));
  out.set("lease_duration", Value::number(secret.integer_of("lease_duration")));
  out.set("renewable", Value::boolean(secret.flag_of("renewable")));
  for (const auto key : {"data", "warnings"}) {
    const Value* const value = secret.find(key);
    out.set(key, value == nullptr ? Value() : sorted(*value));
  }
  for (const auto key : {"auth", "wrap_info", "mount_type"}) {
    const auto value = member(&secret, key);
    if (value) out.set(key, *value);
  }
  return out;
}

std::optional<Value> secret_field(const Value& secret, std::string_view name) {
  for (const auto& row : kFields) {
    if (row.field != name) continue;
    const Value* const object =
        row.object.empty() ? &secret : secret.find(row.object);
    auto found = member(object, row.member);
    if (found) return found;
  }
  const Value* const data = secret.find("data");
  auto found = member(data, name);
  if (found || name != "data") return found;
  return member(&secret, "data");
}

std::string warnings_text(const Value& answer) {
  const Value* const warnings = answer.find("warnings");
  if (warnings == nullptr || warnings->items.empty()) return {};
  std::string out =
      "WARNING! The following warnings were returned from the server:\n";
  for (const auto& text : warnings->as_strings()) {
    out += "\n  * " + visible(text) + "\n";
  }
  return out + "\n";
}

}  // namespace bulla::cli
