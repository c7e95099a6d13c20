#include "cli/exported_key.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/encoding.h"
#include "base/secret_bytes.h"
#include "base/time_format.h"
#include "crypto/asymmetric.h"
#include "crypto/decimal.h"
#include "crypto/private_pem.h"
#include "crypto/x509.h"

namespace bulla::cli {
namespace {

constexpr std::size_t kEd25519Bytes = 64;  // seed and public key
constexpr std::size_t kEd25519SeedBytes = 32;
constexpr int kConvergentVersion = 3;
constexpr int kConvergentVersionPerKey = -1;
constexpr std::string_view kNoTime = "0001-01-01T00:00:00Z";
constexpr std::int64_t kNanosASecond = 1'000'000'000;
constexpr std::int64_t kVersionsMax = 1'000'000;

constexpr std::array<TransitType, 15> kTypes = {{
    {"aes256-gcm96", 0, KeyShape::kSymmetric, "encryption-key", true},
    {"ecdsa-p256", 1, KeyShape::kEc, "signing-key", true},
    {"ed25519", 2, KeyShape::kEd25519, "signing-key", true},
    {"rsa-2048", 3, KeyShape::kRsa, "encryption-key", true},
    {"rsa-4096", 4, KeyShape::kRsa, "encryption-key", true},
    {"chacha20-poly1305", 5, KeyShape::kSymmetric, "encryption-key", true},
    {"ecdsa-p384", 6, KeyShape::kEc, "signing-key", true},
    {"ecdsa-p521", 7, KeyShape::kEc, "signing-key", true},
    {"aes128-gcm96", 8, KeyShape::kSymmetric, "encryption-key", true},
    {"rsa-3072", 9, KeyShape::kRsa, "encryption-key", true},
    {"hmac", 10, KeyShape::kHmac, "hmac-key", false},
    {"xchacha20-poly1305", 11, KeyShape::kSymmetric, "encryption-key", true},
    {"aes128-cmac", 12, KeyShape::kSymmetric, "cmac-key", false},
    {"aes256-cmac", 13, KeyShape::kSymmetric, "cmac-key", false},
    {"aes192-cmac", 16, KeyShape::kSymmetric, "cmac-key", false},
}};

Value number(ByteView big_endian) {
  const SecretBytes digits = crypto::to_decimal_secret(big_endian);
  Value value;
  value.kind = Value::Kind::kNumber;
  value.text = as_text(digits.expose());
  return value;
}

Value base64(ByteView bytes) { return Value::string(base64_encode(bytes)); }

// What keys/:name shows of a version: an object, a Unix time, or nothing.
const Value* shown_version(const Value& key, const std::string& version) {
  const Value* const keys = key.find("keys");
  return keys == nullptr ? nullptr : keys->find(version);
}

Time created_at(const Value* shown, Time otherwise) {
  if (shown == nullptr) return otherwise;
  if (shown->is(Value::Kind::kNumber)) {
    std::int64_t seconds = 0;
    std::from_chars(shown->text.data(), shown->text.data() + shown->text.size(),
                    seconds);
    return from_unix_nanos(
        std::clamp(seconds, std::int64_t{0}, INT64_MAX / kNanosASecond) *
        kNanosASecond);
  }
  return parse_rfc3339(shown->text_of("creation_time")).value_or(otherwise);
}

// An entry in which nothing is, which is what an absent version has.
Value empty_entry() {
  Value entry = Value::object();
  for (const std::string_view name : {"key", "hmac_key"}) {
    entry.set(name, Value());
  }
  entry.set("time", Value::string(kNoTime));
  for (const std::string_view name :
       {"ec_x", "ec_y", "ec_d", "rsa_key", "rsa_public_key"}) {
    entry.set(name, Value());
  }
  entry.set("public_key", Value::string(""));
  entry.set("convergent_version", Value::number(0));
  entry.set("creation_time", Value::number(0));
  return std::move(entry.set("certificate_chain", Value()));
}

Result<void> set_certificates(Value& entry, const std::string& pem) {
  if (pem.empty()) return {};
  TRY_ASSIGN(const auto chain, crypto::parse_certificates(pem));
  Value list = Value::array();
  for (const Bytes& der : chain) list.push(base64(der));
  entry.set("certificate_chain", std::move(list));
  return {};
}

Value rsa_public(const crypto::RsaNumbers& numbers) {
  Value rsa = Value::object();
  return std::move(rsa.set("N", number(numbers.n)).set("E", number(numbers.e)));
}

void set_ec(Value& entry, const crypto::EcNumbers& numbers,
            const crypto::PublicKey& key) {
  entry.set("ec_x", number(numbers.x)).set("ec_y", number(numbers.y));
  if (!numbers.d.empty()) entry.set("ec_d", number(numbers.d.expose()));
  entry.set("public_key", Value::string(key.spki_pem()));
}

void set_rsa(Value& entry, const crypto::RsaNumbers& numbers) {
  Value rsa = rsa_public(numbers);
  Value primes = Value::array();
  primes.push(number(numbers.p.expose())).push(number(numbers.q.expose()));
  rsa.set("D", number(numbers.d.expose())).set("Primes", std::move(primes));
  entry.set("rsa_key", std::move(rsa));
}

Result<void> set_public_half(Value& entry, KeyShape shape,
                             const std::string& text) {
  if (shape == KeyShape::kEd25519) {
    entry.set("public_key", Value::string(text));
    return {};
  }
  TRY_ASSIGN(const auto key, crypto::PublicKey::from_spki_pem(text));
  const bool rsa = key.algorithm() == crypto::AsymmetricAlgorithm::kRsa;
  if (rsa != (shape == KeyShape::kRsa) ||
      key.algorithm() == crypto::AsymmetricAlgorithm::kEd25519) {
    return fail(invalid_argument("a public key is of another type"));
  }
  if (rsa) {
    entry.set("rsa_public_key", rsa_public(key.rsa_numbers()));
    return {};
  }
  set_ec(entry, key.ec_numbers(), key);
  return {};
}

Result<void> set_ed25519(Value& entry, const std::string& text) {
  auto bytes = base64_decode(text);
  if (!bytes || bytes->size() != kEd25519Bytes) {
    return fail(invalid_argument("an ed25519 key has not 64 bytes"));
  }
  const WipeGuard guard(*bytes);
  entry.set("key", Value::string(text));
  entry.set("public_key", base64(ByteView(*bytes).subspan(kEd25519SeedBytes)));
  return {};
}

Result<void> set_pair(Value& entry, KeyShape shape, const std::string& text) {
  if (shape == KeyShape::kEd25519) return set_ed25519(entry, text);
  TRY_ASSIGN(const SecretBytes der, crypto::private_key_from_pem(text));
  TRY_ASSIGN(const auto pair, crypto::PrivateKey::from_pkcs8(der.expose()));
  const bool rsa = pair.algorithm() == crypto::AsymmetricAlgorithm::kRsa;
  if (rsa != (shape == KeyShape::kRsa) ||
      pair.algorithm() == crypto::AsymmetricAlgorithm::kEd25519) {
    return fail(invalid_argument("a key is of another type"));
  }
  if (rsa) {
    set_rsa(entry, pair.rsa_numbers());
    return {};
  }
  set_ec(entry, pair.ec_numbers(), pair.public_key());
  return {};
}

Result<void> set_material(Value& entry, const TransitType& type,
                          const std::string& text, const Value* shown) {
  const bool pair = type.shape == KeyShape::kEd25519 ||
                    type.shape == KeyShape::kEc || type.shape == KeyShape::kRsa;
  if (!pair) {
    if (text.empty()) return fail(invalid_argument("a version has no key"));
    entry.set("key", Value::string(text));
    return {};
  }
  if (!text.empty()) return set_pair(entry, type.shape, text);
  // Of an imported public key there is no more.
  return set_public_half(entry, type.shape,
                         shown == nullptr ? "" : shown->text_of("public_key"));
}

// One key's versions, made entry by entry.
class EntryMaker {
 public:
  EntryMaker(const Value& key, const TransitType& type,
             const ExportedKeys& exported, Time now)
      : key_(key), type_(type), exported_(exported), now_(now) {}

