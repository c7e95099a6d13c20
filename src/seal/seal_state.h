#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "seal/passkey.h"
#include "seal/seal_config.h"

namespace bulla::seal {

struct StoredPasskey {
  Passkey passkey;
  std::uint64_t version = 0;  ///< Storage's.
};

/// What storage holds of the seal, as read once.
struct SealState {
  SealConfig config;
  std::uint64_t version = 0;            ///< Storage's, of core/seal-config.
  std::vector<StoredPasskey> passkeys;  ///< In the order of their making.

  const StoredPasskey* find(std::string_view name) const {
    const auto found = std::ranges::find_if(passkeys, [&](const auto& stored) {
      return stored.passkey.name == name;
    });
    return found == passkeys.end() ? nullptr : &*found;
  }
  /// The first shamir passkey, or null.
  const Passkey* shamir() const {
    const auto found = std::ranges::find_if(passkeys, [](const auto& stored) {
      return stored.passkey.kind == Passkey::kShamir;
    });
    return found == passkeys.end() ? nullptr : &found->passkey;
  }
  /// Whether people can open it: by shares or a passphrase.
  bool has_people() const {
    return std::ranges::any_of(passkeys, [](const auto& stored) {
      return !stored.passkey.automatic();
    });
  }
};

}  // namespace bulla::seal
