#include "base/secret_bytes.h"

#include <sodium/utils.h>

#include <cstring>
#include <utility>

#include "base/assert.h"
#include "base/secret_pool.h"

namespace bulla {

SecretBytes::SecretBytes(std::size_t size)
    : data_(size == 0 ? nullptr : secret_allocate(size)), size_(size) {}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this == &other) return *this;
  if (data_ != nullptr) secret_free(data_, size_);
  data_ = std::exchange(other.data_, nullptr);
  size_ = std::exchange(other.size_, 0);
  return *this;
}

SecretBytes::~SecretBytes() {
  if (data_ != nullptr) secret_free(data_, size_);
}

SecretBytes SecretBytes::copy_of(ByteView bytes) {
  SecretBytes copy(bytes.size());
  if (!bytes.empty()) std::memcpy(copy.data_, bytes.data(), bytes.size());
  return copy;
}

bool operator==(const SecretBytes& a, const SecretBytes& b) {
  return constant_time_equal(a.expose(), b.expose());
}

bool constant_time_equal(ByteView a, ByteView b) {
  if (a.size() != b.size()) return false;
  return a.empty() || sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

void wipe(ByteSpan bytes) {
  if (bytes.empty()) return;
  std::memset(bytes.data(), 0, bytes.size());
  // The compiler must believe that someone still reads these zeros.
  __asm__ __volatile__("" : : "r"(bytes.data()) : "memory");
}

}  // namespace bulla
