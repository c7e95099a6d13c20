#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/secret_bytes.h"

namespace bulla::cli {

/// Takes tokens and keys out of what is about to be printed as an error: the
/// secrets it was told of, and every word that looks like a token.
class Redactor {
 public:
  /// Shorter secrets are not looked for: they would garble plain words.
  static constexpr std::size_t kSecretBytesMin = 8;

  void add(std::string_view secret);
  /// `text` with each secret, also percent-encoded, as "(hidden)".
  std::string apply(std::string_view text) const;

 private:
  std::vector<SecretBytes> secrets_;
};

}  // namespace bulla::cli
