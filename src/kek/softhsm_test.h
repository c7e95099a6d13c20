#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace bulla::kek {

/// Tokens of SoftHSM2 in a directory of their own, for one test at a time:
/// the module reads which directory when it is initialised.
class SoftHsm {
 public:
  static constexpr const char* kModule = "/usr/lib/softhsm/libsofthsm2.so";
  static constexpr const char* kPin = "1234";

  explicit SoftHsm(const std::vector<std::string>& tokens) {
    std::string made =
        (std::filesystem::temp_directory_path() / "softhsm.XXXXXX").string();
    directory_ = ::mkdtemp(made.data());
    const auto config = directory_ / "softhsm2.conf";
    std::filesystem::create_directory(directory_ / "tokens");
    std::ofstream(config)
        << "directories.tokendir = " << (directory_ / "tokens").string()
        << "\nobjectstore.backend = file\nlog.level = ERROR\n";
    ::setenv("SOFTHSM2_CONF", config.c_str(), 1);
    for (const std::string& token : tokens) {
      const std::string command = fmt::format(
          "softhsm2-util --init-token --free --label {} --so-pin 5678 --pin {} "
          ">{}/log 2>&1",
          token, kPin, directory_.string());
      EXPECT_EQ(std::system(command.c_str()), 0) << command;
    }
  }
  ~SoftHsm() {
    ::unsetenv("SOFTHSM2_CONF");
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  SoftHsm(const SoftHsm&) = delete;
  SoftHsm& operator=(const SoftHsm&) = delete;

 private:
  std::filesystem::path directory_;
};

}  // namespace bulla::kek
