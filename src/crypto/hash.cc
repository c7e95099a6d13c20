#include "crypto/hash.h"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>

#include "base/assert.h"
#include "crypto/hash_parts.h"

namespace bulla::crypto {
namespace {

struct HashInfo {
  std::string_view name;  // Vault's
  const char* openssl;    // OpenSSL's
  std::size_t digest_bytes;
  std::size_t block_bytes;
};
constexpr std::size_t kAlgorithms = 9;
constexpr std::array<HashInfo, kAlgorithms> kInfo{{
    {"sha1", "SHA1", 20, 64},
    {"sha2-224", "SHA2-224", 28, 64},
    {"sha2-256", "SHA2-256", 32, 64},
    {"sha2-384", "SHA2-384", 48, 128},
    {"sha2-512", "SHA2-512", 64, 128},
    {"sha3-224", "SHA3-224", 28, 144},
    {"sha3-256", "SHA3-256", 32, 136},
    {"sha3-384", "SHA3-384", 48, 104},
    {"sha3-512", "SHA3-512", 64, 72},
}};

std::size_t index(HashAlgorithm algorithm) {
  return static_cast<std::size_t>(algorithm);
}

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

// This thread's context of `algorithm`, ready for a message. One for each
// algorithm, since changing a context's algorithm costs an allocation.
EVP_MD_CTX* ready_context(HashAlgorithm algorithm) {
  thread_local std::array<std::unique_ptr<EVP_MD_CTX, FreeContext>, kAlgorithms>
      contexts;
  auto& context = contexts[index(algorithm)];
  if (context == nullptr) context.reset(EVP_MD_CTX_new());
  BULLA_ASSERT(context != nullptr &&
               EVP_DigestInit_ex2(context.get(), message_digest(algorithm),
                                  nullptr) == 1);
  return context.get();
}

void update(EVP_MD_CTX* context, ByteView data) {
  if (data.empty()) return;
  BULLA_ASSERT(EVP_DigestUpdate(context, data.data(), data.size()) == 1);
}

}  // namespace

const EVP_MD* message_digest(HashAlgorithm algorithm) {
  static const auto fetched = [] {
    std::array<const EVP_MD*, kAlgorithms> all{};
    for (std::size_t i = 0; i < kAlgorithms; ++i) {
      all[i] = EVP_MD_fetch(nullptr, kInfo[i].openssl, nullptr);
      BULLA_ASSERT(all[i] != nullptr);
    }
    return all;
  }();
  return fetched[index(algorithm)];
}

std::optional<HashAlgorithm> hash_algorithm_named(std::string_view name) {
  const auto found = std::ranges::find(kInfo, name, &HashInfo::name);
  if (found == kInfo.end()) return std::nullopt;
  return static_cast<HashAlgorithm>(found - kInfo.begin());
}

std::string_view hash_name(HashAlgorithm algorithm) {
  return kInfo[index(algorithm)].name;
}

std::size_t hash_bytes(HashAlgorithm algorithm) {
  return kInfo[index(algorithm)].digest_bytes;
}

std::size_t hash_block_bytes(HashAlgorithm algorithm) {
  return kInfo[index(algorithm)].block_bytes;
}

void hash_two_parts(HashAlgorithm algorithm, ByteView first, ByteView second,
                    std::uint8_t* out) {
  EVP_MD_CTX* const context = ready_context(algorithm);
  update(context, first);
  update(context, second);
  BULLA_ASSERT(EVP_DigestFinal_ex(context, out, nullptr) == 1);
}

void hash_forget(HashAlgorithm algorithm) { ready_context(algorithm); }

Digest hash(HashAlgorithm algorithm, ByteView data) {
  Digest digest;
  digest.size = hash_bytes(algorithm);
  hash_two_parts(algorithm, data, {}, digest.bytes.data());
  return digest;
}

std::array<std::uint8_t, kSha256Bytes> sha256(ByteView data) {
  std::array<std::uint8_t, kSha256Bytes> digest;
  hash_two_parts(HashAlgorithm::kSha2_256, data, {}, digest.data());
  return digest;
}

}  // namespace bulla::crypto
