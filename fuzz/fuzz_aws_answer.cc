// Answers of AWS and its credentials file: what is taken of them is in bounds
// and can go into a header, and an error's name is a word.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "kek/aws_answer.h"
#include "kek/kek_provider.h"

namespace {

bool is_visible(std::string_view text) {
  return std::ranges::all_of(text,
                             [](char c) { return c > ' ' && c < '\x7f'; });
}

void check_credentials(const bulla::kek::AwsCredentials& credentials) {
  BULLA_ASSERT(!credentials.access_key.empty());
  BULLA_ASSERT(!credentials.secret_key.empty());
  BULLA_ASSERT(is_visible(credentials.access_key));
  BULLA_ASSERT(is_visible(bulla::as_text(credentials.secret_key.expose())));
  BULLA_ASSERT(is_visible(bulla::as_text(credentials.session_token.expose())));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  namespace kek = bulla::kek;
  const auto text = bulla::as_text(bulla::ByteView(data, size));
  if (const auto made = kek::parse_kms_encrypt(text)) {
    BULLA_ASSERT(made->blob.size() <= kek::KekProvider::kBlobBytesMax);
    BULLA_ASSERT(kek::same_kms_account(made->key_arn, made->key_arn));
  }
  if (const auto key = kek::parse_kms_decrypt(text)) {
    BULLA_ASSERT(!key->empty());
  }
  if (const auto arn = kek::parse_kms_describe(text)) {
    BULLA_ASSERT(arn->size() <= 256 && is_visible(*arn));
  }
  const std::string name = kek::aws_error_name("", text);
  BULLA_ASSERT(name.size() <= 64 && is_visible(name));
  static_cast<void>(kek::aws_error("Decrypt", 400, name));
  if (const auto sts = kek::parse_sts_credentials(text)) {
    check_credentials(sts->credentials);
  }
  if (const auto keys = kek::parse_shared_credentials(text, "default")) {
    check_credentials(*keys);
  }
  return 0;
}
