#pragma once

#include "api/request.h"
#include "api/response.h"
#include "engine/kv/record_store.h"

namespace bulla::engine::kv {

/// metadata_cas against the record, where it is there or has to be.
///   kInvalidArgument  the texts of reference/kv.md §3.6.
Result<void> check_metadata_cas(const api::Fields& fields, const Draft& draft,
                                const Settings& settings);

/// cas_required, metadata_cas_required, delete_version_after and max_versions
/// of the body, as far as they are there.
Result<void> take_metadata_fields(const api::Fields& fields, Record& record);

/// Marks a change of metadata.
void metadata_changed(Draft& draft, Time now);

/// Warns of what the mount's settings overrule; none() otherwise.
api::Response metadata_answer(const api::Fields& fields,
                              const Settings& settings);

}  // namespace bulla::engine::kv
