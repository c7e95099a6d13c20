#pragma once

#include <string>
#include <string_view>

#include "seal/rekey.h"

namespace bulla::seal {

// What rekeys answer, word for word (reference/sys.md §3).
Error already_begun(const RekeyCaller& caller);
Error not_begun(const RekeyCaller& caller, RekeyTarget target);
Error wrong_nonce(const RekeyCaller& caller, std::string_view right);
Error repeated_share(const RekeyCaller& caller);
Error already_finished(const RekeyCaller& caller, std::string_view nonce);
/// Asked for a verification where nothing was begun.
Error nothing_begun(const RekeyCaller& caller);
Error nothing_to_show(const RekeyCaller& caller);
Error no_verification(const RekeyCaller& caller);
Error wrong_verification_nonce(const RekeyCaller& caller,
                               std::string_view right);
Error repeated_proof();
Error wrong_proof();
/// Numbers or OpenPGP keys that cannot be used: `fault` says why.
Error bad_request(const RekeyCaller& caller, RekeyTarget target,
                  std::string_view fault);

}  // namespace bulla::seal
