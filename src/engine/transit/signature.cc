#include "engine/transit/signature.h"

#include <fmt/format.h>

#include <cctype>
#include <utility>

#include "base/encoding.h"
#include "base/secret_bytes.h"
#include "engine/transit/ciphertext.h"
#include "engine/transit/derivation.h"

namespace bulla::engine::transit {
namespace {

tl::unexpected<Error> invalid(std::string_view text) {
  return fail(invalid_argument(std::string(text)));
}

// An error whose single answer is a 500, as the reference has it.
tl::unexpected<Error> refused(std::string_view text) {
  return fail(internal_error(std::string(text)));
}

std::string lower(std::string_view text) {
  std::string low(text);
  for (char& c : low) {
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return low;
}

Result<int> parse_salt_length(std::string_view text) {
  const std::string low = lower(text);
  if (low == "auto") return crypto::kPssSaltAuto;
  if (low == "hash") return crypto::kPssSaltHash;
  const auto number = parse_decimal(low);
  if (!number) {
    return invalid(fmt::format(
        "salt length neither 'auto', 'hash', nor an int: {}", text));
  }
  if (*number < crypto::kPssSaltHash) {
    return invalid(fmt::format("salt length is invalid: {}", *number));
  }
  // Longer than any key's salt: refused when it is used.
  constexpr std::int64_t kLongest = 1'000'000;
  return static_cast<int>(std::min(*number, kLongest));
}

Result<void> parse_marshaling(std::string_view name,
                              SignatureOptions& options) {
  if (name != "asn1" && name != "jws") {
    return invalid(fmt::format("invalid marshaling type \"{}\"", name));
  }
  options.jws = name == "jws";
  options.scheme.encoding =
      options.jws ? crypto::EcdsaEncoding::kFixed : crypto::EcdsaEncoding::kDer;
  return {};
}

// The scheme for this key: what `options` say, with RSA's algorithm settled.
Result<crypto::SignatureScheme> scheme_for(bool rsa,
                                           const SignatureOptions& options) {
  crypto::SignatureScheme scheme = options.scheme;
  if (!rsa) return scheme;
  if (options.rsa_algorithm.empty() || options.rsa_algorithm == "pss") {
    scheme.padding = crypto::RsaPadding::kPss;
  } else if (options.rsa_algorithm == "pkcs1v15") {
    scheme.padding = crypto::RsaPadding::kPkcs1v15;
  } else {
    return refused(fmt::format("unsupported rsa signature algorithm {}",
                               options.rsa_algorithm));
  }
  return scheme;
}

Result<std::uint32_t> version_to_sign(const KeyRecord& record,
                                      std::int64_t asked) {
  if (asked == 0) return record.latest_version;
  if (asked < 0) return refused("requested version for signing is negative");
  if (asked > record.latest_version) {
    return refused(
        "requested version for signing is higher than the latest key version");
  }
  if (asked < record.min_encryption_version) {
    return refused(
        "requested version for signing is less than the minimum encryption key "
        "version");
  }
  return static_cast<std::uint32_t>(asked);
}

Result<ByteView> decode_input(Scratch& scratch, const MacItem& item) {
  if (!item.has_input) return invalid("missing input");
  std::uint8_t* out = scratch.reserve(base64_decoded_max(item.input.size()));
  const auto size = base64_decode_to(item.input, out);
  if (!size) {
    return invalid(fmt::format("unable to decode input as base64: {}",
                               size.error().message()));
  }
  return ByteView(out, *size);
}

Result<Bytes> decode_context(std::string_view context) {
  auto decoded = base64_decode(context);
  if (!decoded) return invalid("failed to base64-decode context");
  return decoded;
}

Result<crypto::PrivateKey> derived_pair(const Key& key,
                                        const KeyVersion& version,
                                        ByteView context) {
  auto pair = derive_ed25519(key, version, context);
  if (!pair) {
    return refused(
        fmt::format("error deriving key: {}", pair.error().message()));
  }
  return pair;
}

Result<VersionedText> parse_signature(std::string_view text) {
  VersionedText parsed;
  switch (parse_versioned_text(text, parsed)) {
    case VersionedTextFault::kNone:
      return parsed;
    case VersionedTextFault::kNoPrefix:
      return invalid("invalid signature: no prefix");
    case VersionedTextFault::kWrongFields:
      return invalid("invalid signature: wrong number of fields");
    case VersionedTextFault::kBadVersion:
      break;
  }
  return invalid("invalid signature: version number could not be decoded");
}

Result<const KeyVersion*> version_to_verify(Cipher& cipher,
                                            std::int64_t number) {
  const KeyRecord& record = cipher.key().record();
  if (number > record.latest_version) {
    return invalid("invalid signature: version is too new");
  }
  if (number < record.min_decryption_version) {
    return invalid(
        "ciphertext or signature version is disallowed by policy (too old)");
  }
  return cipher.version(static_cast<std::uint32_t>(number));
}

Result<Bytes> decode_signature(std::string_view text, bool jws) {
  auto bytes = jws ? base64url_decode(text) : base64_decode(text);
  if (!bytes) return invalid("invalid base64 signature value");
  return bytes;
}

}  // namespace

Result<std::optional<crypto::HashAlgorithm>> parse_hash(
    const api::Fields& fields) {
  std::string_view name = fields.text("urlalgorithm");
  if (name.empty()) name = fields.text("hash_algorithm");
  if (name.empty()) name = fields.text("algorithm");
  if (name.empty()) name = "sha2-256";
  const auto hash = crypto::hash_algorithm_named(name);
  if (!hash && name != "none") {
    return invalid(fmt::format("invalid hash algorithm \"{}\"", name));
  }
  return hash;
}

Result<SignatureOptions> parse_signature_options(const api::Fields& fields) {
  SignatureOptions options;
  TRY(parse_marshaling(fields.text("marshaling_algorithm", "asn1"), options));
  options.scheme.prehashed = fields.boolean("prehashed");
  options.rsa_algorithm = fields.text("signature_algorithm");
  TRY_ASSIGN(options.scheme.salt_length,
             parse_salt_length(fields.text("salt_length", "auto")));
  return options;
}

Result<void> check_signature_options(const KeyTypeInfo& type,
                                     const SignatureOptions& options) {
  if (options.scheme.hash || type.ed25519() ||
      (options.scheme.prehashed && options.rsa_algorithm == "pkcs1v15")) {
    return {};
  }
  return invalid(
      "hash_algorithm=none requires both prehashed=true and "
      "signature_algorithm=pkcs1v15");
}

namespace {

bool is_rsa(const KeyVersion& version) {
  const crypto::PublicKey* const key = version.public_key();
  return key != nullptr &&
         key->algorithm() == crypto::AsymmetricAlgorithm::kRsa;
}

// A digest that is none of `scheme`'s hash is signed by no RSA key.
bool is_no_digest(const KeyVersion& version,
                  const crypto::SignatureScheme& scheme, ByteView input) {
  return is_rsa(version) && scheme.prehashed && scheme.hash &&
         input.size() != crypto::hash_bytes(*scheme.hash);
}

Result<Bytes> signed_by(const crypto::PrivateKey& pair, const KeyTypeInfo& type,
                        const crypto::SignatureScheme& scheme, ByteView input) {
  if (input.empty() && scheme.prehashed && !type.rsa() && !type.ed25519()) {
    return refused("ecdsa: hash cannot be empty");
  }
  auto signature = pair.sign(scheme, input);
  if (!signature && signature.error().code() == ErrorCode::kInvalidArgument) {
    return refused(signature.error().message());
  }
  return signature;
}

}  // namespace

Result<Signed> sign_item(Cipher& cipher, const SignatureOptions& options,
                         std::int64_t key_version, const MacItem& item) {
  const Key& key = cipher.key();
  TRY_ASSIGN(const ByteView input, decode_input(cipher.loop().opened, item));
  const WipeGuard wiped({cipher.loop().opened.reserve(0), input.size()});
  TRY_ASSIGN(const Bytes context, decode_context(item.context));
  if (const auto usable = cipher.check_usable(); !usable) {
    return refused(usable.error().message());
  }
  TRY_ASSIGN(const std::uint32_t number,
             version_to_sign(key.record(), key_version));
  TRY_ASSIGN(const KeyVersion* version, cipher.version(number));
  if (version->private_key() == nullptr && version->managed() == nullptr) {
    return refused(
        "requested version for signing does not contain a private part");
  }
  TRY_ASSIGN(const auto scheme, scheme_for(is_rsa(*version), options));
  Signed made{.text = version->prefix(), .version = number, .public_key = {}};
  Bytes signature;
  if (version->managed() != nullptr) {
    TRY_ASSIGN(signature, cipher.sign_managed(*version, scheme, input));
  } else if (key.record().derived) {
    TRY_ASSIGN(const auto pair, derived_pair(key, *version, context));
    TRY_ASSIGN(signature, signed_by(pair, key.type(), scheme, input));
    made.public_key = pair.public_key().ed25519_raw();
  } else {
    TRY_ASSIGN(signature,
               signed_by(*version->private_key(), key.type(), scheme, input));
  }
  made.text +=
      options.jws ? base64url_encode(signature) : base64_encode(signature);
  return made;
}

Result<bool> signature_holds(Cipher& cipher, const SignatureOptions& options,
                             const MacItem& item) {
  const Key& key = cipher.key();
  TRY_ASSIGN(const ByteView input, decode_input(cipher.loop().opened, item));
  const WipeGuard wiped({cipher.loop().opened.reserve(0), input.size()});
  TRY_ASSIGN(const Bytes context, decode_context(item.context));
  TRY_ASSIGN(const VersionedText parsed, parse_signature(item.signature));
  TRY_ASSIGN(const KeyVersion* version,
             version_to_verify(cipher, parsed.version));
  TRY_ASSIGN(const Bytes signature,
             decode_signature(parsed.payload, options.jws));
  if (version->managed() != nullptr) TRY(cipher.check_verifiable(*version));
  TRY_ASSIGN(const auto scheme, scheme_for(is_rsa(*version), options));
  if (is_no_digest(*version, scheme, input)) return false;
  if (!key.record().derived) {
    return version->public_key()->verify(scheme, input, signature);
  }
  TRY_ASSIGN(const auto pair, derived_pair(key, *version, context));
  return pair.public_key().verify(scheme, input, signature);
}

// Microseconds of one operation, measured roughly on one core of a current
// machine; only their magnitude matters.
bool belongs_on_pool(const KeyTypeInfo& type, KeyPairUse use,
                     std::size_t items) {
  constexpr std::size_t kLoopMicrosMax = 500;
  using crypto::AsymmetricAlgorithm;
  const bool secret = use == KeyPairUse::kPrivate;
  std::size_t micros = 0;
  switch (type.algorithm) {
    case AsymmetricAlgorithm::kEd25519:
      micros = secret ? 15 : 40;
      break;
    case AsymmetricAlgorithm::kEcdsaP256:
      micros = secret ? 16 : 45;
      break;
    case AsymmetricAlgorithm::kEcdsaP384:
    case AsymmetricAlgorithm::kEcdsaP521:
      micros = 700;
      break;
    case AsymmetricAlgorithm::kRsa:
      // Even one private operation takes hundreds of them.
      micros = secret ? kLoopMicrosMax + 1 : 40;
      break;
  }
  return micros * items > kLoopMicrosMax;
}

}  // namespace bulla::engine::transit
