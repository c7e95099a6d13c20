// Whether records, their bodies and the index agree.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
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

// Of "<prefix><first>/<second>".
struct Parts {
  std::string_view first;
  std::string_view second;
};

Parts parts_of(std::string_view entry, std::string_view prefix) {
  entry.remove_prefix(prefix.size());
  const std::size_t slash = std::min(entry.find('/'), entry.size());
  return {entry.substr(0, slash),
          entry.substr(std::min(slash + 1, entry.size()))};
}

std::optional<std::uint64_t> version_number(std::string_view digits) {
  std::uint64_t number = 0;
  const char* const end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, number, 16);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return number;
}

}  // namespace

struct RecordStore::Look {
  std::vector<std::string> problems;
  std::uint64_t bodies = 0;  ///< That were looked at.
  std::size_t bytes = 0;     ///< Of them.

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
      {kBodiesPrefix, &RecordStore::look_at_body, nullptr},
  }};
  return kPhases;
}

Result<void> RecordStore::look_at_version(const Place& place,
                                          const std::string& wanted,
                                          Look& look) {
  ++look.bodies;
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

// The record's bodies are those that its list of DEKs names.
Result<void> RecordStore::look_at_deks(const Record& record, const DekIds& ids,
                                       Look& look) {
  for (const auto& [number, version] : record.versions) {
    if (version.destroyed == !ids.contains(number)) continue;
    look.found("version {} of the record at \"{}\" {} a DEK", number,
               record.path,
               version.destroyed ? "is destroyed and has" : "lacks");
  }
  for (const auto& [number, dek] : ids) {
    TRY(look_at_version({record.path, record.id, number}, dek, look));
    if (record.find(number) != nullptr) continue;
    look.found("the record at \"{}\" has a DEK for version {}, which is gone",
               record.path, number);
  }
  for (const std::string& dek : dek_set(ids)) {
    const auto use = storage_.get(use_path(dek, record.id));
    if (!use && !is_finding(use.error())) return fail(use.error());
    if (use && *use) continue;
    look.found("the index does not show DEK {} for the record at \"{}\"", dek,
               record.path);
  }
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
  return look_at_deks(*loaded->record, loaded->deks.ids, look);
}

// Whether the record of that list of DEKs is there; what is wrong with the
// record itself is told with it.
Result<bool> RecordStore::is_of_a_record(std::string_view id,
                                         const BodyDeks& deks) const {
  const auto loaded = load(deks.path);
  if (!loaded && is_finding(loaded.error())) return true;
  if (!loaded) return fail(loaded.error());
  return loaded->record && loaded->record->id == id;
}

Result<void> RecordStore::look_at_use(const std::string& entry, Look& look) {
  const auto [dek, id] = parts_of(entry, kUsesPrefix);
  const auto value = storage_.get(entry);
  if (!value && !is_finding(value.error())) return fail(value.error());
  if (!value) {
    look.found("{}", value.error().message());
    return {};
  }
  if (!*value) return {};  // gone since
  const auto loaded = load_deks(id);
  if (!loaded && is_finding(loaded.error())) return {};  // told with the record
  if (!loaded) return fail(loaded.error());
  if (!*loaded) {
    look.found("the index shows DEK {} for record {}, which has no body", dek,
               id);
    return {};
  }
  const BodyDeks& deks = (*loaded)->deks;
  TRY_ASSIGN(const bool there, is_of_a_record(id, deks));
  if (there && dek_set(deks.ids).contains(dek)) return {};
  look.found("the index shows DEK {} for \"{}\", which is no record under it",
             dek, deks.path);
  return {};
}

// A body, or the list of what a record's bodies are under.
Result<void> RecordStore::look_at_body(const std::string& entry, Look& look) {
  const auto [id, rest] = parts_of(entry, kBodiesPrefix);
  const auto loaded = load_deks(id);
  // A damaged list of a record is told with the record.
  if (!loaded && is_finding(loaded.error())) return {};
  if (!loaded) return fail(loaded.error());
  if (entry == deks_path(id)) {
    if (!*loaded) return {};  // gone since
    TRY_ASSIGN(const bool there, is_of_a_record(id, (*loaded)->deks));
    if (there) return {};
    look.found("{} is of \"{}\", where no such record is", entry,
               (*loaded)->deks.path);
    return {};
  }
  const auto number = version_number(rest);
  if (*loaded && number && (*loaded)->deks.ids.contains(*number)) return {};
  const auto value = storage_.get(entry);
  if (value && !*value) return {};  // gone since
  look.found("{} is no record's body", entry);
  return {};
}

// Writers make a look see things half done: what it finds is looked at again
// while there are none.
Result<RecordStore::Look> RecordStore::look_twice(LookAt look_at,
                                                  const std::string& entry) {
  Look first;
  TRY((this->*look_at)(entry, first));
  if (first.problems.empty()) return first;
  const UsageIndex::Still still(index_);
  Look second;
  TRY((this->*look_at)(entry, second));
  return second;
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

// Up to `limit` entries behind `cursor`; whether all of the phase is done.
Result<bool> RecordStore::check_phase(const CheckPhase& phase,
                                      std::string_view cursor,
                                      std::size_t limit, dek::CheckStep& step) {
  const std::string_view after = cursor == phase.prefix ? "" : cursor;
  TRY_ASSIGN(const auto entries, storage_.scan(phase.prefix, after, limit));
  std::size_t bytes = 0;
  for (const std::string& entry : entries) {
    TRY_ASSIGN(auto look, look_twice(phase.look_at, entry));
    std::ranges::move(look.problems, std::back_inserter(step.problems));
    if (phase.count != nullptr) ++(step.*phase.count);
    step.bodies += look.bodies;
    step.cursor = entry;
    bytes += look.bytes;
    if (bytes > kStepBytesMax) return false;
  }
  return entries.size() < limit;
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
  dek::CheckStep step;
  TRY_ASSIGN(const bool done, check_phase(*phase, cursor, limit, step));
  if (!done) return step;
  step.cursor.clear();
  if (phase + 1 == phases.end()) {
    TRY(check_counts(step));
  } else {
    step.cursor = (phase + 1)->prefix;
  }
  return step;
}

}  // namespace bulla::engine::kv
