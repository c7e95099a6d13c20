#include "base/secret_pool.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <new>
#include <vector>

#include "base/assert.h"
#include "base/secret_bytes.h"

namespace bulla {
namespace {

// Enough for a keyring and a few thousand keys; the pool asks for more later
// and carries on unlocked where the limit ends.
constexpr std::size_t kLockProbeBytes = std::size_t{2} << 20;

std::atomic<bool> all_locked{true};

#ifndef BULLA_SANITIZED

std::size_t page_bytes() {
  static const auto bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return bytes;
}

constexpr std::size_t round_up(std::size_t value, std::size_t unit) {
  return (value + unit - 1) / unit * unit;
}

// `bytes` (whole pages) between two guard pages; locked if it may be.
std::uint8_t* map_guarded(std::size_t bytes) {
  const std::size_t page = page_bytes();
  void* const mapping = ::mmap(nullptr, bytes + 2 * page, PROT_NONE,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  BULLA_ASSERT(mapping != MAP_FAILED);
  auto* const data = static_cast<std::uint8_t*>(mapping) + page;
  BULLA_ASSERT(::mprotect(data, bytes, PROT_READ | PROT_WRITE) == 0);
  ::madvise(data, bytes, MADV_DONTDUMP);
  if (::mlock(data, bytes) != 0) {
    all_locked.store(false, std::memory_order_relaxed);
  }
  return data;
}

void unmap_guarded(std::uint8_t* data, std::size_t bytes) {
  ::munmap(data - page_bytes(), bytes + 2 * page_bytes());
}

constexpr std::size_t kSlabBytesMin = std::size_t{64} << 10;
constexpr std::size_t kSlabBytesMax = std::size_t{1} << 20;
// Half of the usual limit on locked memory, so that keys find room beside it.
constexpr std::size_t kCachedBytesMax = std::size_t{4} << 20;
constexpr std::size_t kClasses =
    std::bit_width(kSecretBlockMax) - std::bit_width(kSecretAlignment) + 1;

// The free blocks of one size. The list is kept apart from the blocks, so that
// a stray write into a freed block cannot steer the next allocation.
class SizeClass {
 public:
  std::uint8_t* allocate(std::size_t block_bytes) {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) grow(block_bytes);
    std::uint8_t* const block = free_.back();
    free_.pop_back();
    return block;
  }

  void release(std::uint8_t* block) {
    const std::lock_guard lock(mutex_);
    free_.push_back(block);  // never grows: grow() reserved for every block
  }

 private:
  void grow(std::size_t block_bytes) {
    const std::size_t bytes = std::max(slab_bytes_, block_bytes);
    slab_bytes_ = std::min(slab_bytes_ * 2, kSlabBytesMax);
    std::uint8_t* const slab = map_guarded(bytes);
    blocks_ += bytes / block_bytes;
    free_.reserve(blocks_);
    for (std::size_t at = bytes; at > 0; at -= block_bytes) {
      free_.push_back(slab + at - block_bytes);
    }
  }

  std::mutex mutex_;
  std::vector<std::uint8_t*> free_;
  std::size_t blocks_ = 0;
  std::size_t slab_bytes_ = kSlabBytesMin;
};

// Never destroyed: secrets in static storage are freed after it would be.
std::array<SizeClass, kClasses>& size_classes() {
  static auto& classes = *new std::array<SizeClass, kClasses>;
  return classes;
}

std::size_t block_bytes_for(std::size_t size) {
  return std::bit_ceil(std::max(size, kSecretAlignment));
}
SizeClass& class_for(std::size_t block_bytes) {
  return size_classes()[static_cast<std::size_t>(
      std::countr_zero(block_bytes) - std::countr_zero(kSecretAlignment))];
}

// Large mappings lately given back, wiped. Mapping, locking and touching a
// mebibyte anew costs more than sealing it.
class MappingCache {
 public:
  std::uint8_t* take(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < count_; ++i) {
      if (kept_[i].bytes != bytes) continue;
      std::uint8_t* const data = kept_[i].data;
      kept_[i] = kept_[--count_];
      total_ -= bytes;
      return data;
    }
    return nullptr;
  }

