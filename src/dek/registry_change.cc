// Registry: making DEKs and changing them. mutex_ is held throughout, and what
// is stored is stored before it is seen.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/json_writer.h"
#include "dek/registry.h"
#include "dek/registry_table.h"

namespace bulla::dek {
namespace {

constexpr int kCommitAttempts = 3;

// "name" → "name #2" → "name #3".
std::string successor_name(std::string_view name) {
  std::uint64_t number = 2;
  if (const auto mark = name.rfind(" #"); mark != std::string_view::npos) {
    const std::string_view digits = name.substr(mark + 2);
    std::uint64_t last = 0;
    const auto parsed =
        std::from_chars(digits.data(), digits.data() + digits.size(), last);
    if (parsed.ec == std::errc() &&
        parsed.ptr == digits.data() + digits.size()) {
      number = last + 1;
      name = name.substr(0, mark);
    }
  }
  const std::string suffix = fmt::format(" #{}", number);
  return std::string(name.substr(0, DekInfo::kNameBytesMax - suffix.size())) +
         suffix;
}

// Of any text: it may have lines.
Result<void> check_description(std::string_view text) {
  if (text.size() <= DekInfo::kDescriptionBytesMax) return {};
  return fail(invalid_argument(fmt::format(
      "description is longer than {} bytes", DekInfo::kDescriptionBytesMax)));
}

Error immutable(std::string_view field, const DekInfo& info,
                std::string_view value) {
  return invalid_argument(fmt::format(
      "{} is immutable: that of DEK \"{}\" is {} for its whole life; create "
      "another DEK instead",
      field, info.name, value));
}

}  // namespace

Result<DekInfo> Registry::create(const NewDek& wanted) {
  DekInfo info;
  info.name = wanted.name;
  info.description = wanted.description;
  info.scope = wanted.scope.empty() ? std::string(kDefaultScope) : wanted.scope;
  TRY(check_text("name", info.name, DekInfo::kNameBytesMax));
  TRY(check_text("scope", info.scope, DekInfo::kScopeBytesMax));
  TRY(check_description(info.description));
  if (!wanted.algorithm.empty()) {
    const auto algorithm = algorithm_named(wanted.algorithm);
    if (!algorithm) {
      return fail(
          invalid_argument("algorithm: expected AES-GCM-256 or AES-GCM-128"));
    }
    info.algorithm = *algorithm;
  }
  info.id = rng_.uuid();
  const std::lock_guard lock(mutex_);
  return add(std::move(info));
}

Result<void> Registry::freshen() {
  TRY(table());
  if (!stale_) return {};
  TRY_ASSIGN(auto all, read_all());
  table_.publish(std::move(all));
  stale_ = false;
  return {};
}

Result<void> Registry::store(const std::vector<barrier::Change>& changes) {
  auto stored = barrier_.commit(changes);
  if (!stored && stored.error().code() == ErrorCode::kUnavailable) {
    stale_ = true;
  }
  return stored;
}

Result<DekInfo> Registry::add(DekInfo info) {
  TRY(freshen());
  info.created_at = info.updated_at = clock_.now();
  const SecretBytes key =
      rng_.secret(crypto::aead_key_bytes(aead_of(info.algorithm)));
  Result<void> stored;
  // A rekey may come in between.
  for (int attempt = 0; attempt < kCommitAttempts; ++attempt) {
    stored = add_once(info, key);
    if (stored || stored.error().code() != ErrorCode::kConflict) break;
  }
  if (stored) return info;
  if (stale_ && freshen() && table_.load()->find(info.id) != nullptr) {
    return info;
  }
  return fail(std::move(stored).error());
}

// The keys as they are to be stored with one more.
Result<Registry::Sealed> Registry::keys_with(const DekInfo& info,
                                             const SecretBytes& key) {
  TRY_ASSIGN(auto stored, read_ring());
  if (stored.ring.keys.size() >= KeyRing::kCountMax) {
    return fail(invalid_argument(
        fmt::format("there are {} DEKs already, and no place for more",
                    KeyRing::kCountMax)));
  }
  stored.ring.add({info.id, info.algorithm, key.clone()});
  Sealed sealed;
  sealed.version = stored.version;
  TRY_ASSIGN(sealed.keys,
             custody_.seal_under_root(KeyRing::kPath,
                                      stored.ring.serialise().expose()));
  TRY_ASSIGN(sealed.aead, open_key(stored.ring, info));
  return sealed;
}

Result<void> Registry::add_once(const DekInfo& info, const SecretBytes& key) {
  TRY_ASSIGN(auto sealed, keys_with(info, key));
  const auto now = table_.load();
  auto deks = now->deks();
  const SecretBytes record = info.serialise();
  SecretBytes last_record;
  std::vector<barrier::Change> changes;
  changes.push_back(
      barrier::Change::put(std::string(KeyRing::kPath), sealed.keys)
          .expecting(sealed.version));
  changes.push_back(barrier::Change::put(info.path(), record.expose())
                        .expecting(storage::Change::kAbsent));
  if (const Dek* const before = now->active(info.scope)) {
    DekInfo& last = deks.find(before->info.id)->second.info;
    last.status = Status::kDeprecated;
    last.updated_at = info.created_at;
    ++last.version;
    last_record = last.serialise();
    changes.push_back(barrier::Change::put(last.path(), last_record.expose()));
  }
  TRY(store(changes));
  deks.emplace(info.id, Dek{info, std::move(sealed.aead), make_count(0)});
  table_.publish(std::make_shared<const Table>(std::move(deks)));
  return {};
}

Result<Status> Registry::next_status(const DekInfo& info,
                                     const std::string& wanted) {
  const auto status = status_named(wanted);
  if (!status) {
    return fail(
        invalid_argument("status: expected active, deprecated or inactive"));
  }
  if (*status == info.status) return info.status;
  if (info.status == Status::kDeprecated && *status == Status::kInactive) {
    return *status;
  }
  return fail(invalid_argument(fmt::format(
      "status changes only from deprecated to inactive: DEK \"{}\" is {}",
      info.name, status_name(info.status))));
}

Result<DekInfo> Registry::changed(const DekInfo& info,
                                  const DekUpdate& change) {
  if (change.cas && *change.cas != info.version) {
    return fail(invalid_argument(fmt::format(
        "check-and-set parameter did not match the current version, which is "
        "{}",
        info.version)));
  }
  if (change.algorithm && *change.algorithm != algorithm_name(info.algorithm)) {
    return fail(immutable("algorithm", info, algorithm_name(info.algorithm)));
  }
  if (change.scope && *change.scope != info.scope) {
    return fail(immutable("scope", info, fmt::format("\"{}\"", info.scope)));
  }
  DekInfo next = info;
  if (change.name) next.name = *change.name;
  if (change.description) next.description = *change.description;
  TRY(check_text("name", next.name, DekInfo::kNameBytesMax));
  TRY(check_description(next.description));
  if (change.status) {
    TRY_ASSIGN(next.status, next_status(info, *change.status));
  }
  return next;
}

// Asked before the lock is taken: a holder that writes may be waiting for it.
// The DEK was deprecated before, so that only writes which had begun by then
// can still add a record to it; holders count when those are through.
Result<void> Registry::check_unused(std::string_view id,
                                    const DekUpdate& change) const {
  if (change.status != status_name(Status::kInactive)) return {};
  TRY_ASSIGN(const DekInfo info, find(id));
  if (info.status != Status::kDeprecated) return {};
  TRY_ASSIGN(const std::uint64_t records, uses(id));
  if (records == 0) return {};
  return fail(invalid_argument(fmt::format(
      "DEK \"{}\" is in use by {} record{}: re-encrypt {} first", info.name,
      records, records == 1 ? "" : "s", records == 1 ? "it" : "them")));
}

Result<DekInfo> Registry::update(std::string_view id, const DekUpdate& change) {
  TRY(check_unused(id, change));
  const std::lock_guard lock(mutex_);
  TRY(freshen());
  const auto now = table_.load();
  TRY_ASSIGN(const Dek* const dek, dek_of(*now, id));
  TRY_ASSIGN(DekInfo next, changed(dek->info, change));
  if (next == dek->info) return next;
  next.updated_at = clock_.now();
  ++next.version;
  const SecretBytes record = next.serialise();
  auto stored = store({barrier::Change::put(next.path(), record.expose())});
  if (!stored) {
    const bool there = stale_ && freshen() && *find(id) == next;
    if (there) return next;
    return fail(std::move(stored).error());
  }
  auto deks = now->deks();
  Dek& kept = deks.find(id)->second;
  kept.info = next;
  if (next.status == Status::kInactive) kept.aead = nullptr;
  table_.publish(std::make_shared<const Table>(std::move(deks)));
  return next;
}

Result<void> Registry::announce(const DekInfo& made, std::string_view reason,
                                std::string_view replaced) const {
  if (!options_.announce) return {};
  std::string data;
  JsonWriter out(data);
  out.begin_object();
  out.member("name", made.name).member("reason", reason);
  if (!replaced.empty()) out.member("replaces", replaced);
  out.member("scope", made.scope).end_object();
  return options_.announce("encryption-keys/" + made.id, data);
}

Result<DekInfo> Registry::make_first(std::string_view scope) {
  TRY(check_text("scope", scope, DekInfo::kScopeBytesMax));
  DekInfo info;
  info.id = rng_.uuid();
  info.scope = scope;
  info.name = scope == kDefaultScope ? std::string(kDefaultName)
                                     : fmt::format("{}-encryption-key", scope);
  TRY(announce(info, "first of its scope", {}));
  TRY_ASSIGN(auto made, add(std::move(info)));
  log_.info("the first DEK of a scope was made",
            {{"scope", made.scope}, {"id", made.id}});
  return made;
}

Result<void> Registry::ensure_first(std::string_view scope) {
  const std::lock_guard lock(mutex_);
  TRY(freshen());
  if (table_.load()->active(scope) != nullptr) return {};
  TRY(make_first(scope));
  return {};
}

Result<void> Registry::replace_full(const DekInfo& full) {
  DekInfo info;
  info.id = rng_.uuid();
  info.name = successor_name(full.name);
  info.description = full.description;
  info.algorithm = full.algorithm;
  info.scope = full.scope;
  TRY(announce(info, "encryptions", full.id));
  TRY_ASSIGN(const auto made, add(std::move(info)));
  log_.info("a DEK that did its encryptions was replaced",
            {{"scope", made.scope}, {"id", made.id}, {"replaces", full.id}});
  return {};
}

}  // namespace bulla::dek
