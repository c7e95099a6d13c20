#pragma once

#include <string>
#include <string_view>

#include "base/json_writer.h"
#include "server/lockout.h"
#include "server/mounts.h"

namespace bulla::server {

/// A mount as sys/mounts shows it (reference/sys.md §5), as one JSON object.
void write_mount_info(JsonWriter& out, const api::MountConfig& config);
/// The few members that those without a token may see.
void write_public_mount_info(JsonWriter& out, const api::MountConfig& config);
/// A mount's settings as its …/tune shows them: TTLs in effect, in seconds;
/// what is said of lockout, if anything is.
std::string tune_json(const api::MountConfig& config, Seconds default_ttl,
                      Seconds max_ttl, const LockoutConfig& lockout);

/// Every auth method, or every secrets engine, as {"path/": info}.
std::string mounts_json(const MountTable& table, bool is_auth);

/// The mount path that a request's "foo", "/foo" or "foo/" means: "foo/", or
/// "auth/foo/". "" when it is empty.
std::string mount_path(std::string_view path, bool is_auth);
/// As it is shown: "foo/" for "auth/foo/".
std::string_view shown_path(const api::MountConfig& config);

}  // namespace bulla::server
