// A password policy that parses keeps its own bounds.

#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "server/password_policy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  using bulla::server::PasswordPolicy;
  const auto policy = bulla::server::parse_password_policy(
      bulla::as_text(bulla::ByteView(data, size)));
  if (!policy) return 0;
  BULLA_ASSERT(policy->length >= PasswordPolicy::kLengthMin);
  BULLA_ASSERT(policy->length <= PasswordPolicy::kLengthMax);
  BULLA_ASSERT(!policy->characters.empty());
  BULLA_ASSERT(policy->characters.size() <= PasswordPolicy::kCharactersMax);
  return 0;
}
