#include "engine/transit/cipher.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/assert.h"
#include "base/encoding.h"
#include "base/secret_bytes.h"
#include "engine/transit/ciphertext.h"
#include "engine/transit/derivation.h"

namespace bulla::engine::transit {
namespace {

using crypto::kAeadNonceBytesMax;
using crypto::kAeadTagBytes;

constexpr std::size_t kNonceKeyBytes = 32;

tl::unexpected<Error> invalid(std::string_view text) {
  return fail(invalid_argument(std::string(text)));
}

}  // namespace

Cipher::Cipher(const Key& key, KeyStore& store, TransitLoop& loop,
               const api::Context& context)
    : key_(&key),
      store_(store),
      loop_(loop),
      rng_(*context.rng),
      may_block_(context.may_block),
      now_(context.now) {}

Cipher::~Cipher() {
  give_back();
  wipe_opened();
  loop_.trim();
}

Result<const KeyVersion*> Cipher::version(std::uint32_t number) {
  if (last_ != nullptr && last_->number() == number) return last_;
  TRY(store_.check_usable(*key_));
  const KeyRecord& record = key_->record();
  if (number < record.min_decryption_version ||
      number > record.latest_version) {
    return invalid("no such key version");
  }
  last_ = key_->loaded(number);
  if (last_ != nullptr) return last_;
  if (!may_block_) return fail(would_block());
  TRY_ASSIGN(auto loaded, store_.load_version(*key_, number));
  last_ = held_.emplace_back(std::move(loaded)).get();
  return last_;
}

Result<std::uint32_t> Cipher::version_to_seal(std::int64_t asked) const {
  const KeyRecord& record = key_->record();
  if (asked == 0) return record.latest_version;
  if (asked < 0) return invalid("requested version for encryption is negative");
  if (asked > record.latest_version) {
    return invalid(
        "requested version for encryption is higher than the latest key "
        "version");
  }
  if (asked < record.min_encryption_version) {
    return invalid(
        "requested version for encryption is less than the minimum encryption "
        "key version");
  }
  return static_cast<std::uint32_t>(asked);
}

Result<std::uint32_t> Cipher::version_to_open(std::int64_t asked) const {
  const KeyRecord& record = key_->record();
  if (asked == 0) asked = 1;
  if (asked > record.latest_version) {
    return invalid("invalid ciphertext: version is too new");
  }
  if (asked < record.min_decryption_version) {
    return invalid(
        "ciphertext or signature version is disallowed by policy (too old)");
  }
  return static_cast<std::uint32_t>(asked);
}

Result<ByteView> Cipher::decode_context(std::string_view context) {
  if (context.empty()) return ByteView{};
  std::uint8_t* out = loop_.context.reserve(base64_decoded_max(context.size()));
  TRY_ASSIGN(const std::size_t size, base64_decode_to(context, out));
  return ByteView(out, size);
}

Result<ByteView> Cipher::decode_associated(std::string_view text) {
  if (text.empty()) return ByteView{};
  std::uint8_t* out = loop_.associated.reserve(base64_decoded_max(text.size()));
  const auto size = base64_decode_to(text, out);
  if (!size) {
    return fail(internal_error(
        fmt::format("unable to get associated_data/additional_data from "
                    "factory[0]: {}",
                    size.error().message())));
  }
  return ByteView(out, *size);
}

Result<void> Cipher::derive(const KeyVersion& version, ByteView context) {
  const KeyRecord& record = key_->record();
  const KeyTypeInfo& type = key_->type();
  const std::size_t extra = record.convergent ? kNonceKeyBytes : 0;
  const SecretBytes okm =
      derive_bytes(record, version, context, type.key_bytes + extra);
  if (okm.size() != type.key_bytes + extra) {
    return fail(internal_error("could not derive enc key, length not correct"));
  }
  Derived made{.version = &version,
               .context = to_bytes(context),
               .aead = {},
               .nonce_key = {}};
  TRY_ASSIGN(made.aead, crypto::Aead::create(
                            *type.aead, okm.expose().first(type.key_bytes)));
  if (record.convergent) {
    made.nonce_key.emplace(crypto::HashAlgorithm::kSha2_256,
                           okm.expose().subspan(type.key_bytes));
  }
  derived_ = std::move(made);
  return {};
}

Result<const crypto::Aead*> Cipher::aead_of(const KeyVersion& version,
                                            ByteView context) {
  const KeyRecord& record = key_->record();
  BULLA_ASSERT(key_->type().aead.has_value());
  if (!record.derived) return version.aead();
  TRY(require_context(context));
  if (record.convergent && version.convergent_version() < 3) {
    return invalid(fmt::format(
        "refusing to support decryption with old convergent encryption key: "
        "version {}",
        version.convergent_version()));
  }
  if (!derived_ || derived_->version != &version ||
      !std::ranges::equal(derived_->context, context)) {
    TRY(derive(version, context));
  }
  return &*derived_->aead;
}

void Cipher::make_nonce(ByteSpan nonce, ByteView plaintext) {
  if (!key_->record().convergent) {
    rng_.fill(nonce);
    return;
  }
  const crypto::Digest digest = derived_->nonce_key->sign(plaintext);
  std::memcpy(nonce.data(), digest.bytes.data(), nonce.size());
}

Result<Cipher::Sealed> Cipher::seal(std::int64_t key_version,
                                    std::string_view plaintext,
                                    std::string_view context,
                                    std::string_view associated_data) {
  // The plaintext is decoded to where it will be sealed, so that the
  // ciphertext takes its place.
  const std::size_t room = base64_decoded_max(plaintext.size());
  std::uint8_t* const text =
      loop_.work.reserve(kAeadNonceBytesMax + room + kAeadTagBytes) +
      kAeadNonceBytesMax;
  const auto size = base64_decode_to(plaintext, text);
  if (!size) {
    wipe({text, room});
    return tl::unexpected<Error>(size.error());
  }
  auto decoded = decode_context(context);
  if (!decoded) {
    wipe({text, *size});
    return tl::unexpected<Error>(std::move(decoded).error());
  }
  return seal_in_place(key_version, *size, *decoded, associated_data);
}

Result<Cipher::Sealed> Cipher::seal_bytes(std::int64_t key_version,
                                          ByteView plaintext,
                                          std::string_view context,
                                          std::string_view associated_data) {
  TRY_ASSIGN(const ByteView decoded, decode_context(context));
  std::uint8_t* const text =
      loop_.work.reserve(kAeadNonceBytesMax + plaintext.size() +
                         kAeadTagBytes) +
      kAeadNonceBytesMax;
  std::ranges::copy(plaintext, text);
  return seal_in_place(key_version, plaintext.size(), decoded, associated_data);
}

Result<Cipher::Sealed> Cipher::seal_in_place(std::int64_t key_version,
                                             std::size_t size, ByteView context,
                                             std::string_view associated_data) {
  std::uint8_t* const text = loop_.work.reserve(0) + kAeadNonceBytesMax;
  const auto sealed = [&]() -> Result<Sealed> {
    TRY(store_.check_usable(*key_));
    if (!key_->type().encrypts) {
      return invalid(
          fmt::format("message encryption not supported for key type {}",
                      key_->type().name));
    }
    if (key_->type().managed() && !may_block_) [[unlikely]]
      return fail(would_block());
    while (true) {
      TRY_ASSIGN(const std::uint32_t number, version_to_seal(key_version));
      TRY_ASSIGN(const KeyVersion* used, version(number));
      const crypto::Aead* aead = nullptr;
      if (key_->type().aead) {
        TRY_ASSIGN(aead, aead_of(*used, context));
      }
      TRY_ASSIGN(const ByteView aad, decode_associated(associated_data));
      TRY_ASSIGN(const bool may, take(*used));
      if (!may) {
        TRY(renew(key_version));
        continue;
      }
      if (aead == nullptr) [[unlikely]] {
        return key_->type().rsa() ? seal_rsa(*used, {text, size})
                                  : seal_managed(*used, {text, size}, aad);
      }
      const std::size_t nonce_size = aead->nonce_bytes();
      std::uint8_t* const nonce = text - nonce_size;
      make_nonce({nonce, nonce_size}, {text, size});
      aead->seal({nonce, nonce_size}, aad, {text, size}, text);
      return Sealed{{nonce, nonce_size + size + kAeadTagBytes}, used};
    }
  }();
  if (!sealed) wipe({text, size});
  return sealed;
}

Result<ByteView> Cipher::open(std::string_view ciphertext,
                              std::string_view context,
                              std::string_view associated_data) {
  wipe_opened();
  TRY_ASSIGN(const ByteView decoded_context, decode_context(context));
  TRY(store_.check_usable(*key_));
  if (!key_->type().encrypts) {
    return invalid(fmt::format(
        "message decryption not supported for key type {}", key_->type().name));
  }
  VersionedText parsed;
  switch (parse_versioned_text(ciphertext, parsed)) {
    case VersionedTextFault::kNone:
      break;
    case VersionedTextFault::kNoPrefix:
      return invalid("invalid ciphertext: no prefix");
    case VersionedTextFault::kWrongFields:
      return invalid("invalid ciphertext: wrong number of fields");
    case VersionedTextFault::kBadVersion:
      return invalid("invalid ciphertext: version number could not be decoded");
  }
  TRY_ASSIGN(const std::uint32_t number, version_to_open(parsed.version));
  std::uint8_t* const bytes =
      loop_.work.reserve(base64_decoded_max(parsed.payload.size()));
  const auto size = base64_decode_to(parsed.payload, bytes);
  if (!size) return invalid("invalid ciphertext: could not decode base64");
  TRY_ASSIGN(const KeyVersion* used, version(number));
  if (key_->type().rsa()) [[unlikely]]
    return open_rsa(*used, {bytes, *size});
  if (key_->type().managed()) [[unlikely]]
    return open_managed(*used, {bytes, *size}, associated_data);
  TRY_ASSIGN(const crypto::Aead* aead, aead_of(*used, decoded_context));
  const std::size_t nonce_size = aead->nonce_bytes();
  TRY_ASSIGN(const ByteView aad, decode_associated(associated_data));
  if (*size < nonce_size) return invalid("invalid ciphertext length");
  const ByteView sealed(bytes + nonce_size, *size - nonce_size);
  std::uint8_t* const out = loop_.opened.reserve(sealed.size());
  if (!aead->open({bytes, nonce_size}, aad, sealed, out)) {
    return invalid(key_->type().forged_text);
  }
  opened_size_ = sealed.size() - kAeadTagBytes;
  return ByteView(out, opened_size_);
}

void Cipher::wipe_opened() {
  if (opened_size_ == 0) return;
  wipe({loop_.opened.reserve(0), opened_size_});
  opened_size_ = 0;
}

}  // namespace bulla::engine::transit
