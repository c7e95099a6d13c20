// Any text gives a tree or an error that names its line.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/hcl.h"

namespace {

std::size_t depth_of(const bulla::HclObject& object);

std::size_t depth_of(const bulla::HclValue& value) {
  std::size_t deepest = 0;
  if (const auto* object = value.object()) deepest = depth_of(*object);
  if (const auto* list = value.list()) {
    for (const auto& element : list->values) {
      deepest = std::max(deepest, depth_of(element));
    }
  }
  return deepest + 1;
}

std::size_t depth_of(const bulla::HclObject& object) {
  std::size_t deepest = 0;
  for (const auto& item : object.items) {
    BULLA_ASSERT(item.value != nullptr && item.line >= 1);
    deepest = std::max(deepest, depth_of(*item.value));
  }
  return deepest;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const auto root = bulla::parse_hcl(bulla::as_text({data, size}));
  if (root) {
    BULLA_ASSERT(depth_of(*root) <= 66);
  } else {
    BULLA_ASSERT(root.error().message().starts_with("line "));
  }
  return 0;
}
