// Nodes over one storage: this one's beats, and what those of others say.

#include <fmt/format.h>

#include "seal/custody_impl.h"
#include "seal/kek_versions.h"

namespace bulla::seal {

bool Custody::Impl::is_live(const NodeBeat& beat) const {
  // A beat from the future is of a clock that is ahead: it is no older.
  return clock.now() - beat.seen < KekVersions::kLive;
}

Result<std::vector<NodeBeat>> Custody::Impl::other_nodes() {
  std::vector<NodeBeat> others;
  if (options.sole_node) return others;
  std::string own;
  {
    const std::lock_guard lock(state_mutex);
    own = node;
  }
  auto& storage = barrier.storage();
  std::string after;
  while (true) {
    TRY_ASSIGN(const auto paths,
               storage.scan(NodeBeat::kPrefix, after, NodeBeat::kPageMax));
    if (paths.empty()) return others;
    for (const std::string& path : paths) {
      TRY_ASSIGN(const auto entry, storage.get(path));
      if (!entry) continue;
      TRY_ASSIGN(auto beat, NodeBeat::parse(entry->value));
      if (beat.name != own) others.push_back(std::move(beat));
    }
    after = paths.back();
  }
}

// Nodes whose names change with each life would leave a record each. What fails
// here is done by the next beat.
void Custody::Impl::forget_nodes() {
  auto& storage = barrier.storage();
  const auto paths = storage.scan(NodeBeat::kPrefix, {}, NodeBeat::kPageMax);
  if (!paths) return;
  for (const std::string& path : *paths) {
    const auto entry = storage.get(path);
    if (!entry || !*entry) continue;
    const auto beat = NodeBeat::parse((*entry)->value);
    if (!beat || clock.now() - beat->seen < KekVersions::kForgotten) continue;
    const storage::Change change{path, std::nullopt, (*entry)->version};
    static_cast<void>(storage.commit({&change, 1}));
  }
}

Result<void> Custody::Impl::require_on_live_nodes(const ProviderId& id,
                                                  kek::KekVersion version) {
  TRY_ASSIGN(const auto others, other_nodes());
  for (const NodeBeat& beat : others) {
    if (!is_live(beat) || beat.has(id, version)) continue;
    return fail(invalid_argument(fmt::format(
        "node \"{}\" is live and has not loaded version {} of seal \"{}\": "
        "configure it there and restart that node; a node that has stopped "
        "counts as live for {} seconds",
        beat.name, version, id.name, KekVersions::kLive.count())));
  }
  return {};
}

Result<void> KekVersions::beat(std::string_view node) {
  {
    const std::lock_guard lock(impl_->state_mutex);
    impl_->node = node;
  }
  TRY_ASSIGN(const auto state, impl_->known_state());
  if (!state || !impl_->check_install(*state)) return {};
  NodeBeat beat;
  beat.name = node.substr(0, NodeBeat::kNameBytesMax);
  beat.seen = impl_->clock.now();
  for (const auto& provider : impl_->providers) {
    beat.loaded.push_back({id_of(*provider), provider->versions()});
  }
  const storage::Change change{NodeBeat::path_of(beat.name), beat.serialise(),
                               std::nullopt};
  TRY(impl_->barrier.storage().commit({&change, 1}));
  impl_->forget_nodes();
  return {};
}

Result<void> KekVersions::leave(std::string_view node) {
  TRY_ASSIGN(const auto state, impl_->known_state());
  if (!state || !impl_->check_install(*state)) return {};
  const storage::Change change{
      NodeBeat::path_of(node.substr(0, NodeBeat::kNameBytesMax)), std::nullopt,
      std::nullopt};
  return impl_->barrier.storage().commit({&change, 1});
}

}  // namespace bulla::seal
