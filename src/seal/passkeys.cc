// Passkeys of an open installation: listed, proved, renamed, deleted. Adding is
// in passkeys_add.cc.

#include "seal/passkeys.h"

#include <fmt/format.h>

#include "seal/custody_impl.h"
#include "seal/people_kek.h"

namespace bulla::seal {
namespace {

Result<const StoredPasskey*> named(const SealState& state,
                                   std::string_view name) {
  const StoredPasskey* const stored = state.find(name);
  if (stored != nullptr) return stored;
  return fail(not_found(fmt::format("no passkey is called \"{}\"",
                                    name.substr(0, Passkeys::kNameBytesMax))));
}

storage::Change put(const Passkey& passkey, std::uint64_t expected) {
  return {passkey.path(), passkey.serialise(), expected};
}

Error not_its_proof(const Passkey& passkey, std::string_view what) {
  return invalid_argument(
      fmt::format("{} not open passkey \"{}\"", what, passkey.name));
}

Result<void> check_live(const SecretBytes& root, const SecretBytes& opened,
                        const Passkey& passkey) {
  if (root == opened) return {};
  return fail(corrupt(
      fmt::format("passkey \"{}\" holds another root key than the one in use",
                  passkey.name)));
}

}  // namespace

// What people gave, in place of the copy in the barrier.
Result<SecretBytes> Passkeys::open_with_proof(const SealConfig& config,
                                              const Passkey& passkey,
                                              Proof proof) {
  const bool shamir = passkey.kind == Passkey::kShamir;
  const bool passphrase = passkey.kind == Passkey::kPassphrase;
  if (!proof.shares.empty() && !shamir) {
    return fail(not_its_proof(passkey, "shares do"));
  }
  if (!proof.passphrase.empty() && !passphrase) {
    return fail(not_its_proof(passkey, "a passphrase does"));
  }
  if (passphrase) {
    return impl_->open_with_passphrase(config, passkey, proof.passphrase);
  }
  auto unseal_key = combine_key(std::move(proof.shares));
  if (!unseal_key) return unseal_key;
  auto root = unwrap_with_people_kek(
      *unseal_key, passkey, passkey_context(config.installation, passkey.id));
  if (!root) return fail(not_its_proof(passkey, "these shares do"));
  return root;
}

Result<std::vector<Passkey>> Passkeys::list() const {
  TRY_ASSIGN(const auto state, impl_->initialized_state());
  std::vector<Passkey> all;
  for (const auto& stored : state.passkeys) all.push_back(stored.passkey);
  return all;
}

Result<Passkey> Passkeys::find(std::string_view name) const {
  TRY_ASSIGN(const auto state, impl_->initialized_state());
  TRY_ASSIGN(const auto* const stored, named(state, name));
  return stored->passkey;
}

Result<Passkey> Passkeys::verify(std::string_view name, Proof proof) {
  const std::lock_guard lock(impl_->lifecycle_mutex);
  TRY_ASSIGN(const auto root, impl_->live_root());
  TRY_ASSIGN(const auto state, impl_->initialized_state());
  TRY_ASSIGN(const auto* const stored, named(state, name));
  Passkey passkey = stored->passkey;
  const bool given = !proof.passphrase.empty() || !proof.shares.empty();
  auto opened = given ? open_with_proof(state.config, passkey, std::move(proof))
                      : impl_->open_root(state.config, passkey);
  if (!opened) {
    return fail(std::move(opened).error().with_context(
        fmt::format("passkey \"{}\"", passkey.name)));
  }
  TRY(check_live(root, *opened, passkey));
  passkey.verified = impl_->clock.now();
  TRY(impl_->commit(state, state.config, {put(passkey, stored->version)}));
  return passkey;
}

Result<void> Passkeys::check_name(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
  };
  const auto edge = [](char c) { return c != '-' && c != '.'; };
  if (!name.empty() && name.size() <= kNameBytesMax &&
      std::ranges::all_of(name, allowed) && edge(name.front()) &&
      edge(name.back())) {
    return {};
  }
  return fail(invalid_argument(fmt::format(
      "a passkey's name has 1 to {} letters, digits, '_', '-' and '.', and "
      "neither begins nor ends with '-' or '.'",
      kNameBytesMax)));
}

Result<Passkey> Passkeys::rename(std::string_view name, std::string to) {
  const std::lock_guard lock(impl_->lifecycle_mutex);
  TRY(impl_->live_root());
  TRY(check_name(to));
  TRY_ASSIGN(const auto state, impl_->initialized_state());
  TRY_ASSIGN(const auto* const stored, named(state, name));
  if (state.find(to) != nullptr) {
    return fail(invalid_argument(
        fmt::format("another passkey is called \"{}\" already", to)));
  }
  Passkey passkey = stored->passkey;
  passkey.name = std::move(to);
  TRY(impl_->commit(state, state.config, {put(passkey, stored->version)}));
  return passkey;
}

// The first other passkey that opens the root key now, noted as verified.
Result<storage::Change> Passkeys::prove_another(const SealState& state,
                                                const Passkey& going,
                                                const SecretBytes& root) {
  std::string reasons;
  // Those that open by themselves first: of the others only the record can be
  // proved without people.
  for (const bool automatic : {true, false}) {
    for (const auto& [passkey, version] : state.passkeys) {
      if (passkey.id == going.id || passkey.automatic() != automatic) continue;
      auto opened = impl_->open_root(state.config, passkey);
      if (opened && root == *opened) {
        Passkey proved = passkey;
        proved.verified = impl_->clock.now();
        return put(proved, version);
      }
      reasons += fmt::format(
          "; \"{}\": {}", passkey.name,
          opened ? "holds another root key" : opened.error().message());
    }
  }
  return fail(invalid_argument(fmt::format(
      "passkey \"{}\" is the last one that opens; add and verify another one "
      "first (`bulla passkey add`){}",
      going.name, reasons)));
}

Result<void> Passkeys::remove(std::string_view name) {
  const std::lock_guard lock(impl_->lifecycle_mutex);
  TRY_ASSIGN(const auto root, impl_->live_root());
  TRY_ASSIGN(const auto state, impl_->initialized_state());
  TRY_ASSIGN(const auto* const stored, named(state, name));
  const Passkey& going = stored->passkey;
  TRY_ASSIGN(auto proved, prove_another(state, going, root));
  SealConfig next = state.config;
  const bool shared =
      std::ranges::any_of(state.passkeys, [&](const StoredPasskey& other) {
        return other.passkey.id != going.id &&
               other.passkey.provider_id() == going.provider_id();
      });
  // The record follows: nothing is under that provider any more.
  if (!shared) {
    std::erase_if(next.providers, [&](const SealConfig::Provider& recorded) {
      return recorded.id == going.provider_id();
    });
  }
  std::vector<storage::Change> changes;
  changes.push_back({going.path(), std::nullopt, stored->version});
  if (!going.automatic()) {
    changes.push_back({going.kek_path(), std::nullopt, std::nullopt});
  }
  changes.push_back(std::move(proved));
  TRY(impl_->commit(state, next, std::move(changes)));
  impl_->log.info("passkey deleted",
                  {{"passkey", going.name}, {"kind", going.kind}});
  return {};
}

}  // namespace bulla::seal
