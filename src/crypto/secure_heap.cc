#include <malloc.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "crypto/asymmetric.h"
#include "crypto/openssl.h"

namespace bulla::crypto {
namespace {

// A private number of P-256 fills one block.
constexpr std::size_t kBlockBytes = 32;

thread_local int wiping = 0;

void free_wiped(void* memory) {
  wipe({static_cast<std::uint8_t*>(memory), ::malloc_usable_size(memory)});
  std::free(memory);
}

void* heap_malloc(std::size_t size, const char*, int) {
  return std::malloc(size);
}

void heap_free(void* memory, const char*, int) {
  if (wiping == 0 || memory == nullptr) {
    std::free(memory);
    return;
  }
  free_wiped(memory);
}

void* heap_realloc(void* memory, std::size_t size, const char*, int) {
  if (wiping == 0 || memory == nullptr) return std::realloc(memory, size);
  void* const moved = std::malloc(size);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, memory, std::min(size, ::malloc_usable_size(memory)));
  free_wiped(memory);
  return moved;
}

}  // namespace

WipeFreed::WipeFreed() { ++wiping; }
WipeFreed::~WipeFreed() { --wiping; }

bool wipe_decoder_memory() {
  static const bool in_time =
      CRYPTO_set_mem_functions(heap_malloc, heap_realloc, heap_free) == 1;
  return in_time;
}

bool start_secure_heap(std::size_t bytes) {
  static const bool locked = [bytes] {
    wipe_decoder_memory();
    return CRYPTO_secure_malloc_init(bytes, kBlockBytes) == 1;
  }();
  return locked;
}

}  // namespace bulla::crypto
