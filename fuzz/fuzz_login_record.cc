// The record of a user, a role, a secret id, an entity or of lockout settings
// that parses serialises to the same bytes.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "auth/approle/role_record.h"
#include "auth/identity/entity.h"
#include "auth/userpass/user_record.h"
#include "base/assert.h"
#include "server/lockout.h"

namespace {

template <typename Record, typename Write>
void same_again(const bulla::Result<Record>& record, bulla::ByteView bytes,
                Write write) {
  if (!record) return;
  const auto again = write(*record);
  BULLA_ASSERT(std::ranges::equal(again.expose(), bytes));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  using namespace bulla;
  const ByteView bytes(data, size);
  same_again(auth::parse_user(bytes), bytes, auth::serialize_user);
  same_again(auth::parse_app_role("r", bytes), bytes, auth::serialize_app_role);
  same_again(auth::parse_secret_id(bytes), bytes, auth::serialize_secret_id);
  same_again(auth::parse_entity("id", bytes), bytes, auth::serialize_entity);
  same_again(server::parse_lockout(bytes), bytes, server::serialize_lockout);
  return 0;
}
