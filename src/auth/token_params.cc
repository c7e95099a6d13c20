#include "auth/token_params.h"

#include <fmt/format.h>

#include <array>

#include "auth/cidr.h"
#include "auth/policy.h"

namespace bulla::auth {
namespace {

using api::FieldType;
using Type = TokenParams::Type;

constexpr std::uint8_t kLegacyMask = 31;
constexpr std::size_t kListMax = 1000;

constexpr std::array<std::string_view, 5> kTypes = {
    "default", "service", "batch", "default-service", "default-batch"};

struct OldName {
  TokenParams::Legacy bit;
  std::string_view name;
  std::string_view current;
  FieldType type;
};

constexpr std::array kOldNames = {
    OldName{TokenParams::kPolicies, "policies", "token_policies",
            FieldType::kCommaStringSlice},
    OldName{TokenParams::kTtl, "ttl", "token_ttl", FieldType::kDuration},
    OldName{TokenParams::kMaxTtl, "max_ttl", "token_max_ttl",
            FieldType::kDuration},
    OldName{TokenParams::kCidrs, "bound_cidrs", "token_bound_cidrs",
            FieldType::kCommaStringSlice},
    OldName{TokenParams::kPeriod, "period", "token_period",
            FieldType::kDuration},
};

// The name that the request gives a value by; "" when it gives none.
std::string_view name_given(const api::Fields& fields, std::string_view current,
                            LegacyNames old_names, TokenParams& params) {
  for (const OldName& old : kOldNames) {
    if (old.current != current || (old_names & old.bit) == 0) continue;
    const bool by_current = fields.has(current);
    if (!by_current && !fields.has(old.name)) return {};
    params.legacy = static_cast<std::uint8_t>(
        by_current ? params.legacy & ~old.bit : params.legacy | old.bit);
    return by_current ? current : old.name;
  }
  return fields.has(current) ? current : std::string_view();
}

Result<void> update_lists(const api::Fields& fields, LegacyNames old_names,
                          TokenParams& params) {
  if (const auto name = name_given(fields, "token_policies", old_names, params);
      !name.empty()) {
    params.policies = canonical_policies(fields.strings(name));
  }
  if (const auto name =
          name_given(fields, "token_bound_cidrs", old_names, params);
      !name.empty()) {
    TRY_ASSIGN(params.bound_cidrs, read_cidrs(fields.strings(name)));
  }
  if (params.policies.size() > kListMax ||
      params.bound_cidrs.size() > kListMax) {
    return fail(invalid_argument("more policies or CIDR blocks than 1000"));
  }
  params.strictly_bind_ip =
      fields.boolean("token_strictly_bind_ip", params.strictly_bind_ip);
  if (params.strictly_bind_ip && !params.bound_cidrs.empty()) {
    return fail(invalid_argument(
        "'token_strictly_bind_ip' conflicts with 'token_bound_cidrs'; set only "
        "one"));
  }
  return {};
}

Result<void> update_times(const api::Fields& fields, LegacyNames old_names,
                          TokenParams& params) {
  for (const auto& [current, value] :
       {std::pair<std::string_view, Seconds&>{"token_explicit_max_ttl",
                                              params.explicit_max_ttl},
        {"token_max_ttl", params.max_ttl},
        {"token_period", params.period},
        {"token_ttl", params.ttl}}) {
    const auto name = name_given(fields, current, old_names, params);
    if (!name.empty()) value = fields.duration(name);
  }
  if (params.max_ttl > Seconds{0} && params.ttl > params.max_ttl) {
    return fail(
        invalid_argument("'token_ttl' cannot be greater than 'token_max_ttl'"));
  }
  return {};
}

Result<void> update_type(const api::Fields& fields, TokenParams& params) {
  if (!fields.has("token_type")) return {};
  std::string_view name = fields.text("token_type");
  if (name.empty()) name = kTypes.front();
  for (std::size_t i = 0; i < kTypes.size(); ++i) {
    if (kTypes[i] != name) continue;
    params.type = static_cast<Type>(i);
    return {};
  }
  return fail(
      invalid_argument(fmt::format("invalid 'token_type' value \"{}\"", name)));
}

Result<void> check_batch(const TokenParams& params) {
  if (params.type != Type::kBatch && params.type != Type::kDefaultBatch) {
    return {};
  }
  const auto refuse = [](std::string_view what) {
    return fail(invalid_argument(
        fmt::format("'token_type' cannot be 'batch' or 'default_batch' when "
                    "set to generate {}",
                    what)));
  };
  if (params.num_uses != 0) return refuse("tokens with limited use count");
  if (params.period > Seconds{0}) return refuse("periodic tokens");
  return {};
}

}  // namespace

std::vector<api::Field> token_param_fields(LegacyNames old_names) {
  std::vector<api::Field> fields{
      {"token_bound_cidrs", FieldType::kCommaStringSlice,
       "Addresses that logins and their tokens are good from"},
      {"token_explicit_max_ttl", FieldType::kDuration,
       "The end of a token's life, whatever its renewals"},
      {"token_max_ttl", FieldType::kDuration, "The most that renewals reach"},
      {"token_no_default_policy", FieldType::kBool,
       "Tokens do not get the default policy", "false"},
      {"token_num_uses", FieldType::kInt, "Uses of a token, 0: any"},
      {"token_period", FieldType::kDuration, "Each renewal gives this long"},
      {"token_policies", FieldType::kCommaStringSlice, "Policies of tokens"},
      {"token_strictly_bind_ip", FieldType::kBool,
       "Tokens are good from the address of the login alone", "false"},
      {"token_ttl", FieldType::kDuration, "How long a token lives"},
      {"token_type", FieldType::kString,
       "default, service, batch, default-service or default-batch", "default"},
  };
  for (const OldName& old : kOldNames) {
    if ((old_names & old.bit) == 0) continue;
    fields.push_back({old.name, old.type, "The old name of its token_ twin"});
  }
  return fields;
}

Result<std::vector<std::string>> read_cidrs(
    const std::vector<std::string>& texts) {
  std::vector<std::string> blocks;
  for (const std::string& text : texts) {
    TRY_ASSIGN(std::string block, parse_cidr(text));
    blocks.push_back(std::move(block));
  }
  return blocks;
}

Result<void> update_token_params(const api::Fields& fields,
                                 LegacyNames old_names, TokenParams& params) {
  TRY(update_lists(fields, old_names, params));
  TRY(update_times(fields, old_names, params));
  params.no_default_policy =
      fields.boolean("token_no_default_policy", params.no_default_policy);
  params.num_uses = fields.integer("token_num_uses", params.num_uses);
  if (params.num_uses < 0) {
    return fail(invalid_argument("'token_num_uses' cannot be negative"));
  }
  TRY(update_type(fields, params));
  return check_batch(params);
}

void write_token_params(JsonWriter& out, const TokenParams& params) {
  out.key("token_bound_cidrs").strings(params.bound_cidrs);
  out.member("token_explicit_max_ttl", params.explicit_max_ttl.count())
      .member("token_max_ttl", params.max_ttl.count())
      .member("token_no_default_policy", params.no_default_policy)
      .member("token_num_uses", params.num_uses)
      .member("token_period", params.period.count());
  out.key("token_policies").strings(params.policies);
  out.member("token_strictly_bind_ip", params.strictly_bind_ip)
      .member("token_ttl", params.ttl.count())
      .member("token_type", kTypes[static_cast<std::size_t>(params.type)]);
}

void write_legacy_params(JsonWriter& out, const TokenParams& params) {
  const auto shown = [&](TokenParams::Legacy bit) {
    return (params.legacy & bit) != 0;
  };
  if (shown(TokenParams::kCidrs)) {
    out.key("bound_cidrs").strings(params.bound_cidrs);
  }
  if (shown(TokenParams::kMaxTtl)) {
    out.member("max_ttl", params.max_ttl.count());
  }
  if (shown(TokenParams::kPeriod)) out.member("period", params.period.count());
  if (shown(TokenParams::kPolicies)) {
    out.key("policies").strings(params.policies);
  }
  if (shown(TokenParams::kTtl)) out.member("ttl", params.ttl.count());
}

void apply_token_params(const TokenParams& params, std::string_view address,
                        api::Auth& auth) {
  auth.policies = params.policies;
  auth.bound_cidrs = params.bound_cidrs;
  auth.ttl = params.ttl;
  auth.max_ttl = params.max_ttl;
  auth.explicit_max_ttl = params.explicit_max_ttl;
  auth.period = params.period;
  auth.num_uses = params.num_uses;
  auth.no_default_policy = params.no_default_policy;
  if (params.strictly_bind_ip) auth.bound_cidrs = {std::string(address)};
  auth.token_type = kTypes[static_cast<std::size_t>(params.type)];
}

api::Renewal renewal_of(const TokenParams& params) {
  return {.ttl = params.ttl,
          .max_ttl = params.max_ttl,
          .period = params.period,
          .policies = params.policies,
          .no_default_policy = params.no_default_policy};
}

void write_texts(WireWriter& out, const std::vector<std::string>& texts) {
  out.u32(static_cast<std::uint32_t>(texts.size()));
  for (const std::string& text : texts) out.text(text);
}

void read_texts(WireReader& in, std::vector<std::string>& texts) {
  const std::uint32_t count = in.u32();
  // Every text takes four bytes at least, so this stops at the input's end.
  for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
    texts.emplace_back(in.text());
  }
}

