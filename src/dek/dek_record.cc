#include "dek/dek_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/wire.h"

namespace bulla::dek {
namespace {

constexpr std::uint8_t kFormat = 1;

template <typename T, std::size_t N>
std::optional<T> named(const std::array<std::pair<T, std::string_view>, N>& all,
                       std::string_view name) {
  for (const auto& [value, text] : all) {
    if (text == name) return value;
  }
  return std::nullopt;
}

template <typename T, std::size_t N>
std::string_view name_of(
    const std::array<std::pair<T, std::string_view>, N>& all, T wanted) {
  for (const auto& [value, text] : all) {
    if (value == wanted) return text;
  }
  return {};
}

constexpr std::array<std::pair<Algorithm, std::string_view>, 2> kAlgorithms = {
    {{Algorithm::kAesGcm256, "AES-GCM-256"},
     {Algorithm::kAesGcm128, "AES-GCM-128"}}};
constexpr std::array<std::pair<Status, std::string_view>, 3> kStatuses = {
    {{Status::kActive, "active"},
     {Status::kDeprecated, "deprecated"},
     {Status::kInactive, "inactive"}}};

bool is_possible(const DekInfo& info) {
  return is_uuid(info.id) && info.version > 0 &&
         !algorithm_name(info.algorithm).empty() &&
         !status_name(info.status).empty() &&
         check_text("name", info.name, DekInfo::kNameBytesMax) &&
         check_text("scope", info.scope, DekInfo::kScopeBytesMax) &&
         info.description.size() <= DekInfo::kDescriptionBytesMax;
}

}  // namespace

std::string_view algorithm_name(Algorithm algorithm) {
  return name_of(kAlgorithms, algorithm);
}
std::string_view status_name(Status status) {
  return name_of(kStatuses, status);
}
std::optional<Algorithm> algorithm_named(std::string_view name) {
  return named(kAlgorithms, name);
}
std::optional<Status> status_named(std::string_view name) {
  return named(kStatuses, name);
}

crypto::AeadAlgorithm aead_of(Algorithm algorithm) {
  return algorithm == Algorithm::kAesGcm128 ? crypto::AeadAlgorithm::kAes128Gcm
                                            : crypto::AeadAlgorithm::kAes256Gcm;
}

bool is_uuid(std::string_view text) {
  if (text.size() != DekInfo::kIdBytes) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const char c = text[i];
    const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (dash ? c != '-' : !digit) return false;
  }
  return true;
}

Result<void> check_text(std::string_view what, std::string_view text,
                        std::size_t most) {
  if (text.empty()) {
    return fail(invalid_argument(fmt::format("{} is missing", what)));
  }
  if (text.size() > most) {
    return fail(invalid_argument(
        fmt::format("{} is longer than {} bytes", what, most)));
  }
  const auto is_control = [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  };
  if (std::ranges::none_of(text, is_control)) return {};
  return fail(
      invalid_argument(fmt::format("{} has a control character", what)));
}

std::string DekInfo::path_of(std::string_view id) {
  return std::string(kPrefix) + std::string(id);
}

SecretBytes DekInfo::serialise() const {
  WireWriter out;
  out.u8(kFormat)
      .text(id)
      .text(name)
      .text(description)
      .u8(static_cast<std::uint8_t>(algorithm))
      .text(scope)
      .u8(static_cast<std::uint8_t>(status))
      .i64(unix_nanos(created_at))
      .i64(unix_nanos(updated_at))
      .u64(version);
  return std::move(out).finish();
}

Result<DekInfo> DekInfo::parse(ByteView bytes) {
  WireReader in(bytes);
  if (in.u8() != kFormat) {
    return fail(corrupt("DEK record: not of a format that this knows"));
  }
  DekInfo info;
  info.id = in.text();
  info.name = in.text();
  info.description = in.text();
  info.algorithm = static_cast<Algorithm>(in.u8());
  info.scope = in.text();
  info.status = static_cast<Status>(in.u8());
  info.created_at = from_unix_nanos(in.i64());
  info.updated_at = from_unix_nanos(in.i64());
  info.version = in.u64();
  TRY(in.finish("DEK record"));
  if (is_possible(info)) return info;
  return fail(corrupt("DEK record: impossible values"));
}

const KeyRing::Key* KeyRing::find(std::string_view id) const {
  const auto found = std::ranges::lower_bound(keys, id, {}, &Key::id);
  return found == keys.end() || found->id != id ? nullptr : &*found;
}

void KeyRing::add(Key key) {
  const auto place = std::ranges::lower_bound(keys, key.id, {}, &Key::id);
  keys.insert(place, std::move(key));
}

SecretBytes KeyRing::serialise() const {
  WireWriter out;
  out.u8(kFormat).u32(static_cast<std::uint32_t>(keys.size()));
  for (const Key& key : keys) {
    out.text(key.id)
        .u8(static_cast<std::uint8_t>(key.algorithm))
        .bytes(key.key.expose());
  }
  return std::move(out).finish();
}

Result<KeyRing> KeyRing::parse(ByteView bytes) {
  WireReader in(bytes);
  if (in.u8() != kFormat) {
    return fail(corrupt("DEK keys: not of a format that this knows"));
  }
  const std::uint32_t count = in.u32();
  if (in.failed() || count > kCountMax) {
    return fail(corrupt("DEK keys: an impossible number"));
  }
  KeyRing ring;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::string_view id = in.text();
    const auto algorithm = static_cast<Algorithm>(in.u8());
    const ByteView key = in.bytes();
    const bool possible =
        !in.failed() && is_uuid(id) && !algorithm_name(algorithm).empty() &&
        key.size() == crypto::aead_key_bytes(aead_of(algorithm));
    if (!possible || (i > 0 && ring.keys.back().id >= id)) {
      return fail(corrupt("DEK keys: impossible values"));
    }
    ring.keys.push_back(
        {std::string(id), algorithm, SecretBytes::copy_of(key)});
  }
  TRY(in.finish("DEK keys"));
  return ring;
}

std::string CountRecord::path_of(std::string_view id) {
  return std::string(kPrefix) + std::string(id);
}

SecretBytes CountRecord::serialise() const {
  WireWriter out;
  out.u8(kFormat).u64(ceiling);
  return std::move(out).finish();
}

Result<CountRecord> CountRecord::parse(ByteView bytes) {
  WireReader in(bytes);
  if (in.u8() != kFormat) {
    return fail(corrupt("DEK count: not of a format that this knows"));
  }
  CountRecord record;
  record.ceiling = in.u64();
  TRY(in.finish("DEK count"));
  return record;
}

}  // namespace bulla::dek
