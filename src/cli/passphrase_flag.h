#pragma once

#include "cli/invocation.h"

namespace bulla::cli {

/// The passphrase in the file that -passphrase-file names, or on standard input
/// for "-": without the newline at its end, and hidden in errors from here on.
/// Empty where the flag was not given.
///   kInvalidArgument  nothing is in it.
///   kUnavailable      it cannot be read; names it.
Result<SecretBytes> passphrase_of_flag(Invocation& call);
/// The same of the file `source`, of standard input for "-"; empty for "".
Result<SecretBytes> passphrase_from(Invocation& call,
                                    const std::string& source);

/// Asks for a passphrase twice, unseen.
///   kInvalidArgument  nothing was typed, or not the same twice.
///   kUnavailable      no terminal to ask on.
Result<SecretBytes> ask_new_passphrase(Invocation& call);

/// The flag's row.
inline constexpr FlagRow kPassphraseFlag = {
    "passphrase-file", "", FlagKind::kText, "FILE",
    "A file with the passphrase; - reads it from standard input."};

}  // namespace bulla::cli
