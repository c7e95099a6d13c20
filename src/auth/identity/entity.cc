#include "auth/identity/entity.h"

#include "auth/token_params.h"
#include "base/wire.h"

namespace bulla::auth {
namespace {

constexpr std::uint8_t kFormat = 1;

using Map = std::map<std::string, std::string>;

void write_map(WireWriter& out, const Map& map) {
  out.u32(static_cast<std::uint32_t>(map.size()));
  for (const auto& [name, value] : map) out.text(name).text(value);
}

// Names strictly ascending, so that there is one way to write a map.
bool read_map(WireReader& in, Map& out) {
  const std::uint32_t count = in.u32();
  for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
    std::string name(in.text());
    std::string value(in.text());
    if (!out.empty() && name <= out.rbegin()->first) return false;
    out.emplace_hint(out.end(), std::move(name), std::move(value));
  }
  return !in.failed();
}

void write_alias(WireWriter& out, const Alias& alias) {
  out.text(alias.id).text(alias.mount_accessor).text(alias.name);
  write_map(out, alias.metadata);
  out.i64(unix_nanos(alias.creation_time));
}

bool read_alias(WireReader& in, Alias& alias) {
  alias.id = in.text();
  alias.mount_accessor = in.text();
  alias.name = in.text();
  const bool sound = read_map(in, alias.metadata);
  alias.creation_time = from_unix_nanos(in.i64());
  return sound && !in.failed();
}

}  // namespace

SecretBytes serialize_entity(const Entity& entity) {
  WireWriter out;
  out.u8(kFormat).text(entity.name);
  write_map(out, entity.metadata);
  write_texts(out, entity.policies);
  out.boolean(entity.disabled)
      .i64(unix_nanos(entity.creation_time))
      .i64(unix_nanos(entity.last_update_time))
      .u32(static_cast<std::uint32_t>(entity.aliases.size()));
  for (const Alias& alias : entity.aliases) write_alias(out, alias);
  return std::move(out).finish();
}

Result<Entity> parse_entity(std::string id, ByteView record) {
  WireReader in(record);
  Entity entity;
  const std::uint8_t format = in.u8();
  entity.id = std::move(id);
  entity.name = in.text();
  bool sound = read_map(in, entity.metadata);
  read_texts(in, entity.policies);
  entity.disabled = in.boolean();
  entity.creation_time = from_unix_nanos(in.i64());
  entity.last_update_time = from_unix_nanos(in.i64());
  const std::uint32_t count = in.u32();
  for (std::uint32_t i = 0; i < count && sound && !in.failed(); ++i) {
    sound = read_alias(in, entity.aliases.emplace_back());
  }
  TRY(in.finish("entity"));
  if (sound && format == kFormat) return entity;
  return fail(corrupt("entity: a field is out of its bounds"));
}

}  // namespace bulla::auth
