#include "kek/static_kek.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/encoding.h"
#include "kek/conformance.h"
#include "kek/provider_factory.h"

namespace bulla::kek {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Options = std::map<std::string, std::string>;
namespace fs = std::filesystem;

constexpr std::string_view kRaw = "0123456789abcdefghijklmnopqrst\xff\xfe";

crypto::SystemRng& rng() {
  static crypto::SystemRng instance;
  return instance;
}

SecretBytes key_of(std::uint8_t fill) {
  return SecretBytes::copy_of(Bytes(32, fill));
}

std::unique_ptr<KekProvider> provider(std::uint8_t fill,
                                      const std::string& id = "k1") {
  return StaticKek::create("s", {id, key_of(fill)}, std::nullopt, rng())
      .value();
}

Options options_with(std::string key) {
  return {{"current_key_id", "k1"}, {"current_key", std::move(key)}};
}

std::string error_of(const Options& options) {
  const auto made = make_provider("static", "", options, rng());
  if (made) return "";
  EXPECT_EQ(made.error().code(), ErrorCode::kInvalidArgument);
  return made.error().message();
}

TEST(StaticKek, Conforms) {
  check_conformance({.make = [] { return provider(1); },
                     .make_with_other_key = [] { return provider(2); }});
}

TEST(StaticKek, OpensWhatThePreviousKeySealed) {
  const SecretBytes secret = rng().secret(32);
  const auto wrapped =
      provider(1, "old")->wrap(secret, as_bytes("a"), 1, conformance::soon());
  ASSERT_TRUE(wrapped);
  const auto rotated = StaticKek::create(
      "s", {"new", key_of(2)}, StaticKek::Key{"old", key_of(1)}, rng());
  ASSERT_TRUE(rotated);
  const auto opened =
      (*rotated)->unwrap(*wrapped, as_bytes("a"), conformance::soon());
  ASSERT_TRUE(opened);
  EXPECT_TRUE(*opened == secret);
  const auto again =
      (*rotated)->wrap(secret, as_bytes("a"), 1, conformance::soon());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->key_id, "new");
  EXPECT_TRUE((*rotated)->is_current(*again));
  EXPECT_FALSE((*rotated)->is_current(*wrapped));
}

TEST(StaticKek, NamesAnUnknownKeyId) {
  auto wrapped = provider(1, "gone")->wrap(rng().secret(32), as_bytes("a"), 1,
                                           conformance::soon());
  ASSERT_TRUE(wrapped);
  auto opened =
      provider(1)->unwrap(*wrapped, as_bytes("a"), conformance::soon());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(opened.error().message(), "unknown key id for data: `gone`");
  wrapped->key_id.clear();
  opened = provider(1)->unwrap(*wrapped, as_bytes("a"), conformance::soon());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().message(), "empty key id");
}

class StaticKekText : public ::testing::Test {
 protected:
  StaticKekText() {
    std::string made = (fs::temp_directory_path() / "kek.XXXXXX").string();
    directory_ = mkdtemp(made.data());
  }
  ~StaticKekText() override { fs::remove_all(directory_); }
  std::string file(std::string_view text) {
    const fs::path path = directory_ / "key";
    std::ofstream(path, std::ios::binary) << text;
    return "file://" + path.string();
  }
  // Whether `text` names the very key of kRaw.
  static bool is_the_key(const std::string& text) {
    const auto made = make_provider("static", "", options_with(text), rng());
    if (!made) return false;
    const auto plain = StaticKek::create(
        "s", {"k1", SecretBytes::copy_of(as_bytes(kRaw))}, std::nullopt, rng());
    const auto wrapped =
        plain.value()->wrap(key_of(7), as_bytes("a"), 1, conformance::soon());
    return bool((*made)->unwrap(*wrapped, as_bytes("a"), conformance::soon()));
  }
  fs::path directory_;
};

