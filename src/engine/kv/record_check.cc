// Whether records, their bodies and the index agree.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "engine/kv/record_store.h"

namespace bulla::engine::kv {
namespace {

// A step opens no more than this, however large the bodies are.
constexpr std::size_t kStepBytesMax = std::size_t{8} << 20;

bool is_finding(const Error& error) {
  return error.code() == ErrorCode::kCorrupt ||
         error.code() == ErrorCode::kNotFound ||
         error.code() == ErrorCode::kInvalidArgument;
}

struct BodyName {
  std::string_view record_id;
  std::uint64_t version = 0;
};

// "body/<id>/<version in hexadecimal>", or version 0 for "body/<id>/deks".
std::optional<BodyName> body_name(std::string_view entry) {
  entry.remove_prefix(kBodiesPrefix.size());
  const std::size_t slash = entry.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  BodyName name{entry.substr(0, slash), 0};
  if (entry.substr(slash) == "/deks") return name;
  const std::string_view digits = entry.substr(slash + 1);
  const char* const end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, name.version, 16);
  if (parsed.ec != std::errc() || parsed.ptr != end || name.version == 0) {
    return std::nullopt;
  }
  return name;
}

}  // namespace

struct RecordStore::Look {
  std::vector<std::string> problems;
  std::size_t bytes = 0;  ///< Of bodies that were opened.

  template <typename... Args>
  void found(fmt::format_string<Args...> text, Args&&... args) {
    problems.push_back(fmt::format(text, std::forward<Args>(args)...));
  }
};

std::span<const RecordStore::CheckPhase> RecordStore::check_phases() {
  using dek::CheckStep;
  static constexpr std::array<CheckPhase, 3> kPhases = {{
      {kRecordsPrefix, &RecordStore::look_at_record, &CheckStep::records},
      {kUsesPrefix, &RecordStore::look_at_use, &CheckStep::uses},
      {kBodiesPrefix, &RecordStore::look_at_body, &CheckStep::bodies},
  }};
  return kPhases;
}

Result<void> RecordStore::look_at_version(const Place& place,
                                          const std::string& wanted,
                                          Look& look) {
  auto body = stored_body(place);
  if (!body && !is_finding(body.error())) return fail(std::move(body).error());
  if (!body) {
    look.found("{}", body.error().message());
    return {};
  }
  if (!*body) {
    look.found("version {} of the record at \"{}\" has no body", place.number,
               place.path);
    return {};
  }
  look.bytes += (*body)->bytes.size();
  if ((*body)->dek_id != wanted) {
    look.found(
        "version {} of the record at \"{}\" says it is under DEK {}, and its "
        "body is under {}",
        place.number, place.path, wanted, (*body)->dek_id);
  }
  const auto data = open(place, **body);
  if (data) return {};
  if (!is_finding(data.error())) return fail(data.error());
  look.found("{}", data.error().message());
  return {};
}

Result<void> RecordStore::look_at_record(const std::string& entry, Look& look) {
  const auto loaded =
      load_with_deks(std::string_view(entry).substr(kRecordsPrefix.size()));
  if (!loaded && !is_finding(loaded.error())) return fail(loaded.error());
  if (!loaded) {
    look.found("{}", loaded.error().message());
    return {};
  }
  if (!loaded->record) return {};  // gone since
  const Record& record = *loaded->record;
  const DekIds& deks = loaded->deks.ids;
  for (const auto& [number, version] : record.versions) {
    if (version.destroyed != deks.contains(number)) continue;
    look.found("version {} of the record at \"{}\" {} a DEK", number,
               record.path,
               version.destroyed ? "is destroyed and has" : "lacks");
  }
  for (const auto& [number, dek] : deks) {
    TRY(look_at_version({record.path, record.id, number}, dek, look));
    if (record.find(number) != nullptr) continue;
    look.found("the record at \"{}\" has a DEK for version {}, which is gone",
               record.path, number);
  }
  for (const std::string& dek : dek_set(deks)) {
    const auto use = storage_.get(use_path(dek, record.id));
    if (!use && !is_finding(use.error())) return fail(use.error());
    if (use && *use) continue;
    look.found("the index does not show DEK {} for the record at \"{}\"", dek,
               record.path);
  }
  return {};
}

