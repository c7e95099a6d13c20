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
  BULLA_ASSERT(config->threshold <= config->shares);
  BULLA_ASSERT(config->shares <= SealConfig::kSharesMax);
  BULLA_ASSERT(config->providers.size() <= SealConfig::kProvidersMax);
  BULLA_ASSERT(!config->kind().empty());
  return 0;
}
