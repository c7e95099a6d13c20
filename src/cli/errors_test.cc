#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "cli/fake_host.h"

namespace bulla::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kCanary = "hvs.CANARYcanaryCANARYcanary0123";

class Errors : public testing::Test {
 protected:
  const std::string& complaint(const std::vector<std::string>& arguments,
                               int code) {
    EXPECT_EQ(host_.run(arguments), code) << host_.console.complained;
    return host_.console.complained;
  }
  void refuse(int status, const std::string& error) {
    host_.answers.clear();
    for (int i = 0; i < 3; ++i) {
      host_.answer(status, R"({"errors":[")" + error + R"("]})");
    }
  }

  FakeHost host_;
};

TEST_F(Errors, AreLaidOutAsVaultsWithANextStep) {
  host_.variables["BULLA_TOKEN"] = kCanary;
  refuse(403, "1 error occurred:\\n\\t* permission denied\\n\\n");
  EXPECT_EQ(complaint({"read", "transit/keys/a b"}, 2),
            "Error reading transit/keys/a b: Error making API request.\n\n"
            "URL: GET http://127.0.0.1:8200/v1/transit/keys/a%20b\n"
            "Code: 403. Errors:\n\n"
            "* 1 error occurred:\n\t* permission denied\n\n"
            "Next: `bulla token capabilities transit/keys/a b` shows what your "
            "token may do there; `bulla login` to use another\n");
}

TEST_F(Errors, EachCaseNamesTheNextThingToTry) {
  struct Case {
    int status;
    std::string error, next;
  };
  const std::vector<Case> cases = {
      {403, "permission denied", "Next: `bulla login`"},
      {503, "Vault is sealed", "Next: `bulla operator unseal`"},
      {400, "Vault is not initialized", "Next: `bulla operator init`"},
      {405, "unsupported operation", "Next: `bulla path-help a/b`"},
      {400, "no handler for route", "Next: `bulla secrets list`"},
      {400, "bad parameter", "Next: `bulla path-help a/b`"},
      {500, "internal error", "Next: see the server's log"},
      {429, "rate limit quota exceeded", "Next: wait"},
  };
  for (const auto& one : cases) {
    refuse(one.status, one.error);
    EXPECT_THAT(complaint({"write", "-f", "a/b"}, 2), HasSubstr(one.next));
    EXPECT_THAT(host_.console.complained, HasSubstr("* " + one.error));
  }
}

TEST_F(Errors, TransportFailuresTellWhatToSet) {
  struct Case {
    std::string address, reason, next;
  };
  const std::vector<Case> cases = {
      {"http://h:1", "Connection refused", "`bulla server -dev`, or set BULLA"},
      {"https://h:1", "error:0A00010B:SSL routines::wrong version number",
       "export BULLA_ADDR=http://h:1"},
      {"http://h:1", "Empty reply from server", "BULLA_ADDR=https://h:1"},
      {"https://h:1", "SSL certificate problem: self-signed", "-ca-cert=FILE"},
      {"http://h:1", "Could not resolve host: h", "host name in BULLA_ADDR"},
      {"http://h:1", "Connection timed out", "can be reached"},
  };
  for (const auto& one : cases) {
    host_.variables["BULLA_ADDR"] = one.address;
    host_.answers.clear();
    for (int i = 0; i < 3; ++i) host_.no_answer(one.reason);
    EXPECT_THAT(complaint({"list", "a"}, 2), HasSubstr(one.next)) << one.reason;
    EXPECT_THAT(host_.console.complained, HasSubstr(one.reason));
  }
}

TEST_F(Errors, BodiesThatAreNoJsonAreShownRaw) {
  for (int i = 0; i < 3; ++i) host_.answer(502, "<h1>\x1b[2JBad</h1>");
  EXPECT_THAT(complaint({"read", "a"}, 2),
              HasSubstr("Code: 502. Raw Message:\n\n<h1>\\x1b[2JBad</h1>"));
}

TEST_F(Errors, AnswersThatCannotBeReadAreErrors) {
  host_.answer(200, "{\"data\":");
  EXPECT_THAT(complaint({"read", "a"}, 2), HasSubstr("cannot be read"));
}

