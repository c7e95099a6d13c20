#include "auth/token/token_role.h"

#include <algorithm>

#include "base/wire.h"

namespace bulla::auth {
namespace {

constexpr std::uint8_t kFormat = 1;
constexpr std::uint8_t kTypeMax = 3;
constexpr std::uint8_t kLegacyMask = 7;

// One order for writing and reading.
template <typename Role, typename Visit>
void each_list(Role& role, Visit visit) {
  visit(role.allowed_policies);
  visit(role.allowed_policies_glob);
  visit(role.disallowed_policies);
  visit(role.disallowed_policies_glob);
  visit(role.allowed_entity_aliases);
  visit(role.bound_cidrs);
}

void read_texts(WireReader& in, std::vector<std::string>& out) {
  const std::uint32_t count = in.u32();
  // Every text takes four bytes at least, so this stops at the input's end.
  for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
    out.emplace_back(in.text());
  }
}

bool glob_matches(std::string_view glob, std::string_view text) {
  const bool open_start = glob.starts_with('*');
  if (open_start) glob.remove_prefix(1);
  const bool open_end = glob.ends_with('*');
  if (open_end) glob.remove_suffix(1);
  if (open_start && open_end) return text.find(glob) != std::string_view::npos;
  if (open_start) return text.ends_with(glob);
  return open_end ? text.starts_with(glob) : text == glob;
}

}  // namespace

SecretBytes serialize_role(const TokenRole& role) {
  WireWriter out;
  out.u8(kFormat);
  each_list(role, [&](const std::vector<std::string>& list) {
    out.u32(static_cast<std::uint32_t>(list.size()));
    for (const std::string& text : list) out.text(text);
  });
  out.text(role.path_suffix)
      .u8(static_cast<std::uint8_t>(role.type))
      .i64(role.period.count())
      .i64(role.explicit_max_ttl.count())
      .i64(role.num_uses)
      .boolean(role.orphan)
      .boolean(role.renewable)
      .boolean(role.no_default_policy)
      .boolean(role.strictly_bind_ip)
      .u8(role.legacy);
  return std::move(out).finish();
}

Result<TokenRole> parse_role(std::string name, ByteView record) {
  TokenRole role;
  WireReader in(record);
  const std::uint8_t format = in.u8();
  role.name = std::move(name);
  each_list(role,
            [&](std::vector<std::string>& list) { read_texts(in, list); });
  role.path_suffix = in.text();
  const std::uint8_t type = in.u8();
  role.type = static_cast<TokenRole::Type>(type);
  role.period = Seconds(in.i64());
  role.explicit_max_ttl = Seconds(in.i64());
  role.num_uses = in.i64();
  role.orphan = in.boolean();
  role.renewable = in.boolean();
  role.no_default_policy = in.boolean();
  role.strictly_bind_ip = in.boolean();
  role.legacy = in.u8();
  TRY(in.finish("token role"));
  if (format != kFormat || type > kTypeMax || role.legacy > kLegacyMask) {
    return fail(corrupt("token role: a field is out of its bounds"));
  }
  return role;
}

std::string_view role_type_name(TokenRole::Type type) {
  switch (type) {
    case TokenRole::Type::kDefaultService:
      return "default-service";
    case TokenRole::Type::kDefaultBatch:
      return "default-batch";
    case TokenRole::Type::kService:
      return "service";
    case TokenRole::Type::kBatch:
      return "batch";
  }
  return "default-service";
}

bool policy_glob_matches(const std::vector<std::string>& globs,
                         std::string_view name) {
  return std::ranges::any_of(
      globs, [&](const std::string& glob) { return glob_matches(glob, name); });
}

}  // namespace bulla::auth