  Result<Value> make(std::int64_t version) const {
    const std::string number = std::to_string(version);
    const Value* const text = exported_.keys.find(number);
    if (text == nullptr || !text->is(Value::Kind::kString)) {
      return fail(
          invalid_argument("version " + number + " is not in the export"));
    }
    const Value* const shown = shown_version(key_, number);
    Value entry = empty_entry();
    TRY(set_material(entry, type_, text->text, shown));
    TRY(set_hmac_key(entry, number, text->text));
    const Time created = created_at(shown, now_);
    entry.set("time", Value::string(format_rfc3339_nano(created)));
    entry.set("creation_time", Value::number(unix_seconds(created)));
    if (key_.flag_of("convergent_encryption")) {
      entry.set("convergent_version", Value::number(kConvergentVersion));
    }
    if (shown != nullptr) {
      TRY(set_certificates(entry, shown->text_of("certificate_chain")));
    }
    return entry;
  }

 private:
  Result<void> set_hmac_key(Value& entry, const std::string& version,
                            const std::string& key) const {
    if (type_.shape == KeyShape::kHmac) {
      entry.set("hmac_key", Value::string(key));
      return {};
    }
    if (!type_.has_hmac_key) return {};
    const Value* const text = exported_.hmac_keys.find(version);
    if (text == nullptr || !text->is(Value::Kind::kString)) {
      return fail(invalid_argument("the HMAC key of version " + version +
                                   " is not in the export"));
    }
    entry.set("hmac_key", Value::string(text->text));
    return {};
  }

