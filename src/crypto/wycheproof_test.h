#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include "base/encoding.h"
#include "base/json.h"

namespace bulla::crypto {

/// Test support: one file of Project Wycheproof's vectors, from the folder that
/// BULLA_WYCHEPROOF names, else from ../shared/vectors beside the source tree.
/// The vectors are not part of the project; tests skip without them.
class Wycheproof {
 public:
  explicit Wycheproof(const std::string& file) {
    const char* const named = std::getenv("BULLA_WYCHEPROOF");
    const std::filesystem::path folder =
        named != nullptr ? named : BULLA_SOURCE_DIR "/../shared/vectors";
    std::ifstream in(folder / file, std::ios::binary);
    if (!in) return;
    text_.assign(std::istreambuf_iterator<char>(in), {});
    JsonLimits limits;
    limits.array_elements = 1'000'000;
    auto root = parse_json(parser_, text_, limits);
    if (root) root_ = *root;
  }

  bool found() const { return root_.has_value(); }

  /// Calls `check(group, test)` for each vector. Returns how many there were.
  template <typename Check>
  int each(Check check) {
    int count = 0;
    for (const JsonElement group : (*root_)["testGroups"].get_array()) {
      for (const JsonElement test : group["tests"].get_array()) {
        check(group, test);
        ++count;
      }
    }
    return count;
  }

  static Bytes hex(const JsonElement& test, std::string_view name) {
    return hex_decode(test[name].get_string().value()).value();
  }
  static std::int64_t number(const JsonElement& element,
                             std::string_view name) {
    return element[name].get_int64().value();
  }
  static bool valid(const JsonElement& test) {
    return test["result"].get_string().value() == "valid";
  }

 private:
  JsonParser parser_;
  std::string text_;
  std::optional<JsonElement> root_;
};

/// Ends the test as skipped, with the reason, where `vectors` is not there.
#define BULLA_SKIP_WITHOUT(vectors)                                       \
  if (!(vectors).found()) {                                               \
    GTEST_SKIP() << "Wycheproof vectors not found: set BULLA_WYCHEPROOF " \
                    "to a folder of C2SP/wycheproof's testvectors";       \
  }

}  // namespace bulla::crypto
