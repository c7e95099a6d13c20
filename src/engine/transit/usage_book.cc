// What is stored of counts, and when.

#include <algorithm>
#include <array>
#include <utility>

#include "engine/transit/usage.h"

namespace bulla::engine::transit {
namespace {

using barrier::Change;

// A first reservation is small, lest crashes eat up the limit of a key that is
// seldom used; each one after it is larger, so that a busy key seldom waits.
constexpr std::uint64_t kStepFirst = 4096;
constexpr std::uint64_t kStepGrowth = 8;
constexpr std::uint64_t kStepUsual = std::uint64_t{1} << 20;
constexpr std::uint64_t kStepMost = std::uint64_t{1} << 26;
// Below this limit a version is written down from its first moment, and steps
// are this fraction of the limit.
constexpr std::uint64_t kSmallLimit = std::uint64_t{1} << 20;
constexpr std::uint64_t kSmallSteps = 16;
constexpr std::size_t kWriteBatch = 64;

std::uint64_t bounded_step(std::uint64_t step, std::uint64_t limit) {
  return std::min(step, std::max<std::uint64_t>(limit / kSmallSteps, 1));
}

std::string path_of(const KeyRecord& key, std::uint32_t number) {
  return usage_path(key.name, key.id, number);
}

Result<std::optional<std::uint64_t>> stored_ceiling(
    const barrier::View& storage, const std::string& path) {
  std::optional<std::uint64_t> none;
  TRY_ASSIGN(const auto entry, storage.get(path));
  if (!entry) return none;
  TRY_ASSIGN(const auto record, decode_usage_record(entry->value.expose()));
  return std::optional(record.ceiling);
}

}  // namespace

// A ceiling to store, and what holds once it is.
struct UsageBook::Write {
  std::string path;
  SecretBytes bytes;
  Line* line;
  std::uint64_t ceiling;
  bool reserves;
};

UsageBook::Line UsageBook::line_of(const KeyRecord& key,
                                   std::shared_ptr<Usage> usage,
                                   std::optional<std::uint64_t> stored) const {
  const std::uint64_t count = usage->count();
  return {.usage = std::move(usage),
          .stored = stored,
          .limit = operations_limit(key),
          .step = kStepFirst,
          .seen = count};
}

UsageBook::Fresh UsageBook::fresh(const KeyRecord& key) {
  if (operations_limit(key) >= kSmallLimit) {
    return {std::make_shared<Usage>(0, kUnwrittenOperations), std::nullopt};
  }
  return {std::make_shared<Usage>(0, 0), encode(UsageRecord{.ceiling = 0})};
}

void UsageBook::adopt(const KeyRecord& key, std::uint32_t number,
                      const Fresh& fresh) {
  const auto stored =
      fresh.entry ? std::optional<std::uint64_t>(0) : std::nullopt;
  lines_.insert_or_assign(path_of(key, number),
                          line_of(key, fresh.usage, stored));
}

Result<std::shared_ptr<Usage>> UsageBook::open(const barrier::View& storage,
                                               const KeyRecord& key,
                                               std::uint32_t number) {
  std::string path = path_of(key, number);
  const auto known = lines_.find(path);
  if (known != lines_.end()) return known->second.usage;
  TRY_ASSIGN(const auto stored, stored_ceiling(storage, path));
  const std::uint64_t count = stored.value_or(kUnwrittenOperations);
  auto usage = std::make_shared<Usage>(count, 0);
  lines_.emplace(std::move(path), line_of(key, usage, stored));
  return usage;
}

Result<bool> UsageBook::extend(const barrier::View& storage,
                               const KeyRecord& key, std::uint32_t number,
                               std::uint64_t wanted) {
  TRY(open(storage, key, number));
  const auto found = lines_.find(path_of(key, number));
  Line& line = found->second;
  line.limit = operations_limit(key);
  const std::uint64_t count = line.usage->count();
  // Somebody else was faster.
  if (line.usage->reserved() > count) return true;
  if (count >= line.limit) return false;
  const std::uint64_t step =
      std::max(bounded_step(line.step, line.limit), wanted);
  line.step =
      std::max(line.step, std::min(line.step * kStepGrowth, kStepUsual));
  std::vector<Write> writes;
  const std::uint64_t ceiling = count + std::min(step, line.limit - count);
  writes.push_back({found->first, encode(UsageRecord{.ceiling = ceiling}),
                    &line, ceiling, true});
  TRY(write(storage, writes));
  return true;
}

Result<SecretBytes> UsageBook::settle(const barrier::View& storage,
                                      const KeyRecord& key) {
  TRY_ASSIGN(const auto latest, open(storage, key, key.latest_version));
  const std::string prefix = usage_prefix(key.name, key.id);
  for (auto at = lines_.lower_bound(prefix);
       at != lines_.end() && at->first.starts_with(prefix); ++at) {
    at->second.usage->close();
    at->second.limit = operations_limit(key);
  }
  const std::uint64_t count = latest->count();
  // What is stored may only be too high.
  lines_.find(path_of(key, key.latest_version))->second.stored.reset();
  return encode(UsageRecord{.ceiling = count});
}

std::optional<UsageBook::Write> UsageBook::due(const std::string& path,
                                               Line& line) {
  Usage& usage = *line.usage;
  if (line.usage.use_count() == 1) {
    const std::uint64_t count = usage.close();
    if (line.stored == count) return std::nullopt;
    return Write{path, encode(UsageRecord{.ceiling = count}), &line, count,
                 false};
  }
  const std::uint64_t count = usage.count();
  const std::uint64_t lately = count - std::min(count, line.seen);
  line.seen = count;
  const std::uint64_t reserved = usage.reserved();
  const std::uint64_t left = reserved - std::min(reserved, count);
  if (lately == 0 || left >= lately * 2 || reserved >= line.limit) {
    return std::nullopt;
  }
  const std::uint64_t step =
      bounded_step(std::clamp(lately * 4, line.step, kStepMost), line.limit);
  const std::uint64_t ceiling =
      count + std::min(step, line.limit - std::min(count, line.limit));
  if (ceiling <= reserved) return std::nullopt;
  return Write{path, encode(UsageRecord{.ceiling = ceiling}), &line, ceiling,
               true};
}

Result<void> UsageBook::write(const barrier::View& storage,
                              std::vector<Write>& writes) {
  std::vector<Change> changes;
  for (const Write& one : writes) {
    changes.push_back(Change::put(one.path, one.bytes.expose()));
  }
  if (!changes.empty()) TRY(storage.commit(changes));
  for (const Write& one : writes) {
    one.line->stored = one.ceiling;
    if (one.reserves) one.line->usage->reserve(one.ceiling);
  }
  writes.clear();
  return {};
}

Result<void> UsageBook::tend(const barrier::View& storage) {
  std::vector<Write> writes;
  for (auto& [path, line] : lines_) {
    if (auto one = due(path, line)) writes.push_back(*std::move(one));
    if (writes.size() == kWriteBatch) TRY(write(storage, writes));
  }
  TRY(write(storage, writes));
  std::erase_if(lines_, [](const auto& entry) {
    return entry.second.usage.use_count() == 1;
  });
  return {};
}

Result<std::size_t> UsageBook::close(const barrier::View& storage,
                                     std::size_t most) {
  std::vector<Write> writes;
  for (auto& [path, line] : lines_) {
    if (most == 0) break;
    const std::uint64_t count = line.usage->close();
    if (line.stored == count) continue;
    --most;
    writes.push_back(
        {path, encode(UsageRecord{.ceiling = count}), &line, count, false});
    if (writes.size() == kWriteBatch) TRY(write(storage, writes));
  }
  TRY(write(storage, writes));
  return most;
}

Result<std::vector<std::uint64_t>> UsageBook::counts(
    const barrier::View& storage, const KeyRecord& key, std::uint32_t first,
    std::uint32_t last) const {
  std::vector<std::uint64_t> counts(std::size_t{last} - first + 1,
                                    kUnwrittenOperations);
  const std::string prefix = usage_prefix(key.name, key.id);
  TRY_ASSIGN(const auto paths, storage.scan(prefix));
  for (const std::string& path : paths) {
    const auto number = usage_number(path);
    if (number < first || number > last || lines_.contains(path)) continue;
    TRY_ASSIGN(const auto stored, stored_ceiling(storage, path));
    if (stored) counts[number - first] = *stored;
  }
  for (auto at = lines_.lower_bound(prefix);
       at != lines_.end() && at->first.starts_with(prefix); ++at) {
    const auto number = usage_number(at->first);
    if (number < first || number > last) continue;
    counts[number - first] = at->second.usage->count();
  }
  return counts;
}

std::uint64_t UsageBook::highest() const {
  std::uint64_t highest = 0;
  for (const auto& [path, line] : lines_) {
    highest = std::max(highest, line.usage->count());
  }
  return highest;
}

void UsageBook::drop(std::string_view name) {
  const std::string prefix = usage_prefix(name);
  lines_.erase(lines_.lower_bound(prefix), lines_.lower_bound(prefix + '~'));
}

void UsageBook::drop_trimmed(const KeyRecord& key) {
  lines_.erase(lines_.lower_bound(usage_prefix(key.name, key.id)),
               lines_.lower_bound(path_of(key, key.min_available_version)));
}

}  // namespace bulla::engine::transit
