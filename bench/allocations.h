#pragma once

#include <cstdint>

namespace bulla::bench {

/// How often this thread called operator new: the bench program replaces it
/// with one that counts.
std::uint64_t allocations();

}  // namespace bulla::bench
