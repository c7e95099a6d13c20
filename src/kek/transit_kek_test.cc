#include "kek/transit_kek.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/x509.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "kek/conformance.h"
#include "kek/fake_transit.h"
#include "kek/provider_factory.h"
#include "net/test_certificates.h"

namespace bulla::kek {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using Options = std::map<std::string, std::string>;
namespace fs = std::filesystem;

crypto::SystemRng& rng() {
  static crypto::SystemRng instance;
  return instance;
}

Deadline in(milliseconds time) { return steady_clock::now() + time; }

class Transit : public ::testing::Test {
 protected:
  Transit() {
    std::string made = (fs::temp_directory_path() / "transit.XXXXXX").string();
    directory_ = mkdtemp(made.data());
  }
  ~Transit() override { fs::remove_all(directory_); }

  Options options() const {
    return {{"address", server_.address()},
            {"token", "s.token"},
            {"mount_path", "team/transit/"},
            {"key_name", "kek"},
            {"disable_renewal", "true"}};
  }
  static std::unique_ptr<KekProvider> make(const Options& options) {
    auto made = make_provider("transit", "", options, rng());
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
  static std::string error_of(const Options& options) {
    const auto made = make_provider("transit", "", options, rng());
    if (made) return "";
    EXPECT_EQ(made.error().code(), ErrorCode::kInvalidArgument);
    return made.error().message();
  }

  fs::path directory_;
  FakeTransit server_;
};

TEST_F(Transit, Conforms) {
  FakeTransit other;
  Options elsewhere = options();
  elsewhere["address"] = other.address();
  check_conformance({.make = [&] { return make(); },
                     .make_with_other_key = [&] { return make(elsewhere); }});
}

TEST_F(Transit, ConformsWhereTheKeyMayNotBeRead) {
  server_.rotate();
  server_.rotate();
  server_.read_forbidden = true;
  FakeTransit other;
  for (int i = 0; i < 2; ++i) other.rotate();
  Options elsewhere = options();
  elsewhere["address"] = other.address();
  EXPECT_EQ(make()->active_version(), 3U);
  check_conformance({.make = [&] { return make(); },
                     .make_with_other_key = [&] { return make(elsewhere); }});
}

TEST_F(Transit, VersionsAreTheKeys) {
  for (int i = 0; i < 3; ++i) server_.rotate();
  server_.oldest = 2;
  const auto provider = make();
  EXPECT_EQ(provider->active_version(), 4U);
  EXPECT_THAT(provider->versions(), ElementsAre(2, 3, 4));
  const auto wrapped = wrap(*provider);
  ASSERT_TRUE(wrapped);
  EXPECT_EQ(wrapped->key_id, "v4");
  server_.rotate();
  EXPECT_EQ(provider->active_version(), 4U);
  ASSERT_TRUE(provider->probe(conformance::soon()));
  EXPECT_EQ(provider->active_version(), 5U);
  EXPECT_TRUE(provider->unwrap(*wrapped, as_bytes("a"), conformance::soon()));
  server_.oldest = 5;
  const auto old =
      provider->unwrap(*wrapped, as_bytes("a"), conformance::soon());
  ASSERT_FALSE(old);
  EXPECT_EQ(old.error().code(), ErrorCode::kNotFound);
}

TEST_F(Transit, StartsWithoutItsServer) {
  Options away = options();
  away["address"] = "http://127.0.0.1:1";
  auto provider = make(away);
  EXPECT_EQ(provider->active_version(), 0U);
  EXPECT_EQ(wrap_code(*provider), ErrorCode::kUnavailable);
  provider->adopt(2, "v2");
  EXPECT_THAT(provider->versions(), ElementsAre(2));
  // The newest is asked for, and told.
  server_.fail_next = 1;
  provider = make();
  EXPECT_EQ(provider->active_version(), 0U);
  const auto wrapped = wrap(*provider);
  ASSERT_TRUE(wrapped) << wrapped.error().message();
  EXPECT_EQ(wrapped->version, 1U);
  EXPECT_EQ(provider->active_version(), 1U);
}

TEST_F(Transit, ReadsItsTokenAnewAtEachUse) {
  Options rotated = options();
  rotated.erase("token");
  rotated["token_file"] = directory_ / "token";
  const auto provider = make(rotated);
  auto wrapped = wrap(*provider);
  ASSERT_FALSE(wrapped);
  EXPECT_EQ(wrapped.error().code(), ErrorCode::kUnavailable);
  EXPECT_THAT(wrapped.error().message(), HasSubstr("/token\""));
  for (const std::string token : {"s.first", "s.second-and-longer"}) {
    server_.set_token(token);
    write("token", token + "\n");
    EXPECT_TRUE(wrap(*provider)) << token;
  }
  write("token", "s.first");
  EXPECT_EQ(wrap_code(*provider), ErrorCode::kPermissionDenied);
  write("token", "s.two\nlines");
  EXPECT_EQ(wrap_code(*provider), ErrorCode::kPermissionDenied);
  rotated.erase("token_file");
  rotated["token"] = "file://" + write("other", "s.second-and-longer");
  EXPECT_TRUE(wrap(*make(rotated)));
  ::setenv("BULLA_TEST_TOKEN", "s.second-and-longer", 1);
  rotated["token"] = "env://BULLA_TEST_TOKEN";
  const auto from_variable = make(rotated);
  ::unsetenv("BULLA_TEST_TOKEN");
  EXPECT_TRUE(wrap(*from_variable));
}

TEST_F(Transit, RenewsItsTokenAndStops) {
  server_.lease_seconds = 2;
  Options renewing = options();
  renewing.erase("disable_renewal");
  auto provider = make(renewing);
  EXPECT_TRUE(net::eventually([&] { return server_.renewals >= 2; }));
  const auto start = steady_clock::now();
  provider.reset();
  EXPECT_LT(steady_clock::now() - start, milliseconds(500));
}

TEST_F(Transit, LeavesATokenAloneThatCannotBeRenewed) {
  Options renewing = options();
  renewing.erase("disable_renewal");
  const auto provider = make(renewing);
  EXPECT_TRUE(net::eventually([&] { return server_.renewals == 1; }));
  EXPECT_TRUE(wrap(*provider));
}

TEST(TokenRenewal, WaitsForHalfOfTheLease) {
  using std::chrono::hours;
  using std::chrono::seconds;
  EXPECT_EQ(next_renewal({60, true}, false), seconds(30));
  EXPECT_EQ(next_renewal({1, true}, false), seconds(1));
  EXPECT_EQ(next_renewal({INT64_MAX, true}, false), hours(24));
  EXPECT_EQ(next_renewal({60, false}, false), seconds(0));
  EXPECT_EQ(next_renewal({0, true}, false), seconds(0));
  EXPECT_EQ(next_renewal({60, false}, true), seconds(60));
}

TEST_F(Transit, RepeatsWhatIsWorthIt) {
  const auto provider = make();
  server_.fail_next = 2;
  EXPECT_TRUE(wrap(*provider));
  server_.fail_next = 1'000'000;
  server_.calls = 0;
  const auto wrapped = wrap(*provider);
  ASSERT_FALSE(wrapped);
  EXPECT_EQ(wrapped.error().code(), ErrorCode::kUnavailable);
  EXPECT_THAT(wrapped.error().message(), HasSubstr("sealed"));
  EXPECT_EQ(server_.calls, 5);
}

TEST_F(Transit, KeepsTheDeadline) {
  const auto provider = make();
  server_.delay_ms = 400;
  auto start = steady_clock::now();
  auto wrapped = wrap(*provider, in(milliseconds(150)));
  ASSERT_FALSE(wrapped);
  EXPECT_EQ(wrapped.error().code(), ErrorCode::kUnavailable);
  EXPECT_LT(steady_clock::now() - start, milliseconds(350));
  server_.delay_ms = 0;
  server_.fail_next = 1'000'000;
  start = steady_clock::now();
  wrapped = wrap(*provider, in(milliseconds(250)));
  EXPECT_FALSE(wrapped);
  EXPECT_LT(steady_clock::now() - start, milliseconds(350));
  wrapped = wrap(*provider, in(milliseconds(-1)));
  ASSERT_FALSE(wrapped);
  EXPECT_EQ(wrapped.error().code(), ErrorCode::kUnavailable);
}

TEST_F(Transit, TellsItsRefusalsApart) {
  const auto provider = make();
  const auto wrapped = wrap(*provider);
  ASSERT_TRUE(wrapped);
  const auto unwrap_code = [&] {
    const auto opened =
        provider->unwrap(*wrapped, as_bytes("a"), conformance::soon());
    return opened ? ErrorCode::kInternal : opened.error().code();
  };
  server_.set_token("another");
  EXPECT_EQ(wrap_code(*provider), ErrorCode::kPermissionDenied);
  EXPECT_EQ(unwrap_code(), ErrorCode::kPermissionDenied);
  server_.set_token("s.token");
  server_.key_deleted = true;
  EXPECT_EQ(wrap_code(*provider), ErrorCode::kNotFound);
  EXPECT_EQ(unwrap_code(), ErrorCode::kNotFound);
  server_.key_deleted = false;
  server_.asymmetric = true;
  EXPECT_EQ(wrap_code(*provider), ErrorCode::kPermissionDenied);
  server_.asymmetric = false;
  server_.replace_keys();
  EXPECT_EQ(unwrap_code(), ErrorCode::kCorrupt);
  Options wrong = options();
  wrong["mount_path"] = "nowhere";
  EXPECT_EQ(wrap_code(*make(wrong)), ErrorCode::kNotFound);
}

TEST_F(Transit, LivesThroughStrangeAnswers) {
  const auto provider = make();
  const auto wrapped = wrap(*provider);
  ASSERT_TRUE(wrapped);
  server_.fixed_status = 200;
  for (const std::string& body :
       {std::string(), std::string("<html>"), std::string("[]"),
        std::string("{}"), std::string(R"({"data":null})"),
        std::string(R"({"data":{"plaintext":7,"latest_version":"x"}})"),
        std::string(
            R"({"data":{"plaintext":"***","latest_version":-1,)"
            R"("min_decryption_version":1,"min_encryption_version":0}})"),
        std::string(R"({"data":{"latest_version":1e99}})"),
        "{\"data\":\"" + std::string(1 << 20, 'x') + "\"}",
        std::string(1 << 20, '[')}) {
    server_.fixed_body = body;
    const auto opened =
        provider->unwrap(*wrapped, as_bytes("a"), conformance::soon());
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code(), ErrorCode::kUnavailable);
    EXPECT_EQ(wrap_code(*provider), ErrorCode::kUnavailable);
  }
  // A plaintext that nobody bound to us.
  server_.fixed_body = R"({"data":{"plaintext":"aGVsbG8="}})";
  const auto opened =
      provider->unwrap(*wrapped, as_bytes("a"), conformance::soon());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kCorrupt);
}

