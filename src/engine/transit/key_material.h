#pragma once

#include <cstdint>

#include "base/result.h"
#include "crypto/rng.h"
#include "engine/transit/key_record.h"

namespace bulla::engine::transit {

/// Fresh material for a key of that type. RSA takes up to seconds: on the
/// worker pool, and under no lock. Any thread.
///   kExhausted  no secure memory left.
///   kInternal   a type whose keys are not made here.
Result<Material> make_material(const KeyRecord& key, crypto::Rng& rng);

/// Whether keys of that type may be derived and convergent as `key` is.
///   kInternal  with the reference's texts (reference/transit.md §3).
Result<void> check_derivation(const KeyRecord& key);

/// Whether the server may add a version to `key` by itself or when asked to.
///   kInternal  soft-deleted, imported without allow_rotation, or one whose
///              versions an HSM has.
Result<void> check_rotation(const KeyRecord& key);

}  // namespace bulla::engine::transit
