// Adding a passkey: the root key is wrapped, opened again, and only then is
// anything stored.

#include <fmt/format.h>

#include "seal/custody_impl.h"
#include "seal/passkeys.h"
#include "seal/people_kek.h"

namespace bulla::seal {

/// A passkey on its way: what storing it takes.
struct Passkeys::Draft {
  Added made;
  SecretBytes kek;  ///< Of people's kinds.
  SealConfig next;
};

namespace {

Result<void> check_room(const SealState& state, const std::string& name) {
  if (state.find(name) != nullptr) {
    return fail(invalid_argument(
        fmt::format("another passkey is called \"{}\" already", name)));
  }
  if (state.passkeys.size() < Passkey::kCountMax) return {};
  return fail(invalid_argument(
      fmt::format("there are {} passkeys, and no more fit; delete one first",
                  state.passkeys.size())));
}

Result<void> check_passphrase(const SecretBytes& passphrase) {
  if (passphrase.size() >= Passkeys::kPassphraseBytesMin &&
      passphrase.size() <= Passkeys::kPassphraseBytesMax) {
    return {};
  }
  return fail(invalid_argument(fmt::format("a passphrase has {} to {} bytes",
                                           Passkeys::kPassphraseBytesMin,
                                           Passkeys::kPassphraseBytesMax)));
}

std::string no_stanza(std::string_view kind, std::string_view name) {
  const std::string called =
      name.empty() ? "" : fmt::format(" with name = \"{}\"", name);
  return fmt::format(
      "no seal \"{}\"{} is configured; add its stanza to the configuration and "
      "restart{}",
      kind.substr(0, Passkey::kTextBytesMax), called,
      kind == Passkey::kPassphrase ? ", or give a passphrase" : "");
}

}  // namespace

Result<void> Passkeys::draft_shamir(const New& wanted, const SecretBytes& root,
                                    Draft& draft) {
  TRY_ASSIGN(const auto split,
             check_split(wanted.shares, wanted.threshold, "seal"));
  Passkey& passkey = draft.made.passkey;
  passkey.shares = split.shares;
  passkey.threshold = split.threshold;
  draft.kek = impl_->rng.secret(Custody::Impl::kKeyBytes);
  TRY_ASSIGN(draft.made.shares,
             split_key(draft.kek, split.shares, split.threshold, impl_->rng));
  TRY_ASSIGN(
      passkey.wrapped,
      wrap_under_unseal_key(
          draft.kek, root, passkey_context(draft.next.installation, passkey.id),
          impl_->rng));
  // What people will hold must open it, not only what it was split from.
  std::vector<SecretBytes> quorum;
  for (std::size_t i = 0; i < split.threshold; ++i) {
    quorum.push_back(draft.made.shares[i].clone());
  }
  TRY_ASSIGN(const auto combined, combine_key(std::move(quorum)));
  if (combined == draft.kek) return {};
  return fail(internal_error("the shares do not combine to the unseal key"));
}

Result<void> Passkeys::draft_passphrase(const New& wanted,
                                        const SecretBytes& root, Draft& draft) {
  TRY(check_passphrase(wanted.passphrase));
  Passkey& passkey = draft.made.passkey;
  TRY_ASSIGN(
      auto wrap,
      wrap_under_passphrase(
          wanted.passphrase, impl_->options.passphrase_cost, root,
          passkey_context(draft.next.installation, passkey.id), impl_->rng));
  passkey.wrapped = std::move(wrap.wrapped);
  draft.kek = std::move(wrap.kek);
  return {};
}

Result<kek::KekProvider*> Passkeys::provider_for(const New& wanted) {
  kek::KekProvider* found = nullptr;
  for (const auto& candidate : impl_->providers) {
    if (candidate->kind() != wanted.kind) continue;
    if (!wanted.provider.empty() && candidate->name() != wanted.provider) {
      continue;
    }
    if (found != nullptr) {
      return fail(invalid_argument(fmt::format(
          "several seals of the kind \"{}\" are configured; say which one with "
          "provider (-provider=NAME)",
          wanted.kind)));
    }
    found = candidate.get();
  }
  if (found != nullptr) return found;
  return fail(invalid_argument(no_stanza(wanted.kind, wanted.provider)));
}

Result<void> Passkeys::draft_automatic(const New& wanted,
                                       const SecretBytes& root, Draft& draft) {
  TRY_ASSIGN(kek::KekProvider* const wrapper, provider_for(wanted));
  Passkey& passkey = draft.made.passkey;
  passkey.provider = wrapper->name();
  SealConfig& next = draft.next;
  if (next.find(passkey.provider_id()) == nullptr) {
    if (next.providers.size() >= SealConfig::kProvidersMax) {
      return fail(invalid_argument(
          fmt::format("passkeys are under {} seals, and no more fit",
                      next.providers.size())));
    }
    TRY_ASSIGN(auto recorded, impl_->wrap_first(*wrapper, next, passkey, root));
    next.providers.push_back(std::move(recorded));
  } else {
    TRY_ASSIGN(passkey.wrapped, impl_->wrap_root(next, passkey, root));
  }
  TRY(impl_->require_on_live_nodes(passkey.provider_id(),
                                   passkey.wrapped.version));
  TRY_ASSIGN(const auto opened, impl_->open_root(next, passkey));
  if (opened == root) return {};
  return fail(corrupt(fmt::format(
      "seal \"{}\": the root key that was wrapped opened to another",
      wrapper->name())));
}

Result<Passkeys::Added> Passkeys::add(New wanted) {
  const std::lock_guard lock(impl_->lifecycle_mutex);
  TRY_ASSIGN(const auto root, impl_->live_root());
  TRY(check_name(wanted.name));
  TRY_ASSIGN(const auto state, impl_->initialized_state());
  TRY(check_room(state, wanted.name));
  Draft draft;
  draft.next = state.config;
  draft.made.passkey = impl_->new_passkey(root, wanted.kind, wanted.name);
  TRY(make_draft(wanted, root, draft));
  const Passkey& passkey = draft.made.passkey;
  std::vector<storage::Change> changes;
  changes.push_back(
      {passkey.path(), passkey.serialise(), storage::Change::kAbsent});
  if (!draft.kek.empty()) {
    TRY_ASSIGN(auto copy, impl_->kek_copy(passkey, draft.kek));
    changes.push_back(std::move(copy));
  }
  TRY(impl_->commit(state, draft.next, std::move(changes)));
  impl_->log.info("passkey added", {{"passkey", passkey.name},
                                    {"kind", passkey.kind},
                                    {"key_id", passkey.wrapped.key_id}});
  return std::move(draft.made);
}

Result<void> Passkeys::make_draft(const New& wanted, const SecretBytes& root,
                                  Draft& draft) {
  const bool shamir = wanted.kind == Passkey::kShamir;
  if (!shamir && (wanted.shares != 0 || wanted.threshold != 0)) {
    return fail(invalid_argument("shares are for the kind shamir alone"));
  }
  if (wanted.kind != Passkey::kPassphrase && !wanted.passphrase.empty()) {
    return fail(
        invalid_argument("a passphrase is for the kind passphrase alone"));
  }
  if (shamir) return draft_shamir(wanted, root, draft);
  if (!wanted.passphrase.empty()) return draft_passphrase(wanted, root, draft);
  return draft_automatic(wanted, root, draft);
}

}  // namespace bulla::seal