TEST_F(Transit, NeverShowsWhatIsSecret) {
  const auto provider = make();
  const auto wrapped = wrap(*provider);
  ASSERT_TRUE(wrapped);
  for (const int status : {200, 400, 403, 404, 429, 500, 503}) {
    server_.fixed_body = R"({"errors":["s.token hunter2"]})";
    server_.fixed_status = status;
    for (const auto& message :
         {wrap(*provider, in(milliseconds(300))).error().message(),
          provider->unwrap(*wrapped, as_bytes("a"), in(milliseconds(300)))
              .error()
              .message()}) {
      EXPECT_THAT(message, Not(HasSubstr("s.token")));
      EXPECT_THAT(message, Not(HasSubstr("hunter2")));
    }
  }
}

TEST_F(Transit, RefusesSecretsOfAWrongLength) {
  const auto provider = make();
  for (const std::size_t size : {std::size_t{0}, std::size_t{1025}}) {
    const auto wrapped =
        provider->wrap(SecretBytes(size), {}, 1, conformance::soon());
    ASSERT_FALSE(wrapped);
    EXPECT_EQ(wrapped.error().code(), ErrorCode::kInvalidArgument);
  }
  const auto wrapped =
      provider->wrap(SecretBytes(1024), {}, 1, conformance::soon());
  ASSERT_TRUE(wrapped);
  EXPECT_LE(wrapped->blob.size(), KekProvider::kBlobBytesMax);
  EXPECT_TRUE(provider->unwrap(*wrapped, {}, conformance::soon()));
}

