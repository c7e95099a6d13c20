#include "crypto/cmac.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "base/assert.h"
#include "base/secret_bytes.h"
#include "crypto/openssl.h"

namespace bulla::crypto {
namespace {

constexpr std::size_t kBlock = kCmacBytes;
constexpr std::size_t kChunkBytes = 1024;
constexpr std::uint8_t kReduction = 0x87;  // of GF(2¹²⁸), SP 800-38B 5.3

const EVP_CIPHER* cbc(std::size_t key_bytes) {
  static const EVP_CIPHER* const aes_128 =
      EVP_CIPHER_fetch(nullptr, "AES-128-CBC", nullptr);
  static const EVP_CIPHER* const aes_192 =
      EVP_CIPHER_fetch(nullptr, "AES-192-CBC", nullptr);
  static const EVP_CIPHER* const aes_256 =
      EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr);
  if (key_bytes == 16) return aes_128;
  return key_bytes == 24 ? aes_192 : aes_256;
}

// CBC from a zero vector on this thread's context, which keeps no key between
// calls: the schedule is cheaper to make than to keep in locked memory.
class Chain {
 public:
  explicit Chain(const SecretBytes& key) {
    using Context =
        std::unique_ptr<EVP_CIPHER_CTX, Freeing<EVP_CIPHER_CTX_free>>;
    thread_local const Context kept(EVP_CIPHER_CTX_new());
    context_ = kept.get();
    static constexpr std::uint8_t kZero[kBlock] = {};
    BULLA_ASSERT(context_ != nullptr &&
                 EVP_EncryptInit_ex2(context_, cbc(key.size()),
                                     key.expose().data(), kZero,
                                     nullptr) == 1 &&
                 EVP_CIPHER_CTX_set_padding(context_, 0) == 1);
  }
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;
  ~Chain() { EVP_CIPHER_CTX_reset(context_); }

  // Takes in whole blocks, at most kChunkBytes; `out` gets as many.
  void step(ByteView blocks, std::uint8_t* out) {
    int written = 0;
    BULLA_ASSERT(EVP_EncryptUpdate(context_, out, &written, blocks.data(),
                                   static_cast<int>(blocks.size())) == 1);
  }
  void skip(ByteView blocks) {
    std::array<std::uint8_t, kChunkBytes> out;
    const WipeGuard guard(
        ByteSpan(out).first(std::min(blocks.size(), out.size())));
    for (; !blocks.empty();
         blocks = blocks.subspan(std::min(blocks.size(), out.size()))) {
      step(blocks.first(std::min(blocks.size(), out.size())), out.data());
    }
  }

 private:
  EVP_CIPHER_CTX* context_ = nullptr;
};

// `block` times x in GF(2¹²⁸).
void multiply_by_x(ByteSpan block) {
  const auto top = static_cast<std::uint8_t>(block[0] >> 7);
  for (std::size_t i = 0; i + 1 < block.size(); ++i) {
    block[i] = static_cast<std::uint8_t>(block[i] << 1 | block[i + 1] >> 7);
  }
  const auto mask = static_cast<std::uint8_t>(0U - top);
  block.back() =
      static_cast<std::uint8_t>((block.back() << 1) ^ (mask & kReduction));
}

// How many bytes come before the last block, which is never empty but for an
// empty message.
std::size_t bytes_before_last(std::size_t size) {
  return size == 0 ? 0 : (size - 1) / kBlock * kBlock;
}

}  // namespace

struct Cmac::State {
  SecretBytes key;
  SecretBytes whole;   // K1: is added to a last block that is full
  SecretBytes padded;  // K2: to one that was filled up
};

Result<Cmac> Cmac::create(ByteView key) {
  if (key.size() != 16 && key.size() != 24 && key.size() != 32) {
    return fail(invalid_argument("a CMAC key has 16, 24 or 32 bytes"));
  }
  auto state = std::make_unique<State>(State{
      SecretBytes::copy_of(key), SecretBytes(kBlock), SecretBytes(kBlock)});
  static constexpr std::uint8_t kZero[kBlock] = {};
  Chain(state->key).step(kZero, state->whole.expose_mutable().data());
  multiply_by_x(state->whole.expose_mutable());
  state->padded = state->whole.clone();
  multiply_by_x(state->padded.expose_mutable());
  return Cmac(state.release());
}

Cmac::Cmac(Cmac&& other) noexcept
    : state_(std::exchange(other.state_, nullptr)) {}

Cmac& Cmac::operator=(Cmac&& other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}

Cmac::~Cmac() { delete state_; }

CmacTag Cmac::sign(ByteView data) const {
  BULLA_ASSERT(state_ != nullptr);
  Chain chain(state_->key);
  const std::size_t before = bytes_before_last(data.size());
  chain.skip(data.first(before));
  const ByteView rest = data.subspan(before);
  std::array<std::uint8_t, kBlock> last{};
  const WipeGuard guard(last);
  if (!rest.empty()) std::memcpy(last.data(), rest.data(), rest.size());
  const bool full = rest.size() == kBlock;
  if (!full) last[rest.size()] = 0x80;
  const ByteView subkey = (full ? state_->whole : state_->padded).expose();
  for (std::size_t i = 0; i < kBlock; ++i) last[i] ^= subkey[i];
  CmacTag tag;
  chain.step(last, tag.data());
  return tag;
}

}  // namespace bulla::crypto
