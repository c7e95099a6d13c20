#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "cli/console.h"
#include "cli/value.h"

namespace bulla::cli {

/// A whole file, of Console::kInputBytesMax at most.
///   kUnavailable  it cannot be read, by name.
///   kTooLarge     it is longer.
Result<std::string> read_file(const std::string& path);

/// Reads DATA arguments as Vault's command line does. Values are JSON strings.
///
///   key=value   as typed; `\@x` for a value "@x"
///   key=@file   the file's text, byte for byte
///   key=-       standard input's, once
///   @file       members of a JSON object in a file
///   -           the same from standard input
///
/// A key that comes again makes a list of its values. Errors name an argument
/// by its number and never quote it: it may be a secret.
class KeyValueReader {
 public:
  explicit KeyValueReader(Console& console) : console_(console) {}

  /// `first` is the number the first argument is counted by.
  Result<Value> read(const std::vector<std::string>& arguments,
                     std::size_t first = 1);

  /// The same where only key=value makes sense: query parameters.
  Result<std::vector<std::pair<std::string, std::string>>> read_query(
      const std::vector<std::string>& arguments, std::size_t first = 1);

 private:
  Result<void> add(Value& data, const std::string& argument,
                   std::size_t number);
  Result<void> add_object(Value& data, std::string_view json);
  Result<std::string> value_of(std::string_view text);
  Result<std::string> take_input();

  Console& console_;
  bool input_taken_ = false;
};

}  // namespace bulla::cli
