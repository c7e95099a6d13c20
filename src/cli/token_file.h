#pragma once

#include <string>

#include "base/result.h"
#include "base/secret_bytes.h"
#include "cli/flags.h"

namespace bulla::cli {

/// The token helper file, ~/.vault-token: where `bulla login` leaves its token
/// for the commands to come, and where other tools look for one.
class TokenFile {
 public:
  explicit TokenFile(const Environment& environment);

  /// Its full name; "" where HOME is not set.
  const std::string& path() const { return path_; }

  /// The token in it; empty when there is no file, or nothing in it.
  ///   kUnavailable      it cannot be read.
  ///   kInvalidArgument  what it holds is no token.
  Result<SecretBytes> read() const;

  /// Replaces it whole by a file of mode 0600 that holds `token`, durable when
  /// this returns.
  ///   kUnavailable  it cannot be written, or HOME is not set.
  Result<void> write(const SecretBytes& token) const;

  /// Removes it; no error where there was none.
  ///   kUnavailable  it cannot be removed.
  Result<void> remove() const;

 private:
  std::string path_;
};

}  // namespace bulla::cli
