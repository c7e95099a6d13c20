// The small texts of requests and configurations: durations, times, blocks of
// addresses, hexadecimal, keys. What is read prints as something that is read
// the same.
#include <cstddef>
#include <cstdint>

#include "auth/cidr.h"
#include "base/assert.h"
#include "base/encoding.h"
#include "base/time_format.h"
#include "kek/key_text.h"

namespace {

void check_times(std::string_view text) {
  if (const auto duration = bulla::parse_duration(text)) {
    const auto printed = bulla::format_go_duration(*duration);
    BULLA_ASSERT(bulla::parse_duration(printed).value() == *duration);
  }
  if (const auto time = bulla::parse_rfc3339(text)) {
    const auto printed = bulla::format_rfc3339_nano(*time);
    BULLA_ASSERT(bulla::parse_rfc3339(printed).value() == *time);
    BULLA_ASSERT(printed.ends_with('Z'));
  }
}

void check_blocks(std::string_view text) {
  const auto block = bulla::auth::parse_cidr(text);
  bulla::auth::cidrs_contain({std::string(text)}, "10.1.2.3");
  bulla::auth::cidrs_contain({"10.0.0.0/8", "::/0"}, text);
  if (!block) return;
  BULLA_ASSERT(bulla::auth::parse_cidr(*block).value() == *block);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const auto text = bulla::as_text({data, size});
  check_times(text);
  check_blocks(text);
  if (const auto bytes = bulla::hex_decode(text)) {
    BULLA_ASSERT(bulla::hex_decode(bulla::hex_encode(*bytes)).value() ==
                 *bytes);
  }
  // What names a file or a variable is not to be followed here.
  if (text.find("://") == std::string_view::npos) {
    const auto key = bulla::kek::read_key_text(text);
    BULLA_ASSERT(!key || key->size() == 32);
  }
  return 0;
}
