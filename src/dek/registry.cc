#include "dek/registry.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "dek/registry_table.h"
#include "seal/root_seal.h"

namespace bulla::dek {
namespace {

constexpr std::size_t kNonceBytes = 12;

// What is sealed belongs to its place and to its DEK; the length keeps the two
// apart.
std::string associated_data(std::string_view place, std::string_view id) {
  std::string data(4, '\0');
  put_be32(reinterpret_cast<std::uint8_t*>(data.data()),
           static_cast<std::uint32_t>(place.size()));
  data.append(place).append(id);
  return data;
}

Error sealed_error() { return {ErrorCode::kSealed, "Vault is sealed"}; }

}  // namespace

Registry::Registry(barrier::Barrier& barrier, seal::Custody& custody,
                   const RecordHolders& holders, crypto::Rng& rng,
                   const Clock& clock, const Logger& log,
                   RegistryOptions options)
    : barrier_(barrier),
      custody_(custody),
      holders_(holders),
      rng_(rng),
      clock_(clock),
      log_(log),
      options_(std::move(options)) {
  custody_.add_root_sealed(*this);
}

Registry::~Registry() = default;

Result<std::shared_ptr<const Registry::Table>> Registry::table() const {
  auto now = table_.load();
  if (now == nullptr) return fail(sealed_error());
  return now;
}

Result<const Registry::Dek*> Registry::dek_of(const Table& table,
                                              std::string_view id) const {
  const Dek* const dek = table.find(id);
  if (dek != nullptr) return dek;
  return fail(not_found(fmt::format("there is no DEK \"{}\"", id)));
}

Result<SealedBody> Registry::seal(std::string_view scope,
                                  std::string_view place, ByteView body) {
  for (;;) {
    TRY_ASSIGN(const auto now, table());
    const Dek* const dek = now->active(scope);
    if (dek == nullptr) {
      TRY(ensure_first(scope));
      continue;
    }
    if (!dek->count->value.take()) {
      TRY(extend(dek->info.id));
      continue;
    }
    SealedBody sealed{dek->info.id, {}};
    sealed.bytes.resize(kNonceBytes + body.size() + crypto::kAeadTagBytes);
    auto* const out = reinterpret_cast<std::uint8_t*>(sealed.bytes.data());
    const ByteSpan nonce(out, kNonceBytes);
    rng_.fill(nonce);
    const std::string bound = associated_data(place, dek->info.id);
    dek->aead->seal(nonce, as_bytes(bound), body, out + kNonceBytes);
    return sealed;
  }
}

Result<SecretBytes> Registry::open(std::string_view dek_id,
                                   std::string_view place, ByteView bytes) {
  TRY_ASSIGN(const auto now, table());
  TRY_ASSIGN(const Dek* const dek, dek_of(*now, dek_id));
  if (dek->aead == nullptr) {
    return fail(invalid_argument(
        fmt::format("DEK \"{}\" ({}) is inactive: it opens nothing any more",
                    dek->info.name, dek_id)));
  }
  if (bytes.size() < kNonceBytes + crypto::kAeadTagBytes) {
    return fail(corrupt(fmt::format("{}: truncated", place)));
  }
  SecretBytes body(bytes.size() - kNonceBytes - crypto::kAeadTagBytes);
  const std::string bound = associated_data(place, dek_id);
  if (dek->aead->open(bytes.first(kNonceBytes), as_bytes(bound),
                      bytes.subspan(kNonceBytes),
                      body.expose_mutable().data())) {
    return body;
  }
  return fail(
      corrupt(fmt::format("{}: does not open under DEK \"{}\" ({}): altered, "
                          "moved, or of another DEK",
                          place, dek->info.name, dek_id)));
}

Result<std::vector<DekInfo>> Registry::list() const {
  TRY_ASSIGN(const auto now, table());
  std::vector<DekInfo> all;
  for (const auto& [id, dek] : now->deks()) all.push_back(dek.info);
  return all;
}

Result<DekInfo> Registry::find(std::string_view id) const {
  TRY_ASSIGN(const auto now, table());
  TRY_ASSIGN(const Dek* const dek, dek_of(*now, id));
  return dek->info;
}

Result<std::uint64_t> Registry::encryptions(std::string_view id) const {
  TRY_ASSIGN(const auto now, table());
  TRY_ASSIGN(const Dek* const dek, dek_of(*now, id));
  return dek->count->value.count();
}

Result<std::uint64_t> Registry::uses(std::string_view id) const {
  std::uint64_t total = 0;
  for (const auto& holder : holders_.all()) {
    TRY_ASSIGN(const std::uint64_t some, holder->uses(id));
    total += some;
  }
  return total;
}

Result<Registry::StoredRing> Registry::read_ring() {
  StoredRing stored;
  TRY_ASSIGN(const auto entry, custody_.get_under_root(KeyRing::kPath));
  if (!entry) return stored;
  stored.version = entry->version;
  TRY_ASSIGN(stored.ring, KeyRing::parse(entry->value.expose()));
  return stored;
}

Result<std::shared_ptr<const crypto::Aead>> Registry::open_key(
    const KeyRing& ring, const DekInfo& info) const {
  if (info.status == Status::kInactive) return nullptr;
  const KeyRing::Key* const key = ring.find(info.id);
  if (key == nullptr || key->algorithm != info.algorithm) {
    return fail(corrupt(fmt::format("{}: its key is not among those in {}",
                                    info.path(), KeyRing::kPath)));
  }
  TRY_ASSIGN(auto aead,
             crypto::Aead::create(aead_of(key->algorithm), key->key.expose()));
  return std::make_shared<const crypto::Aead>(std::move(aead));
}

Result<std::shared_ptr<Registry::Count>> Registry::read_count(
    std::string_view id) {
  TRY_ASSIGN(const auto entry, barrier_.get(CountRecord::path_of(id)));
  CountRecord record;
  if (entry) {
    TRY_ASSIGN(record, CountRecord::parse(entry->value.expose()));
  }
  return make_count(record.ceiling);
}

Result<Registry::Dek> Registry::read_dek(const std::string& path,
                                         const KeyRing& ring) {
  TRY_ASSIGN(const auto entry, barrier_.get(path));
  if (!entry) return fail(corrupt(fmt::format("{}: gone", path)));
  Dek dek;
  TRY_ASSIGN(dek.info, DekInfo::parse(entry->value.expose()));
  if (dek.info.path() != path) {
    return fail(corrupt(fmt::format("{}: of another DEK", path)));
  }
  // What counts already goes on counting.
  const auto before = table_.load();
  const Dek* const known =
      before == nullptr ? nullptr : before->find(dek.info.id);
  if (known != nullptr) {
    dek.count = known->count;
  } else {
    TRY_ASSIGN(dek.count, read_count(dek.info.id));
  }
  TRY_ASSIGN(dek.aead, open_key(ring, dek.info));
  return dek;
}

Result<std::shared_ptr<const Registry::Table>> Registry::read_all() {
  TRY_ASSIGN(const auto stored, read_ring());
  TRY_ASSIGN(const auto paths, barrier_.scan(DekInfo::kPrefix));
  Table::Deks deks;
  for (const std::string& path : paths) {
    TRY_ASSIGN(auto dek, read_dek(path, stored.ring));
    const bool second = dek.info.status == Status::kActive &&
                        std::ranges::any_of(deks, [&](const auto& other) {
                          return other.second.info.scope == dek.info.scope &&
                                 other.second.info.status == Status::kActive;
                        });
    if (second) {
      return fail(corrupt(fmt::format(
          "{}: the second active DEK of scope \"{}\"", path, dek.info.scope)));
    }
    deks.emplace(dek.info.id, std::move(dek));
  }
  return std::make_shared<const Table>(std::move(deks));
}

Result<void> Registry::load() {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(auto all, read_all());
  const bool first = all->deks().empty();
  table_.publish(std::move(all));
  stale_ = false;
  if (!first) return {};
  if (auto made = make_first(kDefaultScope); !made) {
    log_.warn("the first DEK cannot be made yet",
              {{"error", made.error().message()}});
  }
  return {};
}

void Registry::clear() {
  const std::lock_guard lock(mutex_);
  const auto last = table_.load();
  if (last == nullptr) return;
  // First nobody finds a DEK any more, then nobody counts.
  table_.publish(nullptr);
  store_counts(*last);
  stale_ = false;
}

// Also where there is none yet: whoever stores the first keys under the old
// root key meanwhile has to find that something was there first.
Result<std::vector<storage::Change>> Registry::reseal(const SecretBytes& from,
                                                      const SecretBytes& to) {
  TRY_ASSIGN(const auto entry, barrier_.get(KeyRing::kPath));
  SecretBytes keys = KeyRing().serialise();
  std::uint64_t version = storage::Change::kAbsent;
  if (entry) {
    version = entry->version;
    TRY_ASSIGN(keys,
               seal::open_under(from, KeyRing::kPath, entry->value.expose()));
  }
  TRY_ASSIGN(const auto sealed,
             seal::seal_under(to, KeyRing::kPath, keys.expose(), rng_));
  TRY_ASSIGN(auto change,
             barrier_.seal_change(
                 barrier::Change::put(std::string(KeyRing::kPath), sealed)
                     .expecting(version)));
  std::vector<storage::Change> changes;
  changes.push_back(std::move(change));
  return changes;
}

}  // namespace bulla::dek
