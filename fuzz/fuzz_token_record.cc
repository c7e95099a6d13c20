// A token's, a token role's or a policy's record that parses serialises to the
// same bytes.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "auth/policy_record.h"
#include "auth/token/token_role.h"
#include "auth/token_record.h"
#include "base/assert.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const bulla::ByteView bytes(data, size);
  if (const auto token = bulla::auth::parse_token("hash", bytes)) {
    const auto again = bulla::auth::serialize_token(**token);
    BULLA_ASSERT(std::ranges::equal(again.expose(), bytes));
  }
  if (const auto role = bulla::auth::parse_role("role", bytes)) {
    const auto again = bulla::auth::serialize_role(*role);
    BULLA_ASSERT(std::ranges::equal(again.expose(), bytes));
  }
  if (const auto policy = bulla::auth::parse_policy_record(bytes)) {
    const auto again = bulla::auth::serialize_policy(*policy);
    BULLA_ASSERT(std::ranges::equal(again.expose(), bytes));
  }
  return 0;
}
