#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"

namespace bulla::crypto {

enum class HashAlgorithm : std::uint8_t {
  kSha1,
  kSha2_224,
  kSha2_256,
  kSha2_384,
  kSha2_512,
  kSha3_224,
  kSha3_256,
  kSha3_384,
  kSha3_512,
};

constexpr std::size_t kHashBytesMax = 64;
constexpr std::size_t kSha256Bytes = 32;

/// Vault's names: "sha1", "sha2-224" … "sha3-512".
std::optional<HashAlgorithm> hash_algorithm_named(std::string_view name);
std::string_view hash_name(HashAlgorithm algorithm);
std::size_t hash_bytes(HashAlgorithm algorithm);

/// A digest of up to kHashBytesMax bytes, by value.
struct Digest {
  std::array<std::uint8_t, kHashBytesMax> bytes{};
  std::size_t size = 0;
  ByteView view() const { return {bytes.data(), size}; }
};

/// One-shot hash (FIPS 180-4, FIPS 202). Algorithms are fetched once a process
/// and contexts kept a thread. Any thread.
Digest hash(HashAlgorithm algorithm, ByteView data);
std::array<std::uint8_t, kSha256Bytes> sha256(ByteView data);

/// A keyed HMAC (RFC 2104, FIPS 198-1) whose key schedule is computed once.
/// Immutable; any thread.
class Hmac {
 public:
  Hmac(HashAlgorithm algorithm, ByteView key);
  Hmac(Hmac&&) noexcept;
  Hmac& operator=(Hmac&&) noexcept;
  ~Hmac();

  Digest sign(ByteView data) const;

 private:
  struct State;
  State* state_;
};

/// One-shot HMAC.
Digest hmac(HashAlgorithm algorithm, ByteView key, ByteView data);

}  // namespace bulla::crypto
