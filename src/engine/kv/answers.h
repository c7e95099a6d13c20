#pragma once

#include <optional>
#include <string>

#include "api/request.h"
#include "base/json_writer.h"
#include "engine/kv/record.h"

namespace bulla::engine::kv {

/// created_time, custom_metadata, deletion_time, destroyed, version.
void write_version(JsonWriter& out, const Record& record, std::uint64_t number);
/// All of a record's metadata, as metadata/ and detailed-metadata/ show it.
void write_record(JsonWriter& out, const Record& record);

/// options.cas, taken for a number as weakly as the reference does.
///   kInvalidArgument  "error parsing check-and-set parameter".
Result<std::optional<std::int64_t>> parse_cas(const api::Fields& fields);
/// Whether a write may go on.
///   kInvalidArgument  the texts of reference/kv.md §3.3.
Result<void> check_cas(const Record& record, const Settings& settings,
                       std::optional<std::int64_t> cas);

/// max_versions as it is stored; the field must be there.
///   kInvalidArgument  below 0, or over 32 bits.
Result<std::uint32_t> max_versions_of(const api::Fields& fields);

/// `limit` of a list; below 0 is no limit, as 0 is.
std::size_t list_limit(const api::Fields& fields);

}  // namespace bulla::engine::kv
