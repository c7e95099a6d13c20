#include "engine/kv/kv_fixture.h"

namespace bulla::engine::kv {
namespace {

using testing::HasSubstr;
using KvMetadata = KvTest;

TEST_F(KvMetadata, IsThereWithoutAVersion) {
  ASSERT_TRUE(is_none(post("metadata/a", R"({"max_versions":3,
      "custom_metadata":{"owner":"ops"},"delete_version_after":"3h25m19s"})")));
  const Outcome shown = read("metadata/a");
  EXPECT_EQ(shown.at("/max_versions"), "3");
  EXPECT_EQ(shown.at("/delete_version_after"), "3h25m19s");
  EXPECT_EQ(shown.at("/custom_metadata/owner"), "ops");
  EXPECT_EQ(shown.at("/current_version"), "0");
  EXPECT_EQ(shown.at("/versions"), "{}");
  EXPECT_TRUE(is_none(read("data/a")));
  EXPECT_TRUE(is_none(post("metadata/b", "{}")));
  EXPECT_TRUE(is_none(read("metadata/b")));
}

TEST_F(KvMetadata, PatchMergesAndTakesBack) {
  ASSERT_TRUE(is_none(post("metadata/a", R"({"max_versions":3,
      "custom_metadata":{"a":"1","b":"2"},"delete_version_after":60})")));
  ASSERT_TRUE(is_none(patch("metadata/a", R"({"max_versions":null,
      "custom_metadata":{"a":null,"c":3},"delete_version_after":null})")));
  const Outcome shown = read("metadata/a");
  EXPECT_EQ(shown.at("/custom_metadata"), R"({"b":"2","c":"3"})");
  EXPECT_EQ(shown.at("/max_versions"), "0");
  EXPECT_EQ(shown.at("/delete_version_after"), "0s");
  EXPECT_EQ(patch("metadata/none", R"({"max_versions":1})").code,
            ErrorCode::kNotFound);
}

TEST_F(KvMetadata, CustomMetadataHasLimits) {
  const auto error = [&](const std::string& custom) {
    return post("metadata/a", "{\"custom_metadata\":" + custom + "}").error;
  };
  EXPECT_EQ(error(R"({"":"v"})"),
            "1 error occurred:\n\t* custom_metadata validation failed: length "
            "of key \"\" is 0 but must be 0 < len(key) <= 128\n\n");
  EXPECT_THAT(error("{\"k\":\"" + std::string(513, 'v') + "\"}"),
              HasSubstr("length of value for key \"k\" is 513"));
  EXPECT_THAT(error(R"({"k":"\u0001"})"),
              HasSubstr("value for key \"k\" contains unprintable"));
  std::string many = "{";
  for (int i = 0; i < 65; ++i) {
    many += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":\"v\"";
  }
  EXPECT_THAT(error(many + "}"), HasSubstr("at most 64 keys, provided 65"));
  EXPECT_TRUE(is_none(read("metadata/a")));
}

TEST_F(KvMetadata, RefusesMaxVersionsOutOfRange) {
  for (const auto* path : {"metadata/a", "config"}) {
    EXPECT_THAT(post(path, R"({"max_versions":-1})").error,
                HasSubstr("max_versions must be between"));
  }
}

TEST_F(KvMetadata, CheckAndSet) {
  ASSERT_TRUE(is_none(post("config", R"({"metadata_cas_required":true})")));
  const auto error = [&](const std::string& more) {
    return post("metadata/a", "{\"max_versions\":1" + more + "}").error;
  };
  EXPECT_EQ(error(""),
            "metadata check-and-set parameter required for this call");
  EXPECT_EQ(error(",\"metadata_cas\":1"),
            "metadata_cas must be 0 when creating new metadata");
  EXPECT_EQ(error(",\"metadata_cas\":0"), "");
  EXPECT_EQ(error(",\"metadata_cas\":0"),
            "metadata check-and-set parameter does not match the current "
            "version");
  EXPECT_EQ(error(",\"metadata_cas\":1"), "");
  EXPECT_EQ(read("metadata/a").at("/current_metadata_version"), "2");
}

TEST_F(KvMetadata, WarnsOfWhatTheMountOverrules) {
  ASSERT_TRUE(is_none(post("config", R"({"cas_required":true})")));
  const Outcome warned = post("metadata/a", R"({"cas_required":false})");
  ASSERT_EQ(warned.response.warnings.size(), 1U);
  EXPECT_THAT(warned.response.warnings[0], HasSubstr("mandated by backend"));
}

TEST_F(KvMetadata, ListsNamesWithAndWithoutWhatIsKnownOfThem) {
  for (const auto* path : {"data/f/a", "data/f/b", "data/f/b/c", "data/g"}) {
    ASSERT_TRUE(post(path, R"({"data":{}})").ok);
  }
  EXPECT_EQ(list("metadata").data, R"({"keys":["f/","g"]})");
  EXPECT_EQ(list("metadata/f").data, R"({"keys":["a","b","b/"]})");
  EXPECT_EQ(list("metadata/f", R"({"after":"a","limit":1})").data,
            R"({"keys":["b"]})");
  EXPECT_TRUE(is_none(list("metadata/none")));
  const Outcome detailed = list("detailed-metadata/f");
  EXPECT_EQ(detailed.at("/keys"), R"(["a","b","b/"])");
  EXPECT_EQ(detailed.at("/key_info/b/current_version"), "1");
  EXPECT_EQ(detailed.at("/key_info/b~1"), "<absent>");
  ASSERT_TRUE(is_none(remove("metadata/g")));
  EXPECT_EQ(list("metadata").data, R"({"keys":["f/"]})");
}

}  // namespace
}  // namespace bulla::engine::kv
