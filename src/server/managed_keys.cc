#include "server/managed_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "kek/pkcs11_managed_key.h"
#include "server/mounts.h"

namespace bulla::server {
namespace {

using kek::Pkcs11ManagedKey;
using kek::Pkcs11ManagedKeyOptions;
using kek::Pkcs11Signing;

// Vault's words; of the last three Bulla has no use yet.
constexpr std::array<std::string_view, 7> kUsages{
    "encrypt", "decrypt", "sign",           "verify",
    "wrap",    "unwrap",  "generate_random"};
// What tells which key of which HSM it is, and how that is used.
constexpr std::array<std::string_view, 6> kIdentity{
    "library", "slot", "token_label", "key_label", "key_id", "mechanism"};

std::string_view word(api::KeyUsage usage) {
  return kUsages[static_cast<std::size_t>(usage)];
}

kek::Deadline soon() {
  return std::chrono::steady_clock::now() + ManagedKeyStore::kDeviceTime;
}

tl::unexpected<Error> invalid(std::string text) {
  return fail(invalid_argument(std::move(text)));
}

tl::unexpected<Error> unknown(std::string_view what) {
  return invalid(fmt::format("there is no managed key {}",
                             what.substr(0, ManagedKeyRecord::kNameBytesMax)));
}

// A device's error as one of api::ManagedKeys: what the HSM refuses is not the
// client's to be refused, and what it has not is no missing page.
Error told(const ManagedKeyRecord& record, const Error& error) {
  const std::string text =
      fmt::format("managed key \"{}\": {}", record.name, error.message());
  switch (error.code()) {
    case ErrorCode::kUnavailable:
      return unavailable(text);
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kCorrupt:
      return invalid_argument(text);
    case ErrorCode::kPermissionDenied:
      return internal_error(
          text + " (writing the managed key again has the PIN tried again)");
    default:
      return internal_error(text);
  }
}

Result<std::vector<std::string>> checked_usages(
    std::vector<std::string> usages) {
  for (const std::string& usage : usages) {
    if (std::ranges::find(kUsages, usage) != kUsages.end()) continue;
    return invalid(fmt::format("usages: unknown usage \"{}\"; known: {}",
                               usage.substr(0, 64), fmt::join(kUsages, ", ")));
  }
  std::ranges::sort(usages);
  usages.erase(std::unique(usages.begin(), usages.end()), usages.end());
  return usages;
}

bool same_identity(const ManagedKeyRecord& a, const ManagedKeyRecord& b) {
  const auto text = [](const ManagedKeyRecord& record, std::string_view name) {
    const auto found = record.parameters.find(std::string(name));
    return found == record.parameters.end() ? std::string() : found->second;
  };
  return std::ranges::all_of(kIdentity, [&](std::string_view name) {
    return text(a, name) == text(b, name);
  });
}

Result<ManagedKeyRecord> changed(ManagedKeyRecord record,
                                 ManagedKeyStore::Change change) {
  for (auto& [name, value] : change.parameters) {
    if (value.size() > ManagedKeyRecord::kTextBytesMax) {
      return invalid(fmt::format("{}: longer than {} bytes", name,
                                 ManagedKeyRecord::kTextBytesMax));
    }
    if (value.empty()) {
      record.parameters.erase(name);
    } else {
      record.parameters[name] = std::move(value);
    }
  }
  if (change.pin) record.pin = std::move(*change.pin);
  if (record.pin.size() > ManagedKeyRecord::kTextBytesMax) {
    return invalid("pin: too long");
  }
  record.any_mount = change.any_mount.value_or(record.any_mount);
  if (!change.usages) return record;
  TRY_ASSIGN(record.usages, checked_usages(*std::move(change.usages)));
  return record;
}

ManagedKeyRecord clone(const ManagedKeyRecord& record) {
  return {.name = record.name,
          .id = record.id,
          .parameters = record.parameters,
          .pin = record.pin.clone(),
          .any_mount = record.any_mount,
          .usages = record.usages};
}

struct Digest {
  Bytes bytes;
  Pkcs11Signing how;
};

// ECDSA signs the leftmost bits of a longer digest; some devices leave the
// cutting to their caller.
Result<Digest> ecdsa_digest(const crypto::PublicKey& key,
                            const crypto::SignatureScheme& scheme,
                            ByteView input) {
  Digest digest;
  digest.how.scheme = Pkcs11Signing::Scheme::kEcdsa;
  if (scheme.prehashed || !scheme.hash) {
    digest.bytes = to_bytes(input);
  } else {
    digest.bytes = to_bytes(crypto::hash(*scheme.hash, input).view());
  }
  if (digest.bytes.empty()) {
    return fail(internal_error("ecdsa: hash cannot be empty"));
  }
  const std::size_t most = (key.bits() + 7) / 8;
  if (digest.bytes.size() > most) digest.bytes.resize(most);
  return digest;
}

Result<Digest> rsa_digest(const crypto::SignatureScheme& scheme,
                          ByteView input) {
  if (!scheme.hash) {
    return invalid("a managed key signs under a named hash algorithm only");
  }
  const std::size_t size = crypto::hash_bytes(*scheme.hash);
  Digest digest;
  digest.how.hash = *scheme.hash;
  digest.how.scheme = scheme.padding == crypto::RsaPadding::kPss
                          ? Pkcs11Signing::Scheme::kRsaPss
                          : Pkcs11Signing::Scheme::kRsaPkcs1;
  digest.how.salt_bytes = scheme.salt_length > 0
                              ? static_cast<std::size_t>(scheme.salt_length)
                              : size;
  digest.bytes = scheme.prehashed
                     ? to_bytes(input)
                     : to_bytes(crypto::hash(*scheme.hash, input).view());
  if (digest.bytes.size() == size) return digest;
  return fail(internal_error("crypto/rsa: input must be hashed message"));
}

}  // namespace

/// One managed key: its record, and the key in its HSM once it is asked for.
/// Any thread.
class ManagedKeyStore::Entry {
 public:
  Entry(ManagedKeyRecord record, Result<std::unique_ptr<Pkcs11ManagedKey>> key)
      : record_(std::move(record)), key_(std::move(key)) {}

