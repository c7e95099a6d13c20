#pragma once

#include <string>
#include <string_view>

#include "api/backend.h"

namespace bulla::server {

/// What `?help=1` answers for a route: {"help","see_also","openapi"} as JSON
/// text, made from its row in the route table.
std::string help_json(const api::Route& route, const api::Backend& backend,
                      std::string_view mount_point);

/// One route as an OpenAPI 3 path item, and the OpenAPI path of a pattern below
/// a mount ("/transit/keys/{name}").
std::string openapi_path_item(const api::Route& route);
std::string openapi_path(std::string_view mount_point,
                         std::string_view pattern);

}  // namespace bulla::server
