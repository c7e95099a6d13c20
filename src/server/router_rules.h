#pragma once

#include <string_view>

#include "base/result.h"
#include "server/mounts.h"
#include "server/request_decoder.h"

namespace bulla::server {

/// The method of `route` that serves `operation` (kUpdate serves creates too);
/// null when it is not offered.
const api::Method* find_method(const api::Route& route,
                               api::Operation operation);

/// Ok when a mount and a route were found.
///   kNotFound  the reference's texts for unknown mounts and paths.
Result<void> check_routed(const Mount* mount, const api::Route* route,
                          std::string_view path);

}  // namespace bulla::server
