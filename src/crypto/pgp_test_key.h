#pragma once

#include <gtest/gtest.h>
#include <rnp/rnp.h>
#include <rnp/rnp_err.h>

#include <string>

#include "base/bytes.h"
#include "base/encoding.h"

namespace bulla::crypto {

/// For tests: a fresh OpenPGP key pair without a password.
class PgpTestKey {
 public:
  explicit PgpTestKey(const std::string& who) {
    EXPECT_EQ(rnp_ffi_create(&ffi_, "GPG", "GPG"), RNP_SUCCESS);
    EXPECT_EQ(rnp_generate_key_25519(ffi_, who.c_str(), nullptr, &key_),
              RNP_SUCCESS);
  }
  PgpTestKey(const PgpTestKey&) = delete;
  PgpTestKey& operator=(const PgpTestKey&) = delete;
  ~PgpTestKey() {
    rnp_key_handle_destroy(key_);
    rnp_ffi_destroy(ffi_);
  }

  Bytes binary() const { return exported(0); }
  /// As the API takes it.
  std::string base64() const { return base64_encode(binary()); }
  std::string armoured() const {
    return std::string(as_text(exported(RNP_KEY_EXPORT_ARMORED)));
  }
  /// The plaintext of `message`; "" and a failed test when it does not open.
  std::string decrypt(ByteView message) const {
    rnp_input_t input = nullptr;
    rnp_output_t output = nullptr;
    rnp_input_from_memory(&input, message.data(), message.size(), false);
    rnp_output_to_memory(&output, 0);
    std::string plaintext;
    const bool opened = rnp_decrypt(ffi_, input, output) == RNP_SUCCESS;
    if (opened) plaintext = as_text(contents(output));
    EXPECT_TRUE(opened);
    rnp_input_destroy(input);
    rnp_output_destroy(output);
    return plaintext;
  }

 private:
  static Bytes contents(rnp_output_t output) {
    std::uint8_t* data = nullptr;
    std::size_t size = 0;
    rnp_output_memory_get_buf(output, &data, &size, false);
    return Bytes(data, data + size);
  }
  Bytes exported(std::uint32_t flags) const {
    rnp_output_t output = nullptr;
    rnp_output_to_memory(&output, 0);
    EXPECT_EQ(
        rnp_key_export(key_, output,
                       flags | RNP_KEY_EXPORT_PUBLIC | RNP_KEY_EXPORT_SUBKEYS),
        RNP_SUCCESS);
    const Bytes bytes = contents(output);
    rnp_output_destroy(output);
    return bytes;
  }

  rnp_ffi_t ffi_ = nullptr;
  rnp_key_handle_t key_ = nullptr;
};

}  // namespace bulla::crypto
