#include "seal/quorum.h"

#include <fmt/format.h>

#include <algorithm>

#include "crypto/shamir.h"
#include "seal/seal_config.h"
#include "seal/share_collector.h"

namespace bulla::seal {

bool Quorum::add(SecretBytes share) {
  const auto same = [&](const SecretBytes& held) { return held == share; };
  if (std::ranges::any_of(shares_, same)) return false;
  shares_.push_back(std::move(share));
  return true;
}

Result<SecretBytes> Quorum::combine() const {
  if (shares_.size() == 1) return shares_.front().clone();
  return crypto::shamir_combine(shares_);
}

Result<void> check_share_length(const SecretBytes& share) {
  if (share.size() < ShareCollector::kShareBytesMin) {
    return fail(
        invalid_argument(fmt::format("key is shorter than minimum {} bytes",
                                     ShareCollector::kShareBytesMin)));
  }
  if (share.size() > ShareCollector::kShareBytesMax) {
    return fail(
        invalid_argument(fmt::format("key is longer than maximum {} bytes",
                                     ShareCollector::kShareBytesMax)));
  }
  return {};
}

std::string_view split_fault(std::int64_t shares, std::int64_t threshold) {
  if (shares < 1) return "shares must be at least one";
  if (threshold < 1) return "threshold must be at least one";
  if (shares > 1 && threshold == 1) {
    return "threshold must be greater than one for multiple shares";
  }
  if (shares > SealConfig::kSharesMax) return "shares must be less than 256";
  if (threshold > shares) return "threshold cannot be larger than shares";
  return {};
}

}  // namespace bulla::seal
