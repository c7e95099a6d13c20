// Core's way to become what a snapshot holds.

#include "snapshot/restore.h"

#include <fmt/format.h>

#include "server/core.h"

namespace bulla::server {

Result<void> Core::finish_marked(const snapshot::Marker& marker) {
  const std::string path = snapshots_.path_of(marker.id);
  TRY_ASSIGN(const auto file, File::open(path));
  TRY(snapshot::finish(parts_.storage, marker,
                       [&file] { return snapshot::source_of(file); }));
  custody_.forget();
  snapshots_.remove_file(marker.id);
  return {};
}

Result<snapshot::Checked> Core::replace_all(const snapshot::Checked& checked,
                                            const snapshot::Marker& marker) {
  pre_seal();
  custody_.seal();
  barrier_.drain();
  snapshots_.hand_over(marker.id);
  if (auto begun = snapshot::begin(parts_.storage, marker); !begun) {
    // When it does not say whether it took the marker, it is asked.
    const auto stored = snapshot::Marker::read(parts_.storage);
    if (!stored || !*stored || **stored != marker) {
      // Where it does not even say that, the next start finds out.
      if (stored) snapshots_.remove_file(marker.id);
      sealed_by_hand_ = false;
      return fail(std::move(begun).error());
    }
  }
  custody_.forget();
  parts_.log.warn("a snapshot is being restored",
                  {{"installation", checked.header.installation},
                   {"entries", std::to_string(checked.summary.entries)}});
  if (auto finished = finish_marked(marker); !finished) {
    return fail(std::move(finished).error().with_context(
        "the restore is not finished; restart the server to go on with it"));
  }
  sealed_by_hand_ = false;
  parts_.log.warn("a snapshot was restored",
                  {{"installation", checked.header.installation}});
  return checked;
}

Result<snapshot::Checked> Core::restore(const std::string& id, bool force) {
  TRY_ASSIGN(const auto checked, snapshots_.check_upload(id));
  {
    const std::lock_guard lock(life_mutex_);
    TRY_ASSIGN(const bool initialized, custody_.initialized());
    if (initialized && !serving()) {
      return fail(ErrorCode::kSealed, "Vault is sealed");
    }
    if (initialized && !force) {
      return fail(invalid_argument(
          "Vault is already initialized; a restore with force replaces all "
          "that it holds"));
    }
    const snapshot::Marker marker{id, checked.summary.sha256,
                                  parts_.clock.now()};
    TRY(replace_all(checked, marker));
  }
  if (!parts_.automatic_seal) return checked;
  if (auto opened = auto_unseal(); !opened) {
    parts_.log.warn("no configured seal opens what was restored",
                    {{"error", opened.error().message()}});
  }
  return checked;
}

Result<void> Core::check_restorable() {
  TRY_ASSIGN(const auto marker, snapshot::Marker::read(parts_.storage));
  if (!marker) return {};
  const std::string path = snapshots_.path_of(marker->id);
  if (!File::open(path)) return {};
  return fail(ErrorCode::kConflict,
              fmt::format("a restore is under way, or was interrupted: restart "
                          "the server to go on with it, or remove {} to give "
                          "it up",
                          path));
}

Result<void> Core::finish_restore() {
  const std::lock_guard lock(life_mutex_);
  TRY_ASSIGN(const auto marker, snapshot::Marker::read(parts_.storage));
  snapshots_.tidy(marker ? marker->id : std::string());
  if (!marker) return {};
  parts_.log.warn("a restore was interrupted: going on with it",
                  {{"file", snapshots_.path_of(marker->id)}});
  auto finished = finish_marked(*marker);
  if (finished) {
    parts_.log.warn("the interrupted restore was finished");
    return {};
  }
  return fail(invalid_argument(fmt::format(
      "an interrupted restore cannot go on: {}; put that right and restart, or "
      "restore a snapshot again with `bulla operator snapshot restore`",
      finished.error().message())));
}

}  // namespace bulla::server
