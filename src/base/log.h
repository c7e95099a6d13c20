#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/result.h"

namespace bulla {

enum class LogLevel : std::uint8_t { kTrace, kDebug, kInfo, kWarn, kError };
enum class LogFormat : std::uint8_t { kStandard, kJson };

/// "trace", "debug", "info", "warn", "error" (and Vault's "err", "warning",
/// "notice").
Result<LogLevel> parse_log_level(std::string_view word);

/// One key and its value in a log line. Secrets never get here.
struct LogField {
  std::string_view key;
  std::string value;
};

/// Structured lines to a file descriptor, each in one write. Any thread.
class Logger {
 public:
  Logger(const Clock& clock, LogLevel level, LogFormat format, int fd = 2)
      : clock_(clock), level_(level), format_(format), fd_(fd) {}

  void trace(std::string_view message,
             std::initializer_list<LogField> fields = {}) const {
    write(LogLevel::kTrace, message, fields);
  }
  void debug(std::string_view message,
             std::initializer_list<LogField> fields = {}) const {
    write(LogLevel::kDebug, message, fields);
  }
  void info(std::string_view message,
            std::initializer_list<LogField> fields = {}) const {
    write(LogLevel::kInfo, message, fields);
  }
  void warn(std::string_view message,
            std::initializer_list<LogField> fields = {}) const {
    write(LogLevel::kWarn, message, fields);
  }
  void error(std::string_view message,
             std::initializer_list<LogField> fields = {}) const {
    write(LogLevel::kError, message, fields);
  }
  bool enabled(LogLevel level) const { return level >= level_; }

 private:
  void write(LogLevel level, std::string_view message,
             std::initializer_list<LogField> fields) const;

  const Clock& clock_;
  LogLevel level_;
  LogFormat format_;
  int fd_;
};

}  // namespace bulla
