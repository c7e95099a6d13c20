#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "barrier/barrier.h"
#include "base/clock.h"
#include "base/published.h"
#include "base/result.h"
#include "base/secret_bytes.h"

namespace bulla::server {

/// One rate limit, as sys/quotas/rate-limit writes it.
struct QuotaRule {
  std::string name;
  /// "" for all, "transit/" for a mount, "transit/keys/a" for one path,
  /// "transit/encrypt/*" for all that start so.
  std::string path;
  std::uint64_t requests = 0;  ///< Of one client in an interval.
  Seconds interval{1};
  /// So long a client that asks for more gets nothing; 0: to the interval's
  /// end.
  Seconds block_interval{0};

  bool operator==(const QuotaRule&) const = default;
};

/// The record at sys/quotas/rule/<name> (docs/formats/quota.md).
SecretBytes serialize_quota(const QuotaRule& rule);
///   kCorrupt  not such a record.
Result<QuotaRule> parse_quota(std::string name, ByteView record);

/// A rule and what each client has used of it. Any thread.
class Quota {
 public:
  /// Clients that are told apart; those beyond share one count.
  static constexpr std::size_t kClientsMax = 65'536;

  explicit Quota(QuotaRule rule) : rule_(std::move(rule)) {}

  const QuotaRule& rule() const { return rule_; }
  /// Counts a request; how long to wait where it is one too many.
  std::optional<Duration> take(std::string_view client, Time now);

 private:
  struct Use {
    Time start;
    std::uint64_t count = 0;
    Time blocked_until;
  };
  struct Shard {
    std::mutex mutex;
    std::unordered_map<std::string, Use> clients;
    Use others;
  };
  static constexpr std::size_t kShards = 16;

  Use& use_of(Shard& shard, std::string_view client, Time now) const;

  const QuotaRule rule_;
  std::array<Shard, kShards> shards_;
};

/// All rules at one moment.
struct QuotaTable {
  std::vector<std::shared_ptr<Quota>> quotas;  ///< By name.
  std::vector<std::string> exempt;  ///< Paths; '*' at the end for a prefix.
};

struct QuotaRefusal {
  const QuotaRule* rule = nullptr;
  Duration wait{0};
};

/// Counts a request of `client` for `path` inside the mount at `mount_path`.
/// The rules that fit most closely count, all of them: those of the path, else
/// of the longest prefix, else of the mount, else of everything.
std::optional<QuotaRefusal> take_quota(const QuotaTable& table,
                                       std::string_view path,
                                       std::string_view mount_path,
                                       std::string_view client, Time now);

/// The rules, kept in the barrier, published to the loops. Any thread.
class Quotas {
 public:
  static constexpr std::size_t kRulesMax = 1000;

  explicit Quotas(barrier::View view) : view_(std::move(view)) {}

  /// After unseal.
  Result<void> load();
  /// Forgets everything, at seal.
  void clear();
  /// What a changed rule counted is forgotten.
  ///   kInvalidArgument  another rule has that path and interval; too many.
  Result<void> set(const QuotaRule& rule);
  Result<void> remove(std::string_view name);
  Result<void> set_exempt(std::vector<std::string> paths);
  static std::vector<std::string> default_exempt();

  const Published<QuotaTable>& table() const { return table_; }

 private:
  barrier::View view_;
  std::mutex write_mutex_;  // one writer, over its commit
  Published<QuotaTable> table_{std::make_shared<const QuotaTable>()};
};

}  // namespace bulla::server
