#pragma once

#include <p11-kit/pkcs11.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace bulla::kek {

/// What a token says of itself: no two have the same.
struct Pkcs11TokenIdentity {
  std::string label;
  std::string manufacturer;
  std::string model;
  std::string serial;
  bool operator==(const Pkcs11TokenIdentity&) const = default;
};

/// A vendor's PKCS#11 module, loaded with dlopen and initialised for use by
/// many threads. PKCS#11 has one state a process and module, so that who loads
/// the same file shares one; it is finalised with its last user, and stays
/// mapped, because vendors' code rarely survives being unloaded. Any thread.
class Pkcs11Module {
 public:
  ///   kUnavailable  `path` cannot be loaded, is no PKCS#11 module, or does not
  ///                 initialise; the message names it.
  static Result<std::shared_ptr<Pkcs11Module>> load(const std::string& path);
  ~Pkcs11Module();
  Pkcs11Module(const Pkcs11Module&) = delete;
  Pkcs11Module& operator=(const Pkcs11Module&) = delete;

  const CK_FUNCTION_LIST& calls() const { return *calls_; }
  const std::string& path() const { return path_; }

  /// Initialises it again after it answered CKR_CRYPTOKI_NOT_INITIALIZED.
  Result<void> initialise();

  /// The slot of that number, or that holds the token of that label; both hold
  /// where both are given.
  ///   kUnavailable  no such token is present; the message lists those that
  ///   are.
  Result<CK_SLOT_ID> find_slot(std::optional<CK_SLOT_ID> slot,
                               std::string_view token_label) const;
  /// Of the token in that slot. Errors as pkcs11_error().
  Result<Pkcs11TokenIdentity> identity(CK_SLOT_ID slot) const;

 private:
  Pkcs11Module(std::string path, CK_FUNCTION_LIST* calls)
      : path_(std::move(path)), calls_(calls) {}

  std::string path_;
  CK_FUNCTION_LIST* calls_;
  bool ours_ = false;  ///< We initialised it, so we finalise it.
};

/// What a module answered, as one of our errors: "pkcs11: FUNCTION: CKR_…".
///   kPermissionDenied  PIN, login, or a key that may not do it
///   kNotFound          the object is gone
///   kCorrupt           the data or signature does not hold
///   kUnsupported       mechanism, key type or attribute that it cannot do
///   kInvalidArgument   data of a wrong length
///   kUnavailable       all else
Error pkcs11_error(std::string_view function, CK_RV answer);

}  // namespace bulla::kek