  bool keep(std::uint8_t* data, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    if (count_ == kept_.size() || bytes > kCachedBytesMax - total_) {
      return false;
    }
    kept_[count_++] = {data, bytes};
    total_ += bytes;
    return true;
  }

 private:
  struct Mapping {
    std::uint8_t* data = nullptr;
    std::size_t bytes = 0;
  };
  std::mutex mutex_;
  std::array<Mapping, 16> kept_;
  std::size_t count_ = 0;
  std::size_t total_ = 0;
};

MappingCache& mapping_cache() {
  static auto& cache = *new MappingCache;
  return cache;
}

// In steps of a quarter of the power of two below, so that sizes which are
// nearly alike share mappings.
std::size_t mapping_bytes_for(std::size_t size) {
  return round_up(size, std::max(std::bit_floor(size) / 4, page_bytes()));
}

// A block of its own lies at the end of its pages, so that an overrun of more
// than the alignment's slack meets the guard page.
std::uint8_t* allocate_large(std::size_t size) {
  BULLA_ASSERT(size <= PTRDIFF_MAX / 2);
  const std::size_t bytes = mapping_bytes_for(size);
  std::uint8_t* data = mapping_cache().take(bytes);
  if (data == nullptr) data = map_guarded(bytes);
  return data + bytes - round_up(size, kSecretAlignment);
}

void free_large(std::uint8_t* data, std::size_t size) {
  const std::size_t bytes = mapping_bytes_for(size);
  std::uint8_t* const start = data + round_up(size, kSecretAlignment) - bytes;
  if (!mapping_cache().keep(start, bytes)) unmap_guarded(start, bytes);
}

#endif

}  // namespace

#ifdef BULLA_SANITIZED

std::uint8_t* secret_allocate(std::size_t size) {
  void* const data =
      ::operator new (size, std::align_val_t{kSecretAlignment}, std::nothrow);
  BULLA_ASSERT(data != nullptr);
  std::memset(data, 0, size);
  return static_cast<std::uint8_t*>(data);
}

void secret_free(std::uint8_t* data, std::size_t size) noexcept {
  wipe({data, size});
  ::operator delete (data, std::align_val_t{kSecretAlignment});
}

#else

std::uint8_t* secret_allocate(std::size_t size) {
  if (size > kSecretBlockMax) return allocate_large(size);
  const std::size_t block = block_bytes_for(size);
  return class_for(block).allocate(block);
}

void secret_free(std::uint8_t* data, std::size_t size) noexcept {
  wipe({data, size});
  if (size > kSecretBlockMax) {
    free_large(data, size);
    return;
  }
  class_for(block_bytes_for(size)).release(data);
}

#endif

bool secret_memory_locked() {
  return all_locked.load(std::memory_order_relaxed);
}

Result<void> require_lockable_memory() {
  void* const probe = ::mmap(nullptr, kLockProbeBytes, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (probe == MAP_FAILED) {
    return fail(ErrorCode::kExhausted, "no memory to prove that it locks");
  }
  const int error = ::mlock(probe, kLockProbeBytes) == 0 ? 0 : errno;
  ::munmap(probe, kLockProbeBytes);
  if (error == 0) return {};
  return fail(
      ErrorCode::kExhausted,
      fmt::format("cannot lock {} KiB of memory for secrets ({}): raise the "
                  "limit (LimitMEMLOCK=infinity in the systemd unit, or "
                  "ulimit -l), or set disable_mlock = true in the "
                  "configuration if swap is off or encrypted",
                  kLockProbeBytes >> 10, std::strerror(error)));
}

}  // namespace bulla
