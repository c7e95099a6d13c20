#pragma once

#include <string_view>
#include <vector>

#include "base/json_writer.h"
#include "base/result.h"
#include "base/secret_bytes.h"

namespace bulla::server {

/// A share as people type it: hexadecimal or base64.
///   kInvalidArgument  "'key' must be a valid hex or base64 string".
Result<SecretBytes> decode_share(std::string_view text);

/// Members `name` (hexadecimal) and `name`_base64.
void write_shares(JsonWriter& out, std::string_view name,
                  const std::vector<SecretBytes>& shares);

}  // namespace bulla::server
