#pragma once

#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "crypto/sha256_stream.h"
#include "snapshot/format.h"
#include "snapshot/header.h"
#include "storage/storage.h"

namespace bulla::snapshot {

/// Writes a snapshot into a sink, in memory of one chunk. Errors are the
/// sink's; after one the writer is of no use. One thread.
class Writer {
 public:
  static Result<Writer> begin(Sink sink, const Header& header);

  /// The next entry; paths ascend bytewise.
  Result<void> add(std::string_view path, ByteView value);
  /// Ends the snapshot. Once.
  Result<Summary> finish();

 private:
  explicit Writer(Sink sink) : sink_(std::move(sink)) {}
  Result<void> put(ByteView bytes);
  Result<void> end_chunk();

  Sink sink_;
  crypto::Sha256Stream all_;
  Bytes chunk_;  ///< With its length in front.
  Summary summary_;
};

/// Takes a snapshot of `storage`: everything as it is at one moment, sealed as
/// it lies there.
///   kInvalidArgument  "Vault is not initialized": there is nothing to keep.
///   kConflict         the engine took the snapshot away: begin anew, with
///                     another sink.
///   and what storage and the sink say.
Result<Summary> take(storage::Storage& storage, std::string_view server_version,
                     Time now, Sink sink);

}  // namespace bulla::snapshot
