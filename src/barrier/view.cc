#include <vector>

#include "barrier/barrier.h"

namespace bulla::barrier {
namespace {

std::string joined(const std::string& prefix, std::string_view path) {
  std::string whole;
  whole.reserve(prefix.size() + path.size());
  whole += prefix;
  whole += path;
  return whole;
}

}  // namespace

Result<std::optional<Entry>> View::get(std::string_view path) const {
  return barrier_->get(joined(prefix_, path));
}

Result<void> View::commit(std::span<const Change> changes) const {
  std::vector<Change> whole(changes.begin(), changes.end());
  for (Change& change : whole) change.path.insert(0, prefix_);
  return barrier_->commit(whole);
}

Result<void> View::put(std::string_view path, ByteView value) const {
  return barrier_->put(joined(prefix_, path), value);
}

Result<void> View::remove(std::string_view path) const {
  return barrier_->remove(joined(prefix_, path));
}

Result<std::vector<std::string>> View::list(std::string_view prefix,
                                            std::string_view after,
                                            std::size_t limit) const {
  return barrier_->list(joined(prefix_, prefix), after, limit);
}

Result<std::vector<std::string>> View::scan(std::string_view prefix,
                                            std::string_view after,
                                            std::size_t limit) const {
  const std::string from = after.empty() ? "" : joined(prefix_, after);
  TRY_ASSIGN(auto paths, barrier_->scan(joined(prefix_, prefix), from, limit));
  for (std::string& path : paths) path.erase(0, prefix_.size());
  return paths;
}

Result<void> View::clear() const {
  while (true) {
    TRY_ASSIGN(const auto paths, scan("", "", storage::Storage::kChangesMax));
    if (paths.empty()) return {};
    std::vector<Change> changes;
    changes.reserve(paths.size());
    for (const std::string& path : paths) {
      changes.push_back(Change::remove(path));
    }
    TRY(commit(changes));
  }
}

}  // namespace bulla::barrier
