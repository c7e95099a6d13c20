#pragma once

#include <any>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "api/field.h"
#include "api/operation.h"
#include "api/token.h"
#include "base/clock.h"
#include "base/json.h"
#include "crypto/rng.h"

namespace bulla::api {

/// One authenticated, bounded and routed request, as handlers see it. All views
/// hold until the handler returns.
struct Request {
  Operation operation = Operation::kRead;
  std::string_view path;         ///< After /v1/, decoded: "transit/keys/a".
  std::string_view mount_point;  ///< "transit/".
  std::string_view relative;     ///< Inside the mount: "keys/a".
  Fields fields;
  std::string_view id;  ///< The request's UUID.
  std::string_view remote_address;
  std::uint16_t remote_port = 0;
  std::optional<Seconds> wrap_ttl;
  std::span<const std::uint8_t> client_certificate;  ///< DER, or empty.
  /// The body as it came, of routes with allow_any_body; "" of all others.
  std::string_view body;
  /// The query string as it came, for the few bare endpoints that read it.
  std::string_view query;

  std::string_view param(std::string_view name) const {
    return fields.text(name);
  }
};

/// What one loop or worker thread keeps for an engine between requests: caches
/// that need no lock because no other thread sees them.
class LoopState {
 public:
  /// The state of the owner with that id, made on first use.
  template <typename T>
  T& of(std::uint64_t owner) {
    auto& slot = slots_[owner];
    if (!slot) slot = std::make_shared<T>();
    return *static_cast<T*>(slot.get());
  }
  void forget_all() { slots_.clear(); }

 private:
  std::unordered_map<std::uint64_t, std::shared_ptr<void>> slots_;
};

/// What surrounds a request: time, randomness, who asks, where it runs.
struct Context {
  Time now;
  crypto::Rng* rng = nullptr;
  LoopState* loop = nullptr;
  /// False on an event loop: whoever needs storage or a lock that waits
  /// returns would_block(), and the request is run again on the worker pool.
  bool may_block = true;
  /// Absent on unauthenticated paths.
  std::shared_ptr<const Token> token;
  std::string_view client_token;  ///< The secret itself; never logged.
  bool sudo = false;  ///< The policy grants sudo (or root) on this path.
};

}  // namespace bulla::api
