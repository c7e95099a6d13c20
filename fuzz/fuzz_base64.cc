// Every kernel decodes as the scalar one does, byte for byte and error for
// error; what decodes round-trips.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/assert.h"
#include "base/base64_simd.h"
#include "base/encoding.h"

namespace {

struct Outcome {
  bool ok = false;
  std::size_t error_at = 0;
  std::vector<std::uint8_t> bytes;
  bool operator==(const Outcome&) const = default;
};

Outcome decode_with(const bulla::Base64Kernel& kernel, bulla::ByteView text) {
  Outcome outcome;
  std::size_t written = 0;
  outcome.bytes.resize(bulla::base64_decoded_max(text.size()));
  outcome.ok = bulla::base64_decode_with(kernel, bulla::as_text(text).data(),
                                         text.size(), outcome.bytes.data(),
                                         written, outcome.error_at);
  outcome.bytes.resize(written);
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const bulla::ByteView input(data, size);
  const auto wanted = decode_with(bulla::base64_kernels().back(), input);
  for (const auto& kernel : bulla::base64_kernels()) {
    BULLA_ASSERT(decode_with(kernel, input) == wanted);
    std::vector<char> text(bulla::base64_encoded_size(size));
    bulla::base64_encode_with(kernel, input, text.data());
    const auto back =
        decode_with(kernel, bulla::as_bytes({text.data(), text.size()}));
    BULLA_ASSERT(back.ok && back.bytes == bulla::to_bytes(input));
  }
  if (const auto url = bulla::base64url_decode(bulla::as_text(input))) {
    BULLA_ASSERT(*bulla::base64url_decode(bulla::base64url_encode(*url)) ==
                 *url);
  }
  return 0;
}
