#include "cli/hcl_format.h"

#include <gtest/gtest.h>

namespace bulla::cli {
namespace {

TEST(HclFormat, LaysOutAndKeepsComments) {
  const auto text = format_hcl(
      "# who may sign\n\n\n\npath   \"a/{b}\"   {\n"
      "capabilities=[ \"read\" ]  # why = how\n\n"
      "    allowed_parameters = {\n\"x\" = [\"a=b\"]\n}\n}\n\n\n");
  ASSERT_TRUE(text.has_value()) << text.error().message();
  EXPECT_EQ(*text,
            "# who may sign\n\npath   \"a/{b}\"   {\n"
            "  capabilities = [ \"read\" ]  # why = how\n\n"
            "  allowed_parameters = {\n    \"x\" = [\"a=b\"]\n  }\n}\n");
}

TEST(HclFormat, IsStable) {
  const auto once =
      format_hcl("path \"x\" {\n  capabilities = [\n    \"read\",\n  ]\n}\n");
  ASSERT_TRUE(once.has_value());
  EXPECT_EQ(format_hcl(*once).value(), *once);
}

TEST(HclFormat, LeavesHeredocsAndBlockCommentsAlone) {
  constexpr std::string_view kText =
      "/* a = b\n     } */\nx = <<EOT\n   y=z {\n\n\n  EOTX\nEOT\ny = 1\n";
  EXPECT_EQ(format_hcl(kText).value(), kText);
}

TEST(HclFormat, NamesTheLineOfAnError) {
  const auto text = format_hcl("path \"x\" {\n  capabilities = [\n");
  ASSERT_FALSE(text.has_value());
  EXPECT_NE(text.error().message().find("line "), std::string::npos);
}

}  // namespace
}  // namespace bulla::cli
