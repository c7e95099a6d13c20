#pragma once

#include <cstddef>
#include <cstdint>

namespace bulla {

/// The memory behind SecretBytes; nobody else calls this.
///
/// Blocks of up to kSecretBlockMax bytes come from slabs, one list of free
/// blocks a power of two; larger ones have a mapping of their own that ends at
/// its guard page, a few of which are kept for reuse. Slabs and mappings lie
/// between unreadable pages, are locked where the limit allows it and left out
/// of core dumps. Under sanitizers each block is an ordinary allocation, so
/// that overruns are seen. Any thread.
constexpr std::size_t kSecretAlignment = 64;
constexpr std::size_t kSecretBlockMax = std::size_t{64} << 10;

/// `size` (≥ 1) zero bytes, aligned to kSecretAlignment. Aborts without memory.
std::uint8_t* secret_allocate(std::size_t size);
/// Wipes and gives back what secret_allocate(size) gave.
void secret_free(std::uint8_t* data, std::size_t size) noexcept;

}  // namespace bulla
