// The parameters of a managed key, as Vault names them.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/encoding.h"
#include "kek/pkcs11_managed_key.h"
#include "kek/pkcs11_options.h"

namespace bulla::kek {
namespace {

using Options = Pkcs11ManagedKeyOptions;
using Words = Options::Words;
using Mechanism = Options::Mechanism;

constexpr std::size_t kShownMax = 64;

std::string_view word(const Words& words, const std::string& name) {
  const auto found = words.find(name);
  return found == words.end() ? std::string_view() : found->second;
}

Result<void> check_known(const Words& words) {
  static constexpr std::string_view kKnown[] = {
      "library",       "slot",
      "token_label",   "key_label",
      "key_id",        "mechanism",
      "rsa_oaep_hash", "curve",
      "key_bits",      "allow_generate_key",
      "max_parallel"};
  for (const auto& [name, ignored] : words) {
    if (std::ranges::find(kKnown, name) != std::end(kKnown)) continue;
    return fail(invalid_argument(
        fmt::format("unknown parameter \"{}\"", name.substr(0, kShownMax))));
  }
  return {};
}

// Decimal, or hexadecimal behind 0x.
Result<std::optional<unsigned long>> number(const Words& words,
                                            const std::string& name) {
  std::string_view text = word(words, name);
  if (text.empty()) return std::nullopt;
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  if (hex) text.remove_prefix(2);
  unsigned long value = 0;
  const char* const last = text.data() + text.size();
  const auto [end, status] =
      std::from_chars(text.data(), last, value, hex ? 16 : 10);
  if (status == std::errc{} && end == last) return value;
  return fail(
      invalid_argument(fmt::format("{}: expected a whole number", name)));
}

Result<Mechanism> mechanism_of(const Words& words) {
  struct Row {
    std::string_view name;
    CK_MECHANISM_TYPE number;
    Mechanism mechanism;
  };
  static constexpr Row kRows[] = {
      {"CKM_AES_GCM", CKM_AES_GCM, Mechanism::kAesGcm},
      {"CKM_RSA_PKCS_OAEP", CKM_RSA_PKCS_OAEP, Mechanism::kRsaOaep},
      {"CKM_RSA_PKCS", CKM_RSA_PKCS, Mechanism::kRsaPkcs1},
      {"CKM_RSA_PKCS_PSS", CKM_RSA_PKCS_PSS, Mechanism::kRsaPss},
      {"CKM_ECDSA", CKM_ECDSA, Mechanism::kEcdsa},
  };
  const std::string_view text = word(words, "mechanism");
  const auto given = number(words, "mechanism");
  for (const Row& row : kRows) {
    if (row.name == text || (given && *given == row.number)) {
      return row.mechanism;
    }
  }
  return fail(invalid_argument(
      "mechanism: expected CKM_AES_GCM (0x1087), CKM_RSA_PKCS_OAEP (0x9), "
      "CKM_RSA_PKCS (0x1), CKM_RSA_PKCS_PSS (0xd) or CKM_ECDSA (0x1041)"));
}

Result<crypto::HashAlgorithm> hash_of(const Words& words) {
  using enum crypto::HashAlgorithm;
  const std::string_view text = word(words, "rsa_oaep_hash");
  if (text.empty()) return kSha2_256;
  if (text == "sha1") return kSha1;
  for (const auto hash : {kSha2_224, kSha2_256, kSha2_384, kSha2_512}) {
    if (text == fmt::format("sha{}", crypto::hash_bytes(hash) * 8)) return hash;
  }
  return fail(invalid_argument(
      "rsa_oaep_hash: expected sha1, sha224, sha256, sha384 or sha512"));
}

Result<Pkcs11Curve> curve_of(const Words& words) {
  const std::string_view text = word(words, "curve");
  if (text.empty() || text == "P256") return Pkcs11Curve::kP256;
  if (text == "P384") return Pkcs11Curve::kP384;
  if (text == "P521") return Pkcs11Curve::kP521;
  return fail(invalid_argument("curve: expected P256, P384 or P521"));
}

Result<bool> flag(const Words& words, const std::string& name) {
  const std::string_view text = word(words, name);
  if (text.empty() || text == "false") return false;
  if (text == "true") return true;
  return fail(
      invalid_argument(fmt::format("{}: expected true or false", name)));
}

Result<Pkcs11KeyName> name_of(const Words& words) {
  Pkcs11KeyName name;
  name.label = word(words, "key_label");
  if (name.label.size() > Pkcs11KekOptions::kLabelBytesMax) {
    return fail(invalid_argument(fmt::format(
        "key_label: longer than {} bytes", Pkcs11KekOptions::kLabelBytesMax)));
  }
  std::string_view id = word(words, "key_id");
  if (id.starts_with("0x")) id.remove_prefix(2);
  auto decoded = hex_decode(id);
  if (!decoded || decoded->size() > Pkcs11KekOptions::kIdBytesMax) {
    return fail(invalid_argument(
        fmt::format("key_id: expected hexadecimal, at most {} bytes",
                    Pkcs11KekOptions::kIdBytesMax)));
  }
  name.id = *std::move(decoded);
  if (!name.label.empty() || !name.id.empty()) return name;
  return fail(invalid_argument("key_label or key_id is missing"));
}

Result<Pkcs11TokenOptions> token_of(const Words& words, SecretBytes pin,
                                    const Words& libraries) {
  Pkcs11TokenOptions token;
  const std::string_view library = word(words, "library");
  if (library.empty()) return fail(invalid_argument("library is missing"));
  const auto found = libraries.find(std::string(library));
  if (found == libraries.end()) {
    return fail(invalid_argument(fmt::format(
        "library: the server's configuration has no kms_library called \"{}\"",
        library.substr(0, kShownMax))));
  }
  token.module = found->second;
  TRY_ASSIGN(token.slot, number(words, "slot"));
  token.token_label = word(words, "token_label");
  if (!token.slot && token.token_label.empty()) {
    return fail(invalid_argument("token_label or slot is missing"));
  }
  if (pin.empty()) return fail(invalid_argument("pin is missing"));
  token.pin = std::move(pin);
  TRY_ASSIGN(const auto parallel, number(words, "max_parallel"));
  // Zero is Vault's word for no limit of its own.
  if (parallel && *parallel > 0) token.sessions_max = *parallel;
  return token;
}

}  // namespace

Result<Options> Options::read(const Words& parameters, SecretBytes pin,
                              const Words& libraries) {
  TRY(check_known(parameters));
  Options read;
  TRY_ASSIGN(read.token, token_of(parameters, std::move(pin), libraries));
  TRY_ASSIGN(read.key, name_of(parameters));
  TRY_ASSIGN(read.mechanism, mechanism_of(parameters));
  TRY_ASSIGN(read.oaep_hash, hash_of(parameters));
  TRY_ASSIGN(read.curve, curve_of(parameters));
  TRY_ASSIGN(const auto bits, number(parameters, "key_bits"));
  read.key_bits = bits.value_or(0);
  TRY_ASSIGN(read.generate, flag(parameters, "allow_generate_key"));
  return read;
}

}  // namespace bulla::kek
