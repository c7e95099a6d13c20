#include "base/time_format.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <vector>

namespace bulla {
namespace {

constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

TEST(Rfc3339, DropsTrailingZeros) {
  const std::vector<std::pair<std::int64_t, std::string>> cases{
      {0, "1970-01-01T00:00:00Z"},
      {1, "1970-01-01T00:00:00.000000001Z"},
      {-1, "1969-12-31T23:59:59.999999999Z"},
      {1'767'323'045'678'000'000, "2026-01-02T03:04:05.678Z"},
      {951'782'400'100'000'000, "2000-02-29T00:00:00.1Z"},
      {kMax, "2262-04-11T23:47:16.854775807Z"},
  };
  for (const auto& [nanos, text] : cases) {
    EXPECT_EQ(format_rfc3339_nano(from_unix_nanos(nanos)), text);
    EXPECT_EQ(unix_nanos(*parse_rfc3339(text)), nanos);
  }
}

TEST(Rfc3339, FixedFractionsAreCutOff) {
  const Time time = from_unix_nanos(1'767'323'045'678'999'999);
  EXPECT_EQ(format_rfc3339_fixed(time, 3), "2026-01-02T03:04:05.678Z");
  EXPECT_EQ(format_rfc3339_fixed(time, 6), "2026-01-02T03:04:05.678999Z");
  EXPECT_EQ(format_rfc3339_fixed(from_unix_nanos(0), 3),
            "1970-01-01T00:00:00.000Z");
}

TEST(Rfc3339, ReadsZones) {
  const auto utc = parse_rfc3339("2026-01-02T03:04:05Z");
  EXPECT_EQ(*parse_rfc3339("2026-01-02T05:34:05+02:30"), *utc);
  EXPECT_EQ(*parse_rfc3339("2026-01-01T22:04:05-05:00"), *utc);
}

TEST(Rfc3339, RoundTripsAnyTime) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 2000; ++i) {
    const auto nanos = static_cast<std::int64_t>(random()) / 2;
    const Time time = from_unix_nanos(nanos);
    EXPECT_EQ(*parse_rfc3339(format_rfc3339_nano(time)), time);
  }
}

TEST(Rfc3339, RefusesWhatIsNotOne) {
  for (const std::string_view text : {"",
                                      "2026-01-02",
                                      "2026-01-02T03:04:05",
                                      "2026-01-02 03:04:05Z",
                                      "2026-02-30T00:00:00Z",
                                      "2025-02-29T00:00:00Z",
                                      "2026-13-01T00:00:00Z",
                                      "2026-00-01T00:00:00Z",
                                      "2026-01-02T24:00:00Z",
                                      "2026-01-02T03:60:05Z",
                                      "2026-01-02T03:04:60Z",
                                      "2026-01-02T03:04:05.Z",
                                      "2026-01-02T03:04:05.1234567890Z",
                                      "2026-01-02T03:04:05Zx",
                                      "2026-01-02T03:04:05+24:00",
                                      "2026-01-02T03:04:05+0200",
                                      "2026-1-02T03:04:05Z",
                                      "0001-01-01T00:00:00Z",
                                      "9999-12-31T23:59:59Z",
                                      "-026-01-02T03:04:05Z",
                                      "2026-01-02T03:04:05+02:60"}) {
    const auto time = parse_rfc3339(text);
    ASSERT_FALSE(time.has_value()) << text;
    EXPECT_EQ(time.error().code(), ErrorCode::kInvalidArgument);
  }
}

TEST(ParseDuration, TakesEveryForm) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  const std::vector<std::pair<std::string, std::int64_t>> cases{
      {"0", 0},
      {"30", 30 * kSecond},
      {"-30", -30 * kSecond},
      {"+5s", 5 * kSecond},
      {"1h30m", 5400 * kSecond},
      {"100ms", 100'000'000},
      {"5d", 5 * 86400 * kSecond},
      {"1d12h", 36 * 3600 * kSecond},
      {"1.5h", 5400 * kSecond},
      {"-1h", -3600 * kSecond},
      {".5s", kSecond / 2},
      {"1.s", kSecond},
      {"3.3h", 11'880'000'000'000},
      {"0.9us", 900},
      {"0.1ns", 0},
      {"1\xc2\xb5s", 1000},
      {"1\xce\xbcs", 1000},
      {"1us", 1000},
      {"9223372036854775807ns", kMax},
      {"2562047h47m16.854775807s", kMax},
      {"0.33333333333333333333h", 1'200'000'000'000},
  };
  for (const auto& [text, nanos] : cases) {
    const auto parsed = parse_duration(text);
    ASSERT_TRUE(parsed.has_value()) << text << ": " << parsed.error().message();
    EXPECT_EQ(parsed->count(), nanos) << text;
  }
}

TEST(ParseDuration, FailsInGosWords) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", "time: invalid duration \"\""},
      {"-", "time: invalid duration \"-\""},
      {"+", "time: invalid duration \"+\""},
      {".s", "time: invalid duration \".s\""},
      {"s", "time: invalid duration \"s\""},
      {"1.5", "time: missing unit in duration \"1.5\""},
      {"1h3", "time: missing unit in duration \"1h3\""},
      {"1e3s", "time: unknown unit \"e\" in duration \"1e3s\""},
      {"1h-1m", "time: unknown unit \"h-\" in duration \"1h-1m\""},
      {"1 h", "time: unknown unit \" h\" in duration \"1 h\""},
      {"5x", "time: unknown unit \"x\" in duration \"5x\""},
      {"9223372036854775808ns",
       "time: invalid duration \"9223372036854775808ns\""},
      {"100000000000h", "time: invalid duration \"100000000000h\""},
      {"106752d", "time: invalid duration \"106752d\""},
      {"9223372036854775807", "time: invalid duration \"9223372036854775807\""},
  };
  for (const auto& [text, message] : cases) {
    const auto parsed = parse_duration(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_EQ(parsed.error().message(), message);
  }
  EXPECT_FALSE(parse_duration(std::string(1000, '1')).has_value());
}

TEST(GoDuration, PrintsAsGoDoes) {
  const std::vector<std::pair<std::int64_t, std::string>> cases{
      {0, "0s"},
      {1, "1ns"},
      {999, "999ns"},
      {1000, "1\xc2\xb5s"},
      {1500, "1.5\xc2\xb5s"},
      {999'999, "999.999\xc2\xb5s"},
      {1'000'000, "1ms"},
      {1'500'000, "1.5ms"},
      {999'999'999, "999.999999ms"},
      {1'000'000'000, "1s"},
      {1'500'000'000, "1.5s"},
      {60'000'000'000, "1m0s"},
      {90'000'000'000, "1m30s"},
      {3'600'000'000'000, "1h0m0s"},
      {86'400'000'000'000, "24h0m0s"},
      {-1'500'000'000, "-1.5s"},
      {kMin, "-2562047h47m16.854775808s"},
      {kMax, "2562047h47m16.854775807s"},
      {1'000'000'001, "1.000000001s"},
      {3'661'000'000'500, "1h1m1.0000005s"},
  };
  for (const auto& [nanos, text] : cases) {
    EXPECT_EQ(format_go_duration(Duration(nanos)), text);
    if (nanos == kMin) continue;
    EXPECT_EQ(parse_duration(text)->count(), nanos) << text;
  }
}

}  // namespace
}  // namespace bulla
