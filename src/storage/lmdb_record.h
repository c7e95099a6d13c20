#pragma once

#include <fmt/format.h>
#include <lmdb.h>

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace bulla::storage {

/// A value of the "entries" table: be64(version) ‖ bytes
/// (docs/formats/lmdb.md). A view into the map.
struct LmdbRecord {
  static constexpr std::size_t kVersionBytes = 8;

  std::uint64_t version = 0;
  ByteView value;

  ///   kCorrupt  shorter than a version, or version 0; names `path`.
  static Result<LmdbRecord> parse(std::string_view path, const MDB_val& raw) {
    const auto* bytes = static_cast<const std::uint8_t*>(raw.mv_data);
    if (raw.mv_size < kVersionBytes || get_be64(bytes) == 0) {
      return fail(corrupt(
          fmt::format("lmdb: the record at \"{}\" has no version", path)));
    }
    return LmdbRecord{get_be64(bytes),
                      ByteView(bytes, raw.mv_size).subspan(kVersionBytes)};
  }
};

}  // namespace bulla::storage
