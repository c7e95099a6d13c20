#include "base/log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>

#include "base/json.h"

namespace bulla {
namespace {

class FixedClock final : public Clock {
 public:
  Time now() const override {
    return from_unix_nanos(1'767'323'045'678'901'234);
  }
};

// What `use` logs, through a pipe.
template <typename Use>
std::string logged(LogLevel level, LogFormat format, Use use) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe(ends.data()), 0);
  const FixedClock clock;
  use(Logger(clock, level, format, ends[1]));
  ::close(ends[1]);
  std::string text(8192, '\0');
  const ssize_t n = ::read(ends[0], text.data(), text.size());
  ::close(ends[0]);
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return text;
}

TEST(Log, StandardLines) {
  const std::string text =
      logged(LogLevel::kTrace, LogFormat::kStandard, [](const Logger& log) {
        log.trace("t");
        log.debug("d");
        log.info("core: unsealed", {{"key", "value"}, {"key2", "with space"}});
        log.warn("w", {{"empty", ""}, {"quote", "a\"b\\c"}});
        log.error("e");
      });
  EXPECT_EQ(text,
            "2026-01-02T03:04:05.678Z [TRACE] t\n"
            "2026-01-02T03:04:05.678Z [DEBUG] d\n"
            "2026-01-02T03:04:05.678Z [INFO]  core: unsealed: key=value "
            "key2=\"with space\"\n"
            "2026-01-02T03:04:05.678Z [WARN]  w: empty=\"\" "
            "quote=\"a\\\"b\\\\c\"\n"
            "2026-01-02T03:04:05.678Z [ERROR] e\n");
}

TEST(Log, LevelsBelowAreSilent) {
  const std::string text =
      logged(LogLevel::kWarn, LogFormat::kStandard, [](const Logger& log) {
        log.info("no");
        log.warn("yes");
        EXPECT_FALSE(log.enabled(LogLevel::kInfo));
        EXPECT_TRUE(log.enabled(LogLevel::kError));
      });
  EXPECT_EQ(text, "2026-01-02T03:04:05.678Z [WARN]  yes\n");
}

TEST(Log, NothingForgesALineOrSteersATerminal) {
  const std::string text =
      logged(LogLevel::kInfo, LogFormat::kStandard, [](const Logger& log) {
        log.info("a\nb\x1b[31m", {{"k\n", std::string("v\r\n\t\0\x7f", 6)},
                                  {"high", "\xc2\x9b"}});
      });
  EXPECT_EQ(text,
            "2026-01-02T03:04:05.678Z [INFO]  a\\nb\\x1b[31m: "
            "k\\n=\"v\\r\\n\\t\\x00\\x7f\" high=\"\\xc2\\x9b\"\n");
}

TEST(Log, JsonLinesAreJson) {
  const std::string text =
      logged(LogLevel::kInfo, LogFormat::kJson, [](const Logger& log) {
        log.info("a\n\"b\"", {{"path", "x y"}});
      });
  EXPECT_EQ(text,
            "{\"@level\":\"info\",\"@message\":\"a\\n\\\"b\\\"\","
            "\"@timestamp\":\"2026-01-02T03:04:05.678901Z\","
            "\"path\":\"x y\"}\n");
  JsonParser parser;
  EXPECT_TRUE(parse_json(parser, text).has_value());
}

TEST(Log, AClosedDescriptorIsNoFault) {
  const FixedClock clock;
  Logger(clock, LogLevel::kInfo, LogFormat::kStandard, -1).info("nobody");
}

TEST(LogLevel, KnowsItsWords) {
  EXPECT_EQ(*parse_log_level("trace"), LogLevel::kTrace);
  EXPECT_EQ(*parse_log_level("debug"), LogLevel::kDebug);
  EXPECT_EQ(*parse_log_level("info"), LogLevel::kInfo);
  EXPECT_EQ(*parse_log_level("notice"), LogLevel::kInfo);
  EXPECT_EQ(*parse_log_level("warn"), LogLevel::kWarn);
  EXPECT_EQ(*parse_log_level("warning"), LogLevel::kWarn);
  EXPECT_EQ(*parse_log_level("error"), LogLevel::kError);
  EXPECT_EQ(*parse_log_level("err"), LogLevel::kError);
  const auto unknown = parse_log_level("loud");
  ASSERT_FALSE(unknown.has_value());
  EXPECT_EQ(
      unknown.error().message(),
      "unknown log level \"loud\": use trace, debug, info, warn or error");
}

}  // namespace
}  // namespace bulla
