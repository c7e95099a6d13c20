#include "seal/kek_versions.h"

#include <fmt/format.h>

#include <algorithm>

#include "seal/custody_impl.h"

namespace bulla::seal {
namespace {

constexpr std::size_t kProbeBytes = 32;
/// Envelopes that one commit wraps anew; the configuration goes with them.
constexpr std::size_t kBatch = 64;
static_assert(kBatch < storage::Storage::kChangesMax);

bool is_loaded(const kek::KekProvider& provider, kek::KekVersion version) {
  return std::ranges::binary_search(provider.versions(), version);
}

std::string list_text(const std::vector<kek::KekVersion>& versions) {
  return versions.empty() ? "none"
                          : fmt::format("{}", fmt::join(versions, ", "));
}

bool is_called(const ProviderId& id, std::string_view seal) {
  return id.name == seal || id.kind == seal;
}

}  // namespace

/// A provider that is configured and in the record, and what was read.
struct KekVersions::Chosen {
  SealState state;
  ProviderId id;
  kek::KekProvider* provider = nullptr;

  const SealConfig::Provider& recorded() const {
    return *state.config.find(id);
  }
};

void KekVersions::add_source(EnvelopeSource& source) {
  impl_->sources.push_back(&source);
}

Result<KekVersions::Chosen> KekVersions::choose(std::string_view seal) {
  Chosen chosen;
  TRY_ASSIGN(chosen.state, impl_->initialized_state());
  TRY(impl_->check_install(chosen.state));
  std::vector<std::string> names;
  for (const auto& recorded : chosen.state.config.providers) {
    if (!seal.empty() && !is_called(recorded.id, seal)) continue;
    names.push_back(recorded.id.name);
    chosen.id = recorded.id;
    if (recorded.id.name == seal) {
      names.resize(1);
      break;
    }
  }
  if (names.empty()) {
    return fail(invalid_argument(
        seal.empty() ? "no passkey of this installation is under a KEK"
                     : fmt::format("no passkey is under a seal \"{}\"",
                                   seal.substr(0, SealConfig::kTextBytesMax))));
  }
  if (names.size() > 1) {
    return fail(invalid_argument(
        fmt::format("passkeys are under several seals: {}; say which one",
                    fmt::join(names, ", "))));
  }
  chosen.provider = impl_->provider(chosen.id);
  if (chosen.provider != nullptr) return chosen;
  return fail(invalid_argument(fmt::format(
      "seal \"{}\" is disabled in the configuration", chosen.id.name)));
}

Result<std::vector<Envelope>> KekVersions::envelopes_under(
    const ProviderId& id) {
  std::vector<Envelope> found;
  for (EnvelopeSource* const source : impl_->sources) {
    TRY_ASSIGN(auto envelopes, source->envelopes());
    for (Envelope& envelope : envelopes) {
      if (envelope.provider != id) continue;
      envelope.source = source;
      found.push_back(std::move(envelope));
    }
  }
  return found;
}

Result<std::vector<KekVersions::Status>> KekVersions::status() {
  TRY_ASSIGN(const auto state, impl_->initialized_state());
  TRY_ASSIGN(const auto others, impl_->other_nodes());
  std::vector<Status> rows;
  for (const auto& recorded : state.config.providers) {
    Status row;
    row.id = recorded.id;
    row.recorded = true;
    row.active = recorded.active;
    row.target = recorded.target;
    row.removed = recorded.removed;
    TRY_ASSIGN(const auto envelopes, envelopes_under(row.id));
    for (const auto& envelope : envelopes) {
      ++row.envelopes[envelope.wrapped.version];
    }
    rows.push_back(std::move(row));
  }
  for (const auto& provider : impl_->providers) {
    const ProviderId id = id_of(*provider);
    auto row = std::ranges::find(rows, id, &Status::id);
    if (row == rows.end()) {
      rows.emplace_back().id = id;
      row = rows.end() - 1;
    }
    row->configured = true;
    row->loaded = provider->versions();
  }
  for (Status& row : rows) {
    for (const NodeBeat& beat : others) {
      row.nodes.push_back({beat.name, beat.seen, impl_->is_live(beat),
                           beat.versions_of(row.id)});
    }
  }
  return rows;
}

// Also what brings a provider that asks elsewhere up to date with its versions.
Result<void> KekVersions::check_up(const Chosen& chosen) {
  auto up = chosen.provider->probe(Custody::Impl::deadline());
  if (up) return {};
  return fail(std::move(up).error().with_context(
      fmt::format("seal \"{}\"", chosen.id.name)));
}

Result<void> KekVersions::check_ready(const Chosen& chosen,
                                      kek::KekVersion to) {
  const std::string called = fmt::format("seal \"{}\"", chosen.id.name);
  if (chosen.recorded().is_removed(to)) {
    return fail(
        not_found(fmt::format("{}: version {} was removed", called, to)));
  }
  if (!is_loaded(*chosen.provider, to)) {
    return fail(not_found(fmt::format(
        "{}: version {} is not loaded (loaded: {}); configure it and restart",
        called, to, list_text(chosen.provider->versions()))));
  }
  TRY(impl_->require_on_live_nodes(chosen.id, to));
  // Not with the root key: what is wrong with the new KEK must show on a value
  // that nobody needs.
  const SecretBytes probe = impl_->rng.secret(kProbeBytes);
  const ByteView context = as_bytes("bulla kek verify 1");
  auto wrapped =
      chosen.provider->wrap(probe, context, to, Custody::Impl::deadline());
  if (!wrapped) return fail(std::move(wrapped).error().with_context(called));
  auto opened =
      chosen.provider->unwrap(*wrapped, context, Custody::Impl::deadline());
  if (!opened) return fail(std::move(opened).error().with_context(called));
  if (*opened == probe) return {};
  return fail(corrupt(fmt::format(
      "{}: a value wrapped under version {} opened to another", called, to)));
}

Result<SecretBytes> KekVersions::open_envelope(const Chosen& chosen,
                                               const Envelope& envelope) {
  auto opened = chosen.provider->unwrap(envelope.wrapped, envelope.context,
                                        Custody::Impl::deadline());
  if (opened) {
    TRY(envelope.source->check(envelope, *opened));
    return opened;
  }
  return fail(std::move(opened).error().with_context(
      fmt::format("{} (version {} of seal \"{}\")", envelope.label,
                  envelope.wrapped.version, chosen.id.name)));
}

bool KekVersions::is_due(const Chosen& chosen, const Envelope& envelope,
                         kek::KekVersion to) {
  return envelope.wrapped.version != to ||
         !chosen.provider->is_current(envelope.wrapped);
}

Result<KekVersions::Rotation> KekVersions::verify(std::string_view seal,
                                                  kek::KekVersion target) {
  TRY_ASSIGN(const auto chosen, choose(seal));
  TRY(check_up(chosen));
  TRY(check_ready(chosen, target));
  Rotation found{chosen.id, chosen.recorded().active, target, 0, 0, true};
  TRY_ASSIGN(const auto envelopes, envelopes_under(chosen.id));
  for (const Envelope& envelope : envelopes) {
    TRY(open_envelope(chosen, envelope));
    ++found.envelopes;
    if (is_due(chosen, envelope, target)) ++found.rewrapped;
  }
  return found;
}

Result<void> KekVersions::set_target(Chosen& chosen, kek::KekVersion target) {
  SealConfig next = chosen.state.config;
  next.find(chosen.id)->target = target;
  if (next == chosen.state.config) return {};
  TRY(impl_->commit(chosen.state, next, {}));
  TRY_ASSIGN(chosen.state, impl_->initialized_state());
  return {};
}

// Each batch is opened, wrapped, and opened again before it is stored.
Result<std::size_t> KekVersions::rewrap(Chosen& chosen, kek::KekVersion to) {
  TRY_ASSIGN(const auto envelopes, envelopes_under(chosen.id));
  std::size_t rewrapped = 0;
  std::vector<storage::Change> batch;
  const auto store = [&]() -> Result<void> {
    if (batch.empty()) return {};
    rewrapped += batch.size();
    TRY(impl_->commit(chosen.state, chosen.state.config, std::move(batch)));
    batch.clear();
    TRY_ASSIGN(chosen.state, impl_->initialized_state());
    return {};
  };
  for (const Envelope& envelope : envelopes) {
    if (!is_due(chosen, envelope, to)) continue;
    TRY_ASSIGN(const auto secret, open_envelope(chosen, envelope));
    auto wrapped = chosen.provider->wrap(secret, envelope.context, to,
                                         Custody::Impl::deadline());
    if (!wrapped) {
      return fail(std::move(wrapped).error().with_context(envelope.label));
    }
    Envelope fresh = envelope;
    fresh.wrapped = *wrapped;
    TRY(open_envelope(chosen, fresh));
    TRY_ASSIGN(auto change,
               envelope.source->rewrapped(envelope, *std::move(wrapped)));
    batch.push_back(std::move(change));
    if (batch.size() == kBatch) TRY(store());
  }
  TRY(store());
  return rewrapped;
}

// What storage holds now, not what was believed to be written to it.
Result<void> KekVersions::verify_all(const Chosen& chosen, kek::KekVersion to) {
  TRY_ASSIGN(const auto envelopes, envelopes_under(chosen.id));
  for (const Envelope& envelope : envelopes) {
    if (is_due(chosen, envelope, to)) {
      return fail(ErrorCode::kConflict,
                  fmt::format("{} is not under version {} yet: another writer "
                              "put it back; repeat the rotation",
                              envelope.label, to));
    }
    TRY(open_envelope(chosen, envelope));
  }
  return {};
}

Result<KekVersions::Rotation> KekVersions::rotate(const RotateParams& params) {
  const std::lock_guard lock(impl_->lifecycle_mutex);
  TRY_ASSIGN(auto chosen, choose(params.seal));
  TRY(check_up(chosen));
  const kek::KekVersion from = chosen.recorded().active;
  const kek::KekVersion to =
      params.to ? *params.to : chosen.provider->versions().back();
  if (params.from && *params.from != from) {
    return fail(invalid_argument(
        fmt::format("version {} of seal \"{}\" is active, not {}", from,
                    chosen.id.name, *params.from)));
  }
  if (params.dry_run) return verify(chosen.id.name, to);
  TRY(check_ready(chosen, to));
  Rotation done{chosen.id, from, to, 0, 0, false};
  TRY(set_target(chosen, to == from ? 0 : to));
  TRY_ASSIGN(done.rewrapped, rewrap(chosen, to));
  TRY(verify_all(chosen, to));
  TRY_ASSIGN(const auto envelopes, envelopes_under(chosen.id));
  done.envelopes = envelopes.size();
  SealConfig next = chosen.state.config;
  SealConfig::Provider& recorded = *next.find(chosen.id);
  recorded.active = to;
  recorded.target = 0;
  if (!(next == chosen.state.config)) {
    TRY(impl_->commit(chosen.state, next, {}));
  }
  impl_->log.info("KEK rotated",
                  {{"seal", chosen.id.name},
                   {"from_version", std::to_string(from)},
                   {"to_version", std::to_string(to)},
                   {"rewrapped", std::to_string(done.rewrapped)}});
  return done;
}

// An older version's KEK may be gone already. One that is to come yet must not
// be barred by a slip of the hand.
Result<void> KekVersions::check_exists(const Chosen& chosen,
                                       kek::KekVersion version) {
  if (version != 0 && (version < chosen.recorded().active ||
                       is_loaded(*chosen.provider, version))) {
    return {};
  }
  return fail(not_found(fmt::format(
      "seal \"{}\": there is no version {} (loaded: {})", chosen.id.name,
      version, list_text(chosen.provider->versions()))));
}

Result<void> KekVersions::check_unneeded(const Chosen& chosen,
                                         kek::KekVersion version) {
  const SealConfig::Provider& recorded = chosen.recorded();
  const auto needed = [&](const std::string& why) {
    return fail(
        invalid_argument(fmt::format("version {} of seal \"{}\" is needed: {}",
                                     version, chosen.id.name, why)));
  };
  if (recorded.active == version) {
    return needed("it is the active one; rotate to another first");
  }
  if (recorded.target != 0) {
    return needed(
        fmt::format("a rotation to version {} is not done; finish it first",
                    recorded.target));
  }
  TRY_ASSIGN(const auto envelopes, envelopes_under(chosen.id));
  for (const Envelope& envelope : envelopes) {
    if (envelope.wrapped.version == version) {
      return needed(fmt::format("{} is under it", envelope.label));
    }
  }
  TRY_ASSIGN(const auto others, impl_->other_nodes());
  for (const NodeBeat& beat : others) {
    if (!impl_->is_live(beat) || beat.has(chosen.id, recorded.active)) continue;
    return needed(
        fmt::format("node \"{}\" is live and has not loaded version {}",
                    beat.name, recorded.active));
  }
  return {};
}

Result<ProviderId> KekVersions::remove(std::string_view seal,
                                       kek::KekVersion version) {
  const std::lock_guard lock(impl_->lifecycle_mutex);
  TRY_ASSIGN(const auto chosen, choose(seal));
  if (chosen.recorded().is_removed(version)) return chosen.id;
  TRY(check_exists(chosen, version));
  TRY(check_unneeded(chosen, version));
  SealConfig next = chosen.state.config;
  auto& removed = next.find(chosen.id)->removed;
  if (removed.size() >= SealConfig::kRemovedMax) {
    return fail(ErrorCode::kExhausted,
                fmt::format("seal \"{}\": {} versions were removed, and no "
                            "more fit; move to a new seal",
                            chosen.id.name, removed.size()));
  }
  removed.insert(std::ranges::lower_bound(removed, version), version);
  TRY(impl_->commit(chosen.state, next, {}));
  impl_->log.info(
      "KEK version removed",
      {{"seal", chosen.id.name}, {"version", std::to_string(version)}});
  return chosen.id;
}

Result<ProviderId> KekVersions::create(std::string_view seal,
                                       kek::KekVersion version) {
  const std::lock_guard lock(impl_->lifecycle_mutex);
  if (version == 0) return fail(invalid_argument("there is no version 0"));
  kek::KekProvider* chosen = nullptr;
  for (const auto& provider : impl_->providers) {
    if (!seal.empty() && provider->name() != seal && provider->kind() != seal) {
      continue;
    }
    if (chosen != nullptr) {
      return fail(invalid_argument("several seals are meant; say which one"));
    }
    chosen = provider.get();
  }
  if (chosen == nullptr) {
    return fail(invalid_argument(
        fmt::format("no seal \"{}\" is configured",
                    seal.substr(0, SealConfig::kTextBytesMax))));
  }
  const ProviderId id = id_of(*chosen);
  TRY_ASSIGN(const auto state, impl_->read_state());
  const auto* recorded = state ? state->config.find(id) : nullptr;
  if (recorded != nullptr && recorded->is_removed(version)) {
    return fail(not_found(fmt::format("version {} was removed", version)));
  }
  auto made = chosen->create_version(version, Custody::Impl::deadline());
  if (!made) {
    return fail(std::move(made).error().with_context(
        fmt::format("seal \"{}\"", id.name)));
  }
  impl_->log.info("KEK version made",
                  {{"seal", id.name}, {"version", std::to_string(version)}});
  return id;
}

}  // namespace bulla::seal
