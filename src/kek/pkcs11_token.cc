#include "kek/pkcs11_token.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace bulla::kek {
namespace {

using std::chrono::steady_clock;

constexpr int kAttemptsMax = 4;
constexpr std::chrono::milliseconds kFirstPause{20};

// Answers after which a new session, login or look at the slots may help.
bool session_lost(CK_RV answer) {
  static constexpr CK_RV kLost[] = {
      CKR_SESSION_HANDLE_INVALID,   CKR_SESSION_CLOSED,
      CKR_DEVICE_REMOVED,           CKR_DEVICE_ERROR,
      CKR_TOKEN_NOT_PRESENT,        CKR_USER_NOT_LOGGED_IN,
      CKR_CRYPTOKI_NOT_INITIALIZED, CKR_SLOT_ID_INVALID,
      CKR_KEY_HANDLE_INVALID,       CKR_OBJECT_HANDLE_INVALID,
      CKR_OPERATION_ACTIVE,         CKR_OPERATION_NOT_INITIALIZED,
  };
  return std::ranges::find(kLost, answer) != std::end(kLost);
}

bool pin_refused(CK_RV answer) {
  return pkcs11_error("", answer).code() == ErrorCode::kPermissionDenied;
}

Error in_time(std::string_view what) {
  return unavailable("pkcs11: " + std::string(what) + ": no time is left");
}

// False when that would pass the deadline.
bool pause(int attempt, Deadline deadline) {
  const auto length = kFirstPause * (1 << attempt);
  if (steady_clock::now() + length >= deadline) return false;
  std::this_thread::sleep_for(length);
  return true;
}

}  // namespace

Pkcs11Token::~Pkcs11Token() { drop_sessions(); }

Result<void> Pkcs11Token::run(Deadline deadline, const Call& call) {
  for (int attempts = 1;; ++attempts) {
    bool again = false;
    auto done = attempt(deadline, call, again);
    if (done || !again || attempts == kAttemptsMax) return done;
    if (!pause(attempts, deadline)) return done;
  }
}

Result<void> Pkcs11Token::run_once(Deadline deadline, const Call& call) {
  // A session from the pool may be dead, which costs nothing to find out.
  TRY(run(deadline, [](const Pkcs11Session& session) {
    std::vector<std::string> labels;
    return session.labels(Pkcs11KeyClass::kAes, labels);
  }));
  bool again = false;
  return attempt(deadline, call, again);
}

Result<void> Pkcs11Token::attempt(Deadline deadline, const Call& call,
                                  bool& again) {
  auto lease = take(deadline);
  if (!lease) {
    again = lease.error().code() == ErrorCode::kUnavailable;
    return fail(std::move(lease).error());
  }
  const auto answer = call(Pkcs11Session(module_->calls(), lease->session));
  if (answer.ok()) {
    give_back(*lease, true);
    return {};
  }
  // An operation may be half done in the session, so it is not used again.
  give_back(*lease, answer.error.has_value());
  again = !answer.error && session_lost(answer.value);
  if (again) lost(*lease, answer.value);
  return fail(answer.as_error());
}

Result<Pkcs11Token::Lease> Pkcs11Token::take(Deadline deadline) {
  std::unique_lock lock(mutex_);
  const bool ready = freed_.wait_until(lock, deadline, [&] {
    return !free_.empty() || open_ < options_.sessions_max;
  });
  if (!ready) return fail(in_time("waiting for a session"));
  if (free_.empty()) return open();
  const Lease lease{free_.back(), generation_};
  free_.pop_back();
  ++lent_;
  return lease;
}

// With mutex_ held, as all below.
Result<void> Pkcs11Token::connect() {
  if (refused_) return fail(*refused_);
  if (!module_) {
    TRY_ASSIGN(module_, Pkcs11Module::load(options_.module));
  }
  if (slot_) return {};
  auto found = module_->find_slot(options_.slot, options_.token_label);
  if (!found) {
    // Many modules look for their devices when they are initialised, and never
    // again: the next attempt does that, unless others have it open.
    if (lent_ == 0) module_.reset();
    return fail(std::move(found).error());
  }
  slot_ = *found;
  return {};
}

Result<Pkcs11Token::Lease> Pkcs11Token::open() {
  TRY(connect());
  CK_SESSION_HANDLE session = 0;
  const CK_RV answer = module_->calls().C_OpenSession(
      *slot_, CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr, nullptr, &session);
  if (answer != CKR_OK) {
    slot_.reset();
    if (answer == CKR_CRYPTOKI_NOT_INITIALIZED) TRY(module_->initialise());
    return fail(pkcs11_error("C_OpenSession", answer));
  }
  auto logged_in = log_in(session);
  if (!logged_in) {
    module_->calls().C_CloseSession(session);
    return fail(std::move(logged_in).error());
  }
  ++open_;
  ++lent_;
  return Lease{session, generation_};
}

Result<void> Pkcs11Token::log_in(CK_SESSION_HANDLE session) {
  if (options_.pin.empty()) return {};
  const ByteView pin = options_.pin.expose();
  const CK_RV answer = module_->calls().C_Login(
      session, CKU_USER, const_cast<CK_UTF8CHAR*>(pin.data()), pin.size());
  if (answer == CKR_OK || answer == CKR_USER_ALREADY_LOGGED_IN) return {};
  Error error = pkcs11_error("C_Login", answer);
  if (!pin_refused(answer)) return fail(std::move(error));
  refused_ = Error(error.code(),
                   error.message() +
                       ": the PIN was refused and is not tried again, lest the "
                       "token lock itself; correct it and restart");
  return fail(*refused_);
}

void Pkcs11Token::give_back(const Lease& lease, bool healthy) {
  const std::lock_guard lock(mutex_);
  const bool ours = lease.generation == generation_;
  if (healthy && ours) {
    free_.push_back(lease.session);
  } else {
    module_->calls().C_CloseSession(lease.session);
    if (ours) --open_;
  }
  --lent_;
  freed_.notify_one();
}

void Pkcs11Token::lost(const Lease& lease, CK_RV answer) {
  const std::lock_guard lock(mutex_);
  if (lease.generation != generation_) return;  // another thread did it
  drop_sessions();
  open_ = 0;
  ++generation_;
  slot_.reset();
  // What fails here fails again, and is told, when a session is opened.
  if (module_ && answer == CKR_CRYPTOKI_NOT_INITIALIZED) {
    static_cast<void>(module_->initialise());
  }
  freed_.notify_all();
}

void Pkcs11Token::drop_sessions() {
  for (const CK_SESSION_HANDLE session : free_) {
    module_->calls().C_CloseSession(session);
  }
  free_.clear();
}

}  // namespace bulla::kek
