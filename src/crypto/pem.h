#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/secret_bytes.h"

namespace bulla::crypto {

/// A block of RFC 7468 without its boundary lines. Views into the text.
struct PemBlock {
  std::string_view label;
  std::string_view base64;
};

/// The next block of `text`, which then holds what comes after it; what comes
/// before it is skipped. Nothing if none starts, or the first that starts does
/// not end.
std::optional<PemBlock> next_pem_block(std::string_view& text);

/// Nothing if it is not base64, such as encapsulated headers.
std::optional<Bytes> pem_contents(const PemBlock& block);

/// Lines of 64 characters, a newline at the end.
std::string pem_encode(std::string_view label, ByteView der);
SecretBytes pem_encode_secret(std::string_view label, const SecretBytes& der);

}  // namespace bulla::crypto
