#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "kek/kek_provider.h"

namespace bulla::seal {

/// A seal stanza, as the configuration calls it.
struct ProviderId {
  std::string kind;
  std::string name;
  bool operator==(const ProviderId&) const = default;
};

ProviderId id_of(const kek::KekProvider& provider);

/// `kind`, or `kind "name"` where they differ: for messages.
std::string provider_text(const ProviderId& id);

/// How an installation is sealed; its presence means "initialised". Stored at
/// kPath in the clear, since it is read before unsealing: nothing in it is
/// secret, and whoever alters it can keep the server shut but opens nothing.
/// Every change of passkeys, root key or KEK versions puts it anew expecting
/// the version that it read, which is what makes those changes one at a time
/// across nodes. docs/formats/seal.md.
struct SealConfig {
  static constexpr std::string_view kPath = "core/seal-config";
  static constexpr std::uint32_t kSharesMax = 255;
  static constexpr std::size_t kProvidersMax = 16;
  static constexpr std::size_t kTextBytesMax = 256;
  static constexpr std::size_t kRemovedMax = 256;

  /// A provider that passkeys of this installation are under (the install
  /// record), and the state of its KEK.
  struct Provider {
    ProviderId id;
    kek::KekVersion active = 1;  ///< What is wrapped now is wrapped under it.
    kek::KekVersion target = 0;  ///< Of a rotation under way; 0: none is.
    /// Versions that must not be used again, ascending.
    std::vector<kek::KekVersion> removed;

    bool is_removed(kek::KekVersion version) const {
      return std::ranges::binary_search(removed, version);
    }
    /// What to wrap under: while a rotation is under way, where it leads.
    kek::KekVersion write_version() const {
      return target != 0 ? target : active;
    }
    bool operator==(const Provider&) const = default;
  };

  std::string installation;  ///< A UUID; part of every passkey's context.
  /// Those that automatic passkeys are under, in the order of their adding.
  std::vector<Provider> providers;
  /// Of the recovery key; 0/0: none.
  std::uint32_t recovery_shares = 0;
  std::uint32_t recovery_threshold = 0;
  Time created;

  bool automatic() const { return !providers.empty(); }
  const Provider* find(const ProviderId& id) const;
  Provider* find(const ProviderId& id);

  Bytes serialise() const;
  ///   kCorrupt  not what serialise() writes.
  static Result<SealConfig> parse(ByteView bytes);
  bool operator==(const SealConfig&) const = default;
};

}  // namespace bulla::seal
