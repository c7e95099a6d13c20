#include "kek/pkcs11_keys.h"

#include <fmt/format.h>

#include "crypto/der.h"
#include "crypto/key_oids.h"

namespace bulla::kek {
namespace {

constexpr unsigned long kProbeRsaBits = 2048;

using Use = std::function<Pkcs11Answer(const Pkcs11Session&, CK_OBJECT_HANDLE)>;

// A call that first finds the key.
Pkcs11Token::Call with_key(Pkcs11KeyClass sought, const Pkcs11KeyName& name,
                           const Use& use) {
  return [sought, &name, &use](const Pkcs11Session& session) {
    CK_OBJECT_HANDLE key = 0;
    const auto found = session.find(sought, name, key);
    return found.ok() ? use(session, key) : found;
  };
}

// SoftHSM says this of what was altered, and any device when it is broken. A
// broken one does not open what it sealed just now, either.
bool ambiguous(const Pkcs11Answer& answer) {
  return !answer.error && (answer.value == CKR_GENERAL_ERROR ||
                           answer.value == CKR_FUNCTION_FAILED);
}

Pkcs11Answer does_not_open() {
  return corrupt("pkcs11: C_Decrypt: does not open: wrong key or altered");
}

Error opened(std::string_view what) {
  return {ErrorCode::kUnsupported,
          fmt::format("pkcs11: the token opened {}: its encryption is not "
                      "authenticated",
                      what)};
}

Pkcs11KeyClass signer_of(const Pkcs11Signing& how) {
  return how.scheme == Pkcs11Signing::Scheme::kEcdsa
             ? Pkcs11KeyClass::kEcPrivate
             : Pkcs11KeyClass::kRsaPrivate;
}

Pkcs11KeyClass verifier_of(const Pkcs11Signing& how) {
  return how.scheme == Pkcs11Signing::Scheme::kEcdsa
             ? Pkcs11KeyClass::kEcPublic
             : Pkcs11KeyClass::kRsaPublic;
}

Error mismatch() {
  return {ErrorCode::kUnsupported,
          "pkcs11: the token does not open what it sealed"};
}

// SubjectPublicKeyInfo. The standard has the point in an OCTET STRING; devices
// that give it bare exist.
Result<crypto::PublicKey> ec_key(const Bytes& parameters, const Bytes& point) {
  namespace tag = crypto::der_tag;
  crypto::DerReader reader(point);
  const auto inner = reader.read(tag::kOctetString);
  const ByteView bare = inner && reader.empty() ? *inner : ByteView(point);
  constexpr std::size_t kAround = 64;
  Bytes buffer(parameters.size() + bare.size() + kAround);
  crypto::DerWriter writer(buffer);
  const std::size_t end = writer.mark();
  writer.bytes(bare);
  writer.byte(0);
  writer.header(tag::kBitString, end);
  const std::size_t algorithm = writer.mark();
  writer.bytes(parameters);
  writer.element(tag::kOid, crypto::oid::kEc);
  writer.header(tag::kSequence, algorithm);
  writer.header(tag::kSequence, end);
  return crypto::PublicKey::from_spki_der(writer.written());
}

}  // namespace

Bytes Pkcs11Keys::new_iv() {
  Bytes iv(Pkcs11Gcm::kIvBytes);
  if (!device_iv_) rng_.fill(iv);
  return iv;
}

Result<Bytes> Pkcs11Keys::find(Pkcs11KeyClass sought, const Pkcs11KeyName& name,
                               Deadline deadline) {
  Bytes id;
  const Use use = [&](const Pkcs11Session& session, CK_OBJECT_HANDLE key) {
    return session.read_id(key, id);
  };
  TRY(token_.run(deadline, with_key(sought, name, use)));
  return id;
}

Result<std::vector<std::string>> Pkcs11Keys::labels(Pkcs11KeyClass sought,
                                                    Deadline deadline) {
  std::vector<std::string> found;
  TRY(token_.run(deadline, [&](const Pkcs11Session& session) {
    found.clear();
    return session.labels(sought, found);
  }));
  return found;
}

Result<crypto::PublicKey> Pkcs11Keys::public_key(Pkcs11KeyClass sought,
                                                 const Pkcs11KeyName& name,
                                                 Deadline deadline) {
  const bool rsa = sought == Pkcs11KeyClass::kRsaPublic;
  Bytes first;
  Bytes second;
  const Use use = [&](const Pkcs11Session& session, CK_OBJECT_HANDLE key) {
    return rsa ? session.read_rsa_public(key, first, second)
               : session.read_ec_public(key, first, second);
  };
  TRY(token_.run(deadline, with_key(sought, name, use)));
  auto key =
      rsa ? crypto::PublicKey::from_rsa(first, second) : ec_key(first, second);
  if (key) return key;
  return fail(ErrorCode::kUnsupported,
              fmt::format("pkcs11: the public key with {}: {}", name.text(),
                          key.error().message()));
}

Result<void> Pkcs11Keys::generate_aes(const Pkcs11KeyName& name,
                                      unsigned long bits, Deadline deadline) {
  return token_.run_once(deadline, [&](const Pkcs11Session& session) {
    CK_OBJECT_HANDLE key = 0;
    return session.generate_aes(name, bits, true, key);
  });
}

Result<void> Pkcs11Keys::generate_rsa(const Pkcs11KeyName& name,
                                      unsigned long bits, Deadline deadline) {
  return token_.run_once(deadline, [&](const Pkcs11Session& session) {
    CK_OBJECT_HANDLE shown = 0;
    CK_OBJECT_HANDLE hidden = 0;
    return session.generate_rsa(name, bits, true, shown, hidden);
  });
}

Result<void> Pkcs11Keys::generate_ec(const Pkcs11KeyName& name,
                                     Pkcs11Curve curve, Deadline deadline) {
  return token_.run_once(deadline, [&](const Pkcs11Session& session) {
    CK_OBJECT_HANDLE shown = 0;
    CK_OBJECT_HANDLE hidden = 0;
    return session.generate_ec(name, curve, true, shown, hidden);
  });
}

Result<Pkcs11Gcm> Pkcs11Keys::gcm_encrypt(const Pkcs11KeyName& name,
                                          ByteView aad, ByteView plaintext,
                                          Deadline deadline) {
  Pkcs11Gcm text;
  const Use use = [&](const Pkcs11Session& session, CK_OBJECT_HANDLE key) {
    return session.gcm_encrypt(key, new_iv(), device_iv_, aad, plaintext, text);
  };
  TRY(token_.run(deadline, with_key(Pkcs11KeyClass::kAes, name, use)));
  return text;
}

Result<SecretBytes> Pkcs11Keys::gcm_decrypt(const Pkcs11KeyName& name,
                                            const Pkcs11Gcm& text, ByteView aad,
                                            Deadline deadline) {
  SecretBytes plaintext;
  const Use use = [&](const Pkcs11Session& session, CK_OBJECT_HANDLE key) {
    const auto answer = session.gcm_decrypt(key, text, aad, plaintext);
    if (!ambiguous(answer) || !try_gcm(session, key).ok()) return answer;
    return does_not_open();
  };
  TRY(token_.run(deadline, with_key(Pkcs11KeyClass::kAes, name, use)));
  return plaintext;
}

Result<Bytes> Pkcs11Keys::oaep_encrypt(const Pkcs11KeyName& name,
                                       crypto::HashAlgorithm hash,
                                       ByteView plaintext, Deadline deadline) {
  Bytes sealed;
  const Use use = [&](const Pkcs11Session& session, CK_OBJECT_HANDLE key) {
    return session.oaep_encrypt(key, hash, plaintext, sealed);
  };
  TRY(token_.run(deadline, with_key(Pkcs11KeyClass::kRsaPublic, name, use)));
  return sealed;
}

Result<SecretBytes> Pkcs11Keys::oaep_decrypt(const Pkcs11KeyName& name,
                                             crypto::HashAlgorithm hash,
                                             ByteView sealed,
                                             Deadline deadline) {
  SecretBytes plaintext;
  const Use use = [&](const Pkcs11Session& session, CK_OBJECT_HANDLE key) {
    const auto answer = session.oaep_decrypt(key, hash, sealed, plaintext);
    if (!ambiguous(answer)) return answer;
    CK_OBJECT_HANDLE shown = 0;
    const auto found = session.find(Pkcs11KeyClass::kRsaPublic, name, shown);
    if (!found.ok() || !try_oaep(session, hash, shown, key).ok()) return answer;
    return does_not_open();
  };
  TRY(token_.run(deadline, with_key(Pkcs11KeyClass::kRsaPrivate, name, use)));
  return plaintext;
}

Result<Bytes> Pkcs11Keys::sign(const Pkcs11KeyName& name,
                               const Pkcs11Signing& how, ByteView digest,
                               Deadline deadline) {
  Bytes signature;
  const Use use = [&](const Pkcs11Session& session, CK_OBJECT_HANDLE key) {
    return session.sign(key, how, digest, signature);
  };
  TRY(token_.run(deadline, with_key(signer_of(how), name, use)));
  return signature;
}

Result<bool> Pkcs11Keys::verify(const Pkcs11KeyName& name,
                                const Pkcs11Signing& how, ByteView digest,
                                ByteView signature, Deadline deadline) {
  const Use use = [&](const Pkcs11Session& session, CK_OBJECT_HANDLE key) {
    return session.verify(key, how, digest, signature);
  };
  const auto held = token_.run(deadline, with_key(verifier_of(how), name, use));
  if (held) return true;
  if (held.error().code() == ErrorCode::kCorrupt) return false;
  return fail(held.error());
}

Pkcs11Answer Pkcs11Keys::try_gcm(const Pkcs11Session& session,
                                 CK_OBJECT_HANDLE key) {
  const ByteView aad = as_bytes("bulla pkcs11 probe");
  const SecretBytes value = rng_.secret(kAesBits / 8);
  Pkcs11Gcm first;
  Pkcs11Gcm second;
  for (Pkcs11Gcm* text : {&first, &second}) {
    const auto sealed = session.gcm_encrypt(key, new_iv(), device_iv_, aad,
                                            value.expose(), *text);
    if (!sealed.ok()) return sealed;
  }
  if (first.iv == second.iv) {
    return Error(ErrorCode::kUnsupported,
                 "pkcs11: the token used one IV twice");
  }
  SecretBytes back;
  const auto answer = session.gcm_decrypt(key, first, aad, back);
  if (!answer.ok()) return answer;
  if (!(back == value)) return mismatch();
  if (session.gcm_decrypt(key, first, as_bytes("other"), back).ok()) {
    return opened("other associated data");
  }
  for (const std::size_t at : {std::size_t{0}, first.sealed.size() - 1}) {
    Pkcs11Gcm altered = first;
    altered.sealed[at] ^= 1;
    if (session.gcm_decrypt(key, altered, aad, back).ok()) {
      return opened("an altered ciphertext");
    }
  }
  return {};
}

Pkcs11Answer Pkcs11Keys::try_oaep(const Pkcs11Session& session,
                                  crypto::HashAlgorithm hash,
                                  CK_OBJECT_HANDLE shown,
                                  CK_OBJECT_HANDLE hidden) {
  const SecretBytes value = rng_.secret(kAesBits / 8);
  Bytes sealed;
  const auto made = session.oaep_encrypt(shown, hash, value.expose(), sealed);
  if (!made.ok()) return made;
  SecretBytes back;
  const auto answer = session.oaep_decrypt(hidden, hash, sealed, back);
  if (!answer.ok()) return answer;
  if (!(back == value)) return mismatch();
  sealed.back() ^= 1;
  if (session.oaep_decrypt(hidden, hash, sealed, back).ok()) {
    return opened("an altered ciphertext");
  }
  return {};
}

Result<void> Pkcs11Keys::check_gcm(Deadline deadline) {
  return token_.run(deadline, [&](const Pkcs11Session& session) {
    CK_OBJECT_HANDLE key = 0;
    const auto made = session.generate_aes({}, kAesBits, false, key);
    if (!made.ok()) return made;
    auto tried = try_gcm(session, key);
    const auto gone = session.destroy(key);
    return tried.ok() ? gone : tried;
  });
}

Result<void> Pkcs11Keys::check_oaep(crypto::HashAlgorithm hash,
                                    Deadline deadline) {
  return token_.run(deadline, [&](const Pkcs11Session& session) {
    CK_OBJECT_HANDLE shown = 0;
    CK_OBJECT_HANDLE hidden = 0;
    const auto made =
        session.generate_rsa({}, kProbeRsaBits, false, shown, hidden);
    if (!made.ok()) return made;
    auto tried = try_oaep(session, hash, shown, hidden);
    const auto gone = session.destroy(hidden);
    session.destroy(shown);
    return tried.ok() ? gone : tried;
  });
}

}  // namespace bulla::kek
