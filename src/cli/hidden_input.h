#pragma once

#include <cstddef>

#include "base/result.h"
#include "base/secret_bytes.h"

namespace bulla::cli {

/// Reads one line, of `bytes_max` at most, from the terminal `descriptor` with
/// echo off, and puts the terminal back as it was: also when SIGINT, SIGTERM,
/// SIGHUP or SIGQUIT ends the process meanwhile. Main thread only.
///   kUnavailable  no terminal, or closed before a newline came.
///   kTooLarge     a longer line.
Result<SecretBytes> read_hidden_line(int descriptor, std::size_t bytes_max);

}  // namespace bulla::cli
