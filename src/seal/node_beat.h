#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "kek/kek_provider.h"
#include "seal/seal_config.h"

namespace bulla::seal {

/// One node's sign of life, with the KEK versions that it can use. Stored at
/// kPrefix + a digest of its name, outside the barrier: a sealed node beats,
/// too, since it will have to open. Nothing in it is secret; who alters it can
/// hold a rotation up or let it come before a node that lacks the version,
/// which then does not open until it has that. docs/formats/seal.md.
struct NodeBeat {
  static constexpr std::string_view kPrefix = "core/nodes/";
  static constexpr std::size_t kNameBytesMax = 512;
  static constexpr std::size_t kVersionsMax = 1024;
  /// Records that one pass reads; there may be more, of nodes that died.
  static constexpr std::size_t kPageMax = 256;

  struct Loaded {
    ProviderId id;
    std::vector<kek::KekVersion> versions;  ///< Ascending.
  };

  std::string name;
  Time seen;
  std::vector<Loaded> loaded;

  /// Where a node of that name is stored.
  static std::string path_of(std::string_view name);
  bool has(const ProviderId& id, kek::KekVersion version) const;
  std::vector<kek::KekVersion> versions_of(const ProviderId& id) const;

  Bytes serialise() const;
  ///   kCorrupt  not what serialise() writes.
  static Result<NodeBeat> parse(ByteView bytes);
};

}  // namespace bulla::seal
