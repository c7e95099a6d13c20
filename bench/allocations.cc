#include "allocations.h"

#include <cstdlib>
#include <new>

namespace bulla::bench {
namespace {
thread_local std::uint64_t count = 0;

void* counted(std::size_t size) {
  ++count;
  void* const memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) std::abort();
  return memory;
}

void* counted(std::size_t size, std::align_val_t alignment) {
  ++count;
  const auto align = static_cast<std::size_t>(alignment);
  void* const memory =
      std::aligned_alloc(align, (size + align - 1) / align * align);
  if (memory == nullptr) std::abort();
  return memory;
}

}  // namespace

std::uint64_t allocations() { return count; }

}  // namespace bulla::bench

void* operator new(std::size_t size) { return bulla::bench::counted(size); }
void* operator new[](std::size_t size) { return bulla::bench::counted(size); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return bulla::bench::counted(size, alignment);
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return bulla::bench::counted(size, alignment);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
