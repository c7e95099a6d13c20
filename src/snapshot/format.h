#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

#include "base/bytes.h"
#include "base/file.h"
#include "base/result.h"
#include "crypto/hash.h"
#include "storage/storage.h"

// The frame of a snapshot file: docs/formats/snapshot.md.
namespace bulla::snapshot {

inline constexpr std::string_view kMagic = "BULLASNP";
inline constexpr std::uint32_t kFormat = 1;
/// A chunk ends with the entry that makes it at least so long.
inline constexpr std::size_t kChunkBytes = std::size_t{256} << 10;
/// And is never longer than that.
inline constexpr std::size_t kChunkBytesMax =
    kChunkBytes + storage::Storage::kPathBytesMax +
    storage::Storage::kValueBytesMax + 8;

using Sha256 = std::array<std::uint8_t, crypto::kSha256Bytes>;

/// What is in a whole snapshot.
struct Summary {
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;  ///< Of the file.
  Sha256 sha256{};          ///< Of the file but for its last 32 bytes: these.
};

/// Where a snapshot goes, piece by piece.
using Sink = std::function<Result<void>(ByteView)>;
/// Where one comes from: fills the span as far as there is anything left.
using Source = std::function<Result<std::size_t>(ByteSpan)>;

/// From the beginning of `file`, which must outlive it.
Source source_of(const File& file);
/// The same of bytes.
Source source_of(ByteView bytes);

}  // namespace bulla::snapshot
