#include "kek/aws_credentials.h"

#include <fmt/format.h>

#include "kek/key_text.h"
#include "net/url.h"

namespace bulla::kek {
namespace {

constexpr std::size_t kSharedFileBytesMax = std::size_t{64} << 10;
constexpr std::chrono::minutes kRenewBefore{5};

AwsCredentials copy_of(const AwsCredentials& from) {
  return {from.access_key, from.secret_key.clone(), from.session_token.clone()};
}

SecretBytes secret(std::string_view text) {
  return SecretBytes::copy_of(as_bytes(text));
}

// One source as a whole: a key of the environment with a secret of the stanza
// would be a pair that nobody meant.
Result<AwsCredentials> fixed_keys(const Stanza& stanza) {
  const std::string_view id = environment({"AWS_ACCESS_KEY_ID"});
  const std::string_view key = environment({"AWS_SECRET_ACCESS_KEY"});
  if (!id.empty() && !key.empty()) {
    return AwsCredentials{std::string(id), secret(key),
                          secret(environment({"AWS_SESSION_TOKEN"}))};
  }
  const auto given = [&](const char* name) -> Result<SecretBytes> {
    const std::string_view text = stanza.given(name);
    if (text.empty()) return SecretBytes();
    auto read = read_secret_text(text);
    if (!read) return fail(std::move(read).error().with_context(name));
    return read;
  };
  AwsCredentials made;
  TRY_ASSIGN(const SecretBytes access, given("access_key"));
  made.access_key = to_text(access.expose());
  TRY_ASSIGN(made.secret_key, given("secret_key"));
  TRY_ASSIGN(made.session_token, given("session_token"));
  if (made.access_key.empty() == made.secret_key.empty()) return made;
  return fail(invalid_argument(
      "access_key and secret_key go together; one is missing"));
}

std::string default_shared_file() {
  const std::string_view home = environment({"HOME"});
  return home.empty() ? "" : fmt::format("{}/.aws/credentials", home);
}

}  // namespace

std::string aws_endpoint(std::string_view service, std::string_view region) {
  return fmt::format("https://{}.{}.amazonaws.com{}", service, region,
                     region.starts_with("cn-") ? ".cn" : "");
}

Result<std::unique_ptr<AwsCredentialSource>> AwsCredentialSource::from_stanza(
    const Stanza& stanza, std::string region, RemoteTls tls) {
  std::unique_ptr<AwsCredentialSource> made(new AwsCredentialSource);
  TRY_ASSIGN(made->fixed_, fixed_keys(stanza));
  made->role_arn_ = stanza.text("role_arn", {"AWS_ROLE_ARN"});
  made->session_name_ =
      stanza.text("role_session_name", {"AWS_ROLE_SESSION_NAME"});
  if (made->session_name_.empty()) made->session_name_ = "bulla";
  const std::string token =
      stanza.text("web_identity_token_file", {"AWS_WEB_IDENTITY_TOKEN_FILE"});
  if (!token.empty()) made->identity_ = Credential::from_file(token);
  if (token.empty() != made->role_arn_.empty()) {
    return fail(
        invalid_argument("role_arn and web_identity_token_file go together; "
                         "one is missing"));
  }
  std::string endpoint = stanza.text("sts_endpoint", {"AWS_ENDPOINT_URL_STS"});
  if (endpoint.empty()) endpoint = aws_endpoint("sts", region);
  TRY_ASSIGN(made->sts_endpoint_, base_url("sts_endpoint", endpoint));
  made->tls_ = std::move(tls);
  made->shared_file_ =
      stanza.text("shared_creds_filename", {"AWS_SHARED_CREDENTIALS_FILE"});
  if (made->shared_file_.empty()) made->shared_file_ = default_shared_file();
  made->profile_ = stanza.text("shared_creds_profile", {"AWS_PROFILE"});
  if (made->profile_.empty()) made->profile_ = "default";
  return made;
}

Result<AwsCredentials> AwsCredentialSource::get(Deadline deadline) {
  if (!fixed_.access_key.empty()) return copy_of(fixed_);
  if (identity_.empty()) return from_shared_file();
  {
    const std::lock_guard lock(mutex_);
    if (cached_ &&
        cached_->expires - kRenewBefore > std::chrono::system_clock::now()) {
      return copy_of(cached_->credentials);
    }
  }
  TRY_ASSIGN(auto fresh, ask_sts(deadline));
  AwsCredentials copy = copy_of(fresh.credentials);
  const std::lock_guard lock(mutex_);
  cached_ = std::move(fresh);
  return copy;
}

void AwsCredentialSource::forget() {
  const std::lock_guard lock(mutex_);
  cached_.reset();
}

Result<AwsCredentials> AwsCredentialSource::from_shared_file() const {
  const auto text = read_credential_file(shared_file_, kSharedFileBytesMax);
  if (!text) {
    return fail(
        unavailable(fmt::format("no keys and no web identity are given, and {}",
                                text.error().message())));
  }
  auto keys = parse_shared_credentials(as_text(text->expose()), profile_);
  if (!keys) {
    return fail(std::move(keys).error().with_context(
        fmt::format("the file \"{}\"", shared_file_)));
  }
  return keys;
}

Result<StsCredentials> AwsCredentialSource::ask_sts(Deadline deadline) const {
  TRY_ASSIGN(const SecretBytes token, identity_.read());
  SecretRequest request;
  request.method = "POST";
  request.url = sts_endpoint_ + "/";
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
  request.use(tls_);
  request.body = fmt::format(
      "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn={}"
      "&RoleSessionName={}&WebIdentityToken={}",
      net::percent_encode(role_arn_), net::percent_encode(session_name_),
      net::percent_encode(as_text(token.expose())));
  const auto name = [](const net::ClientResponse& answer) {
    return aws_error_name("", answer.body);
  };
  TRY_ASSIGN(const auto answer,
             call_remote(request, {deadline}, [&](const auto& given) {
               return aws_worth_repeating(given.status, name(given));
             }));
  if (answer.status == 200) return parse_sts_credentials(answer.body);
  return fail(
      aws_error("AssumeRoleWithWebIdentity", answer.status, name(answer)));
}

}  // namespace bulla::kek
