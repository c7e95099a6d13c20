// The states of SHA-1 and SHA-2 are plain structures in OpenSSL's low level
// alone. That is what lets a key schedule lie in secret memory and be copied
// for each message; copying an EVP context allocates, and costs three times
// as much. SHA-3 has no such interface and hashes the padded key each time.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include <cstring>
#include <utility>

#include "base/assert.h"
#include "base/secret_bytes.h"
#include "crypto/hash.h"
#include "crypto/hash_parts.h"

namespace bulla::crypto {
namespace {

constexpr std::uint8_t kInnerPad = 0x36;
constexpr std::uint8_t kOuterPad = 0x5C;
constexpr std::size_t kStateBytesMax = sizeof(SHA512_CTX);

// One algorithm's functions over a state of `bytes` bytes.
struct StateOps {
  std::size_t bytes;
  void (*begin)(void* state);
  void (*update)(void* state, ByteView data);
  void (*finish)(void* state, std::uint8_t* out);
};

template <typename Context, auto kInit, auto kUpdate, auto kFinal>
constexpr StateOps kOps{
    sizeof(Context), [](void* state) { kInit(static_cast<Context*>(state)); },
    [](void* state, ByteView data) {
      kUpdate(static_cast<Context*>(state), data.data(), data.size());
    },
    [](void* state, std::uint8_t* out) {
      kFinal(out, static_cast<Context*>(state));
    }};

// Null for SHA-3.
const StateOps* state_ops(HashAlgorithm algorithm) {
  switch (algorithm) {
    case HashAlgorithm::kSha1:
      return &kOps<SHA_CTX, SHA1_Init, SHA1_Update, SHA1_Final>;
    case HashAlgorithm::kSha2_224:
      return &kOps<SHA256_CTX, SHA224_Init, SHA224_Update, SHA224_Final>;
    case HashAlgorithm::kSha2_256:
      return &kOps<SHA256_CTX, SHA256_Init, SHA256_Update, SHA256_Final>;
    case HashAlgorithm::kSha2_384:
      return &kOps<SHA512_CTX, SHA384_Init, SHA384_Update, SHA384_Final>;
    case HashAlgorithm::kSha2_512:
      return &kOps<SHA512_CTX, SHA512_Init, SHA512_Update, SHA512_Final>;
    default:
      return nullptr;
  }
}

// A state on the stack for one pass, wiped behind it.
class Pass {
 public:
  Pass(const StateOps& ops, const SecretBytes& from) : ops_(ops) {
    std::memcpy(state_, from.expose().data(), ops.bytes);
  }
  Pass(const Pass&) = delete;
  Pass& operator=(const Pass&) = delete;
  ~Pass() { wipe({state_, ops_.bytes}); }

  void run(ByteView data, std::uint8_t* out) {
    if (!data.empty()) ops_.update(state_, data);
    ops_.finish(state_, out);
  }

 private:
  const StateOps& ops_;
  alignas(16) std::uint8_t state_[kStateBytesMax];
};

// One side of the schedule: the padded key, or the state that has taken it in.
SecretBytes schedule_side(const StateOps* ops, ByteView padded_key,
                          std::uint8_t pad) {
  SecretBytes block = SecretBytes::copy_of(padded_key);
  for (std::uint8_t& byte : block.expose_mutable()) byte ^= pad;
  if (ops == nullptr) return block;
  SecretBytes state(ops->bytes);
  ops->begin(state.expose_mutable().data());
  ops->update(state.expose_mutable().data(), block.expose());
  return state;
}

}  // namespace

struct Hmac::State {
  HashAlgorithm algorithm;
  const StateOps* ops;
  SecretBytes inner;
  SecretBytes outer;
};

Hmac::Hmac(HashAlgorithm algorithm, ByteView key) {
  SecretBytes padded(hash_block_bytes(algorithm));
  if (key.size() > padded.size()) {
    hash_two_parts(algorithm, key, {}, padded.expose_mutable().data());
    hash_forget(algorithm);
  } else if (!key.empty()) {
    std::memcpy(padded.expose_mutable().data(), key.data(), key.size());
  }
  const StateOps* const ops = state_ops(algorithm);
  state_ =
      new State{algorithm, ops, schedule_side(ops, padded.expose(), kInnerPad),
                schedule_side(ops, padded.expose(), kOuterPad)};
}

Hmac::Hmac(Hmac&& other) noexcept
    : state_(std::exchange(other.state_, nullptr)) {}

Hmac& Hmac::operator=(Hmac&& other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}

Hmac::~Hmac() { delete state_; }

Digest Hmac::sign(ByteView data) const {
  BULLA_ASSERT(state_ != nullptr);
  Digest digest;
  digest.size = hash_bytes(state_->algorithm);
  std::uint8_t* const out = digest.bytes.data();
  if (state_->ops != nullptr) {
    Pass(*state_->ops, state_->inner).run(data, out);
    Pass(*state_->ops, state_->outer).run(digest.view(), out);
    return digest;
  }
  Digest inner = digest;
  hash_two_parts(state_->algorithm, state_->inner.expose(), data,
                 inner.bytes.data());
  hash_two_parts(state_->algorithm, state_->outer.expose(), inner.view(), out);
  hash_forget(state_->algorithm);
  wipe(inner.bytes);
  return digest;
}

Digest hmac(HashAlgorithm algorithm, ByteView key, ByteView data) {
  return Hmac(algorithm, key).sign(data);
}

}  // namespace bulla::crypto
