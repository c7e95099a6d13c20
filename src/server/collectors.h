#pragma once

#include "server/core.h"

namespace bulla::server {

/// Adds what other layers know to the metrics: seal state, keyring, storage.
/// `storage` is the engine below everything, for its own counters.
void add_collectors(Core& core, storage::Storage& storage);

}  // namespace bulla::server
