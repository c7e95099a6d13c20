#pragma once

#include "api/response.h"
#include "base/json_writer.h"
#include "dek/job_record.h"

namespace bulla::server {

/// Writes a re-encryption job as its endpoints show it.
void write_job(const dek::Job& job, JsonWriter& out);
/// The answer that shows it.
api::Response shown_job(const dek::Job& job);

}  // namespace bulla::server