  const ManagedKeyRecord& record() const { return record_; }
  bool allows(api::KeyUsage usage) const {
    return record_.usages.empty() ||
           std::ranges::find(record_.usages, word(usage)) !=
               record_.usages.end();
  }
  Result<void> check_token() {
    if (!key_) return {};
    const auto checked = (*key_)->check_token(soon());
    // One that is away is looked at before it is used.
    if (checked || checked.error().code() != ErrorCode::kInvalidArgument) {
      return {};
    }
    return fail(told(record_, checked.error()));
  }
  /// kInvalidArgument  its parameters are none.
  Result<void> check_parameters() const {
    if (key_) return {};
    return fail(key_.error());
  }
  ///   kInvalidArgument  the mechanism does not sign, or not so.
  Result<Bytes> sign(const crypto::SignatureScheme& scheme, ByteView input);
  // What RSA-OAEP can take (RFC 8017 §7.1): devices say little of it.
  ///   kInvalidArgument  it is longer.
  Result<void> check_plaintext(ByteView plaintext);
  ///   kInvalidArgument  it is not as long as the modulus.
  Result<void> check_sealed(ByteView sealed);
  /// The public half; null for a symmetric key.
  Result<std::shared_ptr<const crypto::PublicKey>> public_key() {
    TRY(ready());
    const std::lock_guard lock(mutex_);
    return public_key_;
  }
  /// Runs `call` on the key once it is known to be there.
  template <typename T, typename Call>
  Result<T> run(Call call) {
    TRY(ready());
    auto result = call(**key_);
    if (!result) return fail(told(record_, result.error()));
    return result;
  }

