#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/field.h"
#include "api/login_method.h"
#include "api/response.h"
#include "base/json_writer.h"
#include "base/wire.h"

namespace bulla::auth {

/// What every auth method's users and roles say of the tokens that logins make
/// (reference/auth.md §3).
struct TokenParams {
  enum class Type : std::uint8_t {
    kDefault,  ///< The mount's.
    kService,
    kBatch,
    kDefaultService,
    kDefaultBatch,
  };
  /// Which values were written by their old names, and so are shown there too.
  enum Legacy : std::uint8_t {
    kPolicies = 1,
    kTtl = 2,
    kMaxTtl = 4,
    kCidrs = 8,
    kPeriod = 16,
  };

  std::vector<std::string> policies;  ///< Canonical.
  std::vector<std::string> bound_cidrs;
  Seconds ttl{0};
  Seconds max_ttl{0};
  Seconds explicit_max_ttl{0};
  Seconds period{0};
  std::int64_t num_uses = 0;
  Type type = Type::kDefault;
  bool no_default_policy = false;
  bool strictly_bind_ip = false;
  std::uint8_t legacy = 0;

  bool operator==(const TokenParams&) const = default;
};

/// The old names that an auth method still takes (Legacy bits).
using LegacyNames = std::uint8_t;

/// The fields of such a route.
std::vector<api::Field> token_param_fields(LegacyNames old_names);

/// Applies what a request sets; what it does not name stays.
///   kInvalidArgument  the texts of reference/auth.md §3.
Result<void> update_token_params(const api::Fields& fields,
                                 LegacyNames old_names, TokenParams& params);
/// Each text as a block of addresses. kInvalidArgument as parse_cidr.
Result<std::vector<std::string>> read_cidrs(
    const std::vector<std::string>& texts);

/// Writes the members "token_bound_cidrs" … "token_type" in their order.
void write_token_params(JsonWriter& out, const TokenParams& params);
/// Those that were written by their old names, under these. For objects whose
/// members need no order.
void write_legacy_params(JsonWriter& out, const TokenParams& params);

/// What the token of a login from `address` is to be.
void apply_token_params(const TokenParams& params, std::string_view address,
                        api::Auth& auth);
/// What a renewal goes by.
api::Renewal renewal_of(const TokenParams& params);

/// Inside a record.
void write_token_params(WireWriter& out, const TokenParams& params);
///   kCorrupt  a field is out of its bounds.
Result<void> read_token_params(WireReader& in, TokenParams& params);
void write_texts(WireWriter& out, const std::vector<std::string>& texts);
void read_texts(WireReader& in, std::vector<std::string>& texts);

}  // namespace bulla::auth
