#include "engine/transit/usage.h"

#include <algorithm>

namespace bulla::engine::transit {

std::uint64_t operations_limit(const KeyRecord& key) {
  if (key.max_operations != 0) return key.max_operations;
  const KeyTypeInfo& type = key_type_info(key.type);
  return type.counts_nonces && !key.convergent ? kRandomNonceOperations
                                               : KeyRecord::kOperationsMax;
}

std::uint64_t Usage::take(std::uint64_t wanted) {
  // In this order, as close() has the other: either we see that the
  // reservation ended, or close() sees what we took.
  const std::uint64_t before = count_.fetch_add(wanted);
  const std::uint64_t reserved = reserved_.load();
  if (before + wanted <= reserved) [[likely]]
    return wanted;
  const std::uint64_t taken = before < reserved ? reserved - before : 0;
  count_.fetch_sub(wanted - taken);
  return taken;
}

std::uint64_t Usage::close() {
  reserved_.store(0);
  return count_.load();
}

}  // namespace bulla::engine::transit
