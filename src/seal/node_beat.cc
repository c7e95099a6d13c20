#include "seal/node_beat.h"

#include <algorithm>
#include <functional>

#include "base/encoding.h"
#include "base/wire.h"
#include "crypto/hash.h"

namespace bulla::seal {
namespace {

constexpr std::uint8_t kFormat = 1;
constexpr std::size_t kIdBytes = 16;

Error bad(std::string_view what) {
  return corrupt("a node's beat: " + std::string(what));
}

Result<NodeBeat::Loaded> read_loaded(WireReader& in) {
  NodeBeat::Loaded loaded;
  loaded.id.kind = in.text();
  loaded.id.name = in.text();
  const std::uint32_t count = in.u32();
  if (count > NodeBeat::kVersionsMax) return fail(bad("too many versions"));
  for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
    loaded.versions.push_back(in.u32());
  }
  return loaded;
}

Result<void> check(const NodeBeat& beat) {
  if (beat.name.empty() || beat.name.size() > NodeBeat::kNameBytesMax) {
    return fail(bad("no name"));
  }
  for (const auto& loaded : beat.loaded) {
    if (loaded.id.kind.empty() ||
        loaded.id.kind.size() > SealConfig::kTextBytesMax ||
        loaded.id.name.size() > SealConfig::kTextBytesMax) {
      return fail(bad("a provider without a kind"));
    }
    if (std::ranges::adjacent_find(loaded.versions, std::greater_equal<>()) !=
        loaded.versions.end()) {
      return fail(bad("versions out of order"));
    }
  }
  return {};
}

}  // namespace

std::string NodeBeat::path_of(std::string_view name) {
  const auto digest =
      crypto::hash(crypto::HashAlgorithm::kSha2_256, as_bytes(name));
  return std::string(kPrefix) + hex_encode(digest.view().first(kIdBytes));
}

std::vector<kek::KekVersion> NodeBeat::versions_of(const ProviderId& id) const {
  const auto found = std::ranges::find(loaded, id, &Loaded::id);
  return found == loaded.end() ? std::vector<kek::KekVersion>{}
                               : found->versions;
}

bool NodeBeat::has(const ProviderId& id, kek::KekVersion version) const {
  return std::ranges::binary_search(versions_of(id), version);
}

Bytes NodeBeat::serialise() const {
  WireWriter out;
  out.u8(kFormat).text(name).i64(unix_nanos(seen));
  out.u32(static_cast<std::uint32_t>(loaded.size()));
  for (const Loaded& one : loaded) {
    out.text(one.id.kind).text(one.id.name);
    out.u32(static_cast<std::uint32_t>(one.versions.size()));
    for (const kek::KekVersion version : one.versions) out.u32(version);
  }
  return to_bytes(out.view());
}

Result<NodeBeat> NodeBeat::parse(ByteView bytes) {
  WireReader in(bytes);
  if (in.u8() != kFormat) return fail(bad("not of a format that this knows"));
  NodeBeat beat;
  beat.name = in.text();
  beat.seen = from_unix_nanos(in.i64());
  const std::uint32_t count = in.u32();
  if (count > SealConfig::kProvidersMax) return fail(bad("too many providers"));
  for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
    TRY_ASSIGN(auto loaded, read_loaded(in));
    beat.loaded.push_back(std::move(loaded));
  }
  TRY(in.finish("a node's beat"));
  TRY(check(beat));
  return beat;
}

}  // namespace bulla::seal
