#include "engine/kv/store_world.h"

namespace bulla::engine::kv {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class RecordCheck : public testing::Test, protected StoreWorld {
 protected:
  std::vector<std::string> found() { return problems(store); }
};

TEST_F(RecordCheck, CountsWhatItLooksAt) {
  ASSERT_TRUE(write("a", "one"));
  ASSERT_TRUE(write("a", "two"));
  ASSERT_TRUE(write("b/c", "three"));
  dek::CheckStep all;
  int steps = 0;
  do {
    const auto step = store.check(all.cursor, 2);
    ASSERT_TRUE(step) << step.error().message();
    EXPECT_LE(step->records + step->uses, 2U);
    EXPECT_THAT(step->problems, IsEmpty());
    all.records += step->records;
    all.bodies += step->bodies;
    all.uses += step->uses;
    all.under = step->under;
    all.cursor = step->cursor;
    ++steps;
  } while (!all.cursor.empty());
  EXPECT_EQ(all.records, 2U);
  EXPECT_EQ(all.bodies, 3U);
  EXPECT_EQ(all.uses, 2U);
  EXPECT_EQ(all.under.at(deks[0]), 2U);
  EXPECT_GE(steps, 4);
  EXPECT_EQ(store.check("elsewhere", 2).error().code(),
            ErrorCode::kInvalidArgument);
}

TEST_F(RecordCheck, LargeBodiesMakeShortSteps) {
  const std::string large(RecordStore::kDataBytesMax, 'x');
  for (int i = 0; i < 12; ++i) {
    ASSERT_TRUE(write("r" + std::to_string(i), large));
  }
  const auto step = store.check("", 1000);
  ASSERT_TRUE(step);
  EXPECT_EQ(step->records, 8U);
  EXPECT_THAT(found(), IsEmpty());
}

TEST_F(RecordCheck, ARecordThatIsGone) {
  ASSERT_TRUE(write("a", "one"));
  ASSERT_TRUE(write("kept", "one"));
  const std::string list = deks_path(record("a").id);
  ASSERT_TRUE(view.remove(record_path("a")));
  EXPECT_THAT(found(), ElementsAre(AllOf(HasSubstr("the index shows DEK"),
                                         HasSubstr("\"a\"")),
                                   AllOf(HasSubstr(list), HasSubstr("\"a\""))));
}

TEST_F(RecordCheck, AListOfDeksIsGoneOrAnotherRecords) {
  ASSERT_TRUE(write("a", "one"));
  ASSERT_TRUE(write("b", "two"));
  const std::string entry = deks_path(record("a").id);
  const SecretBytes other =
      std::move((*view.get(deks_path(record("b").id)))->value);
  ASSERT_TRUE(view.put(entry, other.expose()));
  EXPECT_THAT(found(), testing::Contains(AllOf(HasSubstr("\"a\""),
                                               HasSubstr("another one's"))));
  ASSERT_TRUE(view.remove(entry));
  EXPECT_THAT(found(), UnorderedElementsAre(
                           AllOf(HasSubstr("\"a\""), HasSubstr("is missing")),
                           HasSubstr("the index shows DEK"),
                           HasSubstr("is no record's body")));
}

TEST_F(RecordCheck, ARecordThatDoesNotParseIsToldOnce) {
  ASSERT_TRUE(write("a", "one"));
  ASSERT_TRUE(view.put(record_path("a"), as_bytes("nonsense")));
  EXPECT_THAT(found(), ElementsAre(HasSubstr("the record at \"a\"")));
}

TEST_F(RecordCheck, EntriesOfTheIndex) {
  ASSERT_TRUE(write("a", "one"));
  const std::string use = use_path(deks[0], record("a").id);
  const SecretBytes mark = std::move((*view.get(use))->value);
  ASSERT_TRUE(view.remove(use));
  EXPECT_THAT(found(), ElementsAre(AllOf(HasSubstr("does not show"),
                                         HasSubstr("\"a\""))));
  ASSERT_TRUE(view.put(use, mark.expose()));
  store.index().forget();
  EXPECT_THAT(found(), IsEmpty());
  ASSERT_TRUE(view.put(use_path("other", record("a").id), mark.expose()));
  ASSERT_TRUE(view.put(use_path(deks[0], "nobody"), mark.expose()));
  store.index().forget();
  EXPECT_THAT(found(),
              UnorderedElementsAre(
                  AllOf(HasSubstr("shows DEK other"), HasSubstr("\"a\"")),
                  HasSubstr("record nobody, which has no body")));
}

TEST_F(RecordCheck, ADestroyedVersionHasNoDek) {
  ASSERT_TRUE(write("a", "one"));
  ASSERT_TRUE(write("a", "two"));
  const std::string list = deks_path(record("a").id);
  const SecretBytes before = std::move((*view.get(list))->value);
  ASSERT_TRUE(destroy("a", 1));
  EXPECT_THAT(found(), IsEmpty());
  ASSERT_TRUE(view.put(list, before.expose()));
  EXPECT_THAT(found(),
              UnorderedElementsAre(HasSubstr("is destroyed and has a DEK"),
                                   HasSubstr("version 1 of the record at \"a\" "
                                             "has no body")));
}

TEST_F(RecordCheck, ABodyUnderAnotherDekIsToldOnceAndOpens) {
  ASSERT_TRUE(write("a", "one"));
  const std::string old_body = body_path(record("a").id, 1);
  const SecretBytes before = std::move((*view.get(old_body))->value);
  rotate();
  ASSERT_TRUE(reencrypt(deks[0]));
  ASSERT_TRUE(view.put(old_body, before.expose()));
  EXPECT_THAT(found(),
              ElementsAre(AllOf(HasSubstr("version 1"), HasSubstr("\"a\""),
                                HasSubstr("its body is under"))));
}

TEST_F(RecordCheck, CountsThatDiffer) {
  ASSERT_TRUE(write("a", "one"));
  ASSERT_EQ(store.index().count(deks[0]).value(), 1U);
  store.index().changed({}, {deks[0]});
  EXPECT_THAT(found(), ElementsAre(AllOf(HasSubstr("2 records are counted"),
                                         HasSubstr("the index shows 1"))));
  store.index().forget();
  EXPECT_THAT(found(), IsEmpty());
}

TEST_F(RecordCheck, BodiesThatNobodyHas) {
  ASSERT_TRUE(write("a", "one"));
  ASSERT_TRUE(view.put("body/x", as_bytes("y")));
  ASSERT_TRUE(view.put(body_path(record("a").id, 9), as_bytes("y")));
  EXPECT_THAT(found(),
              UnorderedElementsAre(HasSubstr("body/x is no record's body"),
                                   HasSubstr(body_path(record("a").id, 9) +
                                             " is no record's body")));
}

TEST_F(RecordCheck, WhatCannotBeReadIsNoFinding) {
  ASSERT_TRUE(write("a", "one"));
  barrier.seal();
  EXPECT_EQ(store.check("", 10).error().code(), ErrorCode::kSealed);
}

}  // namespace
}  // namespace bulla::engine::kv
