#pragma once

#include <optional>

#include "engine/kv/record_store.h"

namespace bulla::engine::kv {

/// When a version is deleted by itself that is made (or undeleted) at `now`:
/// the sooner of what the mount says and what the record does.
std::optional<Time> deletion_time(const Record& record,
                                  const Settings& settings, Time now);

/// Adds a version with `data` to the draft, and takes away those that are more
/// than is kept. Answers its number.
///   kTooLarge, and the errors of dek::RecordCipher::seal.
Result<std::uint64_t> add_version(const RecordStore& records, Draft& draft,
                                  const Settings& settings, ByteView data,
                                  Time now);

/// Makes `data` the one version of the draft, as version 1 of the engine has
/// it: number 1, however often it is written.
Result<void> replace_version(const RecordStore& records, Draft& draft,
                             ByteView data, Time now);

}  // namespace bulla::engine::kv
