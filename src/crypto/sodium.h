#pragma once

namespace bulla::crypto {

/// Lets libsodium choose its code for this processor, once a process. Any
/// thread.
void init_sodium();

}  // namespace bulla::crypto
