#pragma once

#include <cstddef>

#include "base/bytes.h"
#include "base/result.h"

namespace bulla {

/// Key material: move-only bytes in locked, guarded, undumpable memory that is
/// wiped when freed. No printer, no implicit copy; the bytes come only through
/// expose(), so that a search for it lists every use. Not thread-safe to
/// mutate; safe to read from many threads. Aligned to 64 bytes.
class SecretBytes {
 public:
  SecretBytes() = default;
  /// `size` zero bytes. Aborts when no memory is left.
  explicit SecretBytes(std::size_t size);
  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  ~SecretBytes();

  /// A copy of `bytes`; the caller wipes its own.
  static SecretBytes copy_of(ByteView bytes);

  ByteView expose() const { return {data_, size_}; }
  ByteSpan expose_mutable() { return {data_, size_}; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  SecretBytes clone() const { return copy_of(expose()); }

  /// Constant-time in the contents; lengths are not secret.
  friend bool operator==(const SecretBytes& a, const SecretBytes& b);

 private:
  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Constant-time comparison of equally long strings; false for other lengths.
bool constant_time_equal(ByteView a, ByteView b);

/// Overwrites `bytes` in a way the compiler keeps.
void wipe(ByteSpan bytes);

/// A buffer that wipes itself at the end of its scope, for the short passages
/// of a secret through ordinary memory.
class WipeGuard {
 public:
  explicit WipeGuard(ByteSpan bytes) : bytes_(bytes) {}
  WipeGuard(const WipeGuard&) = delete;
  WipeGuard& operator=(const WipeGuard&) = delete;
  ~WipeGuard() { wipe(bytes_); }

 private:
  ByteSpan bytes_;
};

/// Proves that secret memory can be locked (mlock), once at start.
///   kExhausted  RLIMIT_MEMLOCK is too small; the message names the remedies.
Result<void> require_lockable_memory();

/// Whether all secret memory in use was locked. False once a later request met
/// the limit; the server then carries on with that part unlocked. Any thread.
bool secret_memory_locked();

}  // namespace bulla
