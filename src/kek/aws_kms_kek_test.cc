#include "kek/aws_kms_kek.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "kek/conformance.h"
#include "kek/fake_kms.h"
#include "kek/provider_factory.h"

namespace bulla::kek {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using Options = std::map<std::string, std::string>;
namespace fs = std::filesystem;

constexpr const char* kRole = "arn:aws:iam::111122223333:role/bulla";

crypto::SystemRng& rng() {
  static crypto::SystemRng instance;
  return instance;
}

Deadline in(milliseconds time) { return steady_clock::now() + time; }

class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    ::setenv(name, value.c_str(), 1);
  }
  ~Variable() { ::unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
};

class AwsKms : public ::testing::Test {
 protected:
  AwsKms() {
    std::string made = (fs::temp_directory_path() / "awskms.XXXXXX").string();
    directory_ = mkdtemp(made.data());
    for (const char* name :
         {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
          "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE",
          "AWS_SHARED_CREDENTIALS_FILE"}) {
      ::unsetenv(name);
    }
  }
  ~AwsKms() override { fs::remove_all(directory_); }

  /// Without credentials.
  Options bare() const {
    return {{"region", "eu-central-1"},
            {"kms_key_id", "alias/kek"},
            {"endpoint", server_.address()},
            {"sts_endpoint", server_.address()},
            {"shared_creds_filename", directory_ / "credentials"}};
  }
  Options options() const {
    Options made = bare();
    made["access_key"] = "AKIAFIXED";
    made["secret_key"] = "fixed/secret";
    return made;
  }
  static std::unique_ptr<KekProvider> make(const Options& options) {
    auto made = make_provider("awskms", "", options, rng());
    EXPECT_TRUE(made) << made.error().message();
    return *std::move(made);
  }
  std::unique_ptr<KekProvider> make() const { return make(options()); }

  std::string write(const std::string& name, std::string_view text) const {
    const fs::path path = directory_ / name;
    std::ofstream(path, std::ios::binary) << text;
    return path.string();
  }
  static Result<WrappedKey> wrap(KekProvider& provider,
                                 Deadline deadline = conformance::soon()) {
    return provider.wrap(SecretBytes::copy_of(Bytes(32, 7)), as_bytes("a"),
                         provider.active_version(), deadline);
  }
  static ErrorCode wrap_code(KekProvider& provider) {
    const auto wrapped = wrap(provider);
    EXPECT_FALSE(wrapped);
    return wrapped ? ErrorCode::kInternal : wrapped.error().code();
  }
  static ErrorCode unwrap_code(KekProvider& provider,
                               const WrappedKey& wrapped) {
    const auto opened =
        provider.unwrap(wrapped, as_bytes("a"), conformance::soon());
    return opened ? ErrorCode::kInternal : opened.error().code();
  }
  static std::string error_of(const Options& options) {
    const auto made = make_provider("awskms", "", options, rng());
    if (made) return "";
    EXPECT_EQ(made.error().code(), ErrorCode::kInvalidArgument);
    return made.error().message();
  }

  fs::path directory_;
  FakeKms server_;
};

TEST_F(AwsKms, Conforms) {
  FakeKms other;
  Options elsewhere = options();
  elsewhere["endpoint"] = other.address();
  check_conformance({.make = [&] { return make(); },
                     .make_with_other_key = [&] { return make(elsewhere); }});
}

TEST_F(AwsKms, ConformsWhereTheKeyMayNotBeDescribed) {
  server_.describe_forbidden = true;
  FakeKms other;
  other.describe_forbidden = true;
  Options elsewhere = options();
  elsewhere["endpoint"] = other.address();
  check_conformance({.make = [&] { return make(); },
                     .make_with_other_key = [&] { return make(elsewhere); }});
}

TEST_F(AwsKms, BindsToTheContext) {
  Options given = options();
  given["encryption_context"] = "team=core,stage=a=b";
  const auto provider = make(given);
  const auto wrapped = wrap(*provider);
  ASSERT_TRUE(wrapped) << wrapped.error().message();
  EXPECT_EQ(server_.seen_context,
            R"({"bulla-aad":"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72)"
            R"(b9807785afee48bb","stage":"a=b","team":"core"})");
  EXPECT_TRUE(provider->unwrap(*wrapped, as_bytes("a"), conformance::soon()));
  EXPECT_EQ(unwrap_code(*make(), *wrapped), ErrorCode::kCorrupt);
}

