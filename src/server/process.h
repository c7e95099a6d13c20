#pragma once

#include <string>

#include "base/result.h"

namespace bulla::server {

/// No core dumps, not traceable by others of the same user: a dump would hold
/// keys. Called first thing.
void forbid_core_dumps();

/// The heap of private keys (crypto::start_secure_heap): 64 MiB, or what leaves
/// three quarters of a smaller limit on locked memory to other secrets. Called
/// before any key is made. Whether it is locked; later calls answer as the
/// first did.
bool start_key_heap();

/// Blocks SIGTERM, SIGINT and SIGHUP in this and all later threads, and ignores
/// SIGPIPE and SIGXFSZ; they are taken by wait_for_signal().
void block_signals();
/// The next of those signals, or 0 after `milliseconds`.
int wait_for_signal(int milliseconds);

/// Writes `text` to `path` (mode 0600) through a temporary file and a rename.
///   kUnavailable  the reason, with the path.
Result<void> write_private_file(const std::string& path, std::string_view text);
/// The first line of a file. kNotFound when it is not there.
Result<std::string> read_private_file(const std::string& path);

}  // namespace bulla::server
