#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret_bytes.h"

namespace bulla::kek {

/// Where the text of a secret is: env://NAME and file://PATH are followed, any
/// other text is the secret itself. A file's last newline is dropped.
///   kInvalidArgument  the variable is not set, the file cannot be read or is
///                     longer than 4096 bytes; names it, never shows a value.
Result<SecretBytes> read_secret_text(std::string_view text);

/// A token or another credential that is text, without the white space around
/// it. Reads the file each time it is called.
///   kInvalidArgument  the file cannot be read, is empty or longer than
///                     `bytes_max`; names it, never shows a value.
Result<SecretBytes> read_credential_file(const std::string& path,
                                         std::size_t bytes_max);

/// A 32-byte key from such a text: the bytes themselves, 64 hexadecimal digits,
/// 44 characters of base64, or 43 of base64url without padding.
///   kInvalidArgument  as above, or another form.
Result<SecretBytes> read_key_text(std::string_view text);

}  // namespace bulla::kek