TEST_F(Transit, SaysWhatIsMissing) {
  for (const std::string key : {"address", "token", "mount_path", "key_name"}) {
    Options without = options();
    without.erase(key);
    EXPECT_THAT(error_of(without), HasSubstr(key + " is missing"));
  }
  const auto with = [this](const std::string& key, const std::string& value) {
    Options changed = options();
    changed[key] = value;
    return error_of(changed);
  };
  EXPECT_THAT(with("adress", "x"), HasSubstr("unknown option \"adress\""));
  EXPECT_THAT(with("address", "vault:8200"), HasSubstr("expected a URL"));
  EXPECT_THAT(with("address", "https://u:p@v"), HasSubstr("expected a URL"));
  EXPECT_THAT(with("address", "https://v/?a"), HasSubstr("expected a URL"));
  EXPECT_THAT(with("tls_skip_verify", "maybe"), HasSubstr("true or false"));
  EXPECT_THAT(with("tls_client_key", "/k"), HasSubstr("go together"));
  EXPECT_THAT(with("token_file", "/t"), HasSubstr("exclude each other"));
  EXPECT_THAT(with("token", "env://BULLA_TEST_NOT_SET"),
              HasSubstr("is not set"));
  EXPECT_THAT(with("tls_client_key", "/k"), HasSubstr("seal \"transit\""));
}

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

