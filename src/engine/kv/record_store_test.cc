#include "engine/kv/record_store.h"

#include <functional>
#include <utility>

#include "engine/kv/store_world.h"

namespace bulla::engine::kv {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class RecordStoreTest : public testing::Test, protected StoreWorld {
 protected:
  std::string error(std::string_view path, std::uint64_t number = 0) {
    const auto read = store.read(path, number, clock.time);
    return read ? "none" : std::string(read.error().message());
  }
  std::string body_entry(std::string_view path, std::uint64_t number) {
    return body_path(record(path).id, number);
  }
  SecretBytes stored(const std::string& entry) {
    return std::move((*view.get(entry))->value);
  }
};

TEST_F(RecordStoreTest, KeepsVersionsAndWhatTheyAreUnder) {
  ASSERT_TRUE(write("a/b", "one"));
  ASSERT_TRUE(write("a/b", "two"));
  ASSERT_TRUE(write("c", "three"));
  EXPECT_EQ(contents(), (Contents{{"a/b", {{1, "one"}, {2, "two"}}},
                                  {"c", {{1, "three"}}}}));
  EXPECT_THAT(store.list("", "", 0).value(), ElementsAre("a/", "c"));
  EXPECT_FALSE(*store.find("none"));
  EXPECT_FALSE(*store.read("c", 2, clock.time));
  expect_whole();
  ASSERT_TRUE(remove("a/b"));
  EXPECT_FALSE(*store.find("a/b"));
  EXPECT_EQ(store.index().count(deks[0]).value(), 1U);
  expect_whole();
}

TEST_F(RecordStoreTest, KeepsNoMoreVersionsThanItIsTold) {
  settings.max_versions = 2;
  for (const auto* data : {"1", "2", "3"}) ASSERT_TRUE(write("a", data));
  EXPECT_EQ(contents(), (Contents{{"a", {{2, "2"}, {3, "3"}}}}));
  EXPECT_EQ(record("a").oldest, 2U);
  expect_whole();
}

TEST_F(RecordStoreTest, MoreBodiesGoThanACommitTakes) {
  settings.max_versions = 120;
  for (int i = 0; i < 120; ++i) ASSERT_TRUE(write("a", "x"));
  settings.max_versions = 3;
  ASSERT_TRUE(write("a", "last"));
  EXPECT_EQ(contents()["a"].size(), 3U);
  expect_whole();
  settings.max_versions = 120;
  for (int i = 0; i < 110; ++i) ASSERT_TRUE(write("a", "x"));
  ASSERT_TRUE(remove("a"));
  EXPECT_THAT(view.scan("").value(), IsEmpty());
}

TEST_F(RecordStoreTest, ABodyThatWasMovedIsRefusedByItsPath) {
  ASSERT_TRUE(write("a", "one"));
  ASSERT_TRUE(write("a", "two"));
  ASSERT_TRUE(write("b", "three"));
  const auto moved = [&](std::string_view path, std::uint64_t number) {
    return view.put(body_entry("a", 1),
                    stored(body_entry(path, number)).expose());
  };
  ASSERT_TRUE(moved("b", 1));
  EXPECT_THAT(error("a", 1), HasSubstr("version 1 of the record at \"a\""));
  ASSERT_TRUE(moved("a", 2));
  EXPECT_THAT(error("a", 1), HasSubstr("version 1 of the record at \"a\""));
  EXPECT_THAT(problems(store),
              ElementsAre(HasSubstr("version 1 of the record at \"a\"")));
  EXPECT_EQ(error("a", 2), "none");
}

TEST_F(RecordStoreTest, ATruncatedOrMissingBodyIsRefusedByItsPath) {
  ASSERT_TRUE(write("a", "one"));
  const std::string entry = body_entry("a", 1);
  const SecretBytes whole = stored(entry);
  ASSERT_TRUE(view.put(entry, whole.expose().first(whole.size() - 1)));
  EXPECT_THAT(error("a"), HasSubstr("version 1 of the record at \"a\""));
  auto body = decode_body(whole.expose()).value();
  body.bytes.pop_back();
  ASSERT_TRUE(view.put(entry, encode(body).expose()));
  EXPECT_THAT(error("a"), HasSubstr("version 1 of the record at \"a\""));
  ASSERT_TRUE(view.remove(entry));
  EXPECT_THAT(error("a"), AllOf(HasSubstr("\"a\""), HasSubstr("has no body")));
  EXPECT_THAT(problems(store), ElementsAre(HasSubstr("has no body")));
}

TEST_F(RecordStoreTest, ASwappedDekIsRefusedByItsPath) {
  ASSERT_TRUE(write("a", "one"));
  rotate();
  auto body = decode_body(stored(body_entry("a", 1)).expose()).value();
  body.dek_id = deks[1];
  ASSERT_TRUE(view.put(body_entry("a", 1), encode(body).expose()));
  EXPECT_THAT(error("a"), HasSubstr("version 1 of the record at \"a\""));
  EXPECT_THAT(problems(store),
              testing::Contains(HasSubstr("its body is under")));
}

TEST_F(RecordStoreTest, AnInactiveDekIsNamedWithTheRecord) {
  ASSERT_TRUE(write("a", "one"));
  rotate();
  records.deactivate(deks[0]);
  const auto read = store.read("a", 0, clock.time);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(std::string(read.error().message()),
              AllOf(HasSubstr(deks[0]), HasSubstr("\"a\"")));
}

// Lets something happen before a body is opened.
class LateCipher final : public dek::RecordCipher {
 public:
  explicit LateCipher(TestRecords& records) : records_(records) {}
  Result<dek::SealedBody> seal(std::string_view scope, std::string_view place,
                               ByteView body) override {
    return records_.seal(scope, place, body);
  }
  Result<SecretBytes> open(std::string_view dek_id, std::string_view place,
                           ByteView bytes) override {
    if (before_open) std::exchange(before_open, nullptr)();
    return records_.open(dek_id, place, bytes);
  }

