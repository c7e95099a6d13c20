// Counting encryptions before they are done (docs/formats/transit-key.md).

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/transit/cipher.h"

namespace bulla::engine::transit {

Result<bool> Cipher::take(const KeyVersion& version) {
  if (counted_ != &version) {
    give_back();
    counted_ = &version;
  }
  if (taken_ == 0) {
    // For all the request is going to need: the counter is shared by all loops.
    const std::uint64_t wanted = std::max<std::uint64_t>(expected_, 1);
    taken_ = version.take_operations(wanted);
    while (taken_ == 0) {
      if (!may_block_) return fail(would_block());
      TRY_ASSIGN(const bool room, store_.reserve(*key_, version, wanted));
      if (!room) return false;
      taken_ = version.take_operations(wanted);
    }
  }
  --taken_;
  if (expected_ > 0) --expected_;
  return true;
}

void Cipher::give_back() {
  if (taken_ > 0) counted_->give_back_operations(taken_);
  taken_ = 0;
}

Result<void> Cipher::renew(std::int64_t asked) {
  if (asked != 0) {
    return fail(invalid_argument(fmt::format(
        "version {} of key {} has done the {} encryptions that max_operations "
        "allows",
        asked, key_->record().name, operations_limit(key_->record()))));
  }
  TRY_ASSIGN(auto renewed, store_.rotate_used_up(*key_, now_));
  key_ = renewed.get();
  renewed_.push_back(std::move(renewed));
  last_ = nullptr;
  return {};
}

}  // namespace bulla::engine::transit
