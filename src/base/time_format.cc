#include "base/time_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <optional>

#include "base/assert.h"

namespace bulla {
namespace {

using std::chrono::days;
using std::chrono::nanoseconds;
using std::chrono::sys_days;
__extension__ typedef __int128 Int128;

constexpr std::int64_t kNanosMax = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::size_t kDurationTextMax = 128;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// ".678" of 678 ms: up to nine digits, trailing zeros dropped.
void append_fraction(std::string& out, std::uint64_t value, int digits) {
  if (value == 0) return;
  std::string text = fmt::format(".{:0{}}", value, digits);
  text.erase(text.find_last_not_of('0') + 1);
  out += text;
}

// "2026-01-02T03:04:05"; returns the nanoseconds within that second.
std::int64_t append_to_seconds(std::string& out, Time time) {
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date(day);
  const std::int64_t nanos =
      std::chrono::duration_cast<nanoseconds>(time - day).count();
  const std::int64_t seconds = nanos / kSecond;
  fmt::format_to(std::back_inserter(out), "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
                 int{date.year()}, unsigned{date.month()}, unsigned{date.day()},
                 seconds / 3600, seconds / 60 % 60, seconds % 60);
  return nanos % kSecond;
}

// A reader of fixed-width fields.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  // `n` decimal digits.
  int digits(std::size_t n) {
    if (text_.size() < n) return give_up();
    int value = 0;
    for (std::size_t i = 0; i < n; ++i) {
      if (!is_digit(text_[i])) return give_up();
      value = value * 10 + (text_[i] - '0');
    }
    text_.remove_prefix(n);
    return value;
  }
  bool maybe(char c) {
    if (text_.empty() || text_[0] != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!maybe(c)) give_up();
  }
  // One to nine digits after a point, as nanoseconds.
  std::int64_t fraction() {
    std::int64_t value = 0;
    std::int64_t unit = kSecond;
    while (!text_.empty() && is_digit(text_[0]) && unit > 1) {
      unit /= 10;
      value += (text_[0] - '0') * unit;
      text_.remove_prefix(1);
    }
    if (unit == kSecond) give_up();
    return value;
  }
  bool ok_to_end() const { return ok_ && text_.empty(); }