TEST_F(Errors, UsageMistakesExitWithOne) {
  struct Case {
    std::vector<std::string> arguments;
    std::string text;
  };
  const std::vector<Case> cases = {
      {{"opreator"}, "did you mean \"operator\"?"},
      {{"operator", "unsael"}, "did you mean \"unseal\"?"},
      {{"read"}, "not enough arguments"},
      {{"list", "a", "b"}, "too many arguments (expected 1 argument, got 2)"},
      {{"read", "-feild=x", "a"}, "did you mean -field?"},
      {{"operator", "init", "-shares=5"}, "unknown flag -shares"},
      {{"write", "a"}, "Must supply data or use -force"},
      {{"read", "-format=xml", "a"}, "-format"},
      {{"read", "-address=h:1", "a"}, "must begin with http"},
      {{"read", "-address=http://u:p@h", "a"}, "must not hold a user"},
      {{"read", "-header=X-Vault-Token=x", "a"}, "X-Vault-"},
      {{"read", "a/../sys/init"}, "must not have . or .."},
      {{"completion", "tcsh"}, "bash, zsh and fish"},
      {{"server"}, "-config=FILE"},
      {{"token", "revoke"}, "give a token"},
  };
  for (const auto& one : cases) {
    EXPECT_THAT(complaint(one.arguments, 1), HasSubstr(one.text));
    EXPECT_TRUE(host_.requests.empty());
  }
  EXPECT_THAT(complaint({"opreator"}, 1), HasSubstr("Next: `bulla -h`"));
  EXPECT_THAT(complaint({"read"}, 1), HasSubstr("Next: `bulla read -h`"));
}

TEST_F(Errors, RetriesAsVaultsClient) {
  const auto tries = [this](int status) {
    refuse(status, "x");
    host_.run({"write", "-f", "a"});
    return host_.requests.size();
  };
  for (const int status : {412, 429, 500, 502, 503}) {
    EXPECT_EQ(tries(status), 3U) << status;
  }
  for (const int status : {400, 403, 404, 405, 501}) {
    EXPECT_EQ(tries(status), 1U) << status;
  }
  EXPECT_GE(host_.slept.front(), std::chrono::seconds(1));
  host_.variables["VAULT_MAX_RETRIES"] = "0";
  EXPECT_EQ(tries(503), 1U);
}

TEST_F(Errors, ARefusedCertificateIsNotTriedAgain) {
  host_.no_answer("SSL certificate problem: self-signed certificate");
  EXPECT_EQ(host_.run({"read", "a"}), 2);
  EXPECT_EQ(host_.requests.size(), 1U);
}

// The client never prints a token, a key or a password where it complains, nor
// in a curl command (CVE-2026-55102 was such a leak).
class Canary : public Errors {
 protected:
  void expect_hidden(std::vector<std::string> arguments) {
    for (const bool curl : {false, true}) {
      if (curl) arguments.emplace_back("-output-curl-string");
      for (int i = 0; i < 3; ++i) {
        host_.answer(
            400, R"({"errors":["bad token )" + std::string(kCanary) + R"("]})");
      }
      host_.run(arguments);
      const std::string all = host_.console.complained + host_.console.printed;
      EXPECT_THAT(all, Not(HasSubstr("CANARY"))) << arguments[0];
      EXPECT_FALSE(all.empty());
      host_.answers.clear();
    }
  }
};

TEST_F(Canary, TheCallersTokenIsHidden) {
  host_.variables["VAULT_TOKEN"] = kCanary;
  const std::string canary(kCanary);
  expect_hidden({"read", "auth/token/lookup/" + canary});
  expect_hidden({"read", "a", "token=" + canary});
  expect_hidden({"token", "lookup"});
  expect_hidden({"status"});
  expect_hidden({canary});
  expect_hidden({"read", "-" + canary, "x"});
  expect_hidden({"read", "-format=" + canary, "x"});
}

TEST_F(Canary, GivenTokensAndKeysAreHidden) {
  const std::string canary(kCanary);
  const std::string key = "CANARYkeyCANARYkey+/CANARYkeyCANARYkey0123=";
  expect_hidden({"login", canary});
  expect_hidden({"login", "token=" + canary});
  expect_hidden(
      {"login", "-method=userpass", "username=a", "password=CANARY+pass"});
  expect_hidden({"login", "-method=approle", "secret_id=CANARYsecret"});
  expect_hidden({"token", "lookup", canary});
  expect_hidden({"token", "lookup", "-accessor", "CANARYaccessor"});
  expect_hidden({"token", "revoke", canary});
  expect_hidden({"token", "renew", canary});
  expect_hidden({"token", "create", "-id=CANARY-token-id"});
  expect_hidden({"token", "capabilities", canary, "path"});
  expect_hidden({"operator", "unseal", key});
  expect_hidden({"write", "sys/unseal", key});
  expect_hidden({"write", "transit/keys/CANAR", "plaintext=CANARYplain"});
  expect_hidden({"read", "a", "-header=Authorization=Bearer CANARY"});
}

TEST_F(Canary, AShortTokenInTheFileIsHiddenToo) {
  std::ofstream(host_.home / ".vault-token") << "my-CANARY-token";
  expect_hidden({"read", "auth/token/lookup/my-CANARY-token"});
}

}  // namespace
}  // namespace bulla::cli
