#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/api_client.h"
#include "cli/table.h"
#include "cli/value.h"

namespace bulla::cli {

/// The answer as a secret: an envelope as it is, a bare object (sys/health) put
/// under "data".
Value as_secret(const Value& answer);

/// "Key / Value" rows of a secret: lease, auth, wrapping, then its data sorted.
/// Empty where there is nothing to print.
std::vector<TableRow> secret_rows(const Value& secret);

/// The secret with the members that Vault's client prints, in its order.
Value secret_json(const Value& secret);

/// The value that -field=`name` asks for: "token", "policies", "lease_id",
/// "wrapping_token", …, or a member of the data.
std::optional<Value> secret_field(const Value& secret, std::string_view name);

/// The warnings as a text for standard error; "" without any.
std::string warnings_text(const Value& answer);

/// Seconds as "768h", "1h30m", "0s".
std::string human_duration(std::int64_t seconds);

/// `value` for a cell under `key`: numbers under "ttl", "…_period" and the like
/// as durations.
std::string cell_of(std::string_view key, const Value& value);

}  // namespace bulla::cli
