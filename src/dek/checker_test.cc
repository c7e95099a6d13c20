#include "dek/checker.h"

#include "dek/test_support.h"

namespace bulla::dek {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Says of itself what a test tells it to, in two steps.
class ToldHolder final : public RecordHolder {
 public:
  explicit ToldHolder(std::string name) : name_(std::move(name)) {}

  std::string scope() const override { return "default"; }
  Result<std::uint64_t> uses(std::string_view) override { return 0U; }
  Result<std::vector<RecordUse>> list_uses(std::string_view, std::string_view,
                                           std::string_view,
                                           std::size_t) override {
    return std::vector<RecordUse>();
  }
  Result<ReencryptStep> reencrypt(std::string_view, std::string_view,
                                  std::size_t) override {
    return ReencryptStep();
  }
  Result<CheckStep> check(std::string_view cursor, std::size_t limit) override {
    CheckStep step;
    step.holder = name_;
    step.records = limit;
    if (cursor.empty()) {
      step.cursor = "half/way";
      return step;
    }
    EXPECT_EQ(cursor, "half/way");
    step.under = under;
    return step;
  }

  std::map<std::string, std::uint64_t, std::less<>> under;

 private:
  std::string name_;
};

class CheckerTest : public testing::Test {
 protected:
  CheckerTest() {
    live_.init();
    live_.holders.add("u1", one_);
    live_.holders.add("u2", two_);
  }
  std::vector<std::string> found(const std::function<void()>& between = {}) {
    std::vector<std::string> all;
    std::string cursor;
    records_ = 0;
    do {
      auto step = check_records(live_.registry, live_.holders, cursor, 5);
      EXPECT_TRUE(step) << step.error().message();
      if (!step) break;
      std::ranges::move(step->problems, std::back_inserter(all));
      records_ += step->records;
      cursor = step->cursor;
      if (between) between();
    } while (!cursor.empty());
    return all;
  }

  seal::World world_;
  DekNode live_{world_};
  std::shared_ptr<ToldHolder> one_ = std::make_shared<ToldHolder>("one/");
  std::shared_ptr<ToldHolder> two_ = std::make_shared<ToldHolder>("two/");
  std::uint64_t records_ = 0;
};

TEST_F(CheckerTest, WalksEveryHolder) {
  EXPECT_THAT(found(), IsEmpty());
  EXPECT_EQ(records_, 20U);
  live_.holders.remove("u1");
  live_.holders.remove("u2");
  EXPECT_THAT(found(), IsEmpty());
  EXPECT_EQ(records_, 0U);
}

TEST_F(CheckerTest, GoesOnBehindAHolderThatGoesMeanwhile) {
  int steps = 0;
  EXPECT_THAT(found([&] {
                if (++steps == 2) live_.holders.remove("u1");
              }),
              IsEmpty());
  EXPECT_EQ(records_, 15U);
}

TEST_F(CheckerTest, TellsOfDeksThatCannotBe) {
  const std::string first = live_.active();
  ASSERT_TRUE(live_.registry.create({"second"}));
  DekUpdate retired;
  retired.status = "inactive";
  ASSERT_TRUE(live_.registry.update(first, retired));
  const auto other = live_.registry.create({"other", "", "", "payroll"});
  ASSERT_TRUE(other);
  one_->under = {{live_.active(), 1}};
  two_->under = {{"absent", 3}, {first, 2}, {other->id, 4}};
  EXPECT_THAT(found(),
              testing::UnorderedElementsAre(
                  AllOf(HasSubstr("two/: 3 records"), HasSubstr("absent"),
                        HasSubstr("not there")),
                  AllOf(HasSubstr("2 records"), HasSubstr(first),
                        HasSubstr("inactive")),
                  AllOf(HasSubstr("4 records"), HasSubstr("\"payroll\""))));
}

TEST_F(CheckerTest, TellsOfARegistryThatIsNotAsStored) {
  const std::string first = live_.active();
  const auto path = DekInfo::path_of(first);
  auto info = *live_.registry.find(first);
  info.name = "changed";
  ASSERT_TRUE(live_.node.barrier.put(path, info.serialise().expose()));
  EXPECT_THAT(found(),
              ElementsAre(AllOf(HasSubstr(first), HasSubstr("another one"))));
  ASSERT_TRUE(live_.node.barrier.put(path, as_bytes("nonsense")));
  EXPECT_THAT(found().size(), 1U);
  ASSERT_TRUE(live_.node.barrier.remove(path));
  EXPECT_THAT(found(),
              ElementsAre(AllOf(HasSubstr(first), HasSubstr("is not in")),
                          AllOf(HasSubstr("has a key"), HasSubstr(first))));
}

TEST_F(CheckerTest, WhenSealedNothingIsFound) {
  live_.close();
  EXPECT_EQ(check_records(live_.registry, live_.holders, "", 5).error().code(),
            ErrorCode::kSealed);
}

}  // namespace
}  // namespace bulla::dek
