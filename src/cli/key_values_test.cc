#include "cli/key_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "cli/fake_host.h"

namespace bulla::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

class KeyValues : public testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& content) {
    const auto path = (host_.home / name).string();
    std::ofstream(path) << content;
    return path;
  }
  std::string json(const std::vector<std::string>& arguments) {
    const auto data = KeyValueReader(host_.console).read(arguments);
    return data ? to_json(*data) : "error: " + data.error().message();
  }

  FakeHost host_;
};

TEST_F(KeyValues, ValuesAreStringsAsTyped) {
  EXPECT_EQ(json({"a=1", "b=true", "c=", "d=x=y", "e=\\@at", "f=\\n"}),
            R"({"a":"1","b":"true","c":"","d":"x=y","e":"@at","f":"\\n"})");
}

TEST_F(KeyValues, FilesAndInputComeByteForByte) {
  host_.console.input = "typed\n";
  EXPECT_EQ(json({"a=@" + file("a", " text\n"), "b=-"}),
            R"({"a":" text\n","b":"typed\n"})");
}

TEST_F(KeyValues, ObjectsComeFromFilesAndInput) {
  host_.console.input = R"({"x":[1,2],"y":12345678901234567890123})";
  EXPECT_EQ(json({"@" + file("o", R"({"a":true})"), "-", "b=c"}),
            R"({"a":true,"x":[1,2],"y":12345678901234567890123,"b":"c"})");
}

TEST_F(KeyValues, RepeatedKeysMakeAList) {
  EXPECT_EQ(json({"a=1", "a=2", "a=3"}), R"({"a":["1","2","3"]})");
}

TEST_F(KeyValues, ErrorsNameTheArgumentAndDoNotQuoteIt) {
  host_.console.input = "[canary]";
  const std::string bad_file = file("bad", "{canary");
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"a=b", "canary"}, {"=canary"}, {"-"}, {"@" + bad_file}}) {
    const std::string error = json(arguments);
    EXPECT_THAT(error, HasSubstr("error: "));
    EXPECT_THAT(error, Not(HasSubstr("canary")));
  }
  EXPECT_THAT(json({"a=b", "canary"}), HasSubstr("argument 2"));
}

TEST_F(KeyValues, InputIsReadOnce) {
  EXPECT_THAT(json({"a=-", "b=-"}), HasSubstr("only once"));
}

TEST_F(KeyValues, MissingFilesAreNamed) {
  EXPECT_THAT(json({"a=@/nonexistent/x"}),
              HasSubstr("/nonexistent/x: No such"));
  EXPECT_THAT(json({"a=@" + host_.home.string()}), HasSubstr("directory"));
}

TEST_F(KeyValues, QueriesRepeatKeys) {
  const auto query = KeyValueReader(host_.console).read_query({"v=1", "v=2"});
  ASSERT_TRUE(query.has_value());
  EXPECT_THAT(*query, testing::ElementsAre(testing::Pair("v", "1"),
                                           testing::Pair("v", "2")));
}

}  // namespace
}  // namespace bulla::cli
