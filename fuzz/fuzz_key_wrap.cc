// Wrapped keys: what opens wraps to the same bytes. The first byte picks the
// length of the KEK, whose bytes are all that.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "crypto/key_wrap.h"

namespace crypto = bulla::crypto;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  if (size == 0) return 0;
  const bulla::Bytes kek(16 + 8 * std::size_t{data[0] % 3U}, data[0]);
  const bulla::ByteView rest(data + 1, size - 1);
  if (const auto key = crypto::unwrap_kwp(kek, rest)) {
    BULLA_ASSERT(
        std::ranges::equal(crypto::wrap_kwp(kek, key->expose()), rest));
  }
  // A forgery is out of a fuzzer's reach: the way there and back as well.
  if (rest.empty() || rest.size() > 65536) return 0;
  const auto opened = crypto::unwrap_kwp(kek, crypto::wrap_kwp(kek, rest));
  BULLA_ASSERT(opened && std::ranges::equal(opened->expose(), rest));
  return 0;
}
