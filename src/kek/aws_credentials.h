#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "base/result.h"
#include "kek/aws_answer.h"
#include "kek/kek_provider.h"
#include "kek/remote_call.h"
#include "kek/sigv4.h"
#include "kek/stanza.h"

namespace bulla::kek {

/// Where the credentials for AWS come from. The first of these that is given:
/// keys in the environment, keys in the stanza, a web identity (a token file
/// that STS takes for a role), the shared credentials file. Files are read anew
/// each time; what STS gave is used until shortly before it ends. Any thread.
class AwsCredentialSource {
 public:
  /// As in docs/configuration.md; `tls` is for STS.
  ///   kInvalidArgument  half of a pair, or an endpoint that is no URL.
  static Result<std::unique_ptr<AwsCredentialSource>> from_stanza(
      const Stanza& stanza, std::string region, RemoteTls tls);

  ///   kUnavailable       a file or STS cannot be reached now.
  ///   kPermissionDenied  STS refused the identity; no keys in the file.
  Result<AwsCredentials> get(Deadline deadline);

  /// AWS refused what get() gave: STS is asked anew next time.
  void forget();
  /// Whether get() may give others next time.
  bool may_change() const { return fixed_.access_key.empty(); }

 private:
  AwsCredentialSource() = default;
  Result<AwsCredentials> from_shared_file() const;
  Result<StsCredentials> ask_sts(Deadline deadline) const;

  AwsCredentials fixed_;
  std::string role_arn_;
  std::string session_name_;
  Credential identity_;
  std::string sts_endpoint_;
  RemoteTls tls_;
  std::string shared_file_;
  std::string profile_;

  std::mutex mutex_;
  std::optional<StsCredentials> cached_;
};

/// "https://SERVICE.REGION.amazonaws.com", in China's domain where that is.
std::string aws_endpoint(std::string_view service, std::string_view region);

}  // namespace bulla::kek
