#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "auth/identity/entity.h"
#include "barrier/barrier.h"
#include "crypto/rng.h"

namespace bulla::auth {

/// Entities by id, by name and by the alias that an auth method knows them by,
/// kept in the barrier at sys/identity/ (docs/formats/login.md). Any thread.
class IdentityStore {
 public:
  IdentityStore(barrier::View view, crypto::Rng& rng, const Clock& clock)
      : view_(std::move(view)), rng_(rng), clock_(clock) {}

  /// Null when there is none.
  ///   kWouldBlock  !may_block and it must be read from storage.
  Result<std::shared_ptr<const Entity>> find(std::string_view id,
                                             bool may_block = true) const;
  Result<std::shared_ptr<const Entity>> find_by_name(
      std::string_view name) const;
  Result<std::shared_ptr<const Entity>> find_by_alias(
      std::string_view mount_accessor, std::string_view name) const;

  /// Of whoever logs in by that alias; made at the first login. The alias
  /// keeps `metadata`.
  Result<std::shared_ptr<const Entity>> log_in(
      std::string_view mount_accessor, std::string_view name,
      const std::map<std::string, std::string>& metadata);

  /// A new entity, or a changed one: `edit` gets it as it is now; an id that
  /// is "" makes a new one.
  ///   kNotFound         no such id.
  ///   kInvalidArgument  the name is another's; errors of `edit`.
  Result<std::shared_ptr<const Entity>> change(
      std::string_view id, const std::function<Result<void>(Entity&)>& edit);
  /// With its aliases. Unknown ids are fine.
  Result<void> remove(std::string_view id);
  Result<std::vector<std::string>> ids() const;
  Result<std::vector<std::string>> names() const;

  /// Forgets what is in memory, at seal.
  void clear();

  /// Raised by any change of one that was there: what loops made of an entity
  /// is then made again.
  std::uint64_t version() const {
    return version_.load(std::memory_order_acquire);
  }

 private:
  Result<std::shared_ptr<const Entity>> by_index(const std::string& path) const;
  Result<std::shared_ptr<const Entity>> commit(const Entity* former,
                                               Entity entity);
  void changed(const std::string& id, std::shared_ptr<const Entity> now);
  void keep(const std::string& id, std::shared_ptr<const Entity> entity,
            std::uint64_t changes) const;

  static constexpr std::size_t kCachedMax = 65'536;

  barrier::View view_;
  crypto::Rng& rng_;
  const Clock& clock_;
  std::mutex write_mutex_;  // one writer, over its commit
  std::atomic<std::uint64_t> version_{1};
  mutable std::mutex cache_mutex_;  // guards the two below, never over I/O
  mutable std::unordered_map<std::string, std::shared_ptr<const Entity>> cache_;
  std::uint64_t changes_ = 0;
};

}  // namespace bulla::auth
