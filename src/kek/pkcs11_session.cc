// Keys of a session: finding and making them. Using them is in
// pkcs11_session_crypto.cc.

#include "kek/pkcs11_session.h"

#include <fmt/format.h>

#include <array>

#include "base/encoding.h"

namespace bulla::kek {
namespace {

constexpr CK_BBOOL kYes = CK_TRUE;
constexpr CK_BBOOL kNo = CK_FALSE;

// PKCS#11 takes what it only reads through pointers to the mutable.
void* unconst(const void* data) { return const_cast<void*>(data); }

template <typename T>
CK_ATTRIBUTE attribute(CK_ATTRIBUTE_TYPE type, const T& value) {
  return {type, unconst(&value), sizeof value};
}
CK_ATTRIBUTE bytes_attribute(CK_ATTRIBUTE_TYPE type, ByteView value) {
  return {type, unconst(value.data()), value.size()};
}

struct ClassRow {
  CK_OBJECT_CLASS object;
  CK_KEY_TYPE type;
  std::string_view text;
};

const ClassRow& row_of(Pkcs11KeyClass sought) {
  static constexpr ClassRow kRows[] = {
      {CKO_SECRET_KEY, CKK_AES, "AES key"},
      {CKO_PUBLIC_KEY, CKK_RSA, "RSA public key"},
      {CKO_PRIVATE_KEY, CKK_RSA, "RSA private key"},
      {CKO_PUBLIC_KEY, CKK_EC, "EC public key"},
      {CKO_PRIVATE_KEY, CKK_EC, "EC private key"},
  };
  return kRows[static_cast<std::size_t>(sought)];
}

void add_name(std::vector<CK_ATTRIBUTE>& attributes,
              const Pkcs11KeyName& name) {
  if (!name.label.empty()) {
    attributes.push_back(bytes_attribute(CKA_LABEL, as_bytes(name.label)));
  }
  if (!name.id.empty()) {
    attributes.push_back(bytes_attribute(CKA_ID, name.id));
  }
}

// What keeps a secret or private key in the token.
void add_guarded(std::vector<CK_ATTRIBUTE>& attributes,
                 const CK_BBOOL& stored) {
  attributes.push_back(attribute(CKA_TOKEN, stored));
  attributes.push_back(attribute(CKA_PRIVATE, kYes));
  attributes.push_back(attribute(CKA_SENSITIVE, kYes));
  attributes.push_back(attribute(CKA_EXTRACTABLE, kNo));
}

// DER: the object identifier of the curve.
ByteView parameters_of(Pkcs11Curve curve) {
  static constexpr std::uint8_t kP256[] = {6,    8,    0x2a, 0x86, 0x48,
                                           0xce, 0x3d, 3,    1,    7};
  static constexpr std::uint8_t kP384[] = {6, 5, 0x2b, 0x81, 4, 0, 0x22};
  static constexpr std::uint8_t kP521[] = {6, 5, 0x2b, 0x81, 4, 0, 0x23};
  switch (curve) {
    case Pkcs11Curve::kP256:
      return kP256;
    case Pkcs11Curve::kP384:
      return kP384;
    case Pkcs11Curve::kP521:
      break;
  }
  return kP521;
}

}  // namespace

std::string Pkcs11KeyName::text() const {
  std::string out =
      label.empty() ? std::string() : fmt::format("label \"{}\"", label);
  if (id.empty()) return out;
  return fmt::format("{}{}id {}", out, out.empty() ? "" : " and ",
                     hex_encode(id));
}

Pkcs11Answer Pkcs11Session::search(Pkcs11KeyClass sought,
                                   const Pkcs11KeyName& name, std::size_t most,
                                   std::vector<CK_OBJECT_HANDLE>& out) const {
  const ClassRow& row = row_of(sought);
  std::vector<CK_ATTRIBUTE> attributes = {attribute(CKA_CLASS, row.object),
                                          attribute(CKA_KEY_TYPE, row.type)};
  add_name(attributes, name);
  const CK_RV started =
      calls_.C_FindObjectsInit(handle_, attributes.data(), attributes.size());
  if (started != CKR_OK) return {"C_FindObjectsInit", started};
  out.resize(most);
  std::size_t count = 0;
  CK_RV answer = CKR_OK;
  while (answer == CKR_OK && count < most) {
    CK_ULONG got = 0;
    answer =
        calls_.C_FindObjects(handle_, out.data() + count, most - count, &got);
    if (got == 0) break;
    count += got;
  }
  out.resize(count);
  calls_.C_FindObjectsFinal(handle_);
  return {"C_FindObjects", answer};
}

Pkcs11Answer Pkcs11Session::find(Pkcs11KeyClass sought,
                                 const Pkcs11KeyName& name,
                                 CK_OBJECT_HANDLE& out) const {
  std::vector<CK_OBJECT_HANDLE> found;
  const auto answer = search(sought, name, 2, found);
  if (!answer.ok()) return answer;
  if (found.empty()) {
    return not_found(fmt::format("the token has no {} with {}",
                                 row_of(sought).text, name.text()));
  }
  if (found.size() > 1) {
    return Error(ErrorCode::kConflict,
                 fmt::format("the token has more than one {} with {}; tell "
                             "them apart by key_id",
                             row_of(sought).text, name.text()));
  }
  out = found.front();
  return {};
}

Pkcs11Answer Pkcs11Session::read_bytes(CK_OBJECT_HANDLE key,
                                       CK_ATTRIBUTE_TYPE type,
                                       Bytes& out) const {
  CK_ATTRIBUTE wanted{type, nullptr, 0};
  CK_RV answer = calls_.C_GetAttributeValue(handle_, key, &wanted, 1);
  constexpr CK_ULONG kBytesMax = 4096;
  if (answer == CKR_OK && wanted.ulValueLen <= kBytesMax) {
    out.resize(wanted.ulValueLen);
    wanted.pValue = out.data();
    answer = calls_.C_GetAttributeValue(handle_, key, &wanted, 1);
  }
  return {"C_GetAttributeValue", answer};
}

Pkcs11Answer Pkcs11Session::read_id(CK_OBJECT_HANDLE key, Bytes& out) const {
  return read_bytes(key, CKA_ID, out);
}

Pkcs11Answer Pkcs11Session::read_rsa_public(CK_OBJECT_HANDLE key,
                                            Bytes& out_modulus,
                                            Bytes& out_exponent) const {
  const auto read = read_bytes(key, CKA_MODULUS, out_modulus);
  if (!read.ok()) return read;
  return read_bytes(key, CKA_PUBLIC_EXPONENT, out_exponent);
}

Pkcs11Answer Pkcs11Session::read_ec_public(CK_OBJECT_HANDLE key,
                                           Bytes& out_parameters,
                                           Bytes& out_point) const {
  const auto read = read_bytes(key, CKA_EC_PARAMS, out_parameters);
  if (!read.ok()) return read;
  return read_bytes(key, CKA_EC_POINT, out_point);
}

Pkcs11Answer Pkcs11Session::labels(Pkcs11KeyClass sought,
                                   std::vector<std::string>& out) const {
  std::vector<CK_OBJECT_HANDLE> found;
  const auto answer = search(sought, {}, kLabelsMax, found);
  if (!answer.ok()) return answer;
  for (const CK_OBJECT_HANDLE key : found) {
    Bytes label;
    const auto read = read_bytes(key, CKA_LABEL, label);
    if (!read.ok()) return read;
    out.push_back(to_text(label));
  }
  return {};
}

Pkcs11Answer Pkcs11Session::generate_aes(const Pkcs11KeyName& name,
                                         unsigned long bits, bool stored,
                                         CK_OBJECT_HANDLE& out) const {
  const CK_ULONG bytes = bits / 8;
  const CK_BBOOL on_token = stored ? CK_TRUE : CK_FALSE;
  std::vector<CK_ATTRIBUTE> attributes = {
      attribute(CKA_CLASS, row_of(Pkcs11KeyClass::kAes).object),
      attribute(CKA_KEY_TYPE, row_of(Pkcs11KeyClass::kAes).type),
      attribute(CKA_VALUE_LEN, bytes),
      attribute(CKA_ENCRYPT, kYes),
      attribute(CKA_DECRYPT, kYes),
      attribute(CKA_WRAP, kNo),
      attribute(CKA_UNWRAP, kNo),
  };
  add_guarded(attributes, on_token);
  add_name(attributes, name);
  CK_MECHANISM mechanism{CKM_AES_KEY_GEN, nullptr, 0};
  return {"C_GenerateKey",
          calls_.C_GenerateKey(handle_, &mechanism, attributes.data(),
                               attributes.size(), &out)};
}

Pkcs11Answer Pkcs11Session::generate_pair(
    CK_MECHANISM_TYPE type, std::vector<CK_ATTRIBUTE> public_template,
    std::vector<CK_ATTRIBUTE> private_template, CK_OBJECT_HANDLE& out_public,
    CK_OBJECT_HANDLE& out_private) const {
  CK_MECHANISM mechanism{type, nullptr, 0};
  return {"C_GenerateKeyPair",
          calls_.C_GenerateKeyPair(
              handle_, &mechanism, public_template.data(),
              public_template.size(), private_template.data(),
              private_template.size(), &out_public, &out_private)};
}

Pkcs11Answer Pkcs11Session::generate_rsa(const Pkcs11KeyName& name,
                                         unsigned long bits, bool stored,
                                         CK_OBJECT_HANDLE& out_public,
                                         CK_OBJECT_HANDLE& out_private) const {
  static constexpr std::uint8_t kExponent[] = {1, 0, 1};
  const CK_ULONG modulus_bits = bits;
  const CK_BBOOL on_token = stored ? CK_TRUE : CK_FALSE;
  std::vector<CK_ATTRIBUTE> shown = {
      attribute(CKA_TOKEN, on_token),
      attribute(CKA_MODULUS_BITS, modulus_bits),
      bytes_attribute(CKA_PUBLIC_EXPONENT, kExponent),
      attribute(CKA_ENCRYPT, kYes),
      attribute(CKA_VERIFY, kYes),
  };
  std::vector<CK_ATTRIBUTE> hidden = {
      attribute(CKA_DECRYPT, kYes),
      attribute(CKA_SIGN, kYes),
  };
  add_guarded(hidden, on_token);
  add_name(shown, name);
  add_name(hidden, name);
  return generate_pair(CKM_RSA_PKCS_KEY_PAIR_GEN, std::move(shown),
                       std::move(hidden), out_public, out_private);
}

Pkcs11Answer Pkcs11Session::generate_ec(const Pkcs11KeyName& name,
                                        Pkcs11Curve curve, bool stored,
                                        CK_OBJECT_HANDLE& out_public,
                                        CK_OBJECT_HANDLE& out_private) const {
  const CK_BBOOL on_token = stored ? CK_TRUE : CK_FALSE;
  std::vector<CK_ATTRIBUTE> shown = {
      attribute(CKA_TOKEN, on_token),
      bytes_attribute(CKA_EC_PARAMS, parameters_of(curve)),
      attribute(CKA_VERIFY, kYes),
  };
  std::vector<CK_ATTRIBUTE> hidden = {attribute(CKA_SIGN, kYes)};
  add_guarded(hidden, on_token);
  add_name(shown, name);
  add_name(hidden, name);
  return generate_pair(CKM_EC_KEY_PAIR_GEN, std::move(shown), std::move(hidden),
                       out_public, out_private);
}

Pkcs11Answer Pkcs11Session::destroy(CK_OBJECT_HANDLE key) const {
  return {"C_DestroyObject", calls_.C_DestroyObject(handle_, key)};
}

}  // namespace bulla::kek
