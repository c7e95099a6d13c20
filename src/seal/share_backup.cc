#include "seal/share_backup.h"

#include "base/wire.h"
#include "seal/seal_config.h"

namespace bulla::seal {
namespace {

constexpr std::uint8_t kFormat = 1;
constexpr std::size_t kTextBytesMax = 256;

bool possible(const ShareBackup& backup) {
  bool all = backup.nonce.size() <= kTextBytesMax && !backup.shares.empty() &&
             backup.shares.size() <= SealConfig::kSharesMax;
  for (const auto& share : backup.shares) {
    all = all && share.fingerprint.size() <= kTextBytesMax &&
          share.message.size() <= ShareBackup::kMessageBytesMax;
  }
  return all;
}

}  // namespace

Bytes ShareBackup::serialise() const {
  WireWriter out;
  out.u8(kFormat).text(nonce).u32(static_cast<std::uint32_t>(shares.size()));
  for (const Share& share : shares) {
    out.text(share.fingerprint).bytes(share.message);
  }
  return to_bytes(out.view());
}

Result<ShareBackup> ShareBackup::parse(ByteView bytes) {
  WireReader in(bytes);
  if (in.u8() != kFormat) {
    return fail(corrupt("share backup: not of a format that this knows"));
  }
  ShareBackup backup;
  backup.nonce = in.text();
  const std::uint32_t count = in.u32();
  if (count > SealConfig::kSharesMax) {
    return fail(corrupt("share backup: too many shares"));
  }
  for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
    Share share;
    share.fingerprint = in.text();
    share.message = to_bytes(in.bytes());
    backup.shares.push_back(std::move(share));
  }
  TRY(in.finish("share backup"));
  if (possible(backup)) return backup;
  return fail(corrupt("share backup: impossible numbers"));
}

}  // namespace bulla::seal
