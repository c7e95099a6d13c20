#include "cli/migration.h"

#include "base/encoding.h"
#include "base/secret_bytes.h"

namespace bulla::cli {
namespace {

// One line of why a call failed.
std::string reason_of(const ApiFailure& failure) {
  std::string text;
  for (const std::string& error : failure.errors) {
    if (!text.empty()) text += "; ";
    text += error;
  }
  if (text.empty()) text = failure.message;
  if (text.empty()) text = "status " + std::to_string(failure.status);
  // Go's multierrors stand on lines of their own.
  std::string line;
  for (const char c : text) {
    const bool white = c == '\n' || c == '\t';
    if (!white) {
      line += c;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  return failure.method + " " + failure.path + ": " + line;
}

tl::unexpected<Error> failed(const ApiFailure& failure) {
  return fail(unavailable(reason_of(failure)));
}

// Wipes a value at the end of its scope.
class ValueGuard {
 public:
  explicit ValueGuard(Value& value) : value_(value) {}
  ValueGuard(const ValueGuard&) = delete;
  ValueGuard& operator=(const ValueGuard&) = delete;
  ~ValueGuard() { wipe(value_); }

 private:
  Value& value_;
};

Result<Value> parse_backup(const std::string& text) {
  auto json = base64_decode(text);
  if (!json) return fail(invalid_argument("the backup is not base64"));
  const WipeGuard guard(*json);
  return parse_value(as_text(*json));
}

std::string encode_backup(const Value& backup) {
  std::string json = to_json(backup) + "\n";
  const WipeGuard guard(
      {reinterpret_cast<std::uint8_t*>(json.data()), json.size()});
  return base64_encode(as_bytes(json));
}

}  // namespace

ApiResult<std::vector<std::string>> Migration::names(ApiClient& client,
                                                     const std::string& mount) {
  const auto answer = client.list(mount + "/keys");
  if (!answer) {
    // No keys, unlike a mount that is not there, say nothing of it.
    const ApiFailure& failure = answer.error();
    if (failure.status == 404 && failure.errors.empty() &&
        failure.message.empty()) {
      return std::vector<std::string>();
    }
    return tl::unexpected(failure);
  }
  const Value* const data = answer->json.find("data");
  const Value* const keys = data == nullptr ? nullptr : data->find("keys");
  if (keys == nullptr) return std::vector<std::string>();
  auto found = keys->as_strings();
  // What other servers keep under a path, as the key that imports are wrapped
  // for ("import/"), is listed there, and is no named key.
  std::erase_if(found,
                [](const std::string& name) { return name.ends_with('/'); });
  return found;
}

ApiResult<std::vector<std::string>> Migration::source_names() {
  return names(source_, options_.from_mount);
}

ApiResult<std::vector<std::string>> Migration::target_names() {
  return names(target_, options_.mount);
}

Result<Value> Migration::read_data(ApiClient& client,
                                   const std::string& path) const {
  auto answer = client.get(path);
  if (!answer) return failed(answer.error());
  for (std::size_t i = 0; i < answer->json.keys.size(); ++i) {
    if (answer->json.keys[i] == "data") return std::move(answer->json.items[i]);
  }
  return fail(unavailable("GET " + path + ": an answer without data"));
}

Result<Migration::Plan> Migration::plan(const Value& key) {
  Plan plan;
  const std::string name = key.text_of("type");
  plan.type = find_transit_type(name);
  if (plan.type == nullptr) {
    return fail(
        invalid_argument("there are no keys of type " + name + " in Bulla"));
  }
  if (const auto obstacle = export_obstacle(key)) {
    return fail(invalid_argument(std::string(*obstacle)));
  }
  plan.backup = key.flag_of("allow_plaintext_backup");
  return plan;
}

// The number of a type is the source's own: what it calls the type is not.
Result<Value> Migration::fetch_backup(const std::string& name,
                                      const TransitType& type) {
  TRY_ASSIGN(Value data,
             read_data(source_, options_.from_mount + "/backup/" + name));
  const ValueGuard guard(data);
  TRY_ASSIGN(Value backup, parse_backup(data.text_of("backup")));
  for (std::size_t i = 0; i < backup.keys.size(); ++i) {
    if (backup.keys[i] != "policy") continue;
    backup.items[i].set("type", Value::number(type.number));
    return backup;
  }
  wipe(backup);
  return fail(invalid_argument("the backup has no policy"));
}

Result<Value> Migration::fetch_export(const Value& key, const TransitType& type,
                                      KeyMove& move) {
  const auto read = [&](std::string_view kind) -> Result<Value> {
    TRY_ASSIGN(Value data,
               read_data(source_, options_.from_mount + "/export/" +
                                      std::string(kind) + "/" + move.name));
    const ValueGuard guard(data);
    const Value* const keys = data.find("keys");
    return keys == nullptr ? Value() : *keys;
  };
  ExportedKeys exported;
  const ValueGuard guard(exported.keys);
  const ValueGuard hmac_guard(exported.hmac_keys);
  TRY_ASSIGN(exported.keys, read(type.export_type));
  if (type.has_hmac_key) {
    TRY_ASSIGN(exported.hmac_keys, read("hmac-key"));
  }
  const std::int64_t first = first_version(exported);
  if (first > 1) {
    move.reason = "without versions before " + std::to_string(first) +
                  ", which are archived and not exported";
  }
  return backup_of_export(key, type, exported, now_);
}

Result<void> Migration::restore(const std::string& name, Value backup) {
  const ValueGuard guard(backup);
  Value body = Value::object();
  body.set("backup", Value::string(encode_backup(backup)));
  body.set("source", Value::string("openbao"));  // whose numbers it has
  if (options_.force) body.set("force", Value::boolean(true));
  const auto answer = target_.call({.method = "PUT",
                                    .path = options_.mount + "/restore/" + name,
                                    .body = std::move(body),
                                    .user_data = true});
  if (!answer) return failed(answer.error());
  return {};
}

Result<void> Migration::verify(const std::string& name, const KeyMove& move) {
  TRY_ASSIGN(const Value key,
             read_data(target_, options_.mount + "/keys/" + name));
  if (key.text_of("type") == move.type &&
      key.integer_of("latest_version") == move.versions) {
    return {};
  }
  return fail(invalid_argument(
      "what is there now is not the same key: look at it before you use it"));
}

Result<void> Migration::carry_out(const Value& key, const Plan& plan,
                                  KeyMove& move) {
  move.how = plan.backup ? "backup" : "export";
  if (options_.dry_run) return {};
  auto backup = plan.backup ? fetch_backup(move.name, *plan.type)
                            : fetch_export(key, *plan.type, move);
  if (!backup) return fail(std::move(backup).error());
  TRY(restore(move.name, *std::move(backup)));
  return verify(move.name, move);
}

KeyMove Migration::move(const std::string& name, bool exists) {
  KeyMove move;
  move.name = name;
  if (exists && !options_.force) {
    move.state = KeyMove::State::kSkipped;
    move.reason = "it exists; -force replaces it";
    return move;
  }
  const auto key = read_data(source_, options_.from_mount + "/keys/" + name);
  const auto run = [&]() -> Result<void> {
    if (!key) return fail(key.error());
    move.type = key->text_of("type");
    move.versions = key->integer_of("latest_version");
    TRY_ASSIGN(const Plan planned, plan(*key));
    return carry_out(*key, planned, move);
  };
  if (const auto done = run(); !done) {
    move.how.clear();
    move.reason = done.error().message();
    return move;
  }
  move.state =
      options_.dry_run ? KeyMove::State::kPlanned : KeyMove::State::kMoved;
  return move;
}

}  // namespace bulla::cli
