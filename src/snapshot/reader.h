#pragma once

#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/sha256_stream.h"
#include "snapshot/format.h"
#include "snapshot/header.h"

namespace bulla::snapshot {

/// Reads a snapshot, in memory of one chunk, and believes nothing of it: an
/// entry is given only when its chunk's digest holds, the end only when the
/// whole file's does. What it reads to the end is, byte for byte, what Writer
/// would have written. One thread.
class Reader {
 public:
  /// Views into the reader, until the next call.
  struct Item {
    std::string_view path;
    ByteView value;
  };

  /// Reads the header.
  ///   kCorrupt      no snapshot, cut short or altered.
  ///   kUnsupported  of a newer format.
  ///   and what the source says, here as below.
  static Result<Reader> open(Source source);

  const Header& header() const { return header_; }
  /// The next entry; absent when the end was reached and all of it held.
  ///   kCorrupt  cut short or altered; the message says where.
  Result<std::optional<Item>> next();
  /// Of what was read; whole once next() was absent.
  const Summary& summary() const { return summary_; }

 private:
  explicit Reader(Source source) : source_(std::move(source)) {}
  Result<void> read_header();
  Result<Bytes> read(std::size_t bytes);
  Result<void> check_digest(ByteView of);
  Result<bool> next_chunk();
  Result<void> read_end(ByteView length);
  Result<ByteView> field(std::size_t bytes_min, std::size_t bytes_max);
  Error damaged(std::string_view what) const;

  Source source_;
  crypto::Sha256Stream all_;
  Header header_;
  Bytes chunk_;         ///< With its length in front.
  std::size_t at_ = 0;  ///< In the chunk; its end: another one is wanted.
  bool last_chunk_ = false;
  bool ended_ = false;
  std::string last_path_;
  Summary summary_;
};

}  // namespace bulla::snapshot
