#pragma once

#include <stdlib.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include "base/assert.h"

namespace bulla::storage {

/// A fresh directory for one test, removed with all in it at the end. In memory
/// (/dev/shm) where there is such a place, so that a flush costs a test
/// nothing.
class TempDir {
 public:
  TempDir() {
    std::error_code ignored;
    const char* shm = "/dev/shm";
    const std::string base =
        ::access(shm, W_OK) == 0
            ? shm
            : std::filesystem::temp_directory_path(ignored).string();
    path_ = base + "/bulla-test-XXXXXX";
    BULLA_ASSERT(::mkdtemp(path_.data()) != nullptr);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace bulla::storage
