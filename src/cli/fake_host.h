#pragma once

#include <unistd.h>

#include <deque>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "cli/invocation.h"

// The outside world for the tests of this layer.
namespace bulla::cli {

class FakeConsole : public Console {
 public:
  void out(std::string_view text) override { printed += text; }
  void err(std::string_view text) override { complained += text; }
  bool out_is_terminal() const override { return terminal; }
  bool err_is_terminal() const override { return terminal; }
  Result<std::string> read_input() override { return input; }
  Result<SecretBytes> prompt_hidden(std::string_view prompt) override {
    prompts.emplace_back(prompt);
    if (!typed) return fail(unavailable("not a terminal"));
    return SecretBytes::copy_of(as_bytes(*typed));
  }

  std::string printed, complained, input;
  std::optional<std::string> typed;
  std::vector<std::string> prompts;
  bool terminal = false;
};

/// Runs commands against answers that were laid out before.
class FakeHost {
 public:
  FakeHost() {
    variables["BULLA_ADDR"] = "http://127.0.0.1:8200";
    variables["HOME"] = home.string();
    std::filesystem::create_directories(home);
  }
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;
  ~FakeHost() { std::filesystem::remove_all(home); }

  void answer(int status, std::string body = "") {
    net::ClientResponse response;
    response.status = status;
    response.body = std::move(body);
    answers.emplace_back(std::move(response));
  }
  void no_answer(std::string reason) {
    answers.emplace_back(tl::unexpected(unavailable(std::move(reason))));
  }

  int run(const std::vector<std::string>& arguments) {
    console.printed.clear();
    console.complained.clear();
    requests.clear();
    Host host{
        .console = console,
        .environment =
            [this](const std::string& name) {
              const auto found = variables.find(name);
              return found == variables.end()
                         ? std::nullopt
                         : std::optional<std::string>(found->second);
            },
        .send =
            [this](const net::ClientRequest& request) {
              requests.push_back(request);
              return next_answer();
            },
        .sleep =
            [this](std::chrono::milliseconds time) { slept.push_back(time); },
        .server =
            [this](const ServerFlags& flags) {
              server_flags = flags;
              return 7;
            },
        .store = [this](const std::vector<std::string>& config)
            -> Result<ApiClient::Send> {
          store_config = config;
          if (!store_opens) return fail(unavailable(store_error));
          return [this](const net::ClientRequest& request) {
            requests.push_back(request);
            return next_answer();
          };
        }};
    return cli::run(host, arguments);
  }

  /// "PUT http://127.0.0.1:8200/v1/sys/init {…}" of request `i`.
  std::string request(std::size_t i) const {
    if (i >= requests.size()) return "(none)";
    const auto& r = requests[i];
    std::string text = r.method + " " + r.url;
    if (!r.body.empty()) text += " " + r.body;
    return text;
  }
  std::string header(std::size_t i, std::string_view name) const {
    for (const auto& [key, value] : requests.at(i).headers) {
      if (key == name) return value;
    }
    return "(none)";
  }

  FakeConsole console;
  std::map<std::string, std::string> variables;
  std::deque<Result<net::ClientResponse>> answers;
  std::vector<net::ClientRequest> requests;
  std::vector<std::chrono::milliseconds> slept;
  std::optional<ServerFlags> server_flags;
  std::vector<std::string> store_config;
  bool store_opens = true;
  std::string store_error = "in use by another process";
  std::filesystem::path home =
      std::filesystem::temp_directory_path() /
      ("bulla-cli-test-" + std::to_string(::getpid()) + "-" +
       std::to_string(reinterpret_cast<std::uintptr_t>(this)));

 private:
  Result<net::ClientResponse> next_answer() {
    if (answers.empty()) return fail(unavailable("Connection refused"));
    auto response = std::move(answers.front());
    answers.pop_front();
    return response;
  }
};

}  // namespace bulla::cli
