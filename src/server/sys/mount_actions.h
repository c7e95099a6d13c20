#pragma once

#include "server/sys/handlers.h"

namespace bulla::server {

/// What sys/mounts and sys/auth do alike; `is_auth` tells which of the two it
/// is, and the request's `path` is the mount's without "auth/".
Result<api::Response> enable_mount(Core& core, const api::Request& request,
                                   bool is_auth);
Result<api::Response> disable_mount(Core& core, const api::Request& request,
                                    bool is_auth);
Result<api::Response> read_mount(Core& core, const api::Request& request,
                                 bool is_auth);

/// …/tune of the mount at `path` ("foo/", "auth/foo/"); tune.cc.
Result<api::Response> read_tuning(Core& core, const std::string& path);
Result<api::Response> write_tuning(Core& core, const api::Request& request,
                                   const std::string& path);

/// The mount that ":path/tune" means when a path with slashes was captured
/// whole: "a/b" of "a/b/tune". Absent when it is no tune at all.
std::optional<std::string_view> tuned_path(std::string_view captured);

/// The fields of a mount and of a tune together.
std::vector<api::Field> mount_fields();

}  // namespace bulla::server
