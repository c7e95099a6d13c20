#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "kek/remote_call.h"
#include "kek/stanza.h"
#include "kek/transit_answer.h"

namespace bulla::kek {

/// Where a transit engine is, and who we are there.
struct TransitOptions {
  std::string address;     ///< Without a slash at its end.
  std::string mount_path;  ///< "transit", without slashes around it.
  std::string key_name;
  std::string key_namespace;  ///< "" for the root namespace.
  std::string key_id_prefix;
  bool renew = true;
  Credential token;
  RemoteTls tls;

  /// From a seal stanza and the environment (docs/configuration.md).
  ///   kInvalidArgument  an option that is missing, unknown or cannot be.
  static Result<TransitOptions> from_stanza(const Stanza::Options& options);
};

/// Speaks with one Vault, OpenBao or Bulla. The token is read anew for each
/// call. Immutable; any thread.
class TransitClient {
 public:
  explicit TransitClient(TransitOptions options)
      : options_(std::move(options)) {}

  /// A call below /v1/. `body` is wiped, and is JSON or empty.
  ///   kUnavailable, kPermissionDenied, kNotFound, kCorrupt  as transit_error
  ///   says; kUnavailable when there is no answer; Credential::read()'s.
  Result<SecretResponse> call(TransitCall call, std::string path,
                              std::string body, const CallLimits& limits) const;

  /// The path of an operation on our key: "transit/encrypt/NAME".
  std::string key_path(std::string_view operation) const;

  const TransitOptions& options() const { return options_; }

 private:
  TransitOptions options_;
};

}  // namespace bulla::kek