TEST_F(AwsKms, AnotherKeyIsAnotherVersion) {
  const auto before = make();
  const auto old = wrap(*before);
  ASSERT_TRUE(old);
  EXPECT_EQ(old->version, 1U);
  EXPECT_EQ(old->key_id, FakeKms::kFirst);

  server_.point_alias_at(FakeKms::kSecond);
  const auto provider = make();
  provider->adopt(1, old->key_id);
  EXPECT_EQ(provider->active_version(), 2U);
  EXPECT_THAT(provider->versions(), ElementsAre(1, 2));
  EXPECT_TRUE(provider->is_current(*old));
  EXPECT_TRUE(provider->unwrap(*old, as_bytes("a"), conformance::soon()));
  const auto now = wrap(*provider);
  ASSERT_TRUE(now);
  EXPECT_EQ(now->version, 2U);
  EXPECT_EQ(now->key_id, FakeKms::kSecond);
  const auto under_old = provider->wrap(SecretBytes::copy_of(Bytes(32, 7)),
                                        as_bytes("a"), 1, conformance::soon());
  ASSERT_TRUE(under_old);
  EXPECT_EQ(under_old->key_id, FakeKms::kFirst);
  // The one that runs sees the alias move when it is probed.
  EXPECT_EQ(before->active_version(), 1U);
  EXPECT_TRUE(before->probe(conformance::soon()));
  EXPECT_EQ(before->active_version(), 2U);
}

TEST_F(AwsKms, TrustsNoKeyOfAnotherAccount) {
  Options foreign = options();
  foreign["kms_key_id"] = FakeKms::kForeign;
  const auto planted = wrap(*make(foreign));
  ASSERT_TRUE(planted);
  const auto provider = make();
  EXPECT_EQ(unwrap_code(*provider, *planted), ErrorCode::kNotFound);
  provider->adopt(0, FakeKms::kSecond);
  provider->adopt(0x7fffffff, FakeKms::kSecond);
  provider->adopt(7, "not an ARN");
  EXPECT_THAT(provider->versions(), ElementsAre(1));
}

TEST_F(AwsKms, StartsWithoutAws) {
  Options away = options();
  away["endpoint"] = "http://127.0.0.1:1";
  const auto provider = make(away);
  EXPECT_EQ(provider->active_version(), 1U);
  EXPECT_EQ(wrap_code(*provider), ErrorCode::kUnavailable);
  server_.fail_next = 1;
  EXPECT_TRUE(wrap(*make()));
}

TEST_F(AwsKms, TakesTheEnvironment) {
  server_.add_session("AKIAENV", "env-secret", "env-token");
  const Variable id("AWS_ACCESS_KEY_ID", "AKIAENV");
  const Variable secret("AWS_SECRET_ACCESS_KEY", "env-secret");
  const Variable token("AWS_SESSION_TOKEN", "env-token");
  const Variable region("AWS_REGION", "eu-central-1");
  const Variable key("VAULT_AWSKMS_SEAL_KEY_ID", "alias/kek");
  const Variable endpoint("AWS_KMS_ENDPOINT", server_.address());
  EXPECT_TRUE(wrap(*make({})));
  Options overridden = options();
  overridden["region"] = "us-west-2";
  overridden["access_key"] = "AKIAOTHER";
  EXPECT_TRUE(wrap(*make(overridden)));
}

TEST_F(AwsKms, RereadsTheSharedCredentials) {
  Options given = bare();
  given["shared_creds_profile"] = "kek";
  const auto provider = make(given);
  auto wrapped = wrap(*provider);
  ASSERT_FALSE(wrapped);
  EXPECT_EQ(wrapped.error().code(), ErrorCode::kUnavailable);
  EXPECT_THAT(wrapped.error().message(), HasSubstr("credentials\""));
  for (const std::string id : {"ASIAONE", "ASIATWO"}) {
    server_.add_session(id, "s/" + id, "t/" + id);
    write("credentials",
          fmt::format("[default]\naws_access_key_id = no\n"
                      "aws_secret_access_key = no\n# [kek]\n[kek]\r\n"
                      "aws_access_key_id={0}\r\naws_secret_access_key = s/{0}\n"
                      "aws_session_token =t/{0}\n[last]\n",
                      id));
    EXPECT_TRUE(wrap(*provider)) << id;
  }
  write("credentials", "[default]\n");
  EXPECT_EQ(wrap_code(*provider), ErrorCode::kPermissionDenied);
}

