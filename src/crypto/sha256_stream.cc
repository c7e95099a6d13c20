#include "crypto/sha256_stream.h"

#include <openssl/evp.h>

#include "base/assert.h"

namespace bulla::crypto {
namespace {

struct Free {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, Free>;

Context new_context() {
  Context context(EVP_MD_CTX_new());
  BULLA_ASSERT(context != nullptr);
  return context;
}

}  // namespace

struct Sha256Stream::State {
  Context context = new_context();
};

Sha256Stream::Sha256Stream() : state_(std::make_unique<State>()) {
  BULLA_ASSERT(
      EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr) == 1);
}
Sha256Stream::Sha256Stream(Sha256Stream&&) noexcept = default;
Sha256Stream& Sha256Stream::operator=(Sha256Stream&&) noexcept = default;
Sha256Stream::~Sha256Stream() = default;

void Sha256Stream::update(ByteView bytes) {
  BULLA_ASSERT(
      EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) == 1);
}

std::array<std::uint8_t, kSha256Bytes> Sha256Stream::digest() const {
  const Context copy = new_context();
  BULLA_ASSERT(EVP_MD_CTX_copy_ex(copy.get(), state_->context.get()) == 1);
  std::array<std::uint8_t, kSha256Bytes> out{};
  BULLA_ASSERT(EVP_DigestFinal_ex(copy.get(), out.data(), nullptr) == 1);
  return out;
}

}  // namespace bulla::crypto