 private:
  int give_up() {
    ok_ = false;
    return 0;
  }
  std::string_view text_;
  bool ok_ = true;
};

// Seconds east of UTC.
int scan_zone(Scanner& in) {
  if (in.maybe('Z')) return 0;
  const bool west = in.maybe('-');
  if (!west) in.expect('+');
  const int hours = in.digits(2);
  in.expect(':');
  const int minutes = in.digits(2);
  if (hours > 23 || minutes > 59) in.expect('\0');
  const int east = hours * 3600 + minutes * 60;
  return west ? -east : east;
}

std::optional<Time> scan_rfc3339(std::string_view text) {
  Scanner in(text);
  const int year = in.digits(4);
  in.expect('-');
  const int month = in.digits(2);
  in.expect('-');
  const int day = in.digits(2);
  in.expect('T');
  const int hour = in.digits(2);
  in.expect(':');
  const int minute = in.digits(2);
  in.expect(':');
  const int second = in.digits(2);
  const std::int64_t nanos = in.maybe('.') ? in.fraction() : 0;
  const int east = scan_zone(in);
  const std::chrono::year_month_day date(
      std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
      std::chrono::day(static_cast<unsigned>(day)));
  if (!in.ok_to_end() || !date.ok() || hour > 23 || minute > 59 || second > 59)
    return std::nullopt;
  const std::int64_t seconds =
      sys_days(date).time_since_epoch().count() * std::int64_t{86400} +
      hour * 3600 + minute * 60 + second - east;
  const Int128 total = Int128{seconds} * kSecond + nanos;
  if (total > kNanosMax || total < -kNanosMax) return std::nullopt;
  return from_unix_nanos(static_cast<std::int64_t>(total));
}

struct Unit {
  std::string_view name;
  std::int64_t nanos;
};
constexpr std::array<Unit, 9> kUnits{{
    {"ns", 1},
    {"us", 1'000},
    {"\xc2\xb5s", 1'000},  // U+00B5, micro sign
    {"\xce\xbcs", 1'000},  // U+03BC, Greek mu
    {"ms", 1'000'000},
    {"s", kSecond},
    {"m", 60 * kSecond},
    {"h", 3600 * kSecond},
    {"d", 86400 * kSecond},
}};

// As Go's time.ParseDuration words them.
Error bad_duration(std::string_view text) {
  return invalid_argument(fmt::format("time: invalid duration {:?}",
                                      text.substr(0, kDurationTextMax)));
}
Error bad_unit(std::string_view unit, std::string_view text) {
  text = text.substr(0, kDurationTextMax);
  if (unit.empty()) {
    return invalid_argument(
        fmt::format("time: missing unit in duration {:?}", text));
  }
  return invalid_argument(
      fmt::format("time: unknown unit {:?} in duration {:?}", unit, text));
}

// Takes digits off `text` into `value`; false when it passes int64.
bool take_digits(std::string_view& text, std::int64_t& value,
                 std::size_t& count) {
  while (!text.empty() && is_digit(text[0])) {
    const int digit = text[0] - '0';
    if (value > (kNanosMax - digit) / 10) return false;
    value = value * 10 + digit;
    ++count;
    text.remove_prefix(1);
  }
  return true;
}

// Digits after the point over a power of ten; those beyond int64 are dropped.
std::int64_t take_fraction(std::string_view& text, double& scale,
                           std::size_t& count) {
  std::int64_t value = 0;
  bool full = false;
  for (; !text.empty() && is_digit(text[0]); text.remove_prefix(1), ++count) {
    const int digit = text[0] - '0';
    full = full || value > (kNanosMax - digit) / 10;
    if (full) continue;
    value = value * 10 + digit;
    scale *= 10;
  }
  return value;
}

// One "1.5h" off `rest`, as nanoseconds; `text` is the whole for messages.
Result<Int128> take_part(std::string_view& rest, std::string_view text) {
  std::int64_t whole = 0;
  double scale = 1;
  std::int64_t fraction = 0;
  std::size_t digits = 0;
  if (!take_digits(rest, whole, digits)) return fail(bad_duration(text));
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    fraction = take_fraction(rest, scale, digits);
  }
  if (digits == 0) return fail(bad_duration(text));
  const auto name = rest.substr(0, rest.find_first_of(".0123456789"));
  const auto unit = std::ranges::find(kUnits, name, &Unit::name);
  if (unit == kUnits.end()) return fail(bad_unit(name, text));
  rest.remove_prefix(name.size());
  // In doubles and cut off, so that every text means what it means to Go.
  const double below = static_cast<double>(fraction) *
                       (static_cast<double>(unit->nanos) / scale);
  return Int128{whole} * unit->nanos + static_cast<std::int64_t>(below);
}

Result<Int128> scan_duration(std::string_view rest, std::string_view text) {
  if (rest.empty()) return fail(bad_duration(text));
  std::string_view plain = rest;
  std::int64_t seconds = 0;
  std::size_t digits = 0;
  if (take_digits(plain, seconds, digits) && plain.empty()) {
    return Int128{seconds} * kSecond;
  }
  Int128 total = 0;
  while (!rest.empty()) {
    TRY_ASSIGN(const Int128 part, take_part(rest, text));
    total += part;
    if (total > kNanosMax) return fail(bad_duration(text));
  }
  return total;
}

}  // namespace

std::string format_rfc3339_nano(Time time) {
  std::string out;
  const std::int64_t nanos = append_to_seconds(out, time);
  append_fraction(out, static_cast<std::uint64_t>(nanos), 9);
  return out + 'Z';
}

std::string format_rfc3339_fixed(Time time, int digits) {
  BULLA_ASSERT(digits >= 1 && digits <= 9);
  std::string out;
  const std::int64_t nanos = append_to_seconds(out, time);
  out += fmt::format(".{:09}", nanos)
             .substr(0, 1 + static_cast<std::size_t>(digits));
  return out + 'Z';
}

Result<Time> parse_rfc3339(std::string_view text) {
  const auto time = scan_rfc3339(text);
  if (time) return *time;
  return fail(invalid_argument(
      fmt::format("not an RFC 3339 time between 1678 and 2262: {:?}",
                  text.substr(0, kDurationTextMax))));
}

Result<Duration> parse_duration(std::string_view text) {
  if (text.size() > kDurationTextMax) return fail(bad_duration(text));
  std::string_view rest = text;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  TRY_ASSIGN(const Int128 total, scan_duration(rest, text));
  if (total > kNanosMax) return fail(bad_duration(text));
  const auto nanos = static_cast<std::int64_t>(total);
  return Duration(negative ? -nanos : nanos);
}

std::string format_go_duration(Duration duration) {
  const std::int64_t count = duration.count();
  if (count == 0) return "0s";
  // Unsigned, since the smallest int64 has no positive twin.
  const auto bits = static_cast<std::uint64_t>(count);
  const std::uint64_t nanos = count < 0 ? ~bits + 1 : bits;
  std::string out = count < 0 ? "-" : "";
  constexpr std::uint64_t kNanosASecond = kSecond;
  if (nanos < kNanosASecond) {
    const int digits = nanos < 1'000 ? 0 : nanos < 1'000'000 ? 3 : 6;
    const std::uint64_t unit = digits == 0   ? 1
                               : digits == 3 ? 1'000
                                             : 1'000'000;
    out += fmt::format("{}", nanos / unit);
    append_fraction(out, nanos % unit, digits);
    return out + (digits == 0 ? "ns" : digits == 3 ? "\xc2\xb5s" : "ms");
  }
  const std::uint64_t seconds = nanos / kNanosASecond;
  if (seconds >= 3600) out += fmt::format("{}h", seconds / 3600);
  if (seconds >= 60) out += fmt::format("{}m", seconds / 60 % 60);
  out += fmt::format("{}", seconds % 60);
  append_fraction(out, nanos % kNanosASecond, 9);
  return out + 's';
}

}  // namespace bulla
