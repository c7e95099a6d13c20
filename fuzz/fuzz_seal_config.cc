// A seal configuration that parses serialises to the same bytes and keeps
// within its bounds.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "seal/seal_config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  using bulla::seal::SealConfig;
  const bulla::ByteView bytes(data, size);
  const auto config = SealConfig::parse(bytes);
  if (!config) {
    BULLA_ASSERT(config.error().code() == bulla::ErrorCode::kCorrupt);
    return 0;
  }
  BULLA_ASSERT(std::ranges::equal(config->serialise(), bytes));
  BULLA_ASSERT(config->recovery_threshold <= config->recovery_shares);
  BULLA_ASSERT(config->recovery_shares <= SealConfig::kSharesMax);
  BULLA_ASSERT(config->providers.size() <= SealConfig::kProvidersMax);
  for (const auto& provider : config->providers) {
    BULLA_ASSERT(config->find(provider.id) == &provider);
    BULLA_ASSERT(!provider.is_removed(provider.write_version()));
  }
  return 0;
}
