#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "kek/kek_provider.h"
#include "seal/passkey.h"

namespace bulla::snapshot {

/// What a snapshot's header says of one passkey: enough to know who opens it.
struct PasskeyInfo {
  std::string name;
  std::string kind;
  std::string provider;  ///< "" where people open it.
  kek::KekVersion kek_version = 0;
  std::string key_id;  ///< The provider's own name of the KEK.
  std::uint32_t shares = 0;
  std::uint32_t threshold = 0;
  Time created;
  Time verified;

  static PasskeyInfo of(const seal::Passkey& passkey);
  bool operator==(const PasskeyInfo&) const = default;
};

/// The first thing in a snapshot (docs/formats/snapshot.md): whose it is and
/// what opens it. Nothing in it is secret. Hostile when read.
struct Header {
  static constexpr std::size_t kBytesMax = std::size_t{64} << 10;
  static constexpr std::size_t kTextBytesMax = 512;

  std::string installation;
  Time taken;
  std::string server_version;
  std::string storage;                ///< The kind of engine it was taken from.
  std::vector<PasskeyInfo> passkeys;  ///< In the order of their paths.

  Bytes serialise() const;
  ///   kCorrupt  not what serialise() writes.
  static Result<Header> parse(ByteView bytes);
  bool operator==(const Header&) const = default;
};

}  // namespace bulla::snapshot
