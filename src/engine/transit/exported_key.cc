#include "engine/transit/exported_key.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "base/encoding.h"
#include "crypto/pem.h"
#include "crypto/x509.h"
#include "engine/transit/derivation.h"

namespace bulla::engine::transit {
namespace {

tl::unexpected<Error> invalid(std::string_view text) {
  return fail(invalid_argument(std::string(text)));
}

SecretBytes secret_text(std::string_view text) {
  return SecretBytes::copy_of(as_bytes(text));
}

SecretBytes base64_secret(ByteView bytes) {
  std::string text = base64_encode(bytes);
  SecretBytes secret = secret_text(text);
  wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  return secret;
}

// Go trims EC keys' PEM where it does not trim RSA's.
SecretBytes trimmed(SecretBytes pem) {
  ByteView bytes = pem.expose();
  while (!bytes.empty() && bytes.back() == '\n') {
    bytes = bytes.first(bytes.size() - 1);
  }
  return SecretBytes::copy_of(bytes);
}

tl::unexpected<Error> no_format(const Key& key) {
  return fail(internal_error(fmt::format(
      "unknown key format for {} key; supported values are ``, `der`, or `pem`",
      key.type().rsa() ? "rsa" : "ec")));
}

// Bytes without structure: symmetric and HMAC keys.
Result<SecretBytes> raw_key(ByteView bytes, ExportFormat format) {
  if (format == ExportFormat::kDer || format == ExportFormat::kPem) {
    return fail(internal_error(
        "unknown format for HMAC key; supported values are `` or `raw`"));
  }
  return base64_secret(bytes);
}

Result<SecretBytes> private_key(const Key& key, const KeyVersion& version,
                                ExportFormat format) {
  const crypto::PrivateKey* pair = version.private_key();
  if (pair == nullptr) return SecretBytes();
  const KeyTypeInfo& type = key.type();
  switch (format) {
    case ExportFormat::kDer:
      return base64_secret(pair->pkcs8_der().expose());
    case ExportFormat::kPem:
      return type.rsa() ? pair->pkcs8_pem() : trimmed(pair->pkcs8_pem());
    case ExportFormat::kRaw:
      if (!type.ed25519()) return no_format(key);
      break;
    case ExportFormat::kDefault:
      if (type.rsa()) return pair->traditional_pem();
      if (!type.ed25519()) return trimmed(pair->traditional_pem());
      break;
  }
  return base64_secret(ed25519_bytes(*pair).expose());
}

Result<SecretBytes> public_key(const Key& key, const KeyVersion& version,
                               ExportFormat format) {
  const crypto::PublicKey* own = version.public_key();
  if (own == nullptr) {
    return fail(internal_error(fmt::format(
        "unknown key type {} for export type public-key", key.type().name)));
  }
  const KeyTypeInfo& type = key.type();
  switch (format) {
    case ExportFormat::kDer:
      return base64_secret(own->spki_der());
    case ExportFormat::kRaw:
      if (!type.ed25519()) return no_format(key);
      return base64_secret(own->ed25519_raw());
    case ExportFormat::kDefault:
      if (type.ed25519()) return base64_secret(own->ed25519_raw());
      break;
    case ExportFormat::kPem:
      break;
  }
  SecretBytes pem = secret_text(own->spki_pem());
  return type.rsa() ? std::move(pem) : trimmed(std::move(pem));
}

Result<SecretBytes> certificates(const KeyVersion& version) {
  if (version.certificates().empty()) {
    return fail(internal_error(
        "selected key version does not have a certificate chain imported"));
  }
  std::string text;
  for (const Bytes& der : version.certificates()) {
    if (!text.empty()) text += '\n';
    text += crypto::certificate_pem(der);
  }
  return secret_text(text);
}

}  // namespace

Result<ExportType> export_type_named(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, ExportType>, 6> kTypes{
      {{"encryption-key", ExportType::kEncryptionKey},
       {"signing-key", ExportType::kSigningKey},
       {"hmac-key", ExportType::kHmacKey},
       {"cmac-key", ExportType::kCmacKey},
       {"public-key", ExportType::kPublicKey},
       {"certificate-chain", ExportType::kCertificateChain}}};
  for (const auto& [known, type] : kTypes) {
    if (name == known) return type;
  }
  return invalid(fmt::format("invalid export type: {}", name));
}

Result<ExportFormat> export_format_named(std::string_view name) {
  if (name.empty()) return ExportFormat::kDefault;
  if (name == "raw") return ExportFormat::kRaw;
  if (name == "der") return ExportFormat::kDer;
  if (name == "pem") return ExportFormat::kPem;
  return invalid(fmt::format("invalid format: {}", name));
}

Result<void> check_exportable(const Key& key, ExportType type) {
  const KeyTypeInfo& info = key.type();
  const bool open =
      type == ExportType::kPublicKey || type == ExportType::kCertificateChain;
  if (!open && !key.record().exportable) {
    return invalid("private key material is not exportable");
  }
  if (key.record().soft_deleted) {
    return fail(internal_error("refusing to use soft-deleted key"));
  }
  if (type == ExportType::kEncryptionKey && !info.encrypts) {
    return invalid("encryption not supported for the key");
  }
  if (type == ExportType::kSigningKey && !info.signs) {
    return invalid("signing not supported for the key");
  }
  if (type == ExportType::kCmacKey && !info.macs()) {
    return invalid("CMAC not supported for the key");
  }
  if (type == ExportType::kCertificateChain && !info.signs) {
    return invalid(
        "certificate chain not supported for keys that do not support signing");
  }
  return {};
}

Result<SecretBytes> exported_version(const Key& key, const KeyVersion& version,
                                     ExportType type, ExportFormat format) {
  switch (type) {
    case ExportType::kHmacKey:
      return raw_key(version.hmac_key(), format);
    case ExportType::kPublicKey:
      return public_key(key, version, format);
    case ExportType::kCertificateChain:
      return certificates(version);
    case ExportType::kEncryptionKey:
    case ExportType::kSigningKey:
    case ExportType::kCmacKey:
      break;
  }
  if (key.type().key_pair()) return private_key(key, version, format);
  return raw_key(version.secret_key(), format);
}

}  // namespace bulla::engine::transit
