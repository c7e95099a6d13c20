#include "storage/coordination.h"

#include <fmt/format.h>

namespace bulla::storage {

Result<void> check_candidate(const Candidate& candidate) {
  if (candidate.name.empty() ||
      candidate.name.size() > Coordination::kNameBytesMax) {
    return fail(invalid_argument(fmt::format(
        "a leader's name has 1 to {} bytes", Coordination::kNameBytesMax)));
  }
  if (candidate.data.size() > Coordination::kDataBytesMax) {
    return fail(invalid_argument(fmt::format(
        "a leader's data has {} bytes at most", Coordination::kDataBytesMax)));
  }
  if (candidate.lease < std::chrono::seconds(1)) {
    return fail(invalid_argument("a lease has a second or more"));
  }
  return {};
}

}  // namespace bulla::storage
