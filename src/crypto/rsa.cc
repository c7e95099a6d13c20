#include <fmt/format.h>
#include <openssl/rsa.h>

#include <algorithm>

#include "base/assert.h"
#include "crypto/asymmetric_parts.h"
#include "crypto/hash_parts.h"

namespace bulla::crypto {
namespace {

enum class Operation : std::uint8_t { kSign, kVerify, kEncrypt, kDecrypt };

// Everything that a prepared context depends on.
struct Setting {
  Operation operation = Operation::kSign;
  int padding = RSA_PKCS1_PADDING;
  std::optional<HashAlgorithm> hash;
  int salt_length = 0;  // in OpenSSL's terms; PSS only

  std::uint64_t tag() const {
    const auto hash_number =
        hash ? static_cast<std::uint64_t>(*hash) + 1 : std::uint64_t{0};
    return static_cast<std::uint64_t>(operation) << 56 |
           static_cast<std::uint64_t>(padding) << 48 | hash_number << 32 |
           static_cast<std::uint32_t>(salt_length);
  }
};

bool start(EVP_PKEY_CTX* context, Operation operation) {
  switch (operation) {
    case Operation::kSign:
      return EVP_PKEY_sign_init(context) == 1;
    case Operation::kVerify:
      return EVP_PKEY_verify_init(context) == 1;
    case Operation::kEncrypt:
      return EVP_PKEY_encrypt_init(context) == 1;
    case Operation::kDecrypt:
      return EVP_PKEY_decrypt_init(context) == 1;
  }
  return false;
}

bool set_hash(EVP_PKEY_CTX* context, const Setting& setting) {
  if (!setting.hash) return true;
  const EVP_MD* const digest = message_digest(*setting.hash);
  if (setting.padding == RSA_PKCS1_OAEP_PADDING) {
    return EVP_PKEY_CTX_set_rsa_oaep_md(context, digest) == 1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(context, digest) == 1;
  }
  if (EVP_PKEY_CTX_set_signature_md(context, digest) != 1) return false;
  return setting.padding != RSA_PKCS1_PSS_PADDING ||
         (EVP_PKEY_CTX_set_rsa_mgf1_md(context, digest) == 1 &&
          EVP_PKEY_CTX_set_rsa_pss_saltlen(context, setting.salt_length) == 1);
}

PkeyContextPtr prepare(EVP_PKEY* key, const Setting& setting) {
  PkeyContextPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  if (context == nullptr || !start(context.get(), setting.operation) ||
      EVP_PKEY_CTX_set_rsa_padding(context.get(), setting.padding) != 1 ||
      !set_hash(context.get(), setting)) {
    return nullptr;
  }
  return context;
}

// A prepared context of the key, which goes back to its pool.
class Call {
 public:
  template <typename Impl>
  Call(const Impl& key, const Setting& setting)
      : pool_(key.contexts), tag_(setting.tag()), context_(pool_.take(tag_)) {
    if (context_ == nullptr) context_ = prepare(key.pkey.get(), setting);
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call() {
    if (context_ != nullptr) pool_.give(tag_, std::move(context_));
  }
  EVP_PKEY_CTX* context() const { return context_.get(); }
  bool ready() const { return context_ != nullptr; }

 private:
  ContextPool& pool_;
  std::uint64_t tag_;
  PkeyContextPtr context_;
};

std::size_t modulus_bytes(std::size_t bits) { return bits / 8; }

// The emBits - 1 of RFC 8017 is modulus_bytes * 8 - 1 for our sizes.
int salt_max(std::size_t bits, HashAlgorithm hash) {
  return static_cast<int>(modulus_bytes(bits) - 2 - hash_bytes(hash));
}

Result<Setting> pss_setting(Operation operation, std::size_t bits,
                            const SignatureScheme& scheme) {
  if (!scheme.hash) {
    return fail(invalid_argument("a PSS signature needs a hash algorithm"));
  }
  const int salt = scheme.salt_length;
  if (salt < kPssSaltHash || salt > salt_max(bits, *scheme.hash)) {
    return fail(invalid_argument(
        fmt::format("requested salt length {} is invalid", salt)));
  }
  Setting setting{operation, RSA_PKCS1_PSS_PADDING, scheme.hash, salt};
  if (salt == kPssSaltHash) setting.salt_length = RSA_PSS_SALTLEN_DIGEST;
  if (salt == kPssSaltAuto) {
    setting.salt_length = operation == Operation::kSign ? RSA_PSS_SALTLEN_MAX
                                                        : RSA_PSS_SALTLEN_AUTO;
  }
  return setting;
}

Result<Setting> signature_setting(Operation operation, std::size_t bits,
                                  const SignatureScheme& scheme) {
  if (scheme.padding == RsaPadding::kPss) {
    return pss_setting(operation, bits, scheme);
  }
  return Setting{operation, RSA_PKCS1_PADDING, scheme.hash, 0};
}

// What is signed: the hash of `input`, or `input`, which must then look so.
class Message {
 public:
  Message(const SignatureScheme& scheme, ByteView input) : view_(input) {
    if (!scheme.hash || scheme.prehashed) return;
    digest_ = hash(*scheme.hash, input);
    view_ = digest_.view();
  }
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;

  ByteView view() const { return view_; }
  Result<void> check(const SignatureScheme& scheme) const {
    if (!scheme.hash || view_.size() == hash_bytes(*scheme.hash)) return {};
    return fail(internal_error(scheme.padding == RsaPadding::kPss
                                   ? "crypto/rsa: input must be hashed with "
                                     "given hash"
                                   : "crypto/rsa: input must be hashed "
                                     "message"));
  }

