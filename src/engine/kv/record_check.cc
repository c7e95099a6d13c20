// Whether records, their bodies and the index agree.

#include <fmt/format.h>

#include <functional>
#include <unordered_set>
#include <utility>

#include "engine/kv/record_store.h"

namespace bulla::engine::kv {
namespace {

// Every path below `prefix`, a page at a time.
Result<void> for_each_path(
    const barrier::View& storage, std::string_view prefix,
    const std::function<Result<void>(const std::string&)>& visit) {
  std::string after;
  while (true) {
    TRY_ASSIGN(const auto paths, storage.scan(prefix, after));
    if (paths.empty()) return {};
    for (const std::string& path : paths) TRY(visit(path));
    after = paths.back();
  }
}

bool is_finding(const Error& error) {
  return error.code() == ErrorCode::kCorrupt ||
         error.code() == ErrorCode::kNotFound;
}

}  // namespace

struct RecordStore::CheckState {
  std::vector<std::string> problems;
  // Those that records have, by a hash of their paths: of a million records
  // the paths themselves would not fit.
  std::unordered_set<std::size_t> bodies;

  static std::size_t hash(std::string_view path) {
    return std::hash<std::string_view>()(path);
  }

  template <typename... Args>
  void found(fmt::format_string<Args...> text, Args&&... args) {
    problems.push_back(fmt::format(text, std::forward<Args>(args)...));
  }
};

Result<void> RecordStore::check_body(const Record& record, std::uint64_t number,
                                     CheckState& state) {
  state.bodies.insert(CheckState::hash(body_path(record.id, number)));
  const std::string& wanted = record.versions.at(number).dek_id;
  auto body = stored_body(record, number);
  if (!body && !is_finding(body.error())) return fail(std::move(body).error());
  if (!body) {
    state.found("{}", body.error().message());
    return {};
  }
  if (!*body) {
    state.found("version {} of the record at \"{}\" has no body", number,
                record.path);
    return {};
  }
  if ((*body)->dek_id != wanted) {
    state.found(
        "version {} of the record at \"{}\" says it is under DEK {}, and its "
        "body is under {}",
        number, record.path, wanted, (*body)->dek_id);
  }
  const auto data = open(record, number, **body);
  if (data) return {};
  if (data.error().code() == ErrorCode::kSealed ||
      data.error().code() == ErrorCode::kUnavailable) {
    return fail(data.error());
  }
  state.found("{}", data.error().message());
  return {};
}

Result<void> RecordStore::check_record(std::string_view path,
                                       CheckState& state) {
  auto loaded = load(path);
  if (!loaded && !is_finding(loaded.error())) {
    return fail(std::move(loaded).error());
  }
  if (!loaded) {
    state.found("{}", loaded.error().message());
    return {};
  }
  if (!loaded->record) return {};  // gone since
  const Record& record = *loaded->record;
  for (const auto& [number, version] : record.versions) {
    if (!version.dek_id.empty()) TRY(check_body(record, number, state));
  }
  for (const std::string& dek : deks_of(record)) {
    TRY_ASSIGN(const auto use, storage_.get(use_path(dek, record.id)));
    if (use && as_text(use->value.expose()) == record.path) continue;
    state.found("the index does not show DEK {} for the record at \"{}\"", dek,
                record.path);
  }
  return {};
}

Result<void> RecordStore::check_use(const std::string& entry,
                                    CheckState& state) {
  const std::string_view rest =
      std::string_view(entry).substr(kUsesPrefix.size());
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  const std::string_view dek = rest.substr(0, slash);
  TRY_ASSIGN(const auto value, storage_.get(entry));
  if (!value) return {};  // gone since
  const std::string path = to_text(value->value.expose());
  const auto loaded = load(path);
  // What is wrong with the record was told already.
  if (!loaded && is_finding(loaded.error())) return {};
  if (!loaded) return fail(loaded.error());
  if (loaded->record && use_path(dek, loaded->record->id) == entry &&
      deks_of(*loaded->record).contains(dek)) {
    return {};
  }
  state.found("the index shows DEK {} for \"{}\", which is no record under it",
              dek, path);
  return {};
}

Result<std::vector<std::string>> RecordStore::check_once() {
  CheckState state;
  TRY(for_each_path(storage_, kRecordsPrefix, [&](const std::string& path) {
    return check_record(std::string_view(path).substr(kRecordsPrefix.size()),
                        state);
  }));
  TRY(for_each_path(storage_, kUsesPrefix, [&](const std::string& path) {
    return check_use(path, state);
  }));
  TRY(for_each_path(storage_, kBodiesPrefix,
                    [&](const std::string& path) -> Result<void> {
                      if (!state.bodies.contains(CheckState::hash(path))) {
                        state.found("{} is no record's body", path);
                      }
                      return {};
                    }));
  return std::move(state.problems);
}

// Writers make a walk see things half done: what it finds is looked at again
// while there are none.
Result<std::vector<std::string>> RecordStore::check() {
  TRY_ASSIGN(auto problems, check_once());
  if (problems.empty()) return problems;
  const UsageIndex::Still still(index_);
  return check_once();
}

}  // namespace bulla::engine::kv
