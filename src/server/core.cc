#include "server/core.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/wire.h"

namespace bulla::server {
namespace {

constexpr std::string_view kClusterPath = "core/cluster/local/info";
constexpr std::size_t kSweepPerTick = 10'000;
// An answer is surely out by then, or its connection dead.
constexpr Seconds kFormerGrace{10};

ManagedKeyRules managed_key_rules(const CoreParts& parts) {
  ManagedKeyRules rules;
  for (const KmsLibrary& library : parts.config.kms_libraries) {
    rules.libraries.emplace(library.name, library.path);
  }
  rules.reserved = parts.seal_tokens;
  return rules;
}

}  // namespace

Core::Core(CoreParts parts)
    : parts_(std::move(parts)),
      started_(parts_.clock.now()),
      staging_(parts_.storage),
      barrier_(staging_, parts_.rng, parts_.clock),
      custody_(barrier_, std::move(parts_.providers), parts_.rng, parts_.clock,
               parts_.log, std::move(parts_.custody_options)),
      policies_(barrier::View(barrier_, "sys/policy/"), parts_.clock),
      tokens_(barrier_, barrier::View(barrier_, "sys/token/"), parts_.rng,
              parts_.clock),
      identity_(barrier::View(barrier_, "sys/identity/"), parts_.rng,
                parts_.clock),
      root_rekey_(custody_, seal::RekeyTarget::kRoot, parts_.rng, parts_.clock),
      recovery_rekey_(custody_, seal::RekeyTarget::kRecovery, parts_.rng,
                      parts_.clock),
      keyring_rotation_(barrier_, custody_, parts_.clock),
      root_generation_(custody_, tokens_, parts_.rng, parts_.clock),
      audit_(barrier::View(barrier_, "sys/audit/"), parts_.rng, parts_.clock,
             parts_.log),
      own_actions_(audit_, mounts_, parts_.rng, parts_.clock),
      deks_(barrier_, custody_, record_holders_, parts_.rng, parts_.clock,
            parts_.log, {.announce = announcer()}),
      reencryptor_(deks_, record_holders_, barrier_, parts_.rng, parts_.clock,
                   parts_.log, parts_.config.janitor, announcer()),
      managed_keys_(barrier::View(barrier_, "sys/managed-keys/pkcs11/"),
                    managed_key_rules(parts_), mounts_, parts_.rng),
      mounts_(barrier_, parts_.rng, parts_.clock, parts_.log,
              {.events = own_actions_,
               .records = deks_,
               .record_holders = record_holders_,
               .managed_keys = managed_keys_,
               .fips_mode = parts_.config.fips_mode}),
      lockouts_(barrier::View(barrier_, "core/lockout/")),
      quotas_(barrier::View(barrier_, "sys/quotas/")),
      snapshots_(parts_.snapshot_directory, parts_.rng, parts_.clock) {
  for (BackendFactory& engine : parts_.engines) {
    mounts_.add_factory(std::move(engine));
  }
  std::vector<seal::ProviderHealth::Watched> watched;
  for (kek::KekProvider* const provider : custody_.providers()) {
    const auto options = parts_.health.find(provider->name());
    watched.push_back({provider, options == parts_.health.end()
                                     ? seal::HealthOptions{}
                                     : options->second});
  }
  health_ = std::make_unique<seal::ProviderHealth>(std::move(watched),
                                                   parts_.clock, parts_.log);
}

Core::~Core() = default;

dek::Announce Core::announcer() {
  return [this](std::string_view path, std::string_view data) {
    const auto sys = mounts_.at("sys/");
    return own_actions_.announce(
        {.mount_uuid = sys == nullptr ? std::string_view() : sys->config.uuid,
         .path = path,
         .data = data});
  };
}

// Everything init stores is held back and becomes one commit: a crash leaves
// an uninitialised store or a usable one.
Result<std::vector<storage::Change>> Core::first_entries(
    const std::string& root_token_id, std::string& root_token) {
  staging_.begin();
  const auto write_all = [&]() -> Result<void> {
    TRY(load_state());
    auth::TokenSpec root;
    root.policies = {"root"};
    root.display_name = "root";
    root.path = "auth/token/root";
    root.renewable = false;
    root.id = root_token_id;
    TRY_ASSIGN(auto created, tokens_.create(std::move(root)));
    root_token = std::move(created.client_token);
    return {};
  };
  Result<void> written = write_all();
  std::vector<storage::Change> changes = staging_.take();
  if (!written) {
    pre_seal();
    return fail(std::move(written).error());
  }
  return changes;
}

Result<Initialized> Core::initialize(seal::InitParams params,
                                     const std::string& root_token_id,
                                     const HandOut& hand_out) {
  const std::lock_guard lock(life_mutex_);
  TRY_ASSIGN(const auto marker, snapshot::Marker::read(parts_.storage));
  if (marker) {
    return fail(invalid_argument(
        "a restore was begun here and is not finished: restart the server to "
        "go on with it, or restore the snapshot again"));
  }
  Initialized result;
  if (hand_out) {
    params.before_commit = [&](const seal::InitResult& keys) {
      return hand_out(keys, result.root_token);
    };
  }
  TRY_ASSIGN(result.keys, custody_.init(params, [&] {
    return first_entries(root_token_id, result.root_token);
  }));
  // What loaded while staging is loaded again from what was committed.
  pre_seal();
  custody_.seal();
  if (parts_.automatic_seal) {
    TRY_ASSIGN(const bool open, custody_.auto_unseal());
    if (open) TRY(post_unseal());
  }
  return result;
}

Result<bool> Core::unseal(SecretBytes share) {
  const std::lock_guard lock(life_mutex_);
  if (serving()) return true;
  TRY_ASSIGN(const bool open, custody_.submit_share(std::move(share)));
  if (!open) return false;
  TRY(post_unseal());
  return true;
}

Result<bool> Core::unseal(const SecretBytes& passphrase,
                          std::string_view passkey) {
  if (serving()) return true;
  TRY_ASSIGN(auto unlocked,
             custody_.unlock_with_passphrase(passphrase, passkey));
  const std::lock_guard lock(life_mutex_);
  if (serving()) return true;
  TRY(custody_.take(std::move(unlocked)));
  TRY(post_unseal());
  return true;
}

Result<bool> Core::auto_unseal() {
  if (serving()) return true;
  const std::uint64_t epoch = seal_epoch();
  TRY_ASSIGN(auto unlocked, custody_.unlock());
  if (!unlocked) return false;
  const std::lock_guard lock(life_mutex_);
  if (serving()) return true;
  // Opened by people and sealed again by hand while the provider was asked.
  if (sealed_by_hand() && seal_epoch() != epoch) return false;
  TRY(custody_.take(*std::move(unlocked)));
  TRY(post_unseal());
  return true;
}

void Core::seal() {
  const std::lock_guard lock(life_mutex_);
  if (!serving()) return;
  forget_former_shares(Duration{0});
  pre_seal();
  custody_.seal();
  sealed_by_hand_ = true;
  parts_.log.info("sealed");
}

Result<void> Core::load_state() {
  TRY(policies_.load());
  TRY(tokens_.load());
  return load_cluster();
}

Result<void> Core::post_unseal() {
  const auto load_all = [&]() -> Result<void> {
    TRY(load_state());
    TRY(audit_.load());
    TRY(deks_.load());
    TRY(managed_keys_.load());
    TRY(mounts_.load());
    TRY(lockouts_.load());
    TRY(quotas_.load());
    return reencryptor_.load();
  };
  if (Result<void> loaded = load_all(); !loaded) {
    pre_seal();
    custody_.seal();
    parts_.log.error("unsealed, but what is stored could not be loaded",
                     {{"error", loaded.error().message()}});
    return loaded;
  }
  sealed_by_hand_ = false;
  serving_.store(true, std::memory_order_release);
  parts_.log.info("unsealed");
  return {};
}

void Core::pre_seal() {
  serving_.store(false, std::memory_order_release);
  seal_epoch_.fetch_add(1);
  root_rekey_.clear();
  recovery_rekey_.clear();
  root_generation_.clear();
  keyring_rotation_.clear();
  reencryptor_.clear();
  mounts_.clear();
  lockouts_.clear();
  quotas_.clear();
  managed_keys_.clear();
  deks_.clear();
  audit_.clear();
  tokens_.clear();
  identity_.clear();
  policies_.clear();
  const std::lock_guard lock(cluster_mutex_);
  cluster_name_.clear();
  cluster_id_.clear();
}

Result<void> Core::load_cluster() {
  TRY_ASSIGN(const auto entry, barrier_.get(kClusterPath));
  std::string name;
  std::string id;
  if (entry) {
    WireReader in(entry->value.expose());
    in.u8();
    name = in.text();
    id = in.text();
    TRY(in.finish("cluster record"));
  } else {
    id = parts_.rng.uuid();
    name = parts_.config.cluster_name.empty()
               ? "bulla-cluster-" + id.substr(0, 8)
               : parts_.config.cluster_name;
    WireWriter out;
    out.u8(1).text(name).text(id);
    TRY(barrier_.put(std::string(kClusterPath), out.view()));
  }
  const std::lock_guard lock(cluster_mutex_);
  cluster_name_ = std::move(name);
  cluster_id_ = std::move(id);
  return {};
}

Result<std::shared_ptr<const auth::Acl>> Core::acl_of(const api::Token& token,
                                                      bool may_block) {
  TRY_ASSIGN(const auto entity, identity_.find(token.entity_id, may_block));
  if (!entity) return policies_.acl(token.policies);
  if (entity->disabled) return fail(permission_denied());
  return policies_.acl(token.policies, *entity);
}

std::string Core::cluster_name() const {
  const std::lock_guard lock(cluster_mutex_);
  return cluster_name_;
}

std::string Core::cluster_id() const {
  const std::lock_guard lock(cluster_mutex_);
  return cluster_id_;
}

void Core::forget_former_shares(Duration grace) {
  if (auto forgot = custody_.forget_former(grace); !forgot) {
    parts_.log.warn("the shares before the last rekey are still good",
                    {{"error", forgot.error().message()}});
  }
}

void Core::tend_keys() {
  if (!serving()) return;
  forget_former_shares(kFormerGrace);
  const auto rotated = keyring_rotation_.run();
  if (rotated && *rotated) parts_.log.info("the keyring was rotated");
  if (!rotated && rotated.error().code() != ErrorCode::kSealed) {
    parts_.log.error("the keyring is due and cannot be rotated",
                     {{"error", rotated.error().message()}});
  }
}

void Core::tick() {
  snapshots_.tick();
  if (!serving()) return;
  mounts_.tick(parts_.clock.now());
  if (auto swept = policies_.sweep_expired(); !swept) {
    parts_.log.warn("cannot delete expired policies",
                    {{"error", swept.error().message()}});
  }
  if (auto swept = tokens_.sweep_expired(kSweepPerTick); !swept) {
    parts_.log.warn("cannot revoke expired tokens",
                    {{"error", swept.error().message()}});
  }
}

}  // namespace bulla::server
