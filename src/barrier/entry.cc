#include "barrier/entry.h"

#include <fmt/format.h>

#include <algorithm>

namespace bulla::barrier {

Result<SealedEntry> SealedEntry::parse(ByteView bytes) {
  if (bytes.size() < kOverheadBytes) {
    return fail(corrupt(fmt::format("truncated: {} bytes of at least {}",
                                    bytes.size(), kOverheadBytes)));
  }
  if (bytes[4] != kVersion) {
    return fail(
        corrupt(fmt::format("unknown format version {:#04x}", bytes[4])));
  }
  return SealedEntry{get_be32(bytes.data()), bytes.subspan(5, kNonceBytes),
                     bytes.subspan(kHeaderBytes)};
}

Bytes SealedEntry::serialise() const {
  Bytes out(kHeaderBytes + ciphertext.size());
  put_be32(out.data(), term);
  out[4] = kVersion;
  std::copy(nonce.begin(), nonce.end(), out.begin() + 5);
  std::copy(ciphertext.begin(), ciphertext.end(), out.begin() + kHeaderBytes);
  return out;
}

Bytes seal_entry(const crypto::Aead& aead, std::uint32_t term,
                 std::string_view path, ByteView plaintext, crypto::Rng& rng) {
  Bytes out(SealedEntry::kOverheadBytes + plaintext.size());
  put_be32(out.data(), term);
  out[4] = SealedEntry::kVersion;
  const ByteSpan nonce = ByteSpan(out).subspan(5, SealedEntry::kNonceBytes);
  rng.fill(nonce);
  aead.seal(nonce, as_bytes(path), plaintext,
            out.data() + SealedEntry::kHeaderBytes);
  return out;
}

Result<SecretBytes> open_entry(const crypto::Aead& aead, std::string_view path,
                               const SealedEntry& entry) {
  SecretBytes plain(entry.ciphertext.size() - crypto::kAeadTagBytes);
  if (!aead.open(entry.nonce, as_bytes(path), entry.ciphertext,
                 plain.expose_mutable().data())) {
    return fail(corrupt("does not open: altered, moved, or of another key"));
  }
  return plain;
}

}  // namespace bulla::barrier