void write_token_params(WireWriter& out, const TokenParams& params) {
  write_texts(out, params.policies);
  write_texts(out, params.bound_cidrs);
  out.i64(params.ttl.count())
      .i64(params.max_ttl.count())
      .i64(params.explicit_max_ttl.count())
      .i64(params.period.count())
      .i64(params.num_uses)
      .u8(static_cast<std::uint8_t>(params.type))
      .boolean(params.no_default_policy)
      .boolean(params.strictly_bind_ip)
      .u8(params.legacy);
}

Result<void> read_token_params(WireReader& in, TokenParams& params) {
  read_texts(in, params.policies);
  read_texts(in, params.bound_cidrs);
  params.ttl = Seconds(in.i64());
  params.max_ttl = Seconds(in.i64());
  params.explicit_max_ttl = Seconds(in.i64());
  params.period = Seconds(in.i64());
  params.num_uses = in.i64();
  const std::uint8_t type = in.u8();
  params.type = static_cast<Type>(type);
  params.no_default_policy = in.boolean();
  params.strictly_bind_ip = in.boolean();
  params.legacy = in.u8();
  if (!in.failed() && type < kTypes.size() && params.legacy <= kLegacyMask) {
    return {};
  }
  return fail(corrupt("the fields of tokens are out of their bounds"));
}

}  // namespace bulla::auth
