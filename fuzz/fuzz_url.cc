// Targets, escapes and queries: what decodes must encode back to itself.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "net/url.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  using namespace bulla::net;
  const void* raw = data;
  const std::string_view text(static_cast<const char*>(raw), size);
  const auto target = split_target(text);
  require(target.path.size() + target.query.size() <= text.size());
  require(target.path.find('?') == std::string_view::npos);

  if (const auto decoded = percent_decode(text)) {
    require(decoded->size() <= text.size());
    require(percent_decode(percent_encode(*decoded)).value() == *decoded);
  }
  if (const auto query = parse_query(text)) {
    std::string again;
    for (const auto& [key, value] : *query) {
      again += percent_encode(key) + "=" + percent_encode(value) + "&";
    }
    require(parse_query(again).value() == *query);
  }
  return 0;
}