 private:
  Digest digest_;
  ByteView view_;
};

// Padding of PKCS#1 v1.5 takes this much of the modulus.
constexpr std::size_t kPkcs1Overhead = 11;

std::size_t plaintext_max(std::size_t bits, RsaEncryption padding,
                          HashAlgorithm hash) {
  const std::size_t modulus = modulus_bytes(bits);
  if (padding == RsaEncryption::kPkcs1v15) return modulus - kPkcs1Overhead;
  return modulus - 2 * hash_bytes(hash) - 2;
}

// A signature without DigestInfo, opened and held against what it should be:
// OpenSSL takes one over nothing at all for none.
bool verify_unhashed(const PublicImpl& key, ByteView input,
                     ByteView signature) {
  const std::size_t modulus = modulus_bytes(key.bits);
  if (input.size() > modulus - kPkcs1Overhead) return false;
  const Call call(key, {Operation::kEncrypt, RSA_NO_PADDING, std::nullopt, 0});
  Bytes opened(modulus);
  std::size_t size = opened.size();
  if (!call.ready() ||
      EVP_PKEY_encrypt(call.context(), opened.data(), &size, signature.data(),
                       signature.size()) != 1) {
    drop_openssl_errors();
    return false;
  }
  Bytes wanted(modulus, 0xFF);  // 00 01 ff … ff 00 input
  const auto input_at =
      wanted.end() - static_cast<std::ptrdiff_t>(input.size());
  wanted[0] = 0;
  wanted[1] = 1;
  *(input_at - 1) = 0;
  std::ranges::copy(input, input_at);
  return opened == wanted;
}

Setting encryption_setting(Operation operation, RsaEncryption padding,
                           HashAlgorithm hash) {
  if (padding == RsaEncryption::kPkcs1v15) {
    return {operation, RSA_PKCS1_PADDING, std::nullopt, 0};
  }
  return {operation, RSA_PKCS1_OAEP_PADDING, hash, 0};
}

}  // namespace

Result<Bytes> rsa_sign(const PrivateImpl& key, const SignatureScheme& scheme,
                       ByteView input) {
  const std::size_t bits = key.public_key.bits();
  TRY_ASSIGN(const Setting setting,
             signature_setting(Operation::kSign, bits, scheme));
  const Message message(scheme, input);
  TRY(message.check(scheme));
  if (message.view().size() > modulus_bytes(bits) - kPkcs1Overhead) {
    return fail(
        internal_error("crypto/rsa: message too long for RSA key size"));
  }
  const Call call(key, setting);
  Bytes signature(modulus_bytes(bits));
  std::size_t size = signature.size();
  if (!call.ready() ||
      EVP_PKEY_sign(call.context(), signature.data(), &size,
                    message.view().data(), message.view().size()) != 1) {
    return fail(openssl_error(internal_error("cannot sign")));
  }
  BULLA_ASSERT(size == signature.size());
  return signature;
}

Result<bool> rsa_verify(const PublicImpl& key, const SignatureScheme& scheme,
                        ByteView input, ByteView signature) {
  TRY_ASSIGN(const Setting setting,
             signature_setting(Operation::kVerify, key.bits, scheme));
  const Message message(scheme, input);
  TRY(message.check(scheme));
  if (signature.size() != modulus_bytes(key.bits)) return false;
  if (!scheme.hash) return verify_unhashed(key, input, signature);
  const Call call(key, setting);
  if (!call.ready()) {
    return fail(openssl_error(internal_error("cannot verify")));
  }
  const bool holds =
      EVP_PKEY_verify(call.context(), signature.data(), signature.size(),
                      message.view().data(), message.view().size()) == 1;
  if (!holds) drop_openssl_errors();
  return holds;
}

Result<Bytes> rsa_encrypt(const PublicImpl& key, RsaEncryption padding,
                          HashAlgorithm hash, ByteView plaintext) {
  if (plaintext.size() > plaintext_max(key.bits, padding, hash)) {
    return fail(
        internal_error("failed to RSA encrypt the plaintext: crypto/rsa: "
                       "message too long for RSA key size"));
  }
  const Call call(key, encryption_setting(Operation::kEncrypt, padding, hash));
  // OpenSSL takes no null pointer, even for nothing.
  static constexpr std::uint8_t kNothing[1] = {};
  Bytes out(modulus_bytes(key.bits));
  std::size_t size = out.size();
  if (!call.ready() ||
      EVP_PKEY_encrypt(call.context(), out.data(), &size,
                       plaintext.empty() ? kNothing : plaintext.data(),
                       plaintext.size()) != 1) {
    return fail(
        openssl_error(internal_error("failed to RSA encrypt the plaintext")));
  }
  return out;
}

Result<SecretBytes> rsa_decrypt(const PrivateImpl& key, RsaEncryption padding,
                                HashAlgorithm hash, ByteView ciphertext) {
  const Call call(key, encryption_setting(Operation::kDecrypt, padding, hash));
  const std::size_t modulus = modulus_bytes(key.public_key.bits());
  SecretBytes out(modulus);
  std::size_t size = out.size();
  const bool opened =
      call.ready() && ciphertext.size() == modulus &&
      EVP_PKEY_decrypt(call.context(), out.expose_mutable().data(), &size,
                       ciphertext.data(), ciphertext.size()) == 1;
  if (!opened) {
    return fail(openssl_error(
        internal_error("failed to RSA decrypt the ciphertext: crypto/rsa: "
                       "decryption error")));
  }
  return SecretBytes::copy_of(out.expose().first(size));
}

}  // namespace bulla::crypto
