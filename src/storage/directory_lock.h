#pragma once

#include <string>

#include "base/result.h"

namespace bulla::storage {

/// Holds a directory for one process: an advisory lock (flock) on the file
/// "bulla.lock" in it, let go by the kernel when the process ends in any way.
class DirectoryLock {
 public:
  /// Makes the directory (mode 0700; its parent must be there) when it is
  /// absent, and takes the lock without waiting.
  ///   kUnavailable  it cannot be made or written, or another process has it;
  ///                 the message names the directory.
  static Result<DirectoryLock> acquire(const std::string& directory);

  DirectoryLock(DirectoryLock&& other) noexcept;
  DirectoryLock& operator=(DirectoryLock&& other) noexcept;
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;
  ~DirectoryLock();

 private:
  explicit DirectoryLock(int fd) : fd_(fd) {}

  int fd_ = -1;
};

/// Flushes the names in `directory`, so that files just made in it stay.
Result<void> sync_directory(const std::string& directory);

}  // namespace bulla::storage
