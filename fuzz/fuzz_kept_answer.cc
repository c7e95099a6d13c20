// What parses as a wrapped answer serialises to the same bytes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/bytes.h"
#include "server/kept_answer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string_view text = bulla::as_text({data, size});
  const auto answer = bulla::server::parse_kept_answer(text);
  if (!answer) return 0;
  if (bulla::server::write_kept_answer(*answer) != text) std::abort();
  return 0;
}
