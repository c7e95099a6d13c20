// What a session does with keys: AES-GCM, RSA-OAEP, signatures.

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "kek/pkcs11_session.h"

namespace bulla::kek {
namespace {

constexpr CK_ULONG kBitsInByte = 8;

// PKCS#11 takes what it only reads through pointers to the mutable.
// Never null: SoftHSM takes no bytes from nowhere for a fault.
CK_BYTE* input_of(ByteView bytes) {
  static constexpr CK_BYTE kNothing = 0;
  return const_cast<CK_BYTE*>(bytes.empty() ? &kNothing : bytes.data());
}
CK_BYTE* unconst(ByteView bytes) { return const_cast<CK_BYTE*>(bytes.data()); }

struct HashRow {
  crypto::HashAlgorithm hash;
  CK_MECHANISM_TYPE mechanism;
  CK_RSA_PKCS_MGF_TYPE mgf;
  /// What PKCS#1 v1.5 signs before the digest (RFC 8017 §9.2).
  std::string_view digest_info;
};

using namespace std::string_view_literals;
using enum crypto::HashAlgorithm;
constexpr HashRow kHashes[] = {
    {kSha1, CKM_SHA_1, CKG_MGF1_SHA1,
     "\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14"sv},
    {kSha2_224, CKM_SHA224, CKG_MGF1_SHA224,
     "\x30\x2d\x30\x0d\x06\x09\x60\x86\x48\x01"
     "\x65\x03\x04\x02\x04\x05\x00\x04\x1c"sv},
    {kSha2_256, CKM_SHA256, CKG_MGF1_SHA256,
     "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01"
     "\x65\x03\x04\x02\x01\x05\x00\x04\x20"sv},
    {kSha2_384, CKM_SHA384, CKG_MGF1_SHA384,
     "\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01"
     "\x65\x03\x04\x02\x02\x05\x00\x04\x30"sv},
    {kSha2_512, CKM_SHA512, CKG_MGF1_SHA512,
     "\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01"
     "\x65\x03\x04\x02\x03\x05\x00\x04\x40"sv},
};

const HashRow* row_of(crypto::HashAlgorithm hash) {
  const auto* row = std::ranges::find(kHashes, hash, &HashRow::hash);
  return row == std::end(kHashes) ? nullptr : row;
}

Error no_such_hash(crypto::HashAlgorithm hash) {
  return {ErrorCode::kUnsupported,
          fmt::format("pkcs11: the hash {} is not offered here",
                      crypto::hash_name(hash))};
}

CK_GCM_PARAMS gcm_params(ByteView iv, ByteView aad) {
  CK_GCM_PARAMS params{};
  params.iv_ptr = unconst(iv);
  params.iv_len = iv.size();
  params.iv_bits = iv.size() * kBitsInByte;
  params.aad_ptr = unconst(aad);
  params.aad_len = aad.size();
  // SoftHSM takes 16 for a tag of two bytes, and says nothing.
  params.tag_bits = Pkcs11Gcm::kTagBytes * kBitsInByte;
  return params;
}

CK_RSA_PKCS_OAEP_PARAMS oaep_params(const HashRow& row) {
  CK_RSA_PKCS_OAEP_PARAMS params{};
  params.hash_alg = row.mechanism;
  params.mgf = row.mgf;
  params.source = CKZ_DATA_SPECIFIED;
  return params;
}

// The mechanism of a signature, its parameters and what it signs.
struct SignPlan {
  CK_MECHANISM mechanism{};
  CK_RSA_PKCS_PSS_PARAMS pss{};
  Bytes input;
};

// `plan` stays where it is: the mechanism points into it.
std::optional<Error> plan_signing(const Pkcs11Signing& how, ByteView digest,
                                  SignPlan& plan) {
  plan.input = to_bytes(digest);
  if (how.scheme == Pkcs11Signing::Scheme::kEcdsa) {
    plan.mechanism = {CKM_ECDSA, nullptr, 0};
    return std::nullopt;
  }
  const HashRow* const row = row_of(how.hash);
  if (row == nullptr) return no_such_hash(how.hash);
  if (digest.size() != crypto::hash_bytes(how.hash)) {
    return invalid_argument("pkcs11: the digest is not as long as its hash");
  }
  if (how.scheme == Pkcs11Signing::Scheme::kRsaPkcs1) {
    plan.mechanism = {CKM_RSA_PKCS, nullptr, 0};
    const ByteView info = as_bytes(row->digest_info);
    plan.input.insert(plan.input.begin(), info.begin(), info.end());
    return std::nullopt;
  }
  plan.pss = {row->mechanism, row->mgf, how.salt_bytes};
  plan.mechanism = {CKM_RSA_PKCS_PSS, &plan.pss, sizeof plan.pss};
  return std::nullopt;
}

// Where the device chose the IV: in the buffer that it was given, or behind
// the tag.
std::optional<Error> take_device_iv(std::size_t plain, Pkcs11Gcm& text) {
  const std::size_t usual = plain + Pkcs11Gcm::kTagBytes;
  const std::size_t extra =
      text.sealed.size() < usual ? 0 : text.sealed.size() - usual;
  if (extra == Pkcs11Gcm::kIvBytes || extra == Pkcs11Gcm::kIvBytesMax) {
    text.iv.assign(text.sealed.end() - static_cast<std::ptrdiff_t>(extra),
                   text.sealed.end());
    text.sealed.resize(usual);
  }
  if (std::ranges::any_of(text.iv,
                          [](std::uint8_t byte) { return byte != 0; })) {
    return std::nullopt;
  }
  return Error(ErrorCode::kUnsupported,
               "pkcs11: the device gave no IV of its own; take "
               "use_gcm_iv_from_hsm out of the seal stanza");
}

}  // namespace

Pkcs11Answer Pkcs11Session::encrypt(CK_MECHANISM& mechanism,
                                    CK_OBJECT_HANDLE key, ByteView plaintext,
                                    Bytes& out) const {
  const CK_RV started = calls_.C_EncryptInit(handle_, &mechanism, key);
  if (started != CKR_OK) return {"C_EncryptInit", started};
  constexpr std::size_t kOutputMax = 1024;  // RSA-8192
  CK_ULONG size = plaintext.size() + kOutputMax;
  out.resize(size);
  const CK_RV answer = calls_.C_Encrypt(handle_, input_of(plaintext),
                                        plaintext.size(), out.data(), &size);
  out.resize(answer == CKR_OK ? std::min<std::size_t>(size, out.size()) : 0);
  return {"C_Encrypt", answer};
}

Pkcs11Answer Pkcs11Session::decrypt(CK_MECHANISM& mechanism,
                                    CK_OBJECT_HANDLE key, ByteView sealed,
                                    SecretBytes& out) const {
  const CK_RV started = calls_.C_DecryptInit(handle_, &mechanism, key);
  if (started != CKR_OK) return {"C_DecryptInit", started};
  SecretBytes buffer(sealed.size() + Pkcs11Gcm::kTagBytes);
  CK_ULONG size = buffer.size();
  const CK_RV answer =
      calls_.C_Decrypt(handle_, input_of(sealed), sealed.size(),
                       buffer.expose_mutable().data(), &size);
  if (answer == CKR_OK) {
    out = SecretBytes::copy_of(
        buffer.expose().first(std::min<std::size_t>(size, buffer.size())));
  }
  return {"C_Decrypt", answer};
}

Pkcs11Answer Pkcs11Session::gcm_encrypt(CK_OBJECT_HANDLE key, Bytes iv,
                                        bool device_iv, ByteView aad,
                                        ByteView plaintext,
                                        Pkcs11Gcm& out) const {
  out.iv = std::move(iv);
  CK_GCM_PARAMS params = gcm_params(out.iv, aad);
  CK_MECHANISM mechanism{CKM_AES_GCM, &params, sizeof params};
  const auto answer = encrypt(mechanism, key, plaintext, out.sealed);
  if (!answer.ok()) return answer;
  if (device_iv) {
    if (auto error = take_device_iv(plaintext.size(), out)) return *error;
  }
  if (out.sealed.size() == plaintext.size() + Pkcs11Gcm::kTagBytes) return {};
  return Error(
      ErrorCode::kUnsupported,
      fmt::format("pkcs11: AES-GCM gave {} bytes for {}: not a tag of "
                  "{} bytes",
                  out.sealed.size(), plaintext.size(), Pkcs11Gcm::kTagBytes));
}

Pkcs11Answer Pkcs11Session::gcm_decrypt(CK_OBJECT_HANDLE key,
                                        const Pkcs11Gcm& text, ByteView aad,
                                        SecretBytes& out) const {
  CK_GCM_PARAMS params = gcm_params(text.iv, aad);
  CK_MECHANISM mechanism{CKM_AES_GCM, &params, sizeof params};
  const auto answer = decrypt(mechanism, key, text.sealed, out);
  if (!answer.ok()) return answer;
  if (out.size() + Pkcs11Gcm::kTagBytes == text.sealed.size()) return {};
  return corrupt("pkcs11: AES-GCM opened to a wrong length");
}

Pkcs11Answer Pkcs11Session::oaep_encrypt(CK_OBJECT_HANDLE key,
                                         crypto::HashAlgorithm hash,
                                         ByteView plaintext, Bytes& out) const {
  const HashRow* const row = row_of(hash);
  if (row == nullptr) return no_such_hash(hash);
  CK_RSA_PKCS_OAEP_PARAMS params = oaep_params(*row);
  CK_MECHANISM mechanism{CKM_RSA_PKCS_OAEP, &params, sizeof params};
  return encrypt(mechanism, key, plaintext, out);
}

Pkcs11Answer Pkcs11Session::oaep_decrypt(CK_OBJECT_HANDLE key,
                                         crypto::HashAlgorithm hash,
                                         ByteView sealed,
                                         SecretBytes& out) const {
  const HashRow* const row = row_of(hash);
  if (row == nullptr) return no_such_hash(hash);
  CK_RSA_PKCS_OAEP_PARAMS params = oaep_params(*row);
  CK_MECHANISM mechanism{CKM_RSA_PKCS_OAEP, &params, sizeof params};
  return decrypt(mechanism, key, sealed, out);
}

Pkcs11Answer Pkcs11Session::sign(CK_OBJECT_HANDLE key, const Pkcs11Signing& how,
                                 ByteView digest, Bytes& out) const {
  SignPlan plan;
  if (auto error = plan_signing(how, digest, plan)) return *error;
  const CK_RV started = calls_.C_SignInit(handle_, &plan.mechanism, key);
  if (started != CKR_OK) return {"C_SignInit", started};
  constexpr std::size_t kSignatureMax = 1024;  // RSA-8192
  CK_ULONG size = kSignatureMax;
  out.resize(size);
  const CK_RV answer = calls_.C_Sign(handle_, plan.input.data(),
                                     plan.input.size(), out.data(), &size);
  out.resize(answer == CKR_OK ? std::min<std::size_t>(size, out.size()) : 0);
  return {"C_Sign", answer};
}

Pkcs11Answer Pkcs11Session::verify(CK_OBJECT_HANDLE key,
                                   const Pkcs11Signing& how, ByteView digest,
                                   ByteView signature) const {
  SignPlan plan;
  if (auto error = plan_signing(how, digest, plan)) return *error;
  const CK_RV started = calls_.C_VerifyInit(handle_, &plan.mechanism, key);
  if (started != CKR_OK) return {"C_VerifyInit", started};
  return {"C_Verify",
          calls_.C_Verify(handle_, plan.input.data(), plan.input.size(),
                          unconst(signature), signature.size())};
}

}  // namespace bulla::kek
