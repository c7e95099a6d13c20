#include "engine/transit/mac.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "engine/transit/ciphertext.h"

namespace bulla::engine::transit {
namespace {

tl::unexpected<Error> invalid(std::string_view text) {
  return fail(invalid_argument(std::string(text)));
}

Result<VersionedText> parse_mac(std::string_view mac) {
  VersionedText parsed;
  switch (parse_versioned_text(mac, parsed)) {
    case VersionedTextFault::kNone:
      return parsed;
    case VersionedTextFault::kNoPrefix:
      return invalid("invalid HMAC to verify: no prefix");
    case VersionedTextFault::kWrongFields:
      return invalid("invalid HMAC: wrong number of fields");
    case VersionedTextFault::kBadVersion:
      break;
  }
  return invalid("invalid HMAC: version number could not be decoded");
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

Result<const KeyVersion*> version_to_mac(Cipher& cipher, std::int64_t asked) {
  const KeyRecord& record = cipher.key().record();
  if (asked == 0) asked = record.latest_version;
  if (asked != record.latest_version && record.min_encryption_version > 0 &&
      asked < record.min_encryption_version) {
    return invalid(
        "cannot generate HMAC: version is too old (disallowed by policy)");
  }
  if (asked < 0) {
    return invalid("key version does not exist (cannot be negative)");
  }
  if (asked > record.latest_version) {
    return invalid(
        fmt::format("key version does not exist; latest key version is {}",
                    record.latest_version));
  }
  return version_with_hmac_key(cipher, asked);
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
  TRY_ASSIGN(const VersionedText parsed, parse_mac(mac));
  TRY_ASSIGN(const ByteView given,
             decode_into(loop.work, parsed.payload,
                         "unable to decode verification HMAC as base64"));
  const KeyRecord& record = cipher.key().record();
  if (parsed.version > record.latest_version) {
    return invalid("invalid HMAC: version is too new");
  }
  if (parsed.version < record.min_decryption_version) {
    return invalid(
        "cannot verify HMAC: version is too old (disallowed by policy)");
  }
  TRY_ASSIGN(const KeyVersion* version,
             version_with_hmac_key(cipher, parsed.version));
  return constant_time_equal(version->hmac(algorithm, message).view(), given);
}

}  // namespace bulla::engine::transit