 private:
  /// 0 of other keys than RSA's.
  Result<std::size_t> modulus_bytes();
  Result<void> ready() {
    if (!key_) return fail(told(record_, key_.error()));
    {
      const std::lock_guard lock(mutex_);
      if (ready_) return {};
    }
    const auto deadline = soon();
    if (auto there = (*key_)->prepare(deadline); !there) {
      return fail(told(record_, there.error()));
    }
    std::shared_ptr<const crypto::PublicKey> half;
    if ((*key_)->mechanism() != Pkcs11ManagedKeyOptions::Mechanism::kAesGcm) {
      auto read = (*key_)->public_key(deadline);
      if (!read) return fail(told(record_, read.error()));
      half = std::make_shared<const crypto::PublicKey>(*std::move(read));
    }
    const std::lock_guard lock(mutex_);
    public_key_ = std::move(half);
    ready_ = true;
    return {};
  }

  const ManagedKeyRecord record_;
  const Result<std::unique_ptr<Pkcs11ManagedKey>> key_;
  std::mutex mutex_;  // guards those below
  bool ready_ = false;
  std::shared_ptr<const crypto::PublicKey> public_key_;
};

ManagedKeyStore::ManagedKeyStore(barrier::View storage, ManagedKeyRules rules,
                                 const Mounts& mounts, crypto::Rng& rng)
    : storage_(std::move(storage)),
      rules_(std::move(rules)),
      mounts_(mounts),
      rng_(rng) {}

ManagedKeyStore::~ManagedKeyStore() = default;

ManagedKeyStore::EntryPtr ManagedKeyStore::make_entry(
    ManagedKeyRecord record) const {
  auto options = Pkcs11ManagedKeyOptions::read(
      record.parameters, record.pin.clone(), rules_.libraries);
  if (!options) {
    Error error = std::move(options).error();
    return std::make_shared<Entry>(std::move(record), fail(std::move(error)));
  }
  options->reserved = rules_.reserved;
  return std::make_shared<Entry>(
      std::move(record), Pkcs11ManagedKey::create(*std::move(options), rng_));
}

Result<void> ManagedKeyStore::load() {
  TRY_ASSIGN(const auto names, storage_.scan(""));
  std::map<std::string, EntryPtr, std::less<>> loaded;
  for (const std::string& name : names) {
    TRY_ASSIGN(const auto stored, storage_.get(name));
    if (!stored) continue;
    TRY_ASSIGN(auto record, decode_managed_key(stored->value.expose()));
    if (record.name != name) {
      return fail(corrupt("the record of a managed key is another one's"));
    }
    loaded.emplace(name, make_entry(std::move(record)));
  }
  const std::lock_guard lock(entries_mutex_);
  entries_ = std::move(loaded);
  return {};
}

void ManagedKeyStore::clear() {
  std::map<std::string, EntryPtr, std::less<>> gone;
  const std::lock_guard lock(entries_mutex_);
  entries_.swap(gone);
}

ManagedKeyStore::EntryPtr ManagedKeyStore::named(std::string_view name) const {
  const std::lock_guard lock(entries_mutex_);
  const auto found = entries_.find(name);
  return found == entries_.end() ? nullptr : found->second;
}

ManagedKeyStore::EntryPtr ManagedKeyStore::of_id(std::string_view id) const {
  const std::lock_guard lock(entries_mutex_);
  for (const auto& [name, entry] : entries_) {
    if (entry->record().id == id) return entry;
  }
  return nullptr;
}

void ManagedKeyStore::put(EntryPtr entry) {
  const std::lock_guard lock(entries_mutex_);
  entries_.insert_or_assign(entry->record().name, entry);
}

std::vector<std::string> ManagedKeyStore::list() const {
  const std::lock_guard lock(entries_mutex_);
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries_) names.push_back(name);
  return names;
}

std::optional<ManagedKeyStore::Shown> ManagedKeyStore::read(
    std::string_view name) const {
  const EntryPtr entry = named(name);
  if (entry == nullptr) return std::nullopt;
  const ManagedKeyRecord& record = entry->record();
  return Shown{record.name, record.id, record.parameters, record.any_mount,
               record.usages};
}

Result<void> ManagedKeyStore::check_unused(const ManagedKeyRecord& record,
                                           std::string_view what) const {
  const auto table = mounts_.table().load();
  for (const auto& mount : table->all()) {
    TRY_ASSIGN(const bool used, mount->backend->uses_managed_key(record.id));
    if (!used) continue;
    return invalid(fmt::format("managed key \"{}\" {}: keys of \"{}\" use it",
                               record.name, what, mount->config.path));
  }
  return {};
}

