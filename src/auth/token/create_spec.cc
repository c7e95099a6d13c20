// The rest of a creation's checks: type, uses, id, parent, times, names.

#include <fmt/format.h>

#include <algorithm>

#include "auth/token/creation.h"

namespace bulla::auth {
namespace {

constexpr std::size_t kCustomIdBytesMax = 512;

Result<void> check_batch_field(bool set, std::string_view name) {
  if (!set) return {};
  return fail(invalid_argument(
      fmt::format("batch tokens cannot have \"{}\" set", name)));
}

// "default-batch" only says what an unsaid type means.
std::string_view effective_type(const TokenRole* role, std::string_view asked) {
  if (role == nullptr) return asked;
  switch (role->type) {
    case TokenRole::Type::kService:
      return "service";
    case TokenRole::Type::kBatch:
      return "batch";
    case TokenRole::Type::kDefaultBatch:
      return asked.empty() ? "batch" : asked;
    case TokenRole::Type::kDefaultService:
      break;
  }
  return asked;
}

Result<Seconds> positive(const api::Fields& fields, std::string_view name) {
  const Seconds value = fields.duration(name);
  if (value >= Seconds{0}) return value;
  return fail(invalid_argument(fmt::format("{} must be positive", name)));
}

// Of two bounds the lesser; 0 is no bound. `both` tells that there were two.
Seconds lesser(Seconds a, Seconds b, bool& both) {
  both = a > Seconds{0} && b > Seconds{0};
  if (both) return std::min(a, b);
  return std::max(a, b);
}

// What the caller asks for, within what the role says; warns where both do.
TtlRequest bounds_of(Seconds explicit_max, Seconds period,
                     const TokenRole& role,
                     std::vector<std::string>& warnings) {
  TtlRequest request;
  bool both = false;
  request.explicit_max_ttl = lesser(explicit_max, role.explicit_max_ttl, both);
  if (both) {
    warnings.push_back(fmt::format(
        "Explicit max TTL specified both during creation call and in role; "
        "using the lesser value of {} seconds",
        request.explicit_max_ttl.count()));
  }
  request.period = lesser(period, role.period, both);
  if (both) {
    warnings.push_back(fmt::format(
        "Period specified both during creation call and in role; using the "
        "lesser value of {} seconds",
        request.period.count()));
  }
  return request;
}

std::string display_name(std::string_view given) {
  if (given.empty()) return "token";
  std::string name = "token-" + std::string(given);
  for (char& c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       (c >= '0' && c <= '9') || c == '-';
    if (!plain) c = '-';
  }
  if (name.ends_with('-')) name.pop_back();
  return name;
}

}  // namespace

Result<void> check_custom_id(std::string_view id) {
  for (const std::string_view prefix : {"s.", "hvs."}) {
    if (!id.starts_with(prefix)) continue;
    return fail(invalid_argument(
        fmt::format("custom token ID cannot have the '{}' prefix", prefix)));
  }
  if (id.find('.') != std::string_view::npos) {
    return fail(
        invalid_argument("custom token ID cannot have a '.' in the value"));
  }
  if (id.size() > kCustomIdBytesMax) {
    return fail(invalid_argument("custom token ID is too long"));
  }
  return {};
}

Result<void> TokenBackend::check_parent(const Creation& creation) const {
  if (!creation.context.token) {
    return fail(
        invalid_argument("parent token lookup failed: no parent "
                         "found"));
  }
  if (creation.parent().type == api::Token::Type::kBatch) {
    return fail(invalid_argument("batch tokens cannot create more tokens"));
  }
  if (creation.parent().num_uses != 0) {
    return fail(
        invalid_argument("restricted use token cannot generate child tokens"));
  }
  return {};
}

Result<void> TokenBackend::read_type(Creation& creation) const {
  const api::Fields& fields = creation.fields();
  const std::string_view type =
      effective_type(creation.role, fields.text("type"));
  if (type.empty() || type == "service") return {};
  if (type != "batch") {
    return fail(invalid_argument("invalid 'token_type' value"));
  }
  const TokenRole* role = creation.role;
  // "0s" is nothing, as stock clients send it.
  TRY(check_batch_field(
      fields.duration("explicit_max_ttl") != Seconds{0} ||
          (role != nullptr && role->explicit_max_ttl > Seconds{0}),
      "explicit_max_ttl"));
  TRY(check_batch_field(fields.integer("num_uses") != 0 ||
                            (role != nullptr && role->num_uses > 0),
                        "num_uses"));
  TRY(check_batch_field(fields.duration("period") != Seconds{0} ||
                            (role != nullptr && role->period > Seconds{0}),
                        "period"));
  creation.spec.type = api::Token::Type::kBatch;
  return {};
}

Result<void> TokenBackend::read_uses_and_id(Creation& creation) const {
  const api::Fields& fields = creation.fields();
  TokenSpec& spec = creation.spec;
  spec.num_uses = fields.integer("num_uses");
  if (spec.num_uses < 0) {
    return fail(invalid_argument("number of uses cannot be negative"));
  }
  if (creation.role != nullptr && creation.role->num_uses > 0) {
    spec.num_uses = spec.num_uses == 0
                        ? creation.role->num_uses
                        : std::min(spec.num_uses, creation.role->num_uses);
  }
  if (!fields.text("entity_alias").empty()) {
    // Without identities there is no alias that a role could rightly allow.
    return fail(invalid_argument(
        creation.role == nullptr
            ? "'entity_alias' is only allowed in combination with token role"
            : "invalid 'entity_alias' value"));
  }
  spec.id = fields.text("id");
  if (spec.id.empty()) return {};
  if (!creation.sudo()) {
    return fail(invalid_argument(
        "root or sudo privileges required to specify token id"));
  }
  return {};
}

Result<void> TokenBackend::read_parentage(Creation& creation) const {
  const api::Token& parent = creation.parent();
  const TokenRole* role = creation.role;
  bool orphan = creation.orphan;
  if (role != nullptr) {
    orphan = role->orphan;
    creation.spec.bound_cidrs = role->bound_cidrs;
    if (role->strictly_bind_ip) {
      creation.spec.bound_cidrs = {
          std::string(creation.request.remote_address)};
    }
  } else if (creation.fields().boolean("no_parent")) {
    if (!creation.sudo()) {
      return fail(invalid_argument(
          "root or sudo privileges required to create orphan token"));
    }
    orphan = true;
  }
  if (orphan) return {};
  creation.spec.parent = parent.hash;
  creation.spec.entity_id = parent.entity_id;
  if (role == nullptr) creation.spec.bound_cidrs = parent.bound_cidrs;
  return {};
}

Result<void> TokenBackend::read_ttls(Creation& creation) const {
  const api::Fields& fields = creation.fields();
  TokenSpec& spec = creation.spec;
  TRY_ASSIGN(const Seconds explicit_max, positive(fields, "explicit_max_ttl"));
  TRY_ASSIGN(const Seconds period, positive(fields, "period"));
  if (period > Seconds{0} && !creation.sudo()) {
    return fail(invalid_argument(
        "root or sudo privileges required to create periodic token"));
  }
  TRY_ASSIGN(const Seconds ttl,
             positive(fields, fields.has("ttl") ? "ttl" : "lease"));
  const TokenRole none;
  const TokenRole& role = creation.role != nullptr ? *creation.role : none;
  TtlRequest request = bounds_of(explicit_max, period, role, creation.warnings);
  // The role's bounds are not kept: at each renewal those it then has count.
  spec.explicit_max_ttl = explicit_max;
  spec.period = period;
  spec.ttl = ttl;
  if (request.period > Seconds{0} || ttl > Seconds{0} ||
      !creation.makes_root()) {
    const Time now = clock_.now();
    request.ttl = ttl;
    request.start = now;
    TRY_ASSIGN(TtlResult granted, calculate_ttl(ttls(), request, now));
    spec.ttl = granted.ttl;
    std::ranges::move(granted.warnings, std::back_inserter(creation.warnings));
  }
  // Root tokens, too, are bound by it.
  if (spec.ttl == Seconds{0}) spec.ttl = request.explicit_max_ttl;
  spec.renewable = fields.boolean("renewable", true) && role.renewable;
  if (spec.ttl > Seconds{0}) return {};
  if (creation.parent().expire_time) {
    return fail(invalid_argument(
        "expiring root tokens cannot create non-expiring root tokens"));
  }
  spec.renewable = false;
  spec.bound_cidrs.clear();
  return {};
}

void TokenBackend::read_names(Creation& creation) const {
  const api::Fields& fields = creation.fields();
  TokenSpec& spec = creation.spec;
  for (auto& [name, value] : fields.pairs("meta")) {
    spec.meta.insert_or_assign(std::move(name), std::move(value));
  }
  spec.display_name = display_name(fields.text("display_name"));
  spec.path = std::string(creation.request.mount_point) +
              (creation.orphan ? "create-orphan" : "create");
  if (creation.role == nullptr) return;
  spec.role = creation.role->name;
  spec.path += "/" + spec.role;
  if (!creation.role->path_suffix.empty()) {
    spec.path += "/" + creation.role->path_suffix;
  }
}

}  // namespace bulla::auth
