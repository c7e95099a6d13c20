#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret_bytes.h"
#include "kek/kek_provider.h"
#include "kek/pkcs11_module.h"
#include "kek/pkcs11_session.h"

namespace bulla::kek {

struct Pkcs11TokenOptions {
  std::string module;  ///< Path of the vendor's shared object.
  std::optional<CK_SLOT_ID> slot;
  std::string token_label;
  SecretBytes pin;  ///< Empty: no login.
  std::size_t sessions_max = 8;
};

/// A token of an HSM: a pool of sessions that are logged in. Connects at first
/// use; sessions that the device dropped, a device that was taken out and put
/// back, and a login that ended are made good within a call. Any thread. Calls
/// into the vendor's code cannot be broken off: `deadline` bounds what is
/// waited for between them.
///   kUnavailable       module, token or device are not there, or an answer of
///                      the kind; safe to repeat.
///   kPermissionDenied  the PIN was refused. It is not tried again by this
///                      object, lest the token lock itself.
///   …                  what pkcs11_error() makes of other answers.
class Pkcs11Token {
 public:
  explicit Pkcs11Token(Pkcs11TokenOptions options)
      : options_(std::move(options)) {}
  ~Pkcs11Token();
  Pkcs11Token(const Pkcs11Token&) = delete;
  Pkcs11Token& operator=(const Pkcs11Token&) = delete;

  using Call = std::function<Pkcs11Answer(const Pkcs11Session&)>;
  /// Runs `call` on a session; again on another one when the session was lost
  /// under it. So `call` is safe to repeat.
  Result<void> run(Deadline deadline, const Call& call);
  /// Runs it once: for what makes something in the token.
  Result<void> run_once(Deadline deadline, const Call& call);

 private:
  struct Lease {
    CK_SESSION_HANDLE session = 0;
    std::uint64_t generation = 0;
  };

  Result<void> attempt(Deadline deadline, const Call& call, bool& again);
  Result<Lease> take(Deadline deadline);
  Result<Lease> open();
  Result<void> connect();
  Result<void> log_in(CK_SESSION_HANDLE session);
  void give_back(const Lease& lease, bool healthy);
  void lost(const Lease& lease, CK_RV answer);
  void drop_sessions();

  Pkcs11TokenOptions options_;
  std::mutex mutex_;  ///< Guards all below; held while connecting.
  std::condition_variable freed_;
  std::shared_ptr<Pkcs11Module> module_;
  std::optional<CK_SLOT_ID> slot_;
  std::optional<Error> refused_;  ///< What the login ended with for good.
  std::vector<CK_SESSION_HANDLE> free_;
  std::size_t open_ = 0;  ///< Of this generation, free or lent.
  std::size_t lent_ = 0;  ///< Of any generation.
  /// Grows when sessions are found lost: what was lent before is closed.
  std::uint64_t generation_ = 0;
};

}  // namespace bulla::kek
