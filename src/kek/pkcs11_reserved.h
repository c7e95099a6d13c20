#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "kek/pkcs11_module.h"

namespace bulla::kek {

/// Where a token is: a module, and the slot, the token's label or both.
struct Pkcs11Place {
  std::string module;
  std::optional<CK_SLOT_ID> slot;
  std::string token_label;
};

/// The tokens that seals use. A login is the process's and not a session's, so
/// that whoever may name a key of such a token could name the KEK and have the
/// root key unwrapped. Filled before it is shared; then any thread.
class Pkcs11Reserved {
 public:
  /// `seal` is its name, for the errors.
  void add(std::string seal, Pkcs11Place place) {
    seals_.push_back({std::move(seal), std::move(place)});
  }

  /// Whether `wanted` is the token of a seal, however each of them is named:
  /// the tokens tell their serial numbers. Loads modules and asks them, without
  /// a login; as long as these take.
  ///   kInvalidArgument  it is one.
  ///   kUnavailable      `wanted` is not there.
  Result<void> check(const Pkcs11Place& wanted) const;

 private:
  struct Seal {
    std::string name;
    Pkcs11Place place;
  };
  std::vector<Seal> seals_;
};

}  // namespace bulla::kek
