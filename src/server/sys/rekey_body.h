#pragma once

#include <string>

#include "seal/rekey.h"

namespace bulla::server {

// The bodies of reference/sys.md §3.
std::string rekey_status_json(const seal::RekeyStatus& status);
std::string rekey_result_json(const seal::RekeyResult& result);
std::string verify_status_json(const seal::VerifyStatus& status);

}  // namespace bulla::server
