#include "storage/sole_storage.h"

#include <gmock/gmock.h>

#include "storage/conformance.h"
#include "storage/factory.h"
#include "storage/test_etcd.h"
#include "storage/test_postgres.h"

namespace bulla::storage {
namespace {

using testing::HasSubstr;

/// Opens one engine's storage again and again, as processes would.
struct Place {
  std::string type;
  StorageOptions options;

  OpenedStorage open() const { return open_storage(type, options).value(); }
  Result<std::unique_ptr<SoleStorage>> hold(int lease) const {
    auto opened = open();
    return SoleStorage::open(std::move(opened.storage), *opened.coordination,
                             std::chrono::seconds(lease));
  }
};

class Sole : public testing::TestWithParam<const char*> {
 protected:
  Place place_ = std::string_view(GetParam()) == "etcd"
                     ? Place{"etcd",
                             {{"address", TestEtcd::shared().url()},
                              {"path", TestEtcd::fresh_path()}}}
                     : Place{"postgresql",
                             {{"connection_url", TestPostgres::shared().url()},
                              {"table", TestPostgres::fresh_table()}}};
};

TEST_P(Sole, KeepsTheSecondOut) {
  auto first = place_.hold(1).value();
  must_put(*first, "a", "1");
  const auto second = place_.hold(1);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ErrorCode::kUnavailable);
  EXPECT_THAT(second.error().message(),
              HasSubstr("in use by another process, "));
  must_put(*first, "a", "2");
  first.reset();
  EXPECT_EQ(value_at(*place_.hold(1).value(), "a"), "2");
}

// Nobody led meanwhile: it goes on.
TEST_P(Sole, GoesOnAfterItsLeaseLapsed) {
  const auto sole = place_.hold(30).value();
  must_put(*sole, "a", "1");
  const auto opened = place_.open();
  const auto leader = opened.coordination->leader().value();
  ASSERT_TRUE(leader);
  ASSERT_TRUE(opened.coordination->release(leader->epoch));
  must_put(*sole, "a", "2");
  EXPECT_EQ(value_at(*sole, "a"), "2");
}

TEST_P(Sole, WritesNothingOnceAnotherLed) {
  const auto sole = place_.hold(30).value();
  const auto opened = place_.open();
  Coordination& other = *opened.coordination;
  ASSERT_TRUE(other.release(other.leader().value()->epoch));
  const auto won = other.try_lead({"other", {}, std::chrono::seconds(30)});
  ASSERT_TRUE(won->won);
  EXPECT_EQ(code_of(commit_one(*sole, put_change("a", "1"))),
            ErrorCode::kUnavailable);
  ASSERT_TRUE(other.release(won->leader.epoch));
  EXPECT_EQ(code_of(commit_one(*sole, put_change("a", "1"))),
            ErrorCode::kUnavailable);
  EXPECT_EQ(value_at(*sole, "a"), "<absent>");
}

INSTANTIATE_TEST_SUITE_P(Engines, Sole, testing::Values("postgresql", "etcd"));

TEST(Factory, RefusesWhatItCannotOpen) {
  EXPECT_EQ(open_storage("consul", {}).error().code(),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(open_storage("postgresql", {}).error().code(),
            ErrorCode::kInvalidArgument);
  for (const char* type : {"postgresql", "etcd"}) {
    const auto ha = open_storage(type, {{"ha_enabled", "true"}});
    EXPECT_THAT(ha.error().message(), HasSubstr("ha_enabled"));
  }
  const auto unset = open_storage("etcd", {{"password_env", "NO_SUCH_ONE"}});
  EXPECT_THAT(unset.error().message(), HasSubstr("NO_SUCH_ONE"));
  EXPECT_TRUE(open_storage("inmem", {}));
}

}  // namespace
}  // namespace bulla::storage
