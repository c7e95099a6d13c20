// Cipher's RSA half: OAEP with SHA-256, or PKCS#1 v1.5 where it is asked for
// (reference/transit.md §5.1).

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "engine/transit/cipher.h"

namespace bulla::engine::transit {
namespace {

using crypto::RsaEncryption;

Result<RsaEncryption> padding_named(std::string_view name) {
  if (name.empty() || name == "oaep") return RsaEncryption::kOaep;
  if (name == "pkcs1v15") return RsaEncryption::kPkcs1v15;
  return fail(
      invalid_argument(fmt::format("unknown padding scheme: {}", name)));
}

Result<void> check_managed_padding(std::string_view seal,
                                   std::string_view open) {
  TRY_ASSIGN(const auto sealing, padding_named(seal));
  TRY_ASSIGN(const auto opening, padding_named(open));
  if (sealing == RsaEncryption::kOaep && opening == RsaEncryption::kOaep) {
    return {};
  }
  return fail(invalid_argument(
      "padding_scheme: a managed key encrypts as its mechanism says"));
}

}  // namespace

Result<void> Cipher::set_padding(std::string_view seal, std::string_view open) {
  if (key_->type().managed()) [[unlikely]]
    return check_managed_padding(seal, open);
  if (!key_->type().rsa()) return {};
  TRY_ASSIGN(seal_padding_, padding_named(seal));
  TRY_ASSIGN(open_padding_, padding_named(open));
  return {};
}

Result<Cipher::Sealed> Cipher::seal_rsa(const KeyVersion& version,
                                        ByteSpan plaintext) {
  auto made = version.public_key()->encrypt(
      seal_padding_, crypto::HashAlgorithm::kSha2_256, plaintext);
  wipe(plaintext);
  if (!made) return fail(std::move(made).error());
  sealed_elsewhere_ = *std::move(made);
  return Sealed{sealed_elsewhere_, &version};
}

Result<ByteView> Cipher::open_rsa(const KeyVersion& version, ByteView sealed) {
  if (version.private_key() == nullptr) {
    return fail(
        internal_error("cannot decrypt ciphertext, key version does not have a "
                       "private counterpart"));
  }
  // Hundreds of microseconds: others would wait for them on an event loop.
  if (!may_block_) return fail(would_compute());
  TRY_ASSIGN(const SecretBytes plaintext,
             version.private_key()->decrypt(
                 open_padding_, crypto::HashAlgorithm::kSha2_256, sealed));
  return keep_opened(plaintext);
}

ByteView Cipher::keep_opened(const SecretBytes& plaintext) {
  std::uint8_t* const out = loop_.opened.reserve(plaintext.size());
  std::ranges::copy(plaintext.expose(), out);
  opened_size_ = plaintext.size();
  return {out, opened_size_};
}

Result<void> check_associated(const KeyTypeInfo& type, std::size_t index,
                              std::string_view associated_data) {
  if (associated_data.empty() || type.associated_data) return {};
  return fail(invalid_argument(fmt::format(
      "'[{}].associated_data' provided for non-AEAD cipher suite {}", index,
      type.name)));
}

}  // namespace bulla::engine::transit
