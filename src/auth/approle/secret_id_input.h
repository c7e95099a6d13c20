#pragma once

#include <map>
#include <string>
#include <string_view>

#include "api/field.h"
#include "auth/approle/role_record.h"

namespace bulla::auth {

/// A string that holds a JSON object of strings, "k=v,k2=v2", or either of
/// them in base64.
///   kInvalidArgument  "failed to parse metadata: …".
Result<std::map<std::string, std::string>> parse_metadata(
    std::string_view text);

/// What a request says of a new secret id of `role`: uses, life, addresses,
/// metadata; accessor and times are for the caller.
///   kInvalidArgument, kInternal  the texts of reference/auth.md §7.
Result<SecretId> read_secret_id(const api::Fields& fields, const AppRole& role);

}  // namespace bulla::auth