TEST_F(AwsKms, TakesAWebIdentity) {
  Options given = bare();
  given["role_arn"] = kRole;
  given["web_identity_token_file"] = directory_ / "jwt";
  const auto provider = make(given);
  EXPECT_EQ(wrap_code(*provider), ErrorCode::kUnavailable);
  write("jwt", "jwt.one\n");
  EXPECT_TRUE(wrap(*provider));
  EXPECT_TRUE(wrap(*provider));
  EXPECT_EQ(server_.sts_calls, 1);
  // What is about to end is asked for anew, with the token that is then there.
  server_.set_session_life(std::chrono::seconds(60));
  server_.set_refusal("ExpiredTokenException");
  EXPECT_EQ(wrap_code(*provider), ErrorCode::kPermissionDenied);
  EXPECT_EQ(server_.sts_calls, 2);
  server_.set_refusal("");
  server_.set_identity("jwt.two");
  const auto refused = wrap(*provider);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kPermissionDenied);
  EXPECT_THAT(refused.error().message(), HasSubstr("InvalidIdentityToken"));
  EXPECT_THAT(refused.error().message(), Not(HasSubstr("hunter2")));
  write("jwt", "jwt.two");
  EXPECT_TRUE(wrap(*provider));
}

TEST_F(AwsKms, SignsWhatItSends) {
  Options wrong = options();
  wrong["secret_key"] = "another";
  EXPECT_EQ(wrap_code(*make(wrong)), ErrorCode::kPermissionDenied);
  wrong = options();
  wrong["region"] = "eu-west-1";
  EXPECT_EQ(wrap_code(*make(wrong)), ErrorCode::kPermissionDenied);
  wrong = options();
  wrong["session_token"] = "stale";
  EXPECT_EQ(wrap_code(*make(wrong)), ErrorCode::kPermissionDenied);
  server_.clock_skew_seconds = 600;
  EXPECT_EQ(wrap_code(*make()), ErrorCode::kPermissionDenied);
}

TEST_F(AwsKms, TellsItsRefusalsApart) {
  const auto provider = make();
  const auto wrapped = wrap(*provider);
  ASSERT_TRUE(wrapped);
  const std::pair<const char*, ErrorCode> cases[] = {
      {"AccessDeniedException", ErrorCode::kPermissionDenied},
      {"UnrecognizedClientException", ErrorCode::kPermissionDenied},
      {"InvalidSignatureException", ErrorCode::kPermissionDenied},
      {"ExpiredTokenException", ErrorCode::kPermissionDenied},
      {"ValidationException", ErrorCode::kPermissionDenied},
      {"NotFoundException", ErrorCode::kNotFound},
      {"DisabledException", ErrorCode::kNotFound},
      {"KMSInvalidStateException", ErrorCode::kNotFound},
      {"InvalidCiphertextException", ErrorCode::kCorrupt},
      {"IncorrectKeyException", ErrorCode::kCorrupt},
  };
  for (const auto& [name, code] : cases) {
    server_.set_refusal(name);
    EXPECT_EQ(unwrap_code(*provider, *wrapped), code) << name;
    const auto again = wrap(*provider);
    ASSERT_FALSE(again);
    EXPECT_THAT(again.error().message(), HasSubstr(name));
    EXPECT_THAT(again.error().message(), Not(HasSubstr("hunter2")));
  }
  server_.set_refusal("");
  server_.new_key(FakeKms::kFirst);
  EXPECT_EQ(unwrap_code(*provider, *wrapped), ErrorCode::kCorrupt);
  Options missing = options();
  missing["kms_key_id"] = "alias/nowhere";
  EXPECT_EQ(wrap_code(*make(missing)), ErrorCode::kNotFound);
}

TEST_F(AwsKms, RepeatsWhatIsWorthItAndKeepsTheDeadline) {
  const auto provider = make();
  server_.fail_next = 2;
  EXPECT_TRUE(wrap(*provider));
  server_.fail_next = 1'000'000;
  server_.calls = 0;
  EXPECT_EQ(wrap_code(*provider), ErrorCode::kUnavailable);
  EXPECT_EQ(server_.calls, 5);
  server_.fail_next = 0;
  server_.delay_ms = 400;
  const auto start = steady_clock::now();
  const auto wrapped = wrap(*provider, in(milliseconds(150)));
  ASSERT_FALSE(wrapped);
  EXPECT_EQ(wrapped.error().code(), ErrorCode::kUnavailable);
  EXPECT_LT(steady_clock::now() - start, milliseconds(350));
}