  std::function<void()> before_open;

 private:
  TestRecords& records_;
};

TEST_F(RecordStoreTest, ABodyWhoseDekIsRetiredMeanwhileIsReadWhereItIsNow) {
  ASSERT_TRUE(write("a", "one"));
  rotate();
  LateCipher late(records);
  late.before_open = [&] {
    ASSERT_TRUE(reencrypt(deks[0]));
    records.deactivate(deks[0]);
  };
  const RecordStore other(view, late, rng, "uuid", "default");
  const auto read = other.read("a", 0, clock.time);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(as_text((*read)->body->expose()), "one");
}

TEST_F(RecordStoreTest, AMovedRecordIsRefusedByItsPath) {
  ASSERT_TRUE(write("a", "one"));
  ASSERT_TRUE(view.put(record_path("b"), stored(record_path("a")).expose()));
  EXPECT_THAT(error("b"), HasSubstr("the record at \"b\""));
  EXPECT_THAT(problems(store), ElementsAre(HasSubstr("\"b\"")));
}

TEST_F(RecordStoreTest, AListOfDeksThatIsNotTheRecordsIsRefusedByItsPath) {
  ASSERT_TRUE(write("a", "one"));
  ASSERT_TRUE(write("b", "two"));
  const std::string entry = deks_path(record("a").id);
  ASSERT_TRUE(view.put(entry, stored(deks_path(record("b").id)).expose()));
  EXPECT_THAT(std::string(write("a", "x").error().message()),
              AllOf(HasSubstr("\"a\""), HasSubstr("another one's")));
  EXPECT_THAT(problems(store), testing::Contains(HasSubstr("another one's")));
  ASSERT_TRUE(view.remove(entry));
  EXPECT_THAT(std::string(write("a", "x").error().message()),
              AllOf(HasSubstr("\"a\""), HasSubstr("is missing")));
  // The body names its DEK itself, so that reading goes on.
  EXPECT_EQ(error("a"), "none");
}

// What the list of DEKs says of a version is what the record says.
TEST_F(RecordStoreTest, CheckFindsWhatTheListOfDeksHasWrong) {
  ASSERT_TRUE(write("a", "one"));
  ASSERT_TRUE(write("a", "two"));
  const std::string entry = deks_path(record("a").id);
  const BodyDeks one{"a", {{1, deks[0]}}};
  ASSERT_TRUE(view.put(entry, encode(one).expose()));
  EXPECT_THAT(problems(store),
              testing::Contains(HasSubstr("version 2 of the record at \"a\" "
                                          "lacks a DEK")));
  const BodyDeks three{"a", {{1, deks[0]}, {2, deks[0]}, {3, deks[0]}}};
  ASSERT_TRUE(view.put(entry, encode(three).expose()));
  EXPECT_THAT(problems(store),
              testing::Contains(HasSubstr("version 3, which is gone")));
}

TEST_F(RecordStoreTest, DataHasALimit) {
  const std::string most(RecordStore::kDataBytesMax, 'x');
  EXPECT_TRUE(write("a", most));
  EXPECT_EQ(write("a", most + 'x').error().code(), ErrorCode::kTooLarge);
  EXPECT_FALSE(write(std::string(store.path_bytes_max() + 1, 'p'), "x"));
  EXPECT_TRUE(write(std::string(store.path_bytes_max(), 'p'), "x"));
  expect_whole();
}

TEST_F(RecordStoreTest, ACountIsExactWhenAnOutcomeWasUnknown) {
  ASSERT_TRUE(write("a", "one"));
  ASSERT_EQ(store.index().count(deks[0]).value(), 1U);
  using When = storage::FaultStorage::When;
  faulty.fail_commit(1, When::kAfter);
  EXPECT_FALSE(write("b", "two"));
  faulty.fail_commit(1, When::kBefore);
  EXPECT_FALSE(write("c", "three"));
  EXPECT_EQ(store.index().count(deks[0]).value(), 2U);
  expect_whole();
}

}  // namespace
}  // namespace bulla::engine::kv
