#pragma once

namespace bulla {
/// Prints file, line and condition to stderr and aborts. Never prints values.
[[noreturn]] void assert_failed(const char* condition, const char* file,
                                int line);
}  // namespace bulla

/// Asserts a bug away, in every build. For the world's faults return an Error.
#define BULLA_ASSERT(condition)                               \
  do {                                                        \
    if (!(condition)) [[unlikely]]                            \
      ::bulla::assert_failed(#condition, __FILE__, __LINE__); \
  } while (false)