  const Value& key_;
  const TransitType& type_;
  const ExportedKeys& exported_;
  const Time now_;
};

std::int64_t hmac_key_size(const Value& key, const ExportedKeys& exported) {
  const std::int64_t size = key.integer_of("key_size");
  if (size != 0 || exported.keys.items.empty()) return size;
  auto bytes = base64_decode(exported.keys.items.back().text);
  if (!bytes) return 0;
  const WipeGuard guard(*bytes);
  return static_cast<std::int64_t>(bytes->size());
}

void copy_flags(Value& policy, const Value& key) {
  for (const std::string_view name :
       {"derived", "convergent_encryption", "exportable",
        "allow_plaintext_backup", "deletion_allowed", "soft_deleted"}) {
    policy.set(name, Value::boolean(key.flag_of(name)));
  }
  policy.set("Imported", Value::boolean(key.flag_of("imported_key")));
  policy.set("AllowImportedKeyRotation",
             Value::boolean(key.flag_of("imported_key_allow_rotation")));
}

// Versions before `first` are gone, as by a trim.
void set_versions(Value& policy, const Value& key, std::int64_t first) {
  const std::int64_t latest = key.integer_of("latest_version");
  const std::int64_t available = first > 1 ? first : 0;
  const std::int64_t min_encryption = key.integer_of("min_encryption_version");
  policy.set("latest_version", Value::number(latest));
  policy.set("archive_version", Value::number(latest));
  policy.set("archive_min_version", Value::number(available));
  policy.set("min_available_version", Value::number(available));
  policy.set(
      "min_decryption_version",
      Value::number(std::max(first, key.integer_of("min_decryption_version"))));
  policy.set("min_encryption_version",
             Value::number(std::max(available, min_encryption)));
}

Value policy_of(const Value& key, const TransitType& type,
                const ExportedKeys& exported, std::int64_t first) {
  Value policy = Value::object();
  policy.set("name", Value::string(key.text_of("name")));
  if (type.shape == KeyShape::kHmac) {
    policy.set("key_size", Value::number(hmac_key_size(key, exported)));
  }
  copy_flags(policy, key);
  set_versions(policy, key, first);
  const bool hkdf = key.text_of("kdf") == "hkdf_sha256";
  const bool convergent = key.flag_of("convergent_encryption");
  policy.set("kdf", Value::number(hkdf ? 1 : 0));
  policy.set("convergent_version",
             Value::number(convergent ? kConvergentVersionPerKey : 0));
  policy.set("type", Value::number(type.number));
  policy.set("backup_info", Value()).set("restore_info", Value());
  policy.set("version_template", Value::string(""));
  policy.set("storage_prefix", Value::string(""));
  // Bulla's own: what a version may encrypt before it is rotated.
  const std::int64_t operations = key.integer_of("max_operations");
  if (operations > 0) policy.set("max_operations", Value::number(operations));
  const std::int64_t period =
      std::clamp(key.integer_of("auto_rotate_period"), std::int64_t{0},
                 INT64_MAX / kNanosASecond);
  return std::move(
      policy.set("auto_rotate_period", Value::number(period * kNanosASecond)));
}

}  // namespace

const TransitType* find_transit_type(std::string_view name) {
  const auto* const found = std::ranges::find(kTypes, name, &TransitType::name);
  return found == kTypes.end() ? nullptr : found;
}

std::optional<std::string_view> export_obstacle(const Value& key) {
  if (key.flag_of("soft_deleted")) {
    return "it is soft-deleted: keys/NAME/soft-delete-restore of the source "
           "puts it back into use";
  }
  if (!key.flag_of("exportable")) {
    return "it is not exportable: set exportable=true at keys/NAME/config of "
           "the source";
  }
  const std::int64_t version = key.integer_of("convergent_encryption_version");
  if (key.flag_of("convergent_encryption") &&
      version != kConvergentVersionPerKey && version != kConvergentVersion) {
    return "its convergent encryption is of a version that is no longer used: "
           "rewrap what it encrypted under another key";
  }
  return std::nullopt;
}

std::int64_t first_version(const ExportedKeys& exported) {
  std::int64_t first = 0;
  for (const std::string& text : exported.keys.keys) {
    std::int64_t version = 0;
    std::from_chars(text.data(), text.data() + text.size(), version);
    if (version > 0 && (first == 0 || version < first)) first = version;
  }
  return first;
}

Result<Value> backup_of_export(const Value& key, const TransitType& type,
                               const ExportedKeys& exported, Time now) {
  const std::int64_t first = first_version(exported);
  const std::int64_t latest = key.integer_of("latest_version");
  if (first == 0 || latest < first || latest - first >= kVersionsMax) {
    return fail(invalid_argument("the export has no versions"));
  }
  Value policy = policy_of(key, type, exported, first);
  const EntryMaker maker(key, type, exported, now);
  Value keys = Value::object();
  // An index is a version less min_available_version, which is 0 at first.
  Value archive = Value::array();
  if (first == 1) archive.push(empty_entry());
  for (std::int64_t version = first; version <= latest; ++version) {
    TRY_ASSIGN(Value entry, maker.make(version));
    keys.set(std::to_string(version), entry);
    archive.push(std::move(entry));
  }
  policy.set("keys", std::move(keys));
  Value archived = Value::object();
  archived.set("keys", std::move(archive));
  Value backup = Value::object();
  return std::move(backup.set("policy", std::move(policy))
                       .set("archived_keys", std::move(archived)));
}

}  // namespace bulla::cli
