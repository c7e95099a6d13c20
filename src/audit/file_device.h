#pragma once

#include <sys/types.h>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "audit/device.h"

namespace bulla::audit {

/// A file (or "stdout", or "discard") that lines are appended to, a flush with
/// one write. Options besides the common ones: `file_path` (alias `path`) and
/// `mode` (octal, 0600; "0000" keeps the file's own). Any thread.
class FileDevice final : public Device {
 public:
  /// kInvalidArgument  as make_device says; also for an executable mode, and
  ///                   for what is neither a regular file nor a character
  ///                   device.
  static Result<std::shared_ptr<Device>> open(DeviceConfig config,
                                              std::string_view salt,
                                              const Logger& log);
  ~FileDevice() override;

  [[nodiscard]] bool write(std::string_view lines) override;
  Result<void> reopen() override;

  /// Tests: the descriptor lines go to, -1 for "discard".
  int descriptor() const { return fd_; }

 private:
  struct Target {
    std::string path;
    mode_t mode = 0600;
  };
  FileDevice(DeviceConfig config, DeviceOptions options, std::string_view salt,
             const Logger& log, Target target, int fd);

  static Result<Target> parse_target(const DeviceConfig& config);
  /// A descriptor to append to; -1 for "discard".
  static Result<int> open_target(const Target& target);
  static Result<void> prepare(int fd, const Target& target);
  bool write_all(std::string_view text);
  void note(bool ok, int error);

  const Logger& log_;
  const Target target_;
  std::mutex mutex_;  // guards what follows; keeps lines of callers apart
  int fd_;
  bool torn_;  // the last byte written was not a newline
  bool failing_ = false;
};

}  // namespace bulla::audit
