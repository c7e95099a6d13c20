#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace bulla {

/// An open file, for large ones that are read and written piece by piece. Every
/// message names the path and the system's reason. Reads and writes at given
/// places may come from any thread.
class File {
 public:
  ///   kNotFound     it is not there.
  ///   kUnavailable  it cannot be read, or is no ordinary file.
  static Result<File> open(const std::string& path);
  /// Makes it (mode 0600); it must not be there.
  ///   kUnavailable  it cannot be made.
  ///   kExhausted    no space left.
  static Result<File> create(const std::string& path);

  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File();

  const std::string& path() const { return path_; }
  ///   kUnavailable  the system's reason.
  Result<std::uint64_t> size() const;
  /// Fills `out` from `offset` on as far as the file goes; how many bytes.
  ///   kUnavailable  the system's reason.
  Result<std::size_t> read_at(std::uint64_t offset, ByteSpan out) const;
  ///   kUnavailable  the system's reason; kExhausted  no space left.
  Result<void> write_at(std::uint64_t offset, ByteView bytes);
  /// Makes what was written last through a crash.
  Result<void> sync();
  /// Takes its name away; it stays usable, and goes when it is closed.
  void unlink();

 private:
  File(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  Error failed(std::string_view what, int error) const;

  std::string path_;
  int fd_ = -1;
};

}  // namespace bulla
