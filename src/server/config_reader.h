#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/hcl.h"
#include "base/result.h"

namespace bulla::server {

/// One configuration file being read: it puts FILE:LINE before every error and
/// reads scalars as Vault tolerates them, so that 1, "1" and true are one bool.
class ConfigSource {
 public:
  explicit ConfigSource(std::string_view file) : file_(file) {}

  /// "FILE:LINE: KEY: what".
  Error error(const HclItem& item, std::string_view what) const;
  Error error_at(int line, std::string_view what) const;
  const std::string& file() const { return file_; }

  Result<void> read(const HclItem& item, std::string& out) const;
  Result<void> read(const HclItem& item, bool& out) const;
  /// Whole numbers, with the ranges of their types.
  Result<void> read(const HclItem& item, std::int64_t& out) const;
  Result<void> read(const HclItem& item, std::size_t& out) const;
  Result<void> read(const HclItem& item, unsigned& out) const;
  Result<void> read(const HclItem& item, int& out) const;
  /// A number of seconds or "768h"; parts of a second are rounded up.
  Result<void> read(const HclItem& item, Seconds& out) const;
  Result<void> read(const HclItem& item, std::optional<Seconds>& out) const;

 private:
  Result<std::int64_t> whole(const HclItem& item, std::int64_t least,
                             std::int64_t most) const;
  std::string file_;
};

/// One key that a section knows. `read` null: accepted and ignored, because it
/// steers something that Bulla does not have and nothing is lost by that.
template <typename T>
struct ConfigKey {
  std::string_view name;
  Result<void> (*read)(const ConfigSource&, const HclItem&, T&) = nullptr;
  bool repeatable = false;
};

/// The reader of a plain member: `{"address", into<&ListenerConfig::address>}`.
template <auto Member, typename T>
Result<void> into(const ConfigSource& source, const HclItem& item, T& target) {
  return source.read(item, target.*Member);
}

/// `"WORD": unknown key`, with the known one that it may be a slip of.
std::string unknown_key(std::span<const std::string_view> known,
                        std::string_view word);

/// Gives every item to its key's reader.
///   kInvalidArgument  an unknown key, or one that stands twice.
template <typename T>
Result<void> read_section(const ConfigSource& source,
                          std::span<const ConfigKey<T>> keys,
                          const HclObject& section, T& target) {
  std::map<std::string_view, int> seen;
  for (const HclItem& item : section.items) {
    const auto row = std::ranges::find(keys, item.key, &ConfigKey<T>::name);
    if (row == keys.end()) {
      std::vector<std::string_view> known;
      for (const auto& key : keys) known.push_back(key.name);
      return fail(source.error(item, unknown_key(known, item.key)));
    }
    const auto [first, is_new] = seen.emplace(item.key, item.line);
    if (!is_new && !row->repeatable) {
      return fail(source.error(
          item, "given twice, first on line " + std::to_string(first->second)));
    }
    if (row->read != nullptr) TRY(row->read(source, item, target));
  }
  return {};
}

/// One `key "label" { … }`, however HCL or JSON spelled it.
struct ConfigBlock {
  std::string label;
  const HclObject* body = nullptr;
  int line = 0;
};

/// The labelled blocks of an item: `k "a" {…}`, `k = {a = {…}}`, and JSON's
/// {"k": [{"a": {…}}]} and {"k": {"a": [{…}]}}.
Result<std::vector<ConfigBlock>> labelled_blocks(const ConfigSource& source,
                                                 const HclItem& item);
/// The same without labels: `telemetry {…}`, JSON's {"telemetry": [{…}]}.
Result<std::vector<const HclObject*>> plain_blocks(const ConfigSource& source,
                                                   const HclItem& item);

}  // namespace bulla::server
