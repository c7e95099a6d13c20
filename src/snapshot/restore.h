#pragma once

#include <functional>

#include "base/result.h"
#include "snapshot/check.h"
#include "snapshot/marker.h"
#include "storage/storage.h"

namespace bulla::snapshot {

/// Reads the snapshot from its beginning, each time it is called.
using Reopen = std::function<Source()>;

/// Marks `storage` as being restored, in one commit that also takes its seal
/// configuration away: from here on it is of nobody, and finish() has to run
/// until it succeeds, however often the process dies. The snapshot must be
/// checked and on disk. A restore that was begun before is given up for this
/// one: whether that may be is the caller's to know.
///   kConflict     the seal, or another restore, changed meanwhile.
///   kUnavailable  the outcome is unknown: read the marker.
Result<void> begin(storage::Storage& storage, const Marker& marker);

/// Replaces all that `storage` holds by the snapshot. Everything but the seal
/// configuration is put in place first, in as many commits as it takes; the
/// last one puts that and takes the marker away. May be repeated until it
/// succeeds. Nobody else may write meanwhile.
///   kCorrupt   the snapshot is not the one that the marker is of; nothing was
///              changed.
///   kConflict  another restore is marked.
///   and what storage and the source say.
Result<Summary> finish(storage::Storage& storage, const Marker& marker,
                       const Reopen& reopen);

}  // namespace bulla::snapshot
