#include "server/sys/share_text.h"

#include <string>

#include "base/encoding.h"
#include "seal/share_collector.h"

namespace bulla::server {
namespace {

SecretBytes take(Bytes bytes) {
  const WipeGuard guard(bytes);
  return SecretBytes::copy_of(bytes);
}

}  // namespace

// Base64 of a share may be valid hexadecimal, too; its length then tells.
Result<SecretBytes> decode_share(std::string_view text) {
  using seal::ShareCollector;
  if (auto hex = hex_decode(text)) {
    SecretBytes share = take(*std::move(hex));
    if (share.size() >= ShareCollector::kShareBytesMin &&
        share.size() <= ShareCollector::kShareBytesMax) {
      return share;
    }
  }
  auto bytes = base64_decode(text);
  if (!bytes) {
    return fail(invalid_argument("'key' must be a valid hex or base64 string"));
  }
  return take(*std::move(bytes));
}

void write_shares(JsonWriter& out, std::string_view name,
                  const std::vector<SecretBytes>& shares) {
  out.key(name).begin_array();
  for (const SecretBytes& share : shares) {
    std::string hex = hex_encode(share.expose());
    out.plain(hex);
    wipe({reinterpret_cast<std::uint8_t*>(hex.data()), hex.size()});
  }
  out.end_array();
  out.key(std::string(name) + "_base64").begin_array();
  for (const SecretBytes& share : shares) out.base64(share.expose());
  out.end_array();
}

}  // namespace bulla::server