Result<void> ManagedKeyStore::write(std::string_view name, Change change) {
  if (name.size() > ManagedKeyRecord::kNameBytesMax) {
    return invalid(fmt::format("names of managed keys have at most {} bytes",
                               ManagedKeyRecord::kNameBytesMax));
  }
  const std::lock_guard writing(writing_);
  const EntryPtr before = named(name);
  ManagedKeyRecord record;
  if (before != nullptr) {
    record = clone(before->record());
  } else {
    record.name = std::string(name);
    record.id = rng_.uuid();
  }
  TRY_ASSIGN(record, changed(std::move(record), std::move(change)));
  const SecretBytes bytes = encode(record);
  EntryPtr entry = make_entry(std::move(record));
  TRY(entry->check_parameters());
  TRY(entry->check_token());
  const std::lock_guard alone(holds_);
  if (before != nullptr && !same_identity(before->record(), entry->record())) {
    TRY(check_unused(before->record(), "cannot become another key"));
  }
  TRY(storage_.put(name, bytes.expose()));
  put(std::move(entry));
  return {};
}

Result<void> ManagedKeyStore::remove(std::string_view name) {
  const std::lock_guard writing(writing_);
  const EntryPtr entry = named(name);
  if (entry == nullptr) return {};
  const std::lock_guard alone(holds_);
  TRY(check_unused(entry->record(), "cannot be deleted"));
  TRY(storage_.remove(name));
  const std::lock_guard lock(entries_mutex_);
  entries_.erase(entry->record().name);
  return {};
}

Result<void> ManagedKeyStore::check_mount(const ManagedKeyRecord& record,
                                          std::string_view mount_uuid) const {
  if (record.any_mount) return {};
  std::string_view path = "this mount";
  const auto table = mounts_.table().load();
  for (const auto& mount : table->all()) {
    if (mount->config.uuid != mount_uuid) continue;
    const auto& allowed = mount->config.allowed_managed_keys;
    if (std::ranges::find(allowed, record.name) != allowed.end()) return {};
    path = mount->config.path;
  }
  return invalid(fmt::format(
      "managed key \"{}\" is not one of the allowed_managed_keys of \"{}\"",
      record.name, path));
}

Result<ManagedKeyStore::EntryPtr> ManagedKeyStore::usable(
    const Use& use, api::KeyUsage usage) const {
  EntryPtr entry = of_id(use.key_id);
  if (entry == nullptr) return unknown(use.key_id);
  TRY(check_mount(entry->record(), use.mount_uuid));
  if (entry->allows(usage)) return entry;
  return invalid(fmt::format("the usages of managed key \"{}\" do not name {}",
                             entry->record().name, word(usage)));
}

Result<api::FoundManagedKey> ManagedKeyStore::find(std::string_view mount_uuid,
                                                   std::string_view name,
                                                   std::string_view id) {
  const EntryPtr entry = name.empty() ? of_id(id) : named(name);
  if (entry == nullptr) {
    return unknown(name.empty() ? fmt::format("of the id \"{}\"", id)
                                : fmt::format("called \"{}\"", name));
  }
  if (!id.empty() && entry->record().id != id) {
    return invalid("managed_key_name and managed_key_id name different keys");
  }
  TRY(check_mount(entry->record(), mount_uuid));
  TRY_ASSIGN(const auto half, entry->public_key());
  // From here on it stays what it is. It may have changed while the HSM was
  // asked.
  auto hold = std::make_shared<std::shared_lock<std::shared_mutex>>(holds_);
  if (of_id(entry->record().id) != entry) {
    return fail(unavailable("the managed key is being changed"));
  }
  return api::FoundManagedKey{entry->record().id,
                              half == nullptr ? Bytes() : half->spki_der(),
                              std::move(hold)};
}

Result<void> ManagedKeyStore::check(const Use& use, api::KeyUsage usage) {
  TRY(usable(use, usage));
  return {};
}

