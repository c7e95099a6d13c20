#include "kek/pkcs11_blob.h"

#include "base/wire.h"
#include "kek/kek_provider.h"
#include "kek/pkcs11_session.h"

namespace bulla::kek {
namespace {

constexpr std::uint8_t kFormat = 1;

bool possible(const Pkcs11Blob& blob) {
  if (blob.mechanism == Pkcs11Blob::Mechanism::kRsaOaep) {
    return blob.iv.empty() && !blob.sealed.empty();
  }
  return blob.mechanism == Pkcs11Blob::Mechanism::kAesGcm &&
         blob.iv.size() >= Pkcs11Gcm::kIvBytes &&
         blob.iv.size() <= Pkcs11Gcm::kIvBytesMax &&
         blob.sealed.size() > Pkcs11Gcm::kTagBytes;
}

}  // namespace

Bytes Pkcs11Blob::serialise() const {
  WireWriter out;
  out.u8(kFormat).u8(static_cast<std::uint8_t>(mechanism));
  out.bytes(iv).bytes(sealed);
  return to_bytes(out.view());
}

Result<Pkcs11Blob> Pkcs11Blob::parse(ByteView bytes) {
  constexpr std::string_view kWhat = "pkcs11: the wrapped key";
  Pkcs11Blob blob;
  WireReader in(bytes);
  const std::uint8_t format = in.u8();
  blob.mechanism = static_cast<Mechanism>(in.u8());
  blob.iv = to_bytes(in.bytes());
  blob.sealed = to_bytes(in.bytes());
  TRY(in.finish(kWhat));
  if (format != kFormat || bytes.size() > KekProvider::kBlobBytesMax ||
      !possible(blob)) {
    return fail(corrupt("pkcs11: the wrapped key is not of a known format"));
  }
  return blob;
}

}  // namespace bulla::kek
