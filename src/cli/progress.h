#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "cli/console.h"

namespace bulla::cli {

/// Tells on standard error how far a command is that does the same to many
/// things: a bar on a terminal, else a line for each. One thread.
class Progress {
 public:
  Progress(Console& console, std::size_t total);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  /// Takes the bar away.
  ~Progress();

  /// `name` is being worked on.
  void begin(std::string_view name);
  /// It is done, and this is what became of it.
  void end(std::string_view name, std::string_view what);
  /// So many are done, of things that have no names here: "120/s, 3s left". A
  /// line where there is no terminal.
  void reach(std::size_t done, std::string_view what);

 private:
  void draw(std::string_view name);
  std::string count() const;

  Console& console_;
  const std::size_t total_;
  const bool bar_;
  std::size_t done_ = 0;
};

}  // namespace bulla::cli
