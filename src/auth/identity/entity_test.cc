#include "auth/identity/entity.h"

#include <gtest/gtest.h>

namespace bulla::auth {
namespace {

Entity ada() {
  Entity entity;
  entity.id = "id-1";
  entity.name = "Ada";
  entity.metadata = {{"team", "blue"}, {"wide", "a*"}, {"empty", ""}};
  entity.policies = {"a", "b"};
  entity.disabled = true;
  entity.creation_time = from_unix_nanos(1000);
  entity.last_update_time = from_unix_nanos(2000);
  entity.aliases = {{.id = "al-1",
                     .mount_accessor = "acc_1",
                     .name = "ada",
                     .metadata = {{"org", "x"}},
                     .creation_time = from_unix_nanos(3000)}};
  return entity;
}

std::string filled(std::string_view text) {
  const auto out = fill_template(text, ada());
  return out ? *out : std::string(error_code_name(out.error().code()));
}

TEST(Entity, IsReadAsItWasWritten) {
  const SecretBytes record = serialize_entity(ada());
  const auto back = parse_entity("id-1", record.expose());
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(serialize_entity(*back), record);
  EXPECT_EQ(back->aliases.at(0).metadata.at("org"), "x");
  EXPECT_TRUE(back->disabled);
}

TEST(Entity, EveryShorterRecordIsCorrupt) {
  const SecretBytes record = serialize_entity(ada());
  for (std::size_t size = 0; size < record.size(); ++size) {
    const auto back = parse_entity("id-1", record.expose().first(size));
    ASSERT_FALSE(back);
    EXPECT_EQ(back.error().code(), ErrorCode::kCorrupt);
  }
}

TEST(EntityTemplate, FillsWhatThereIs) {
  EXPECT_EQ(filled("a/{{identity.entity.id}}/b"), "a/id-1/b");
  EXPECT_EQ(filled("{{ identity.entity.name }}"), "Ada");
  EXPECT_EQ(filled("{{identity.entity.metadata.team}}-x"), "blue-x");
  EXPECT_EQ(filled("{{identity.entity.aliases.acc_1.name}}"), "ada");
  EXPECT_EQ(filled("{{identity.entity.aliases.acc_1.id}}"), "al-1");
  EXPECT_EQ(filled("{{identity.entity.aliases.acc_1.metadata.org}}"), "x");
  EXPECT_EQ(filled("plain"), "plain");
}

TEST(EntityTemplate, RefusesWhatHasNoValueOrWidens) {
  for (const std::string_view name :
       {"identity.entity", "identity.entity.metadata.none",
        "identity.entity.metadata.empty", "identity.entity.aliases.other.name",
        "identity.entity.aliases.acc_1", "identity.entity.aliases.acc_1.x",
        "identity.groups.ids.x.name", "time.now", ""}) {
    EXPECT_EQ(filled("a/{{" + std::string(name) + "}}"), "not_found") << name;
  }
  EXPECT_EQ(filled("{{identity.entity.metadata.wide}}"), "invalid_argument");
  for (const std::string value : {"+", "a/b", "*", "..//", "a+b"}) {
    Entity entity = ada();
    entity.name = value;
    EXPECT_FALSE(fill_template("{{identity.entity.name}}", entity)) << value;
  }
}

}  // namespace
}  // namespace bulla::auth