TEST_F(AwsKms, LivesThroughStrangeAnswers) {
  const auto provider = make();
  const auto wrapped = wrap(*provider);
  ASSERT_TRUE(wrapped);
  for (const std::string& body :
       {std::string(), std::string("<html>"), std::string("[]"),
        std::string("{}"), std::string(R"({"Plaintext":7,"KeyId":7})"),
        std::string(R"({"Plaintext":"","KeyId":"k","CiphertextBlob":"AAAA"})"),
        std::string(R"({"Plaintext":"***"})"),
        "{\"Plaintext\":\"" + std::string(1 << 20, 'A') + "\"}"}) {
    for (const int status : {200, 404}) {
      server_.set_fixed(status, body);
      EXPECT_EQ(unwrap_code(*provider, *wrapped), ErrorCode::kUnavailable);
      EXPECT_EQ(wrap_code(*provider), ErrorCode::kUnavailable);
    }
  }
}

TEST_F(AwsKms, SaysWhatIsMissing) {
  const auto with = [this](const std::string& key, const std::string& value) {
    Options changed = options();
    changed[key] = value;
    return error_of(changed);
  };
  EXPECT_THAT(with("kms_key_id", ""), HasSubstr("kms_key_id is missing"));
  EXPECT_THAT(with("kms_key", ""), HasSubstr("unknown option \"kms_key\""));
  EXPECT_THAT(with("region", "eu/../x"), HasSubstr("region"));
  EXPECT_THAT(with("endpoint", "kms"), HasSubstr("endpoint: expected a URL"));
  EXPECT_THAT(with("secret_key", ""), HasSubstr("go together"));
  EXPECT_THAT(with("role_arn", kRole), HasSubstr("go together"));
  EXPECT_THAT(with("secret_key", "env://BULLA_TEST_NOT_SET"),
              HasSubstr("secret_key: the environment variable"));
  for (const std::string text : {"a", "=b", "a=1,a=2", "bulla-aad=x"}) {
    EXPECT_THAT(with("encryption_context", text),
                HasSubstr("encryption_context"))
        << text;
  }
  EXPECT_THAT(with("region", "."), HasSubstr("seal \"awskms\""));
}

TEST(AwsAnswer, ReadsArns) {
  const auto arn = parse_kms_arn("arn:aws:kms:us-east-1:1234:key/mrk-1");
  ASSERT_TRUE(arn);
  EXPECT_EQ(arn->partition, "aws");
  EXPECT_EQ(arn->account, "1234");
  EXPECT_EQ(arn->key, "mrk-1");
  for (const std::string& text :
       {std::string(), std::string("1234-abcd"), std::string("alias/kek"),
        std::string("arn:aws:kms:us-east-1:1234:alias/kek"),
        std::string("arn:aws:kms:us-east-1:1234:key/"),
        std::string("arn:aws:kms:us-east-1::key/a"),
        std::string("arn:aws:s3:us-east-1:1234:key/a"),
        std::string("arn:aws:kms:us-east-1:1234:key/a b"),
        "arn:aws:kms:us-east-1:1234:key/" + std::string(256, 'a')}) {
    EXPECT_FALSE(parse_kms_arn(text)) << text;
  }
  const std::string here = "arn:aws:kms:us-east-1:1234:key/";
  const std::string there = "arn:aws:kms:eu-west-1:1234:key/";
  EXPECT_TRUE(same_kms_key(here + "mrk-1", there + "mrk-1"));
  EXPECT_FALSE(same_kms_key(here + "mrk-1", there + "mrk-2"));
  EXPECT_FALSE(same_kms_key(here + "1", there + "1"));
  EXPECT_TRUE(same_kms_account(here + "1", there + "2"));
  EXPECT_FALSE(same_kms_account(here + "1", "arn:aws-cn:kms:x:1234:key/1"));
}

TEST(AwsAnswer, ReadsErrorNames) {
  EXPECT_EQ(aws_error_name("A:http://x", "{}"), "A");
  EXPECT_EQ(aws_error_name("", R"({"__type":"com.amazonaws.kms#B"})"), "B");
  EXPECT_EQ(aws_error_name("", "<E><Error><Code>C</Code></Error></E>"), "C");
  EXPECT_EQ(aws_error_name("", R"({"__type":"no word"})"), "");
  EXPECT_EQ(aws_error_name("", "<Code>" + std::string(65, 'x') + "</Code>"),
            "");
  EXPECT_EQ(aws_error_name("", ""), "");
}

TEST(AwsEndpoint, IsOfItsPartition) {
  EXPECT_EQ(aws_endpoint("kms", "eu-west-1"),
            "https://kms.eu-west-1.amazonaws.com");
  EXPECT_EQ(aws_endpoint("sts", "cn-north-1"),
            "https://sts.cn-north-1.amazonaws.com.cn");
}

}  // namespace
}  // namespace bulla::kek
