#include "engine/kv/new_version.h"

#include <algorithm>

namespace bulla::engine::kv {
namespace {

constexpr std::uint64_t kVersionsKept = 10;

std::uint64_t retention(const Record& record, const Settings& settings) {
  const std::uint64_t most =
      std::max(record.max_versions, settings.max_versions);
  return std::min(most == 0 ? kVersionsKept : most, Record::kVersionsKeptMax);
}

void drop_oldest(Record& record, std::uint64_t kept) {
  if (record.current - record.oldest < kept) return;
  const std::uint64_t last = record.current - kept;
  record.versions.erase(record.versions.begin(),
                        record.versions.upper_bound(last));
  record.oldest = last + 1;
}

void touch(Draft& draft, Time now) {
  if (!draft.exists) draft.record.created = now;
  draft.record.updated = now;
}

}  // namespace

std::optional<Time> deletion_time(const Record& record,
                                  const Settings& settings, Time now) {
  const Seconds mount = settings.delete_version_after;
  const Seconds own = record.delete_version_after;
  if (mount < Seconds{0}) return std::nullopt;
  if (mount == Seconds{0} && own == Seconds{0}) return std::nullopt;
  if (mount == Seconds{0}) return now + own;
  if (own == Seconds{0}) return now + mount;
  return now + std::min(mount, own);
}

Result<std::uint64_t> add_version(const RecordStore& records, Draft& draft,
                                  const Settings& settings, ByteView data,
                                  Time now) {
  Record& record = draft.record;
  touch(draft, now);
  const std::uint64_t number = record.current + 1;
  Version& version = record.versions[number];
  version.created = now;
  version.deletion = deletion_time(record, settings, now);
  TRY(records.seal(draft, number, data));
  record.current = number;
  drop_oldest(record, retention(record, settings));
  return number;
}

Result<void> replace_version(const RecordStore& records, Draft& draft,
                             ByteView data, Time now) {
  Record& record = draft.record;
  touch(draft, now);
  record.versions[1] = Version();
  record.versions[1].created = now;
  TRY(records.seal(draft, 1, data));
  record.current = record.oldest = 1;
  return {};
}

}  // namespace bulla::engine::kv
