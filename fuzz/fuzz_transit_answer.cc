// Answers of a transit engine: whatever it says, only canonical ciphertexts are
// taken, in bounds, and an error is one of the codes that callers know.
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "kek/transit_answer.h"

namespace {

using bulla::ErrorCode;
using bulla::kek::TransitCall;

template <typename T>
void expect_plain_refusal(const bulla::Result<T>& parsed) {
  BULLA_ASSERT(parsed || parsed.error().code() == ErrorCode::kUnavailable);
}

void check_error(std::string_view body, int status) {
  for (const auto call : {TransitCall::kRead, TransitCall::kEncrypt,
                          TransitCall::kDecrypt, TransitCall::kRenew}) {
    const auto code = bulla::kek::transit_error(call, status, body).code();
    BULLA_ASSERT(code == ErrorCode::kUnavailable ||
                 code == ErrorCode::kPermissionDenied ||
                 code == ErrorCode::kNotFound || code == ErrorCode::kCorrupt);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  namespace kek = bulla::kek;
  const auto text = bulla::as_text(bulla::ByteView(data, size));
  if (const auto parsed = kek::parse_transit_ciphertext(text)) {
    BULLA_ASSERT(kek::transit_ciphertext(parsed->version, parsed->bytes) ==
                 text);
    BULLA_ASSERT(parsed->bytes.size() <= kek::KekProvider::kBlobBytesMax);
  }
  if (const auto key = kek::parse_transit_key(text)) {
    BULLA_ASSERT(key->oldest >= 1 && key->oldest <= key->latest);
  }
  expect_plain_refusal(kek::parse_transit_encrypt(text));
  expect_plain_refusal(kek::parse_transit_decrypt(text));
  expect_plain_refusal(kek::parse_transit_lease(text));
  for (const int status : {400, 403, 404, 500, 503}) check_error(text, status);
  return 0;
}