TEST_F(Transit, TakesTheEnvironment) {
  const Variable address("VAULT_ADDR", server_.address());
  const Variable token("BAO_TOKEN", "s.token");
  const Variable key("VAULT_TRANSIT_SEAL_KEY_NAME", "kek");
  const Variable mount("TRANSIT_WRAPPER_MOUNT_PATH", "/team/transit/");
  const Variable space("VAULT_NAMESPACE", "admin/");
  EXPECT_TRUE(wrap(*make({{"disable_renewal", "true"}})));
  EXPECT_EQ(server_.seen_namespace, "admin");
  // The stanza says which server it is of; the environment where in it.
  const Variable elsewhere("BAO_ADDR", "http://127.0.0.1:1");
  const Variable other("BAO_TOKEN", "s.other");
  Options given = options();
  given["key_name"] = "another";
  EXPECT_TRUE(wrap(*make(given)));
}

TEST_F(Transit, VerifiesTheServerAndShowsItsCertificate) {
  net::TestCertificates certificates;
  const auto theirs = certificates.make("vault.example");
  const auto stranger = certificates.make("stranger.example");
  const auto ours = certificates.make("bulla.example");
  net::ListenerOptions listener;
  listener.tls.emplace();
  listener.tls->cert_file = theirs.cert_file;
  listener.tls->key_file = theirs.key_file;
  listener.tls->client_ca_file = ours.cert_file;
  listener.tls->require_and_verify_client_cert = true;
  FakeTransit server(listener);
  Options tls = options();
  tls["address"] = server.address(true);
  const auto works = [&] {
    return bool(wrap(*make(tls), in(milliseconds(900))));
  };
  EXPECT_FALSE(works());  // an unknown issuer
  tls["tls_ca_cert"] = theirs.cert_file;
  EXPECT_FALSE(works());  // no certificate of ours
  tls["tls_client_cert"] = ours.cert_file;
  tls["tls_client_key"] = ours.key_file;
  EXPECT_TRUE(works());
  tls["tls_server_name"] = "vault.example";
  EXPECT_TRUE(works());
  tls["tls_server_name"] = "other.example";
  EXPECT_FALSE(works());
  tls.erase("tls_server_name");
  tls["tls_ca_cert"] = stranger.cert_file;
  EXPECT_FALSE(works());
  tls["tls_skip_verify"] = "true";
  EXPECT_TRUE(works());
  tls["tls_skip_verify"] = "false";
  // One TLS option of the stanza, and none of the environment counts.
  const Variable skip("VAULT_SKIP_VERIFY", "true");
  EXPECT_FALSE(works());
  tls.erase("tls_ca_cert");
  tls["tls_ca_path"] = directory_;
  EXPECT_FALSE(works());
  fs::copy(theirs.cert_file,
           directory_ / fmt::format("{:08x}.0",
                                    X509_subject_name_hash(theirs.x509.get())));
  EXPECT_TRUE(works());
}

TEST(TransitAnswer, TakesOnlyCanonicalCiphertexts) {
  const auto parsed = parse_transit_ciphertext("vault:v12:AAEC");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->version, 12U);
  EXPECT_EQ(parsed->bytes, (Bytes{0, 1, 2}));
  EXPECT_EQ(transit_ciphertext(12, parsed->bytes), "vault:v12:AAEC");
  for (const std::string_view text :
       {"", "vault:", "vault:v", "vault:v1", "vault:v1:", "vault:v0:AAEC",
        "vault:v-1:AAEC", "vault:v01:AAEC", "vault:v1:AAEC\n",
        "vault:v1:AAF=", "vault:v4294967296:AAEC", "vault:v2147483648:AAEC",
        "vault:v:AAEC", "Vault:v1:AAEC", "vault:v1:*"}) {
    EXPECT_FALSE(parse_transit_ciphertext(text)) << text;
  }
}

}  // namespace
}  // namespace bulla::kek
