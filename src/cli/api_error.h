#pragma once

#include <string>
#include <string_view>

#include "cli/api_client.h"

namespace bulla::cli {

/// What to print where a call failed: `what` ("Error reading secret/foo"), the
/// request, the server's words, and a last line "Next: …" with what to try. May
/// still hold secrets: see Redactor.
std::string failure_text(std::string_view what, const ApiFailure& failure,
                         const Settings& settings);

/// The same where a stopped server's store answered: no request was made.
std::string store_failure_text(std::string_view what,
                               const ApiFailure& failure);
/// What failure_text() says without its last line.
std::string failure_cause(std::string_view what, const ApiFailure& failure);

/// The next thing to try after `failure`; "" where there is no telling.
std::string next_step(const ApiFailure& failure, const Settings& settings);

/// 0 for a shown curl command, 1 for what never left, 2 for the rest.
int exit_code(const ApiFailure& failure);

}  // namespace bulla::cli
