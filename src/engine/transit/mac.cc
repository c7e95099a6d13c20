#include "engine/transit/mac.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "engine/transit/ciphertext.h"

namespace bulla::engine::transit {
namespace {

tl::unexpected<Error> invalid(std::string_view text) {
  return fail(invalid_argument(std::string(text)));
}

// `word` is "HMAC" or "CMAC".
Result<VersionedText> parse_mac(std::string_view mac, std::string_view word) {
  VersionedText parsed;
  switch (parse_versioned_text(mac, parsed)) {
    case VersionedTextFault::kNone:
      return parsed;
    case VersionedTextFault::kNoPrefix:
      return invalid(fmt::format("invalid {} to verify: no prefix", word));
    case VersionedTextFault::kWrongFields:
      return invalid(fmt::format("invalid {}: wrong number of fields", word));
    case VersionedTextFault::kBadVersion:
      break;
  }
  return invalid(
      fmt::format("invalid {}: version number could not be decoded", word));
}

Result<ByteView> decode_into(Scratch& scratch, std::string_view text,
                             std::string_view what) {
  std::uint8_t* out = scratch.reserve(base64_decoded_max(text.size()));
  const auto size = base64_decode_to(text, out);
  if (!size) {
    return invalid(fmt::format("{}: {}", what, size.error().message()));
  }
  return ByteView(out, *size);
}

}  // namespace

Result<crypto::HashAlgorithm> mac_algorithm(std::string_view name) {
  const auto algorithm = crypto::hash_algorithm_named(name);
  if (algorithm) return *algorithm;
  if (name == "none") return invalid(kNoHash);
  return invalid(fmt::format("unsupported algorithm \"{}\"", name));
}

namespace {

Result<const KeyVersion*> version_with_hmac_key(Cipher& cipher,
                                                std::int64_t number) {
  const KeyTypeInfo& type = cipher.key().type();
  if (!type.hmacs()) {
    return invalid(fmt::format("key type {} does not support HMAC", type.name));
  }
  TRY_ASSIGN(const KeyVersion* version,
             cipher.version(static_cast<std::uint32_t>(number)));
  if (!version->hmac_key().empty()) return version;
  return invalid("no HMAC key exists for that key version");
}

}  // namespace

namespace {

// The number of the version that makes a MAC; `word` is "HMAC" or "CMAC".
Result<std::int64_t> number_to_mac(const KeyRecord& record, std::int64_t asked,
                                   std::string_view word) {
  if (asked == 0) asked = record.latest_version;
  if (asked != record.latest_version && record.min_encryption_version > 0 &&
      asked < record.min_encryption_version) {
    return invalid(fmt::format(
        "cannot generate {}: version is too old (disallowed by policy)", word));
  }
  if (asked < 0) {
    return invalid("key version does not exist (cannot be negative)");
  }
  if (asked > record.latest_version) {
    return invalid(
        fmt::format("key version does not exist; latest key version is {}",
                    record.latest_version));
  }
  return asked;
}

// Checks that a MAC of version `number` may be verified.
Result<void> check_verifiable(const KeyRecord& record, std::int64_t number,
                              std::string_view word) {
  if (number > record.latest_version) {
    return invalid(fmt::format("invalid {}: version is too new", word));
  }
  if (number < record.min_decryption_version) {
    return invalid(fmt::format(
        "cannot verify {}: version is too old (disallowed by policy)", word));
  }
  return {};
}

Result<const KeyVersion*> version_with_cmac(Cipher& cipher,
                                            std::int64_t number) {
  const KeyTypeInfo& type = cipher.key().type();
  if (!type.macs()) {
    return invalid(fmt::format("key type {} does not support CMAC", type.name));
  }
  return cipher.version(static_cast<std::uint32_t>(number));
}

}  // namespace

Result<const KeyVersion*> version_to_mac(Cipher& cipher, std::int64_t asked) {
  TRY_ASSIGN(const std::int64_t number,
             number_to_mac(cipher.key().record(), asked, "HMAC"));
  return version_with_hmac_key(cipher, number);
}

Result<crypto::Digest> mac_of(TransitLoop& loop, const KeyVersion& version,
                              crypto::HashAlgorithm algorithm,
                              std::string_view input) {
  TRY_ASSIGN(
      const ByteView decoded,
      decode_into(loop.opened, input, "unable to decode input as base64"));
  const crypto::Digest digest = version.hmac(algorithm, decoded);
  wipe({loop.opened.reserve(0), decoded.size()});
  return digest;
}

Result<bool> mac_holds(Cipher& cipher, crypto::HashAlgorithm algorithm,
                       std::string_view input, std::string_view mac) {
  TransitLoop& loop = cipher.loop();
  TRY_ASSIGN(
      const ByteView message,
      decode_into(loop.opened, input, "unable to decode input as base64"));
  const WipeGuard wiped({loop.opened.reserve(0), message.size()});
  TRY_ASSIGN(const VersionedText parsed, parse_mac(mac, "HMAC"));
  TRY_ASSIGN(const ByteView given,
             decode_into(loop.work, parsed.payload,
                         "unable to decode verification HMAC as base64"));
  TRY(check_verifiable(cipher.key().record(), parsed.version, "HMAC"));
  TRY_ASSIGN(const KeyVersion* version,
             version_with_hmac_key(cipher, parsed.version));
  return constant_time_equal(version->hmac(algorithm, message).view(), given);
}

Result<std::size_t> cmac_length(const api::Fields& fields) {
  std::int64_t length = fields.integer("url_mac_length");
  if (length == 0) length = fields.integer("mac_length");
  if (length == 0) return crypto::kCmacBytes;
  if (length < 0 || length > std::int64_t{crypto::kCmacBytes}) {
    return invalid(
        fmt::format("invalid mac_length {}: a CMAC has 1 to {} bytes", length,
                    crypto::kCmacBytes));
  }
  return static_cast<std::size_t>(length);
}

Result<const KeyVersion*> version_to_cmac(Cipher& cipher, std::int64_t asked) {
  TRY_ASSIGN(const std::int64_t number,
             number_to_mac(cipher.key().record(), asked, "CMAC"));
  return version_with_cmac(cipher, number);
}

Result<crypto::CmacTag> cmac_of(TransitLoop& loop, const KeyVersion& version,
                                std::string_view input) {
  TRY_ASSIGN(
      const ByteView decoded,
      decode_into(loop.opened, input, "unable to decode input as base64"));
  const crypto::CmacTag tag = version.cmac()->sign(decoded);
  wipe({loop.opened.reserve(0), decoded.size()});
  return tag;
}

Result<bool> cmac_holds(Cipher& cipher, std::size_t length,
                        std::string_view input, std::string_view mac) {
  TransitLoop& loop = cipher.loop();
  TRY_ASSIGN(const VersionedText parsed, parse_mac(mac, "CMAC"));
  TRY_ASSIGN(const ByteView given,
             decode_into(loop.work, parsed.payload,
                         "unable to decode verification CMAC as base64"));
  TRY(check_verifiable(cipher.key().record(), parsed.version, "CMAC"));
  TRY_ASSIGN(const KeyVersion* version,
             version_with_cmac(cipher, parsed.version));
  TRY_ASSIGN(const crypto::CmacTag tag, cmac_of(loop, *version, input));
  return constant_time_equal(ByteView(tag).first(length), given);
}

}  // namespace bulla::engine::transit
