#include "server/managed_key_record.h"

#include "base/wire.h"

namespace bulla::server {
namespace {

constexpr std::uint8_t kFormat = 1;

// In order and each once, so that a record has one form only.
bool follows(const std::string& last, std::string_view next) {
  return !next.empty() && next > last &&
         next.size() <= ManagedKeyRecord::kTextBytesMax;
}

bool read_parameters(WireReader& in, ManagedKeyRecord& record) {
  const std::uint32_t count = in.u32();
  if (count > ManagedKeyRecord::kParametersMax) return false;
  std::string last;
  for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
    const std::string_view name = in.text();
    const std::string_view value = in.text();
    if (!follows(last, name) || value.empty() ||
        value.size() > ManagedKeyRecord::kTextBytesMax) {
      return false;
    }
    last = name;
    record.parameters.emplace(last, value);
  }
  return true;
}

bool read_usages(WireReader& in, ManagedKeyRecord& record) {
  const std::uint32_t count = in.u32();
  if (count > ManagedKeyRecord::kParametersMax) return false;
  std::string last;
  for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
    const std::string_view usage = in.text();
    if (!follows(last, usage)) return false;
    last = usage;
    record.usages.push_back(last);
  }
  return true;
}

}  // namespace

SecretBytes encode(const ManagedKeyRecord& record) {
  WireWriter out;
  out.u8(kFormat).text(record.name).text(record.id);
  out.u32(static_cast<std::uint32_t>(record.parameters.size()));
  for (const auto& [name, value] : record.parameters)
    out.text(name).text(value);
  out.bytes(record.pin.expose()).boolean(record.any_mount);
  out.u32(static_cast<std::uint32_t>(record.usages.size()));
  for (const std::string& usage : record.usages) out.text(usage);
  return std::move(out).finish();
}

Result<ManagedKeyRecord> decode_managed_key(ByteView bytes) {
  constexpr std::string_view kWhat = "managed key record";
  WireReader in(bytes);
  ManagedKeyRecord record;
  const bool format_ok = in.u8() == kFormat;
  record.name = in.text();
  record.id = in.text();
  const bool parameters_ok = read_parameters(in, record);
  const ByteView pin = in.bytes();
  record.any_mount = in.boolean();
  const bool usages_ok = read_usages(in, record);
  if (format_ok && parameters_ok && usages_ok) TRY(in.finish(kWhat));
  if (!format_ok || !parameters_ok || !usages_ok || record.name.empty() ||
      record.name.size() > ManagedKeyRecord::kNameBytesMax ||
      record.id.empty() || record.id.size() > ManagedKeyRecord::kTextBytesMax ||
      pin.size() > ManagedKeyRecord::kTextBytesMax) {
    return fail(corrupt("managed key record: a field is out of its range"));
  }
  record.pin = SecretBytes::copy_of(pin);
  return record;
}

}  // namespace bulla::server
