#include "net/buffer.h"

#include <cstring>

namespace bulla::net {

bool BodyBuffer::reserve(std::size_t capacity) {
  if (capacity <= capacity_) return true;
  auto* grown =
      static_cast<char*>(std::realloc(data_, capacity + kBodyPadding));
  if (grown == nullptr) return false;
  data_ = grown;
  capacity_ = capacity;
  std::memset(data_ + capacity_, 0, kBodyPadding);
  return true;
}

bool LoopBudget::take(std::size_t bytes) {
  if (bytes > left_) {
    const auto missing = bytes - left_;
    if (shared_.take(missing + kPiece)) {
      left_ += missing + kPiece;
    } else if (shared_.take(missing)) {
      left_ += missing;
    } else {
      return false;
    }
  }
  left_ -= bytes;
  return true;
}

void LoopBudget::give(std::size_t bytes) {
  left_ += bytes;
  if (left_ <= 2 * kPiece) return;
  shared_.give(left_ - kPiece);
  left_ = kPiece;
}

}  // namespace bulla::net
