#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "kek/kek_provider.h"
#include "snapshot/verify.h"

namespace bulla::server {

/// Reads the snapshot in the file `path` to its end and says whose it is and
/// who opens it: JSON. Needs no server and no key.
///   kNotFound, kUnavailable  the file cannot be read.
///   and what snapshot::check() says.
Result<std::string> inspect_snapshot(const std::string& path);

/// Opens it, in memory, and every entry of it: JSON. `shares` of `key` are as
/// people have them, hexadecimal or base64.
///   errors of snapshot::verify().
Result<std::string> verify_snapshot(
    const std::string& path, snapshot::Key key,
    std::vector<std::unique_ptr<kek::KekProvider>> providers);

}  // namespace bulla::server
