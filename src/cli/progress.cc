#include "cli/progress.h"

#include <algorithm>

#include "cli/table.h"

namespace bulla::cli {
namespace {

constexpr std::size_t kBarWidth = 30;
constexpr std::size_t kNameWidth = 30;
// Back to the first column, and away with what stands there (ECMA-48).
constexpr std::string_view kClear = "\r\x1b[2K";

}  // namespace

Progress::Progress(Console& console, std::size_t total)
    : console_(console), total_(total), bar_(console.err_is_terminal()) {}

Progress::~Progress() {
  if (bar_) console_.err(kClear);
}

std::string Progress::count() const {
  return std::to_string(done_) + "/" + std::to_string(total_);
}

void Progress::draw(std::string_view name) {
  const std::size_t filled =
      total_ == 0 ? 0 : kBarWidth * std::min(done_, total_) / total_;
  std::string line(kClear);
  line.append("[").append(filled, '#').append(kBarWidth - filled, ' ');
  line.append("] ").append(count()).append(" ");
  console_.err(line + visible(name.substr(0, kNameWidth)));
}

void Progress::begin(std::string_view name) {
  if (bar_) draw(name);
}

void Progress::end(std::string_view name, std::string_view what) {
  ++done_;
  if (bar_) {
    draw(name);
    return;
  }
  console_.err("[" + count() + "] " + visible(name) + ": " + visible(what) +
               "\n");
}

void Progress::reach(std::size_t done, std::string_view what) {
  done_ = done;
  if (bar_) {
    draw(what);
    return;
  }
  console_.err("[" + count() + "] " + visible(what) + "\n");
}

}  // namespace bulla::cli
