#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "cli/fake_host.h"

// The fixture of the tests that look at what a command sends and prints.
namespace bulla::cli {

inline constexpr std::string_view kBase = "http://127.0.0.1:8200/v1/";

class Commands : public testing::Test {
 protected:
  /// The requests that a run sent, without the address.
  std::vector<std::string> sent(const std::vector<std::string>& arguments,
                                int code = 0) {
    EXPECT_EQ(host_.run(arguments), code) << host_.console.complained;
    std::vector<std::string> lines;
    for (std::size_t i = 0; i < host_.requests.size(); ++i) {
      std::string line = host_.request(i);
      const auto at = line.find(kBase);
      if (at != std::string::npos) line.erase(at, kBase.size());
      lines.push_back(line);
    }
    host_.answers.clear();
    return lines;
  }
  const std::string& printed() const { return host_.console.printed; }
  std::string stored_token() const {
    std::ifstream file(host_.home / ".vault-token");
    return {std::istreambuf_iterator<char>(file), {}};
  }

  FakeHost host_;
};

}  // namespace bulla::cli
