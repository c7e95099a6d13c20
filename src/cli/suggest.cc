#include "cli/suggest.h"

#include <algorithm>
#include <numeric>

namespace bulla::cli {
namespace {

constexpr std::size_t kWordBytesMax = 64;

// Insertions, deletions, substitutions and swaps of neighbours.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> above(b.size() + 1);
  std::iota(above.begin(), above.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::vector<std::size_t> row(b.size() + 1, i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = a[i - 1] == b[j - 1] ? 0 : 1;
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + changed});
      const bool swapped =
          i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = std::move(above);
    above = std::move(row);
  }
  return above.back();
}

}  // namespace

std::string nearest(std::string_view word,
                    const std::vector<std::string>& candidates) {
  if (word.empty() || word.size() > kWordBytesMax) return {};
  std::size_t limit = std::max<std::size_t>(1, word.size() / 3);
  std::string best;
  for (const auto& candidate : candidates) {
    const std::size_t far = distance(word, candidate);
    if (far > limit || (far == limit && !best.empty())) continue;
    best = candidate;
    limit = far;
  }
  return best;
}

}  // namespace bulla::cli
