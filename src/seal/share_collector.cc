#include "seal/share_collector.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "crypto/shamir.h"

namespace bulla::seal {

Result<void> ShareCollector::check_length(const SecretBytes& share) {
  if (share.size() < kShareBytesMin) {
    return fail(invalid_argument(fmt::format(
        "invalid key: key is shorter than minimum {} bytes", kShareBytesMin)));
  }
  if (share.size() > kShareBytesMax) {
    return fail(invalid_argument(fmt::format(
        "invalid key: key is longer than maximum {} bytes", kShareBytesMax)));
  }
  return {};
}

void ShareCollector::add(SecretBytes share, crypto::Rng& rng) {
  const auto same = [&](const SecretBytes& held) { return held == share; };
  if (std::ranges::any_of(shares_, same)) return;
  if (shares_.empty()) nonce_ = rng.uuid();
  shares_.push_back(std::move(share));
}

std::vector<SecretBytes> ShareCollector::take() {
  nonce_.clear();
  return std::exchange(shares_, {});
}

std::vector<SecretBytes> ShareCollector::copy() const {
  std::vector<SecretBytes> copies;
  for (const SecretBytes& share : shares_) copies.push_back(share.clone());
  return copies;
}

Result<std::vector<SecretBytes>> split_key(const SecretBytes& key,
                                           std::size_t shares,
                                           std::size_t threshold,
                                           crypto::Rng& rng) {
  if (shares > 1) return crypto::shamir_split(key, shares, threshold, rng);
  std::vector<SecretBytes> whole;
  whole.push_back(key.clone());
  return whole;
}

Result<SecretBytes> combine_key(std::vector<SecretBytes> shares) {
  if (shares.size() == 1) return std::move(shares.front());
  return crypto::shamir_combine(shares);
}

}  // namespace bulla::seal
