#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "snapshot/format.h"
#include "storage/storage.h"

namespace bulla::snapshot {

/// Says that a restore was begun and not finished: what storage holds beside it
/// is part of one installation or another, and no server may use it. Stored at
/// kPath in the clear. docs/formats/snapshot.md.
struct Marker {
  static constexpr std::string_view kPath = "core/restore";
  static constexpr std::size_t kIdBytesMax = 64;

  std::string id;   ///< Of the file that is restored: see file_of().
  Sha256 sha256{};  ///< The file's: Summary::sha256.
  Time started;

  /// The name of a file with that id, in the directory for them.
  static std::string file_of(std::string_view id) {
    return "restore-" + std::string(id) + ".snapshot";
  }

  Bytes serialise() const;
  ///   kCorrupt  not what serialise() writes.
  static Result<Marker> parse(ByteView bytes);
  /// As stored; absent: no restore is under way.
  static Result<std::optional<Marker>> read(storage::Storage& storage);
  bool operator==(const Marker&) const = default;
};

}  // namespace bulla::snapshot
