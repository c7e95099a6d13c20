#include "seal/root_seal.h"

#include <fmt/format.h>

#include "barrier/entry.h"
#include "crypto/aead.h"

namespace bulla::seal {
namespace {

constexpr std::uint32_t kTerm = 1;

Result<crypto::Aead> aead_of(const SecretBytes& root) {
  return crypto::Aead::create(crypto::AeadAlgorithm::kAes256Gcm, root.expose());
}

Result<SecretBytes> open(const SecretBytes& root, std::string_view path,
                         ByteView sealed) {
  TRY_ASSIGN(const auto entry, barrier::SealedEntry::parse(sealed));
  if (entry.term != kTerm) {
    return fail(corrupt(fmt::format("sealed under term {}", entry.term)));
  }
  TRY_ASSIGN(const auto aead, aead_of(root));
  return barrier::open_entry(aead, path, entry);
}

}  // namespace

Result<Bytes> seal_under(const SecretBytes& root, std::string_view path,
                         ByteView plaintext, crypto::Rng& rng) {
  TRY_ASSIGN(const auto aead, aead_of(root));
  return barrier::seal_entry(aead, kTerm, path, plaintext, rng);
}

Result<SecretBytes> open_under(const SecretBytes& root, std::string_view path,
                               ByteView sealed) {
  auto opened = open(root, path, sealed);
  if (opened) return opened;
  return fail(std::move(opened).error().with_context(path));
}

}  // namespace bulla::seal
