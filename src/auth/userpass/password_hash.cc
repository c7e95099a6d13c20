#include "auth/userpass/password_hash.h"

#include <array>

namespace bulla::auth {
namespace {

constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kDigestBytes = 32;
// What a record may ask for: nobody who alters one makes logins run for ever.
constexpr std::uint32_t kMemoryKibMax = 256 * 1024;
constexpr std::uint32_t kPassesMax = 16;
constexpr std::uint32_t kLanesMax = 4;

Result<SecretBytes> digest_of(std::string_view password, ByteView salt,
                              const crypto::Argon2Cost& cost) {
  return crypto::argon2id({.password = as_bytes(password),
                           .salt = salt,
                           .secret = {},
                           .associated_data = {}},
                          cost, kDigestBytes);
}

}  // namespace

Result<PasswordHash> hash_password(std::string_view password,
                                   crypto::Rng& rng) {
  if (password.size() > PasswordHash::kPasswordBytesMax) {
    return fail(invalid_argument("the password is longer than 4096 bytes"));
  }
  PasswordHash hash;
  hash.cost = PasswordHash::kCost;
  hash.salt.resize(kSaltBytes);
  rng.fill(hash.salt);
  TRY_ASSIGN(hash.digest, digest_of(password, hash.salt, hash.cost));
  return hash;
}

Result<bool> password_matches(const PasswordHash* hash,
                              std::string_view password) {
  static constexpr std::array<std::uint8_t, kSaltBytes> kNobodysSalt{};
  // Too long for anyone's: as costly as all others, and wrong.
  const bool possible =
      hash != nullptr && password.size() <= PasswordHash::kPasswordBytesMax;
  if (password.size() > PasswordHash::kPasswordBytesMax) password = {};
  TRY_ASSIGN(
      const SecretBytes digest,
      digest_of(password, hash != nullptr ? ByteView(hash->salt) : kNobodysSalt,
                hash != nullptr ? hash->cost : PasswordHash::kCost));
  return possible && digest == hash->digest;
}

void write_password_hash(WireWriter& out, const PasswordHash& hash) {
  out.u32(hash.cost.memory_kib)
      .u32(hash.cost.passes)
      .u32(hash.cost.lanes)
      .bytes(hash.salt)
      .bytes(hash.digest.expose());
}

Result<PasswordHash> read_password_hash(WireReader& in) {
  PasswordHash hash;
  hash.cost.memory_kib = in.u32();
  hash.cost.passes = in.u32();
  hash.cost.lanes = in.u32();
  hash.salt = to_bytes(in.bytes());
  hash.digest = SecretBytes::copy_of(in.bytes());
  const auto& cost = hash.cost;
  const bool sound =
      !in.failed() && hash.salt.size() == kSaltBytes &&
      hash.digest.size() == kDigestBytes && cost.passes >= 1 &&
      cost.passes <= kPassesMax && cost.lanes >= 1 && cost.lanes <= kLanesMax &&
      cost.memory_kib >= 8 * cost.lanes && cost.memory_kib <= kMemoryKibMax;
  if (sound) return hash;
  return fail(corrupt("the hash of a password is out of its bounds"));
}

}  // namespace bulla::auth
