#include "crypto/pgp.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <rnp/rnp.h>
#include <rnp/rnp_err.h>

#include <algorithm>
#include <cctype>
#include <memory>

#include "base/encoding.h"

namespace bulla::crypto {
namespace {

template <typename T, auto kFree>
struct Freer {
  void operator()(T* handle) const { kFree(handle); }
};
template <typename T, auto kFree>
using Owned = std::unique_ptr<T, Freer<T, kFree>>;

using Ffi = Owned<rnp_ffi_st, rnp_ffi_destroy>;
using Input = Owned<rnp_input_st, rnp_input_destroy>;
using Output = Owned<rnp_output_st, rnp_output_destroy>;
using Key = Owned<rnp_key_handle_st, rnp_key_handle_destroy>;
using Encryption = Owned<rnp_op_encrypt_st, rnp_op_encrypt_destroy>;
using Iterator =
    Owned<rnp_identifier_iterator_st, rnp_identifier_iterator_destroy>;
using Text = Owned<char, rnp_buffer_destroy>;

// The library's own words go to nobody: they may quote what it was given.
Result<Ffi> make_ffi() {
  rnp_ffi_t raw = nullptr;
  if (rnp_ffi_create(&raw, "GPG", "GPG") != RNP_SUCCESS) {
    return fail(internal_error("cannot start the OpenPGP library"));
  }
  Ffi ffi(raw);
  const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (null >= 0) rnp_ffi_set_log_fd(ffi.get(), null);
  return ffi;
}

Result<Input> input_of(ByteView bytes) {
  rnp_input_t raw = nullptr;
  if (rnp_input_from_memory(&raw, bytes.data(), bytes.size(), false) !=
      RNP_SUCCESS) {
    return fail(internal_error("no memory for an OpenPGP message"));
  }
  return Input(raw);
}

// A keyring in memory that holds just this key.
Result<Ffi> load(ByteView key) {
  TRY_ASSIGN(auto ffi, make_ffi());
  TRY_ASSIGN(const auto input, input_of(key));
  if (rnp_import_keys(ffi.get(), input.get(), RNP_LOAD_SAVE_PUBLIC_KEYS,
                      nullptr) != RNP_SUCCESS) {
    return fail(invalid_argument("not an OpenPGP public key"));
  }
  return ffi;
}

bool is_primary(rnp_key_handle_t key) {
  bool primary = false;
  return rnp_key_is_primary(key, &primary) == RNP_SUCCESS && primary;
}

Result<Key> only_primary(rnp_ffi_t ffi) {
  rnp_identifier_iterator_t raw = nullptr;
  if (rnp_identifier_iterator_create(ffi, &raw, "fingerprint") != RNP_SUCCESS) {
    return fail(internal_error("cannot list OpenPGP keys"));
  }
  const Iterator iterator(raw);
  Key found;
  const char* fingerprint = nullptr;
  while (rnp_identifier_iterator_next(raw, &fingerprint) == RNP_SUCCESS &&
         fingerprint != nullptr) {
    rnp_key_handle_t handle = nullptr;
    if (rnp_locate_key(ffi, "fingerprint", fingerprint, &handle) !=
        RNP_SUCCESS) {
      continue;
    }
    Key key(handle);
    if (!is_primary(handle)) continue;
    if (found) return fail(invalid_argument("holds more than one key"));
    found = std::move(key);
  }
  if (!found) return fail(invalid_argument("holds no OpenPGP public key"));
  return found;
}

Result<std::string> fingerprint_of(rnp_key_handle_t key) {
  char* raw = nullptr;
  if (rnp_key_get_fprint(key, &raw) != RNP_SUCCESS) {
    return fail(internal_error("an OpenPGP key without a fingerprint"));
  }
  const Text text(raw);
  std::string lower(raw);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  return lower;
}

Result<Bytes> bytes_of(rnp_output_t output) {
  std::uint8_t* data = nullptr;
  std::size_t size = 0;
  if (rnp_output_memory_get_buf(output, &data, &size, false) != RNP_SUCCESS) {
    return fail(internal_error("no memory for an OpenPGP message"));
  }
  return Bytes(data, data + size);
}

Result<Bytes> encrypt_to(rnp_ffi_t ffi, rnp_key_handle_t key,
                         ByteView plaintext) {
  TRY_ASSIGN(const auto input, input_of(plaintext));
  rnp_output_t raw_output = nullptr;
  if (rnp_output_to_memory(&raw_output, 0) != RNP_SUCCESS) {
    return fail(internal_error("no memory for an OpenPGP message"));
  }
  const Output output(raw_output);
  rnp_op_encrypt_t raw = nullptr;
  if (rnp_op_encrypt_create(&raw, ffi, input.get(), output.get()) !=
      RNP_SUCCESS) {
    return fail(internal_error("cannot begin an OpenPGP message"));
  }
  const Encryption encryption(raw);
  if (rnp_op_encrypt_add_recipient(raw, key) != RNP_SUCCESS) {
    return fail(internal_error(
        "has no valid key to encrypt to: expired, revoked, or made for "
        "signatures only"));
  }
  if (rnp_op_encrypt_set_cipher(raw, "AES256") != RNP_SUCCESS ||
      rnp_op_encrypt_set_compression(raw, "Uncompressed", 0) != RNP_SUCCESS ||
      rnp_op_encrypt_execute(raw) != RNP_SUCCESS) {
    return fail(internal_error("cannot be encrypted to"));
  }
  return bytes_of(output.get());
}

}  // namespace

Result<PgpKey> PgpKey::parse(std::string_view text) {
  if (text.size() > base64_encoded_size(kKeyBytesMax)) {
    return fail(invalid_argument(
        fmt::format("is over the limit of {} bytes", kKeyBytesMax)));
  }
  Bytes bytes;
  if (text.find("-----BEGIN PGP PUBLIC KEY BLOCK-----") !=
      std::string_view::npos) {
    bytes = to_bytes(as_bytes(text));
  } else {
    auto decoded = base64_decode(text);
    if (!decoded) {
      return fail(invalid_argument(
          "is neither base64 nor an armoured OpenPGP public key"));
    }
    bytes = *std::move(decoded);
  }
  if (bytes.empty()) return fail(invalid_argument("not an OpenPGP public key"));
  PgpKey key(std::move(bytes));
  TRY_ASSIGN(const auto ffi, load(key.key_));
  TRY_ASSIGN(const auto primary, only_primary(ffi.get()));
  TRY_ASSIGN(key.fingerprint_, fingerprint_of(primary.get()));
  const auto trial = encrypt_to(ffi.get(), primary.get(), as_bytes("trial"));
  if (!trial) return fail(invalid_argument(trial.error().message()));
  return key;
}

Result<Bytes> PgpKey::encrypt(ByteView plaintext) const {
  TRY_ASSIGN(const auto ffi, load(key_));
  TRY_ASSIGN(const auto primary, only_primary(ffi.get()));
  return encrypt_to(ffi.get(), primary.get(), plaintext);
}

}  // namespace bulla::crypto