Result<void> RecordStore::look_at_use(const std::string& entry, Look& look) {
  const std::string_view rest =
      std::string_view(entry).substr(kUsesPrefix.size());
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  const std::string_view dek = rest.substr(0, slash);
  const std::string_view id = rest.substr(std::min(slash + 1, rest.size()));
  const auto value = storage_.get(entry);
  if (!value && !is_finding(value.error())) return fail(value.error());
  if (!value) {
    look.found("{}", value.error().message());
    return {};
  }
  if (!*value) return {};  // gone since
  const auto deks = load_deks(id);
  // What is wrong with the list is told with it.
  if (!deks && is_finding(deks.error())) return {};
  if (!deks) return fail(deks.error());
  if (*deks && dek_set((*deks)->deks.ids).contains(dek)) return {};
  look.found("the index shows DEK {} for record {}, which is not under it", dek,
             id);
  return {};
}

// A list of DEKs whose record is another one by now, or none.
Result<void> RecordStore::look_at_deks(const std::string& entry,
                                       std::string_view id, Look& look) {
  const auto deks = load_deks(id);
  if (!deks && !is_finding(deks.error())) return fail(deks.error());
  if (!deks) {
    look.found("{}", deks.error().message());
    return {};
  }
  if (!*deks) return {};  // gone since
  const std::string& path = (*deks)->deks.path;
  const auto loaded = load(path);
  if (!loaded && is_finding(loaded.error())) return {};  // told with it
  if (!loaded) return fail(loaded.error());
  if (loaded->record && loaded->record->id == id) return {};
  look.found("{} is of a record at \"{}\" that is gone", entry, path);
  return {};
}

Result<void> RecordStore::look_at_body(const std::string& entry, Look& look) {
  const auto name = body_name(entry);
  if (name && name->version == 0) {
    return look_at_deks(entry, name->record_id, look);
  }
  if (!name) {
    look.found("{} is no record's body", entry);
    return {};
  }
  const auto deks = load_deks(name->record_id);
  if (!deks && is_finding(deks.error())) return {};  // told with the list
  if (!deks) return fail(deks.error());
  if (*deks && (*deks)->deks.ids.contains(name->version)) return {};
  look.found("{} is the body of no record", entry);
  return {};
}

// Writers make a look see things half done: what it finds is looked at again
// while there are none. Answers the bytes that were opened.
Result<std::size_t> RecordStore::look_twice(
    LookAt look_at, const std::string& entry,
    std::vector<std::string>& problems) {
  Look first;
  TRY((this->*look_at)(entry, first));
  if (first.problems.empty()) return first.bytes;
  const UsageIndex::Still still(index_);
  Look second;
  TRY((this->*look_at)(entry, second));
  std::ranges::move(second.problems, std::back_inserter(problems));
  return first.bytes + second.bytes;
}

Result<void> RecordStore::check_counts(dek::CheckStep& step) {
  TRY_ASSIGN(auto counts, index_.compare());
  step.under = counts.stored;
  auto all = counts.stored;
  all.insert(counts.kept.begin(), counts.kept.end());
  for (const auto& [dek, any] : all) {
    const std::uint64_t kept = counts.kept[dek];
    const std::uint64_t stored = counts.stored[dek];
    if (kept == stored) continue;
    step.problems.push_back(fmt::format(
        "{} records are counted under DEK {}, and the index shows {}; a "
        "restart counts anew",
        kept, dek, stored));
  }
  return {};
}

Result<dek::CheckStep> RecordStore::check(std::string_view cursor,
                                          std::size_t limit) {
  const auto phases = check_phases();
  if (cursor.empty()) cursor = phases.front().prefix;
  const auto phase = std::ranges::find_if(phases, [&](const CheckPhase& one) {
    return cursor.starts_with(one.prefix);
  });
  if (phase == phases.end()) {
    return fail(invalid_argument("the cursor is of no check"));
  }
  limit = std::clamp<std::size_t>(limit, 1, storage::Storage::kListMax);
  const std::string_view after = cursor == phase->prefix ? "" : cursor;
  dek::CheckStep step;
  TRY_ASSIGN(const auto entries, storage_.scan(phase->prefix, after, limit));
  std::size_t bytes = 0;
  for (const std::string& entry : entries) {
    TRY_ASSIGN(const std::size_t opened,
               look_twice(phase->look_at, entry, step.problems));
    ++(step.*phase->count);
    step.cursor = entry;
    bytes += opened;
    if (bytes > kStepBytesMax) return step;
  }
  if (entries.size() == limit) return step;
  step.cursor.clear();
  if (phase + 1 == phases.end()) {
    TRY(check_counts(step));
  } else {
    step.cursor = (phase + 1)->prefix;
  }
  return step;
}

}  // namespace bulla::engine::kv