TEST_F(StaticKekText, TakesEachForm) {
  const Bytes raw = to_bytes(kRaw);
  EXPECT_TRUE(is_the_key(std::string(kRaw)));
  EXPECT_TRUE(is_the_key(hex_encode(raw)));
  EXPECT_TRUE(is_the_key(base64_encode(raw)));
  EXPECT_TRUE(is_the_key(base64url_encode(raw)));
  EXPECT_FALSE(is_the_key(std::string(32, 'x')));
}

TEST_F(StaticKekText, ReadsVariablesAndFiles) {
  const Bytes raw = to_bytes(kRaw);
  ::setenv("BULLA_TEST_KEK", hex_encode(raw).c_str(), 1);
  EXPECT_TRUE(is_the_key("env://BULLA_TEST_KEK"));
  ::unsetenv("BULLA_TEST_KEK");
  EXPECT_TRUE(is_the_key(file(kRaw)));
  EXPECT_TRUE(is_the_key(file(base64_encode(raw) + "\n")));
  EXPECT_TRUE(is_the_key(file(hex_encode(raw) + "\r\n")));
  // Raw bytes whose last one happens to be a newline are all key.
  EXPECT_EQ(error_of(options_with(file(std::string(31, 'a') + "\n"))), "");
}

TEST_F(StaticKekText, SaysWhatIsMissing) {
  EXPECT_EQ(error_of(options_with("env://BULLA_TEST_NOT_SET")),
            "seal \"static\": current_key: the environment variable "
            "\"BULLA_TEST_NOT_SET\" is not set");
  EXPECT_THAT(error_of(options_with("file:///no/such/file")),
              HasSubstr("\"/no/such/file\": No such file"));
  EXPECT_THAT(error_of(options_with(file(""))), HasSubstr("empty"));
  EXPECT_THAT(error_of(options_with(file(std::string(9999, 'a')))),
              HasSubstr("longer than"));
  EXPECT_THAT(error_of({}), HasSubstr("current_key"));
  EXPECT_THAT(error_of({{"current_key_id", "k1"}}), HasSubstr("go together"));
  EXPECT_THAT(
      error_of({{"current_key_id", ""}, {"current_key", std::string(32, 'x')}}),
      HasSubstr("key id"));
  EXPECT_THAT(error_of({{"curent_key", "x"}}),
              HasSubstr("unknown option \"curent_key\""));
  EXPECT_THAT(error_of({{"current_key_id", "k1"},
                        {"current_key", std::string(32, 'x')},
                        {"previous_key_id", "k1"},
                        {"previous_key", std::string(32, 'y')}}),
              HasSubstr("both"));
}

TEST_F(StaticKekText, NeverShowsTheKey) {
  for (const std::string& bad :
       {std::string("hunter2"), "hunter2" + std::string(57, 'z'),
        "hunter2" + std::string(37, '*'), "hunter2" + std::string(36, '*')}) {
    EXPECT_THAT(error_of(options_with(bad)), HasSubstr("not a 32-byte key"));
    EXPECT_THAT(error_of(options_with(bad)), Not(HasSubstr("hunter2")));
  }
}

TEST(ProviderFactory, KnowsItsKinds) {
  const auto made =
      make_provider("static", "", options_with(std::string(32, 'x')), rng());
  ASSERT_TRUE(made);
  EXPECT_EQ((*made)->kind(), "static");
  EXPECT_EQ((*made)->name(), "static");
  const auto named = make_provider("static", "main",
                                   options_with(std::string(32, 'x')), rng());
  ASSERT_TRUE(named);
  EXPECT_EQ((*named)->name(), "main");
  const auto unknown = make_provider("nokms", "", {}, rng());
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().message(),
              HasSubstr("seal \"nokms\": unknown kind; known: shamir, "));
  EXPECT_THAT(unknown.error().message(), HasSubstr(", static"));
  EXPECT_FALSE(make_provider("shamir", "", {}, rng()));
}

}  // namespace
}  // namespace bulla::kek
