#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "base/result.h"
#include "engine/transit/key_store.h"

namespace bulla::engine::transit {

/// Shows `visit` the version that `text` names ("latest", "3" or "v3"), or all
/// in use for "", as export and byok-export choose them.
///   kInvalidArgument  "invalid key version", "version for export is below
///                     minimum decryption version", "version does not exist or
///                     cannot be found".
Result<void> visit_chosen(const KeyStore& store, const Key& key,
                          std::string_view text,
                          const KeyStore::Visitor& visit);

}  // namespace bulla::engine::transit
