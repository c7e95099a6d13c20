// A policy text parses or is refused; what parses compiles, and the compiled
// form answers every question about the paths that the text itself names.

#include <cstddef>
#include <cstdint>
#include <string>

#include "auth/acl.h"
#include "base/assert.h"
#include "base/bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  namespace auth = bulla::auth;
  using bulla::api::Operation;
  const auto policy = auth::parse_policy("fuzz", bulla::as_text({data, size}));
  if (!policy) {
    BULLA_ASSERT(
        policy.error().message().starts_with("failed to parse policy: "));
    return 0;
  }
  const auth::Acl acl({*policy});
  BULLA_ASSERT(!acl.is_root());
  for (const auth::PolicyRule& rule : (*policy)->rules) {
    for (const std::string& path : {rule.path, rule.path + "/x"}) {
      for (const auto operation : {Operation::kRead, Operation::kList}) {
        const auto decision =
            acl.decide({operation, path, std::nullopt, std::nullopt});
        BULLA_ASSERT(!decision.root);
        // What is allowed must not be denied by what capabilities() tells.
        if (decision.allowed && operation == Operation::kRead) {
          BULLA_ASSERT(path.ends_with('/') ||
                       (acl.capabilities(path) & bulla::api::kCapRead) != 0);
        }
      }
    }
    acl.may_touch(rule.path);
  }
  acl.resultant_json();
  return 0;
}
