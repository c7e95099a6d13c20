#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "kek/sigv4.h"

// What AWS answers, and the file that its tools keep credentials in: text from
// a stranger. Pure functions; any thread. Errors never show what an answer
// holds but the name of AWS's own error.

namespace bulla::kek {

/// What matters here of a KMS key's full name.
struct KmsArn {
  std::string_view partition;  ///< "aws", "aws-cn", ….
  std::string_view account;
  std::string_view key;  ///< Its id; "mrk-…" is the same key in each region.
};

/// Of "arn:PARTITION:kms:REGION:ACCOUNT:key/ID", at most 256 visible
/// characters. Views into `text`; nullopt for another form.
std::optional<KmsArn> parse_kms_arn(std::string_view text);

/// Whether both name one key, be it in two regions.
bool same_kms_key(std::string_view a, std::string_view b);
/// Whether both are of one account.
bool same_kms_account(std::string_view a, std::string_view b);

struct KmsCiphertext {
  std::string key_arn;
  Bytes blob;
};

///   kUnavailable  not such an answer: it is not KMS, or not in order.
Result<KmsCiphertext> parse_kms_encrypt(std::string_view body);
Result<SecretBytes> parse_kms_decrypt(std::string_view body);
/// The key's ARN.
Result<std::string> parse_kms_describe(std::string_view body);

/// The name of AWS's error: "AccessDeniedException", out of the header
/// x-amzn-ErrorType or the JSON or XML body; "" when there is none.
std::string aws_error_name(std::string_view header, std::string_view body);

/// What an answer other than 2xx means, in KekProvider's codes.
Error aws_error(std::string_view operation, int status, std::string_view name);

/// Whether the same request may be answered otherwise in a moment.
bool aws_worth_repeating(int status, std::string_view name);
/// Whether other credentials may be answered otherwise.
bool aws_refused_credentials(std::string_view name);

/// STS's answer (XML) to AssumeRoleWithWebIdentity.
struct StsCredentials {
  AwsCredentials credentials;
  Time expires;
};
Result<StsCredentials> parse_sts_credentials(std::string_view body);

/// The keys of [profile] in a shared credentials file.
///   kPermissionDenied  no such profile, or one without keys.
Result<AwsCredentials> parse_shared_credentials(std::string_view text,
                                                std::string_view profile);

}  // namespace bulla::kek
