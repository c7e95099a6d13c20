#include "base/printable.h"

#include <gtest/gtest.h>

namespace bulla {
namespace {

TEST(Printable, WhatHasAGlyph) {
  for (const char* good : {"", "a b/~", "\xc3\xbc", "\xe6\x97\xa5"}) {
    EXPECT_TRUE(is_printable(good)) << good;
  }
  for (const char* bad : {"\x01", "a\n", "\x7f", "\xc2\xa0", "\xe2\x80\xae",
                          "\xff", "\xc3", "\xee\x80\x80"}) {
    EXPECT_FALSE(is_printable(bad)) << bad;
  }
}

}  // namespace
}  // namespace bulla
