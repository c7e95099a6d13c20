#include "seal/rekey_texts.h"

#include <fmt/format.h>

namespace bulla::seal {
namespace {

bool rotates(const RekeyCaller& caller) {
  return caller.dialect == RekeyCaller::Dialect::kRotate;
}

Error with_nonce(const RekeyCaller& caller, std::string_view text,
                 std::string_view of, std::string_view nonce) {
  if (!caller.trusted) return invalid_argument(std::string(text));
  return invalid_argument(fmt::format("{}; {} \"{}\"", text, of, nonce));
}

}  // namespace

Error already_begun(const RekeyCaller& caller) {
  return invalid_argument(rotates(caller) ? "rotation already in progress"
                                          : "rekey already in progress");
}

Error not_begun(const RekeyCaller& caller, RekeyTarget target) {
  if (rotates(caller)) return invalid_argument("no rotation in progress");
  return invalid_argument(target == RekeyTarget::kRoot
                              ? "no barrier rekey in progress"
                              : "no recovery rekey in progress");
}

Error wrong_nonce(const RekeyCaller& caller, std::string_view right) {
  return with_nonce(caller, "incorrect nonce supplied",
                    rotates(caller) ? "nonce for rotation is"
                                    : "nonce for this rekey operation is",
                    right);
}

Error repeated_share(const RekeyCaller& caller) {
  return invalid_argument(
      rotates(caller)
          ? "given key has already been provided during this rotation"
          : "given key has already been provided during this generation "
            "operation");
}

Error already_finished(const RekeyCaller& caller, std::string_view nonce) {
  return with_nonce(
      caller,
      rotates(caller)
          ? "rotation already finished; verification must be performed"
          : "rekey operation already finished; verification must be performed",
      "nonce for the verification operation is", nonce);
}

Error nothing_begun(const RekeyCaller& caller) {
  return invalid_argument(rotates(caller) ? "no rotation in progress"
                                          : "no rekey in progress");
}

Error nothing_to_show(const RekeyCaller& caller) {
  return invalid_argument(rotates(caller) ? "no rotation configuration found"
                                          : "no rekey configuration found");
}

Error no_verification(const RekeyCaller& caller) {
  return invalid_argument(rotates(caller)
                              ? "no rotation verification in progress"
                              : "no rekey verification in progress");
}

Error wrong_verification_nonce(const RekeyCaller& caller,
                               std::string_view right) {
  return with_nonce(caller, "incorrect nonce supplied",
                    "nonce for this verify operation is", right);
}

Error repeated_proof() {
  return invalid_argument(
      "given key has already been provided during this verify operation");
}

Error wrong_proof() {
  return invalid_argument(
      "rekey verification failed; incorrect key shares supplied");
}

Error bad_request(const RekeyCaller& caller, RekeyTarget target,
                  std::string_view fault) {
  std::string_view what = "recovery";
  if (target == RekeyTarget::kRoot) {
    what = rotates(caller) ? "rotate seal" : "rekey seal";
  }
  std::string text = fmt::format("invalid {} configuration: {}", what, fault);
  // The bare endpoints have always called this their own failure.
  return rotates(caller) ? invalid_argument(std::move(text))
                         : internal_error(std::move(text)).as_plain();
}

}  // namespace bulla::seal