Result<Bytes> ManagedKeyStore::encrypt(const Use& use, ByteView plaintext,
                                       ByteView associated_data) {
  TRY_ASSIGN(const EntryPtr entry, usable(use, api::KeyUsage::kEncrypt));
  TRY(entry->check_plaintext(plaintext));
  return entry->run<Bytes>([&](Pkcs11ManagedKey& key) {
    return key.encrypt(plaintext, associated_data, soon());
  });
}

Result<SecretBytes> ManagedKeyStore::decrypt(const Use& use, ByteView sealed,
                                             ByteView associated_data) {
  TRY_ASSIGN(const EntryPtr entry, usable(use, api::KeyUsage::kDecrypt));
  TRY(entry->check_sealed(sealed));
  return entry->run<SecretBytes>([&](Pkcs11ManagedKey& key) {
    return key.decrypt(sealed, associated_data, soon());
  });
}

Result<Bytes> ManagedKeyStore::sign(const Use& use,
                                    const crypto::SignatureScheme& scheme,
                                    ByteView input) {
  TRY_ASSIGN(const EntryPtr entry, usable(use, api::KeyUsage::kSign));
  return entry->sign(scheme, input);
}

Result<std::size_t> ManagedKeyStore::Entry::modulus_bytes() {
  TRY_ASSIGN(const auto half, public_key());
  const bool rsa =
      half != nullptr && half->algorithm() == crypto::AsymmetricAlgorithm::kRsa;
  return rsa ? half->bits() / 8 : 0;
}

Result<void> ManagedKeyStore::Entry::check_sealed(ByteView sealed) {
  TRY_ASSIGN(const std::size_t modulus, modulus_bytes());
  if (modulus == 0 || sealed.size() == modulus) return {};
  return invalid(fmt::format("managed key \"{}\": invalid ciphertext length",
                             record_.name));
}

Result<void> ManagedKeyStore::Entry::check_plaintext(ByteView plaintext) {
  TRY_ASSIGN(const std::size_t modulus, modulus_bytes());
  const std::size_t around = 2 * crypto::hash_bytes((*key_)->oaep_hash()) + 2;
  if (modulus == 0 || plaintext.size() + around <= modulus) return {};
  return invalid(fmt::format(
      "managed key \"{}\": message too long for RSA key size", record_.name));
}

Result<Bytes> ManagedKeyStore::Entry::sign(
    const crypto::SignatureScheme& scheme, ByteView input) {
  TRY_ASSIGN(const auto half, public_key());
  if (half == nullptr) {
    return invalid(fmt::format(
        "managed key \"{}\": the managed key's mechanism does not sign",
        record_.name));
  }
  const bool rsa = half->algorithm() == crypto::AsymmetricAlgorithm::kRsa;
  TRY_ASSIGN(const Digest digest, rsa ? rsa_digest(scheme, input)
                                      : ecdsa_digest(*half, scheme, input));
  TRY_ASSIGN(Bytes signature, run<Bytes>([&](Pkcs11ManagedKey& key) {
               return key.sign(digest.how, digest.bytes, soon());
             }));
  if (rsa || scheme.encoding == crypto::EcdsaEncoding::kFixed) {
    return signature;
  }
  return crypto::ecdsa_der(signature);
}

Result<void> ManagedKeyStore::test_sign(std::string_view name,
                                        const crypto::SignatureScheme& scheme) {
  const EntryPtr entry = named(name);
  if (entry == nullptr) return unknown(fmt::format("called \"{}\"", name));
  if (!entry->allows(api::KeyUsage::kSign)) {
    return invalid(
        fmt::format("the usages of managed key \"{}\" do not name sign", name));
  }
  std::array<std::uint8_t, 32> input;
  rng_.fill(input);
  TRY_ASSIGN(const Bytes signature, entry->sign(scheme, input));
  TRY_ASSIGN(const auto half, entry->public_key());
  TRY_ASSIGN(const bool holds, half->verify(scheme, input, signature));
  if (holds) return {};
  return fail(internal_error(fmt::format(
      "managed key \"{}\": the HSM's signature does not hold", name)));
}

}  // namespace bulla::server
