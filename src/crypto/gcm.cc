#include "crypto/gcm.h"

#include <intel-ipsec-mb.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/assert.h"

namespace bulla::crypto {
namespace {

constexpr std::size_t kTagBytes = 16;
constexpr std::size_t kChunkMax = std::size_t{1} << 30;  // EVP counts in int

// ---- libipsec-mb ----

// The process's one manager. After this only its GCM function pointers are
// read, which any thread may do; its job queues are never used.
const IMB_MGR* manager() {
  static const IMB_MGR* const made = []() -> const IMB_MGR* {
    IMB_MGR* const mgr = alloc_mb_mgr(0);
    if (mgr == nullptr) return nullptr;
    IMB_ARCH arch = IMB_ARCH_NONE;
    init_mb_mgr_auto(mgr, &arch);
    const bool usable = imb_get_errno(mgr) == 0 && arch != IMB_ARCH_NONE &&
                        (mgr->features & IMB_FEATURE_AESNI) != 0 &&
                        (mgr->features & IMB_FEATURE_AESNI_EMU) == 0;
    if (usable) return mgr;
    free_mb_mgr(mgr);
    return nullptr;
  }();
  return made;
}

static_assert(alignof(gcm_key_data) <= 64, "SecretBytes aligns to 64");

// A schedule says by its size whose it is: an EVP one is the bare key.
bool is_multi_buffer(const SecretBytes& schedule) {
  return schedule.size() == sizeof(gcm_key_data);
}
const gcm_key_data* key_data(const SecretBytes& schedule) {
  return reinterpret_cast<const gcm_key_data*>(schedule.expose().data());
}

// The library takes no null pointers, even for nothing.
const std::uint8_t* or_empty(const std::uint8_t* data) {
  static constexpr std::uint8_t kEmpty[16] = {};
  return data == nullptr ? kEmpty : data;
}
std::uint8_t* or_scratch(std::uint8_t* data, std::uint8_t* scratch) {
  return data == nullptr ? scratch : data;
}

void run_multi_buffer(aes_gcm_enc_dec_t function, const SecretBytes& schedule,
                      const GcmMessage& message, std::uint8_t* tag) {
  gcm_context_data context;
  std::uint8_t scratch[16];
  function(key_data(schedule), &context, or_scratch(message.out, scratch),
           or_empty(message.input.data()), message.input.size(), message.nonce,
           or_empty(message.associated_data.data()),
           message.associated_data.size(), tag, kTagBytes);
  // The context holds key stream of the last block.
  wipe({reinterpret_cast<std::uint8_t*>(&context), sizeof context});
}

// ---- EVP ----

const EVP_CIPHER* evp_cipher(bool aes256) {
  static const EVP_CIPHER* const aes_128 =
      EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr);
  static const EVP_CIPHER* const aes_256 =
      EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  const EVP_CIPHER* const cipher = aes256 ? aes_256 : aes_128;
  BULLA_ASSERT(cipher != nullptr);
  return cipher;
}

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const {
    EVP_CIPHER_CTX_free(context);
  }
};

// This thread's context, which keeps no key between calls.
class EvpCall {
 public:
  EvpCall() {
    thread_local const std::unique_ptr<EVP_CIPHER_CTX, FreeContext> kept(
        EVP_CIPHER_CTX_new());
    BULLA_ASSERT(kept != nullptr);
    context_ = kept.get();
  }
  EvpCall(const EvpCall&) = delete;
  EvpCall& operator=(const EvpCall&) = delete;
  ~EvpCall() { EVP_CIPHER_CTX_reset(context_); }

  void init(const SecretBytes& schedule, bool aes256, bool encrypt,
            const GcmMessage& message) {
    BULLA_ASSERT(EVP_CipherInit_ex2(context_, evp_cipher(aes256),
                                    schedule.expose().data(), message.nonce,
                                    encrypt ? 1 : 0, nullptr) == 1);
    update(message.associated_data, nullptr);
    update(message.input, message.out);
  }

  void seal_tag(std::uint8_t* tag) {
    BULLA_ASSERT(finish());
    BULLA_ASSERT(EVP_CIPHER_CTX_ctrl(context_, EVP_CTRL_AEAD_GET_TAG, kTagBytes,
                                     tag) == 1);
  }
  bool open_tag(std::uint8_t* tag) {
    BULLA_ASSERT(EVP_CIPHER_CTX_ctrl(context_, EVP_CTRL_AEAD_SET_TAG, kTagBytes,
                                     tag) == 1);
    return finish();
  }

 private:
  void update(ByteView input, std::uint8_t* out) {
    while (!input.empty()) {
      const ByteView part = input.first(std::min(input.size(), kChunkMax));
      int written = 0;
      BULLA_ASSERT(EVP_CipherUpdate(context_, out, &written, part.data(),
                                    static_cast<int>(part.size())) == 1);
      if (out != nullptr) out += part.size();
      input = input.subspan(part.size());
    }
  }
  bool finish() {
    std::uint8_t nothing[kTagBytes];
    int written = 0;
    return EVP_CipherFinal_ex(context_, nothing, &written) == 1;
  }

  EVP_CIPHER_CTX* context_ = nullptr;
};

}  // namespace

bool gcm_available(GcmBackend backend) {
  return backend == GcmBackend::kEvp || manager() != nullptr;
}

GcmBackend gcm_preferred() {
  return gcm_available(GcmBackend::kMultiBuffer) ? GcmBackend::kMultiBuffer
                                                 : GcmBackend::kEvp;
}

SecretBytes gcm_expand(GcmBackend backend, ByteView key) {
  BULLA_ASSERT(gcm_available(backend) &&
               (key.size() == 16 || key.size() == 32));
  if (backend == GcmBackend::kEvp) return SecretBytes::copy_of(key);
  SecretBytes schedule(sizeof(gcm_key_data));
  auto* const data =
      reinterpret_cast<gcm_key_data*>(schedule.expose_mutable().data());
  const auto expand =
      key.size() == 32 ? manager()->gcm256_pre : manager()->gcm128_pre;
  expand(key.data(), data);
  return schedule;
}

void gcm_seal(const SecretBytes& schedule, bool aes256,
              const GcmMessage& message) {
  if (is_multi_buffer(schedule)) {
    run_multi_buffer(aes256 ? manager()->gcm256_enc : manager()->gcm128_enc,
                     schedule, message, message.tag);
    return;
  }
  EvpCall call;
  call.init(schedule, aes256, true, message);
  call.seal_tag(message.tag);
}

bool gcm_open(const SecretBytes& schedule, bool aes256,
              const GcmMessage& message) {
  if (is_multi_buffer(schedule)) {
    std::array<std::uint8_t, kTagBytes> expected{};
    run_multi_buffer(aes256 ? manager()->gcm256_dec : manager()->gcm128_dec,
                     schedule, message, expected.data());
    const bool holds = constant_time_equal(expected, {message.tag, kTagBytes});
    wipe(expected);  // the tag of a forgery is not for anyone
    return holds;
  }
  EvpCall call;
  call.init(schedule, aes256, false, message);
  return call.open_tag(message.tag);
}

}  // namespace bulla::crypto
