#include "base/log.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "base/json_writer.h"
#include "base/time_format.h"

namespace bulla {
namespace {

std::string_view level_word(LogLevel level) {
  switch (level) {
    case LogLevel::kTrace:
      return "trace";
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarn:
      return "warn";
    case LogLevel::kError:
      return "error";
  }
  return "error";
}

// Padded, so that the messages stand in one column.
std::string_view level_tag(LogLevel level) {
  switch (level) {
    case LogLevel::kTrace:
      return "[TRACE] ";
    case LogLevel::kDebug:
      return "[DEBUG] ";
    case LogLevel::kInfo:
      return "[INFO]  ";
    case LogLevel::kWarn:
      return "[WARN]  ";
    case LogLevel::kError:
      return "[ERROR] ";
  }
  return "[ERROR] ";
}

bool is_plain(unsigned char c) {
  return c > ' ' && c < 0x7f && c != '"' && c != '\\' && c != '=';
}

// Everything but printable ASCII is escaped, so that nothing a client sends
// can forge a line or steer a terminal.
void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (const auto byte = static_cast<unsigned char>(c);
               byte < ' ' || byte >= 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
}

void append_value(std::string& out, std::string_view value) {
  bool plain = !value.empty();
  for (const char c : value) {
    plain = plain && is_plain(static_cast<unsigned char>(c));
  }
  if (plain) {
    out.append(value);
    return;
  }
  out += '"';
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    append_escaped(out, {&c, 1});
  }
  out += '"';
}

std::string standard_line(Time time, LogLevel level, std::string_view message,
                          std::initializer_list<LogField> fields) {
  std::string line = format_rfc3339_fixed(time, 3);
  line += ' ';
  line.append(level_tag(level));
  append_escaped(line, message);
  if (fields.size() > 0) line += ':';
  for (const LogField& field : fields) {
    line += ' ';
    append_escaped(line, field.key);
    line += '=';
    append_value(line, field.value);
  }
  return line;
}

std::string json_line(Time time, LogLevel level, std::string_view message,
                      std::initializer_list<LogField> fields) {
  std::string line;
  JsonWriter out(line);
  out.begin_object()
      .member("@level", level_word(level))
      .member("@message", message)
      .member("@timestamp", format_rfc3339_fixed(time, 6));
  for (const LogField& field : fields) out.member(field.key, field.value);
  out.end_object();
  return line;
}

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // nobody left to tell
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace

Result<LogLevel> parse_log_level(std::string_view word) {
  if (word == "trace") return LogLevel::kTrace;
  if (word == "debug") return LogLevel::kDebug;
  if (word == "info" || word == "notice") return LogLevel::kInfo;
  if (word == "warn" || word == "warning") return LogLevel::kWarn;
  if (word == "error" || word == "err") return LogLevel::kError;
  return fail(invalid_argument(fmt::format(
      "unknown log level {:?}: use trace, debug, info, warn or error", word)));
}

void Logger::write(LogLevel level, std::string_view message,
                   std::initializer_list<LogField> fields) const {
  if (!enabled(level)) return;
  const Time now = clock_.now();
  std::string line = format_ == LogFormat::kJson
                         ? json_line(now, level, message, fields)
                         : standard_line(now, level, message, fields);
  line += '\n';
  write_all(fd_, line);
}

}  // namespace bulla
