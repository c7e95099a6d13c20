// The stored form of a key's version (docs/formats/transit-key.md).

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/wire.h"
#include "engine/transit/key_record.h"

namespace bulla::engine::transit {
namespace {

constexpr std::uint8_t kFormat = 1;
enum Kind : std::uint8_t {
  kSymmetric = 1,
  kHmac = 2,
  kKeyPair = 3,
  kManaged = 4
};

constexpr std::size_t kHmacKeyBytes = 32;
constexpr std::uint32_t kConvergentVersionMax = 3;
// RSA-4096 takes less than half of these.
constexpr std::size_t kPrivateBytesMax = 8192;
constexpr std::size_t kPublicBytesMax = 2048;
constexpr std::size_t kManagedIdBytesMax = 64;

bool read_key(WireReader& reader, SecretBytes& key) {
  const ByteView bytes = reader.bytes();
  if (bytes.empty() || bytes.size() > kHmacKeyBytesMax) return false;
  key = SecretBytes::copy_of(bytes);
  return true;
}

bool read_certificates(WireReader& reader, std::vector<Bytes>& certificates) {
  const std::uint32_t count = reader.u32();
  if (count > VersionRecord::kCertificatesMax) return false;
  std::size_t total = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    const ByteView der = reader.bytes();
    total += der.size();
    if (der.empty() || total > VersionRecord::kCertificateBytesMax) {
      return false;
    }
    certificates.push_back(to_bytes(der));
  }
  return true;
}

bool read_key_pair(WireReader& reader, KeyPairMaterial& pair) {
  const ByteView pkcs8 = reader.bytes();
  const ByteView spki = reader.bytes();
  if (pkcs8.size() > kPrivateBytesMax || spki.empty() ||
      spki.size() > kPublicBytesMax) {
    return false;
  }
  pair.pkcs8 = SecretBytes::copy_of(pkcs8);
  pair.spki = to_bytes(spki);
  return read_certificates(reader, pair.certificates);
}

bool read_managed(WireReader& reader, ManagedMaterial& managed) {
  managed.id = std::string(reader.text());
  const ByteView spki = reader.bytes();
  managed.spki = to_bytes(spki);
  return !managed.id.empty() && managed.id.size() <= kManagedIdBytesMax &&
         spki.size() <= kPublicBytesMax;
}

bool read_material(WireReader& reader, Material& material) {
  switch (reader.u8()) {
    case kSymmetric:
      return read_key(reader, material.emplace<SymmetricMaterial>().key);
    case kHmac:
      return read_key(reader, material.emplace<HmacMaterial>().key);
    case kKeyPair:
      return read_key_pair(reader, material.emplace<KeyPairMaterial>());
    case kManaged:
      return read_managed(reader, material.emplace<ManagedMaterial>());
    default:
      return false;
  }
}

struct MaterialWriter {
  WireWriter& w;
  void operator()(const SymmetricMaterial& m) const {
    w.u8(kSymmetric).bytes(m.key.expose());
  }
  void operator()(const HmacMaterial& m) const {
    w.u8(kHmac).bytes(m.key.expose());
  }
  void operator()(const KeyPairMaterial& m) const {
    w.u8(kKeyPair).bytes(m.pkcs8.expose()).bytes(m.spki);
    w.u32(static_cast<std::uint32_t>(m.certificates.size()));
    for (const Bytes& der : m.certificates) w.bytes(der);
  }
  void operator()(const ManagedMaterial& m) const {
    w.u8(kManaged).text(m.id).bytes(m.spki);
  }
};

struct MaterialCloner {
  Material operator()(const SymmetricMaterial& m) const {
    return SymmetricMaterial{m.key.clone()};
  }
  Material operator()(const HmacMaterial& m) const {
    return HmacMaterial{m.key.clone()};
  }
  Material operator()(const KeyPairMaterial& m) const {
    return KeyPairMaterial{m.pkcs8.clone(), m.spki, m.certificates};
  }
  Material operator()(const ManagedMaterial& m) const { return m; }
};

}  // namespace

SecretBytes encode(const VersionRecord& record) {
  WireWriter w;
  w.u8(kFormat).bytes(record.key_id).u32(record.number);
  w.i64(unix_nanos(record.created)).u32(record.convergent_version);
  w.bytes(record.hmac_key.expose());
  std::visit(MaterialWriter{w}, record.material);
  return std::move(w).finish();
}

Result<VersionRecord> decode_version_record(ByteView bytes) {
  constexpr std::string_view kWhat = "transit key version";
  WireReader reader(bytes);
  VersionRecord record;
  const std::uint8_t format = reader.u8();
  const ByteView id = reader.bytes();
  record.number = reader.u32();
  record.created = from_unix_nanos(reader.i64());
  record.convergent_version = reader.u32();
  const ByteView hmac_key = reader.bytes();
  const bool material_ok = read_material(reader, record.material);
  TRY(reader.finish(kWhat));
  const bool own_hmac =
      std::holds_alternative<HmacMaterial>(record.material) ||
      std::holds_alternative<ManagedMaterial>(record.material);
  if (format != kFormat || id.size() != record.key_id.size() ||
      record.number < 1 || record.number > KeyRecord::kVersionMax ||
      record.convergent_version > kConvergentVersionMax ||
      (!hmac_key.empty() && (own_hmac || hmac_key.size() != kHmacKeyBytes)) ||
      !material_ok) {
    return fail(corrupt(fmt::format("{}: a field is out of its range", kWhat)));
  }
  std::ranges::copy(id, record.key_id.begin());
  record.hmac_key = SecretBytes::copy_of(hmac_key);
  return record;
}

Material clone(const Material& material) {
  return std::visit(MaterialCloner{}, material);
}

VersionRecord clone(const VersionRecord& record) {
  return {.key_id = record.key_id,
          .number = record.number,
          .created = record.created,
          .convergent_version = record.convergent_version,
          .hmac_key = record.hmac_key.clone(),
          .material = clone(record.material)};
}

}  // namespace bulla::engine::transit
