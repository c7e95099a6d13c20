#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/secret_bytes.h"

namespace bulla::seal {

/// How an installation is sealed; its presence means "initialised". Stored at
/// kPath in the clear, since it is read before unsealing: nothing in it is
/// secret, and whoever alters it can keep the server shut but opens nothing.
/// docs/formats/seal.md.
struct SealConfig {
  static constexpr std::string_view kPath = "core/seal-config";
  static constexpr std::uint32_t kSharesMax = 255;
  static constexpr std::size_t kProvidersMax = 16;
  static constexpr std::size_t kTextBytesMax = 256;

  /// A provider that this installation was sealed with: the install record.
  struct Provider {
    std::string kind;
    std::string name;
    bool operator==(const Provider&) const = default;
  };

  std::string installation;  ///< A UUID; part of every passkey's context.
  /// Empty: Shamir.
  std::vector<Provider> providers;
  /// Of the unseal key, or of the recovery key with providers (0/0: none).
  std::uint32_t shares = 0;
  std::uint32_t threshold = 0;
  Time created;

  bool automatic() const { return !providers.empty(); }
  /// "shamir", or the kind of the first provider.
  std::string_view kind() const {
    return automatic() ? std::string_view(providers.front().kind) : "shamir";
  }

  Bytes serialise() const;
  ///   kCorrupt  not what serialise() writes.
  static Result<SealConfig> parse(ByteView bytes);
  bool operator==(const SealConfig&) const = default;
};

}  // namespace bulla::seal
