// Reads a backup that Vault, OpenBao or Bulla wrote.

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "base/encoding.h"
#include "base/time_format.h"
#include "engine/transit/backup_json.h"
#include "engine/transit/backup_text.h"

namespace bulla::engine::transit {
namespace {

constexpr std::int64_t kVaultHmac = 11;
constexpr std::int64_t kVaultManagedKey = 10;
constexpr std::int64_t kOpenBaoExternalKey = 10000;
constexpr std::size_t kEd25519Bytes = 64;
constexpr std::size_t kEd25519SeedBytes = 32;
constexpr std::uint32_t kVersionsMax = 1'000'000;

tl::unexpected<Error> bad(std::string_view text) {
  return fail(internal_error(fmt::format("cannot read the backup: {}", text)));
}

// Vault's hmac keys are as its numbers are; what OpenBao calls 11 has none of
// their key_size, and only OpenBao knows soft deletion.
bool says_vault(BackupObject& policy) {
  if (policy.find("soft_deleted")) return false;
  return policy.integer("key_size") != 0;
}

Result<KeyType> key_type(BackupObject& policy, BackupSource source) {
  const std::int64_t number = policy.integer("type");
  const bool vault = source == BackupSource::kVault ||
                     (source == BackupSource::kGuess && says_vault(policy));
  if (number == kVaultHmac && vault) return KeyType::kHmac;
  if ((number == kVaultManagedKey && source == BackupSource::kVault) ||
      policy.find("managed_key_name") || number == kOpenBaoExternalKey) {
    return bad("keys that are kept elsewhere cannot be restored");
  }
  const KeyTypeInfo* info =
      number < 0 ? nullptr : find_key_type(static_cast<std::uint32_t>(number));
  if (info == nullptr || info->managed()) {
    return bad(fmt::format("unknown key type {}", number));
  }
  return info->type;
}

std::uint32_t version_number(BackupObject& policy, std::string_view name) {
  const std::int64_t number = policy.integer(name);
  if (number < 0 || number > KeyRecord::kVersionMax) {
    policy.fault(name);
    return 0;
  }
  return static_cast<std::uint32_t>(number);
}

std::optional<KeyStamp> stamp(BackupObject& policy, std::string_view name) {
  auto inner = policy.object(name);
  if (!inner) return std::nullopt;
  const auto time = parse_rfc3339(inner->text("time"));
  const std::int64_t version = inner->integer("version");
  if (!time || version < 1 || version > KeyRecord::kVersionMax ||
      !inner->finish()) {
    policy.fault(name);
    return std::nullopt;
  }
  return KeyStamp{*time, static_cast<std::uint32_t>(version)};
}

// Ciphertexts of such a key have another form, which nothing else knows.
bool has_own_template(BackupObject& policy) {
  const std::string_view text = policy.text("version_template");
  return !text.empty() && text != "vault:v{{version}}:";
}

// The policy's convergent version is that of all its versions, but -1: then
// each has its own. Those that are older than the member are of version 1.
void set_convergent_versions(std::int64_t said,
                             std::vector<VersionRecord>& versions) {
  if (said < 0) return;
  for (VersionRecord& version : versions) {
    version.convergent_version =
        said == 0 ? 1 : static_cast<std::uint32_t>(said);
  }
}

Result<KeyRecord> read_record(BackupObject& policy, BackupSource source) {
  KeyRecord r;
  r.name = std::string(policy.text("name"));
  TRY_ASSIGN(r.type, key_type(policy, source));
  r.derived = policy.boolean("derived");
  r.convergent = policy.boolean("convergent_encryption");
  r.exportable = policy.boolean("exportable");
  r.allow_plaintext_backup = policy.boolean("allow_plaintext_backup");
  r.deletion_allowed = policy.boolean("deletion_allowed");
  // Go, which names these two with capitals, reads them in any case.
  r.imported = policy.boolean("Imported") || policy.boolean("imported");
  r.allow_imported_rotation = policy.boolean("AllowImportedKeyRotation") ||
                              policy.boolean("allowimportedkeyrotation");
  r.soft_deleted = policy.boolean("soft_deleted");
  const std::int64_t kdf = policy.integer("kdf");
  if (kdf != 0 && kdf != 1) policy.fault("kdf");
  r.kdf = kdf == 1 && r.derived ? Kdf::kHkdfSha256 : Kdf::kCounter;
  r.latest_version = version_number(policy, "latest_version");
  r.min_decryption_version =
      std::max(1U, version_number(policy, "min_decryption_version"));
  r.min_encryption_version = version_number(policy, "min_encryption_version");
  r.min_available_version = version_number(policy, "min_available_version");
  const std::int64_t period = policy.integer("auto_rotate_period");
  if (period < 0) policy.fault("auto_rotate_period");
  r.auto_rotate_period = std::chrono::floor<Seconds>(Duration(period));
  const std::int64_t operations = policy.integer("max_operations");
  if (operations < 0) policy.fault("max_operations");
  r.max_operations = static_cast<std::uint64_t>(operations);
  r.backup_info = stamp(policy, "backup_info");
  r.restore_info = stamp(policy, "restore_info");
  if (r.latest_version == 0) policy.fault("latest_version");
  if (has_own_template(policy)) policy.fault("version_template");
  TRY(policy.finish());
  return r;
}

Time created_of(BackupObject& entry) {
  if (const auto time = parse_rfc3339(entry.text("time")); time) return *time;
  return from_unix_nanos(std::clamp<std::int64_t>(
                             entry.integer("creation_time"), 0, 4'000'000'000) *
                         1'000'000'000);
}

Result<Material> ed25519_material(BackupObject& entry) {
  const SecretBytes key = entry.bytes("key");
  if (key.empty()) {
    const auto raw = base64_decode(entry.text("public_key"));
    if (!raw) return bad("a public key is not base64");
    TRY_ASSIGN(const auto pub, crypto::PublicKey::from_ed25519(*raw));
    return KeyPairMaterial{
        .pkcs8 = {}, .spki = pub.spki_der(), .certificates = {}};
  }
  if (key.size() != kEd25519Bytes)
    return bad("an ed25519 key has not 64 bytes");
  TRY_ASSIGN(const auto pair, crypto::PrivateKey::from_ed25519_seed(
                                  key.expose().first(kEd25519SeedBytes)));
  return KeyPairMaterial{.pkcs8 = pair.pkcs8_der(),
                         .spki = pair.public_key().spki_der(),
                         .certificates = {}};
}

Result<Material> ec_material(BackupObject& entry, const KeyTypeInfo& type) {
  const SecretBytes d = entry.number("ec_d");
  TRY(entry.finish());
  if (d.empty()) {
    TRY_ASSIGN(const auto pub,
               crypto::PublicKey::from_spki_pem(entry.text("public_key")));
    return KeyPairMaterial{
        .pkcs8 = {}, .spki = pub.spki_der(), .certificates = {}};
  }
  TRY_ASSIGN(const auto pair,
             crypto::PrivateKey::from_ec(type.algorithm, d.expose()));
  return KeyPairMaterial{.pkcs8 = pair.pkcs8_der(),
                         .spki = pair.public_key().spki_der(),
                         .certificates = {}};
}

Result<crypto::RsaNumbers> rsa_private_numbers(BackupObject& rsa) {
  crypto::RsaNumbers numbers;
  numbers.n = to_bytes(rsa.number("N").expose());
  numbers.e = to_bytes(rsa.number("E").expose());
  numbers.d = rsa.number("D");
  TRY(rsa.finish());
  const auto primes = rsa.find("Primes");
  JsonArray array;
  if (!primes || primes->get_array().get(array) != simdjson::SUCCESS ||
      array.size() != 2) {
    return bad("an RSA key has not two primes");
  }
  TRY_ASSIGN(numbers.p, BackupObject::number_of(array.at(0)));
  TRY_ASSIGN(numbers.q, BackupObject::number_of(array.at(1)));
  return numbers;
}

Result<Material> rsa_material(BackupObject& entry) {
  if (auto rsa = entry.object("rsa_key")) {
    TRY_ASSIGN(const auto numbers, rsa_private_numbers(*rsa));
    TRY_ASSIGN(const auto pair, crypto::PrivateKey::from_rsa(numbers));
    return KeyPairMaterial{.pkcs8 = pair.pkcs8_der(),
                           .spki = pair.public_key().spki_der(),
                           .certificates = {}};
  }
  auto rsa = entry.object("rsa_public_key");
  if (!rsa) return bad("an RSA key is missing");
  const SecretBytes n = rsa->number("N");
  const SecretBytes e = rsa->number("E");
  TRY(rsa->finish());
  TRY_ASSIGN(const auto pub,
             crypto::PublicKey::from_rsa(n.expose(), e.expose()));
  return KeyPairMaterial{
      .pkcs8 = {}, .spki = pub.spki_der(), .certificates = {}};
}

Result<Material> material_of(BackupObject& entry, const KeyTypeInfo& type) {
  switch (type.family) {
    case KeyFamily::kAead:
    case KeyFamily::kCmac:
      return SymmetricMaterial{entry.bytes("key")};
    case KeyFamily::kHmac: {
      SecretBytes key = entry.bytes("key");
      if (key.empty()) key = entry.bytes("hmac_key");
      return HmacMaterial{std::move(key)};
    }
    case KeyFamily::kKeyPair:
    case KeyFamily::kManaged:  // key_type() has refused it
      break;
  }
  if (type.ed25519()) return ed25519_material(entry);
  return type.rsa() ? rsa_material(entry) : ec_material(entry, type);
}

Result<std::vector<Bytes>> certificates_of(BackupObject& entry) {
  std::vector<Bytes> certificates;
  const auto chain = entry.find("certificate_chain");
  if (!chain) return certificates;
  JsonArray array;
  if (chain->get_array().get(array) != simdjson::SUCCESS) {
    return bad("bad member \"certificate_chain\"");
  }
  for (const JsonElement member : array) {
    std::string_view text;
    if (member.get_string().get(text) != simdjson::SUCCESS) {
      return bad("bad member \"certificate_chain\"");
    }
    auto der = base64_decode(text);
    if (!der) return bad("a certificate is not base64");
    certificates.push_back(*std::move(der));
  }
  return certificates;
}

Result<VersionRecord> read_version(BackupObject entry, const KeyRecord& record,
                                   std::uint32_t number) {
  const KeyTypeInfo& type = key_type_info(record.type);
  VersionRecord version;
  version.number = number;
  version.created = created_of(entry);
  version.convergent_version =
      static_cast<std::uint32_t>(entry.integer("convergent_version"));
  if (type.has_hmac_key()) version.hmac_key = entry.bytes("hmac_key");
  auto material = material_of(entry, type);
  if (!material || !entry.finish()) {
    return bad(fmt::format("version {} of a key of type {}: {}", number,
                           type.name,
                           material ? entry.finish().error().message()
                                    : material.error().message()));
  }
  version.material = *std::move(material);
  if (auto* pair = std::get_if<KeyPairMaterial>(&version.material)) {
    TRY_ASSIGN(pair->certificates, certificates_of(entry));
  }
  return version;
}

// Where the versions of a backup are: those in use in the policy, all of them
// in the archive, whose index is the version less min_available_version.
class Entries {
 public:
  static Result<Entries> of(BackupObject& root, BackupObject& policy,
                            std::uint32_t first) {
    Entries entries;
    entries.first_ = first;
    entries.keys_ = policy.object("keys");
    if (auto archive = root.object("archived_keys")) {
      if (const auto keys = archive->find("keys")) {
        if (keys->get_array().get(entries.archive_) != simdjson::SUCCESS) {
          return bad("bad member \"archived_keys\"");
        }
        entries.archived_ = true;
      }
    }
    return entries;
  }

  std::optional<BackupObject> find(std::uint32_t number) {
    if (keys_) {
      auto entry = keys_->object(fmt::format_int(number).str());
      if (entry) return entry;
    }
    if (!archived_ || number < first_) return std::nullopt;
    const auto member = archive_.at(number - first_);
    JsonObject object;
    if (member.get_object().get(object) != simdjson::SUCCESS) {
      return std::nullopt;
    }
    return BackupObject(object);
  }

 private:
  std::optional<BackupObject> keys_;
  JsonArray archive_;
  bool archived_ = false;
  std::uint32_t first_ = 0;
};

// The form of the first servers: one key, in the policy itself.
Result<VersionRecord> single_version(BackupObject& policy,
                                     const KeyRecord& record) {
  const KeyTypeInfo& type = key_type_info(record.type);
  if (record.latest_version != 1 || type.family != KeyFamily::kAead) {
    return bad("versions are missing");
  }
  VersionRecord version;
  version.material = SymmetricMaterial{policy.bytes("key")};
  TRY(policy.finish());
  return version;
}

Result<BackedUpKey> read_parsed(BackupObject root, BackupSource source) {
  auto policy = root.object("policy");
  if (!policy) return bad("there is no policy in it");
  BackedUpKey key;
  auto record = read_record(*policy, source);
  if (!record) return bad(record.error().message());
  key.record = *std::move(record);
  const KeyRecord& r = key.record;
  const std::uint32_t first = std::max(1U, r.min_available_version);
  if (r.latest_version < first || r.latest_version - first >= kVersionsMax) {
    return bad("its version numbers make no sense");
  }
  if (!policy->find("keys") && policy->find("key")) {
    TRY_ASSIGN(auto version, single_version(*policy, r));
    key.versions.push_back(std::move(version));
    return key;
  }
  TRY_ASSIGN(auto entries, Entries::of(root, *policy, r.min_available_version));
  for (std::uint32_t number = first; number <= r.latest_version; ++number) {
    auto entry = entries.find(number);
    if (!entry) return bad(fmt::format("version {} is missing", number));
    TRY_ASSIGN(auto version, read_version(std::move(*entry), r, number));
    key.versions.push_back(std::move(version));
  }
  if (r.convergent) {
    set_convergent_versions(policy->integer("convergent_version"),
                            key.versions);
    TRY(policy->finish());
  }
  key.record.latest_created = key.versions.back().created;
  return key;
}

}  // namespace

Result<BackedUpKey> read_backup(std::string_view json, BackupSource source) {
  const SecretBytes quoted = quote_long_numbers(json);
  JsonParser parser;
  JsonLimits limits;
  limits.array_elements = kVersionsMax;
  limits.object_entries = kVersionsMax;
  const auto root = parse_json(parser, as_text(quoted.expose()), limits);
  if (!root) return bad(root.error().message());
  JsonObject object;
  if (root->get_object().get(object) != simdjson::SUCCESS) {
    return bad("it is not a JSON object");
  }
  auto key = read_parsed(BackupObject(object), source);
  if (!key) return key;
  if (auto* hmac = std::get_if<HmacMaterial>(&key->versions.back().material)) {
    key->record.key_size = static_cast<std::uint32_t>(hmac->key.size());
  }
  return key;
}

}  // namespace bulla::engine::transit
