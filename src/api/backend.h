#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "api/event_sink.h"
#include "api/managed_keys.h"
#include "api/request.h"
#include "api/response.h"
#include "barrier/barrier.h"
#include "base/log.h"
#include "dek/records.h"

namespace bulla::api {

/// Answers a request. Synchronous. Errors become HTTP by their code, see
/// server/error_status.h: kInvalidArgument 400 with the plain text, kInternal
/// 500, kNotFound 404, ….
using Handler = std::function<Result<Response>(const Request&, Context&)>;
/// Whether the thing a write names is there: decides create against update.
using ExistsCheck = std::function<Result<bool>(const Request&, Context&)>;

/// Where a handler runs.
enum class Cost : std::uint8_t {
  kInline,  ///< Microseconds: on the event loop; honours Context::may_block.
  kPool,    ///< Storage writes, RSA, key generation, KEK calls.
};

/// One operation of a route.
struct Method {
  Operation operation;  ///< kUpdate serves kCreate too.
  Cost cost = Cost::kPool;
  Handler handler;
  std::string_view summary = {};
};

/// One row of the route table, the single source of routing, validation, help
/// and OpenAPI.
///
/// Pattern segments: a literal; ":name" (\w(([\w-.]+)?\w)?); ":name@" (also
/// '@' inside); ":name~" (any text without '/'); "*name" (the rest, any text,
/// possibly empty, last only). Longest literal match wins; a pattern without
/// "*" never matches a path with a trailing slash (LIST's own is taken off).
struct Route {
  std::string_view pattern;
  std::vector<Field> fields;
  std::vector<Method> methods;
  ExistsCheck exists = nullptr;
  std::string_view synopsis;
  std::string_view description = {};
  bool unauthenticated = false;
  /// The metrics: without a token and while sealed only on the listeners whose
  /// configuration says so.
  bool metrics = false;
  bool sudo = false;          ///< Root-protected: needs sudo besides.
  bool while_sealed = false;  ///< Answers when sealed or uninitialised.
  bool audited = true;
  /// The body's members are the caller's own: none of them is unknown.
  bool any_members = false;
  /// About a wrapping token, the field `token` or else the caller's own, which
  /// must be one before anything is said of the caller.
  bool wrapping_token = false;
  /// Body handed to the handler raw, not as JSON fields (raw snapshots).
  bool allow_any_body = false;
};

/// A mount's settings, as sys/mounts shows them.
struct MountConfig {
  std::string path;  ///< "transit/", or "auth/token/" for auth methods.
  std::string type;
  std::string description;
  std::string accessor;
  std::string uuid;
  bool local = false;
  bool seal_wrap = false;
  bool external_entropy_access = false;
  bool is_auth = false;
  std::map<std::string, std::string> options;
  Seconds default_lease_ttl{0};  ///< 0: the system's.
  Seconds max_lease_ttl{0};
  bool force_no_cache = false;
  std::string listing_visibility;
  std::string token_type;
  std::vector<std::string> audit_non_hmac_request_keys;
  std::vector<std::string> audit_non_hmac_response_keys;
  std::vector<std::string> passthrough_request_headers;
  std::vector<std::string> allowed_response_headers;
  std::vector<std::string> allowed_managed_keys;  ///< Names.
};

/// What a backend is built from.
struct BackendContext {
  barrier::View storage;  ///< Its own corner of the barrier.
  MountConfig config;     ///< As it was when the backend was built.
  crypto::Rng& rng;
  const Clock& clock;
  const Logger& log;
  EventSink& events;                   ///< For what the backend does by itself.
  dek::RecordCipher& records;          ///< Seals the bodies of records.
  dek::RecordHolders& record_holders;  ///< Where keepers of records register.
  ManagedKeys& managed_keys;           ///< What an HSM holds.
  bool fips_mode = false;  ///< Only algorithms that FIPS 140-3 approves.
};

/// An engine or auth method behind a mount. Handlers run on any thread.
class Backend {
 public:
  Backend();
  virtual ~Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  virtual std::string_view type() const = 0;
  /// Built once, in the constructor; lives as long as the backend. Only
  /// tuned() may make it another one, of those.
  virtual const std::vector<Route>& routes() const = 0;
  virtual std::string_view help() const = 0;
  /// Whether anything stored here names the managed key of that id. Blocks.
  virtual Result<bool> uses_managed_key(std::string_view id) {
    static_cast<void>(id);
    return false;
  }
  /// The mount's settings or its path were changed and stored.
  virtual void tuned(const MountConfig& config) { static_cast<void>(config); }
  /// Periodic work (about once a minute, on a pool thread, active node only).
  virtual void tick(Time now) { static_cast<void>(now); }

  /// The last call before the seal, and after an unmount: whatever is only in
  /// memory has to be stored, unless the mount is gone. Requests may still be
  /// running; those that come later find the barrier sealed.
  virtual void stop() {}

  /// Unique in the process; keys LoopState.
  std::uint64_t id() const { return id_; }

 private:
  std::uint64_t id_;
};

}  // namespace bulla::api
