#include "kek/passphrase_blob.h"

#include <fmt/format.h>

#include "base/wire.h"
#include "kek/gcm_kek.h"
#include "kek/kek_provider.h"

namespace bulla::kek {
namespace {

constexpr std::uint8_t kFormat = 1;

void write_head(WireWriter& out, const PassphraseBlob& blob) {
  out.u8(kFormat).u32(blob.cost.memory_kib).u32(blob.cost.passes);
  out.u32(blob.cost.lanes).bytes(blob.salt);
}

}  // namespace

Bytes PassphraseBlob::serialise() const {
  WireWriter out;
  write_head(out, *this);
  out.bytes(sealed);
  return to_bytes(out.view());
}

Bytes PassphraseBlob::context(ByteView aad) const {
  WireWriter out;
  write_head(out, *this);
  out.bytes(aad);
  return to_bytes(out.view());
}

Result<PassphraseBlob> PassphraseBlob::parse(ByteView bytes) {
  constexpr std::string_view kWhat = "passphrase: the wrapped key";
  if (bytes.size() > KekProvider::kBlobBytesMax) {
    return fail(corrupt(fmt::format("{} is too long", kWhat)));
  }
  PassphraseBlob blob;
  WireReader in(bytes);
  const std::uint8_t format = in.u8();
  blob.cost.memory_kib = in.u32();
  blob.cost.passes = in.u32();
  blob.cost.lanes = in.u32();
  blob.salt = to_bytes(in.bytes());
  blob.sealed = to_bytes(in.bytes());
  TRY(in.finish(kWhat));
  if (format != kFormat) {
    return fail(
        corrupt(fmt::format("{} is not of a format that this knows", kWhat)));
  }
  if (blob.salt.size() != kSaltBytes ||
      blob.sealed.size() <= GcmKek::kOverheadBytes) {
    return fail(
        corrupt(fmt::format("{}: a field has an impossible length", kWhat)));
  }
  const auto bounded = check(blob.cost);
  if (bounded) return blob;
  return fail(corrupt(fmt::format("{}: {}", kWhat, bounded.error().message())));
}

Result<void> PassphraseBlob::check(const crypto::Argon2Cost& cost) {
  const auto wrong = [](std::string_view what, std::uint64_t low,
                        std::uint64_t high) {
    return fail(invalid_argument(
        fmt::format("{} is not between {} and {}", what, low, high)));
  };
  if (cost.lanes < 1 || cost.lanes > kLanesMax) {
    return wrong("argon2_lanes", 1, kLanesMax);
  }
  if (cost.passes < 1 || cost.passes > kPassesMax) {
    return wrong("argon2_passes", 1, kPassesMax);
  }
  const std::uint32_t least = kMemoryKibMin * cost.lanes;
  if (cost.memory_kib < least || cost.memory_kib > kMemoryKibMax) {
    return wrong("argon2_memory_kib", least, kMemoryKibMax);
  }
  if (std::uint64_t{cost.memory_kib} * cost.passes > kWorkKibMax) {
    return wrong("argon2_memory_kib times argon2_passes", least, kWorkKibMax);
  }
  return {};
}

}  // namespace bulla::kek
