#include "dek/registry.h"

#include <thread>

#include "dek/test_support.h"

namespace bulla::dek {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class RegistryTest : public testing::Test {
 protected:
  RegistryTest() { share_ = live_.init(); }

  DekInfo make(const std::string& name, const std::string& scope = "",
               const std::string& algorithm = "") {
    auto made = live_.registry.create({name, "", algorithm, scope});
    EXPECT_TRUE(made) << made.error().message();
    return *made;
  }
  DekInfo read(const std::string& id) { return *live_.registry.find(id); }
  std::string refusal(const std::string& id, const DekUpdate& change) {
    const auto answer = live_.registry.update(id, change);
    return answer ? "" : answer.error().message();
  }

  seal::World world_;
  DekNode live_{world_};
  SecretBytes share_;
};

TEST_F(RegistryTest, BeginsWithTheDefaultKey) {
  const auto all = live_.registry.list();
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 1U);
  const DekInfo& first = all->front();
  EXPECT_EQ(first.name, "Default-encryption-key");
  EXPECT_EQ(first.algorithm, Algorithm::kAesGcm256);
  EXPECT_EQ(first.scope, "default");
  EXPECT_EQ(first.status, Status::kActive);
  EXPECT_EQ(first.version, 1U);
  EXPECT_TRUE(is_uuid(first.id));
  EXPECT_EQ(first.created_at, world_.clock.now());
}

TEST_F(RegistryTest, ANewKeyDeprecatesTheLastOfItsScope) {
  const std::string first = live_.active();
  world_.clock.step(Seconds{10});
  const DekInfo second = make("second");
  EXPECT_EQ(second.status, Status::kActive);
  EXPECT_EQ(read(first).status, Status::kDeprecated);
  EXPECT_EQ(read(first).version, 2U);
  EXPECT_EQ(read(first).updated_at, world_.clock.now());
  EXPECT_EQ(live_.active(), second.id);
  const DekInfo other = make("other", "payroll", "AES-GCM-128");
  EXPECT_EQ(other.algorithm, Algorithm::kAesGcm128);
  EXPECT_EQ(live_.active(), second.id);
  EXPECT_EQ(live_.active("payroll"), other.id);
}

TEST_F(RegistryTest, SealsUnderTheActiveKeyAndOpensUnderAny) {
  for (const std::string algorithm : {"AES-GCM-256", "AES-GCM-128"}) {
    make("k", "", algorithm);
    const auto sealed = live_.registry.seal("default", "p", as_bytes("body"));
    ASSERT_TRUE(sealed);
    EXPECT_EQ(sealed->dek_id, live_.active());
    EXPECT_EQ(sealed->bytes.size(), 12U + 4U + 16U);
    make("next");
    const auto opened =
        live_.registry.open(sealed->dek_id, "p", as_bytes(sealed->bytes));
    ASSERT_TRUE(opened);
    EXPECT_EQ(as_text(opened->expose()), "body");
  }
}

TEST_F(RegistryTest, RefusesWhatIsNotWhatWasSealed) {
  const std::string first = live_.active();
  const auto sealed = live_.registry.seal("default", "p", as_bytes("body"));
  ASSERT_TRUE(sealed);
  const std::string second = make("second").id;
  const auto code = [&](const std::string& id, std::string_view place,
                        std::string_view bytes) {
    return live_.registry.open(id, place, as_bytes(bytes)).error().code();
  };
  EXPECT_EQ(code(second, "p", sealed->bytes), ErrorCode::kCorrupt);
  EXPECT_EQ(code(first, "q", sealed->bytes), ErrorCode::kCorrupt);
  EXPECT_EQ(code(first, "p", sealed->bytes.substr(1)), ErrorCode::kCorrupt);
  EXPECT_EQ(code(first, "p", "short"), ErrorCode::kCorrupt);
  EXPECT_EQ(code("none", "p", sealed->bytes), ErrorCode::kNotFound);
  std::string altered = sealed->bytes;
  altered[14] ^= 1;
  EXPECT_EQ(code(first, "p", altered), ErrorCode::kCorrupt);
  EXPECT_THAT(
      live_.registry.open(first, "m/x", as_bytes(altered)).error().message(),
      HasSubstr("m/x: does not open under DEK \"Default-"));
}

// The place's end and the id's begin cannot be moved against each other.
TEST_F(RegistryTest, PlaceAndIdDoNotRunIntoEachOther) {
  const std::string id = live_.active();
  const auto sealed = live_.registry.seal("default", "p", as_bytes("body"));
  EXPECT_FALSE(
      live_.registry.open(id, "p" + id.substr(0, 1), as_bytes(sealed->bytes)));
}

TEST_F(RegistryTest, AScopeWithoutAKeyGetsItsFirst) {
  const auto sealed = live_.registry.seal("payroll", "p", as_bytes("body"));
  ASSERT_TRUE(sealed);
  const DekInfo made = read(sealed->dek_id);
  EXPECT_EQ(made.scope, "payroll");
  EXPECT_EQ(made.name, "payroll-encryption-key");
  EXPECT_EQ(live_.registry.seal("payroll", "p", {})->dek_id, made.id);
  EXPECT_EQ(live_.registry.seal("", "p", {}).error().code(),
            ErrorCode::kInvalidArgument);
}

TEST_F(RegistryTest, EditsNameAndDescriptionAndCountsVersions) {
  const std::string id = live_.active();
  world_.clock.step(Seconds{5});
  DekUpdate change;
  change.name = "renamed";
  change.description = "two\nlines";
  change.cas = 1;
  const auto changed = live_.registry.update(id, change);
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->version, 2U);
  EXPECT_EQ(changed->updated_at, world_.clock.now());
  EXPECT_EQ(read(id), *changed);
  EXPECT_THAT(refusal(id, change), HasSubstr("check-and-set"));
  change.cas.reset();
  EXPECT_EQ(live_.registry.update(id, change)->version, 2U);
  change.name = "";
  EXPECT_EQ(refusal(id, change), "name is missing");
  change.name = "x";
  change.description = std::string(4097, 'x');
  EXPECT_THAT(refusal(id, change), HasSubstr("4096 bytes"));
  EXPECT_EQ(live_.registry.update("no", {}).error().code(),
            ErrorCode::kNotFound);
}

TEST_F(RegistryTest, AlgorithmAndScopeAreImmutable) {
  const std::string id = live_.active();
  DekUpdate change;
  change.algorithm = "AES-GCM-256";
  change.scope = "default";
  EXPECT_EQ(refusal(id, change), "");
  change.scope = "other";
  EXPECT_THAT(refusal(id, change), HasSubstr("scope is immutable"));
  change.algorithm = "AES-GCM-128";
  EXPECT_THAT(refusal(id, change), HasSubstr("algorithm is immutable"));
  EXPECT_EQ(read(id).version, 1U);
}

TEST_F(RegistryTest, OnlyUnusedDeprecatedKeysBecomeInactive) {
  const auto holder = std::make_shared<FakeHolder>(live_.registry, "default");
  live_.holders.add("m", holder);
  const std::string first = live_.active();
  holder->put("r", "body");
  DekUpdate inactive;
  inactive.status = "inactive";
  EXPECT_THAT(refusal(first, inactive), HasSubstr("is active"));
  make("second");
  EXPECT_THAT(refusal(first, inactive), HasSubstr("in use by 1 record:"));
  EXPECT_EQ(holder->get("r"), "body");
  const auto sealed = live_.registry.seal("default", "p", {});
  ASSERT_TRUE(holder->reencrypt(first, "", 10));
  EXPECT_EQ(refusal(first, inactive), "");
  EXPECT_EQ(read(first).status, Status::kInactive);
  EXPECT_EQ(read(first).version, 3U);
  EXPECT_EQ(refusal(first, inactive), "");
  EXPECT_EQ(read(first).version, 3U);
  DekUpdate back;
  for (const char* status : {"active", "deprecated"}) {
    back.status = status;
    EXPECT_THAT(refusal(first, back), HasSubstr("only from deprecated"));
  }
  back.status = "gone";
  EXPECT_THAT(refusal(first, back), HasSubstr("expected active"));
  EXPECT_THAT(
      live_.registry.open(first, "p", Bytes(40)).error().message(),
      HasSubstr("DEK \"Default-encryption-key\" (" + first + ") is inactive"));
  EXPECT_EQ(holder->get("r"), "body");
}

TEST_F(RegistryTest, RefusesBadFields) {
  const auto refused = [&](const NewDek& wanted) {
    return live_.registry.create(wanted).error().message();
  };
  EXPECT_EQ(refused({}), "name is missing");
  EXPECT_THAT(refused({"n", "", "AES-GCM-192", ""}), HasSubstr("algorithm"));
  EXPECT_THAT(refused({"n", "", "", std::string(129, 'a')}),
              HasSubstr("scope"));
  EXPECT_EQ(live_.registry.list()->size(), 1U);
}

TEST_F(RegistryTest, SurvivesRestartsAndIsGoneWhileSealed) {
  const std::string first = live_.active();
  const auto sealed = live_.registry.seal("default", "p", as_bytes("body"));
  const DekInfo second = make("second");
  EXPECT_EQ(live_.registry.encryptions(first).value(), 1U);
  live_.close();
  EXPECT_EQ(live_.registry.seal("default", "p", {}).error().code(),
            ErrorCode::kSealed);
  EXPECT_EQ(live_.registry.open(first, "p", {}).error().code(),
            ErrorCode::kSealed);
  EXPECT_EQ(live_.registry.list().error().code(), ErrorCode::kSealed);
  EXPECT_EQ(live_.registry.create({"x"}).error().code(), ErrorCode::kSealed);
  DekNode again(world_);
  ASSERT_TRUE(again.open(share_));
  EXPECT_EQ(again.registry.list()->size(), 2U);
  EXPECT_EQ(*again.registry.find(second.id), second);
  EXPECT_EQ(again.registry.encryptions(first).value(), 1U);
  const auto opened = again.registry.open(first, "p", as_bytes(sealed->bytes));
  ASSERT_TRUE(opened);
  EXPECT_EQ(as_text(opened->expose()), "body");
}

TEST_F(RegistryTest, ACrashCountsTooMuchAndNeverTooLittle) {
  const std::string first = live_.active();
  for (int i = 0; i < 5000; ++i) {
    ASSERT_TRUE(live_.registry.seal("default", "p", {}));
  }
  EXPECT_EQ(live_.registry.encryptions(first).value(), 5000U);
  DekNode again(world_);  // nobody closed the first one
  ASSERT_TRUE(again.open(share_));
  EXPECT_GE(again.registry.encryptions(first).value(), 5000U);
  EXPECT_LE(again.registry.encryptions(first).value(), 5000U + 8 * 4096U);
}

TEST_F(RegistryTest, GoesAlongWithARekey) {
  const auto sealed = live_.registry.seal("default", "p", as_bytes("body"));
  const Bytes before = world_.memory.get(KeyRing::kPath).value()->value;
  ASSERT_TRUE(live_.node.custody.replace_root({}));
  EXPECT_NE(world_.memory.get(KeyRing::kPath).value()->value, before);
  make("after");
  ASSERT_TRUE(live_.node.custody.replace_root({}));
  live_.close();
  DekNode again(world_);
  ASSERT_TRUE(again.open(share_));
  const auto opened =
      again.registry.open(sealed->dek_id, "p", as_bytes(sealed->bytes));
  ASSERT_TRUE(opened) << opened.error().message();
  EXPECT_EQ(as_text(opened->expose()), "body");
  EXPECT_EQ(again.registry.list()->size(), 2U);
}

// Whoever has what the barrier opens has no DEK yet.
TEST_F(RegistryTest, KeysAreUnderTheRootKeyInsideTheBarrier) {
  const auto entry = live_.node.barrier.get(KeyRing::kPath);
  ASSERT_TRUE(entry && *entry);
  EXPECT_FALSE(KeyRing::parse((*entry)->value.expose()));
  const auto opened = live_.node.custody.get_under_root(KeyRing::kPath);
  ASSERT_TRUE(opened && *opened);
  EXPECT_EQ(KeyRing::parse((*opened)->value.expose())->keys.size(), 1U);
}

TEST_F(RegistryTest, DamageIsNamed) {
  live_.close();
  ASSERT_TRUE(world_.memory.get(KeyRing::kPath));
  const storage::Change gone{std::string(KeyRing::kPath), {}, {}};
  ASSERT_TRUE(world_.memory.commit({&gone, 1}));
  DekNode again(world_);
  const auto opened = again.open(share_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kCorrupt);
  EXPECT_THAT(opened.error().message(), HasSubstr("core/dek/info/"));
}

TEST_F(RegistryTest, ManyThreadsSealWhileKeysChange) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 3000; ++i) {
        const auto sealed = live_.registry.seal("default", "p", as_bytes("b"));
        ASSERT_TRUE(sealed);
        ASSERT_TRUE(
            live_.registry.open(sealed->dek_id, "p", as_bytes(sealed->bytes)));
      }
    });
  }
  for (int i = 0; i < 20; ++i) make("k");
  for (std::thread& thread : threads) thread.join();
  std::uint64_t total = 0;
  const auto all = live_.registry.list();
  for (const DekInfo& info : *all) {
    total += live_.registry.encryptions(info.id).value();
  }
  EXPECT_EQ(total, 12'000U);
}

class FullKeys : public testing::Test {
 protected:
  RegistryOptions options() {
    RegistryOptions some;
    some.encryptions_usual = 10;
    some.encryptions_most = 15;
    some.announce = [this](std::string_view path,
                           std::string_view data) -> Result<void> {
      if (refuses_) return fail(internal_error("not audited"));
      lines_.push_back(std::string(path) + " " + std::string(data));
      return {};
    };
    return some;
  }

  bool refuses_ = false;
  std::vector<std::string> lines_;
  seal::World world_;
};

TEST_F(FullKeys, AreReplacedByThemselvesAndAudited) {
  DekNode live(world_, options());
  live.init();
  const std::string first = live.active();
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_THAT(lines_[0], HasSubstr(R"("reason":"first of its scope")"));
  for (int i = 0; i < 25; ++i)
    ASSERT_TRUE(live.registry.seal("default", "", {}));
  EXPECT_EQ(live.registry.encryptions(first).value(), 10U);
  EXPECT_EQ(live.registry.find(first)->status, Status::kDeprecated);
  EXPECT_EQ(live.registry.find(live.active())->name,
            "Default-encryption-key #3");
  ASSERT_EQ(lines_.size(), 3U);
  EXPECT_THAT(lines_[1],
              HasSubstr(R"("reason":"encryptions","replaces":")" + first));
}

TEST_F(FullKeys, GoOnForAWhileWhereTheyCannotBeReplaced) {
  DekNode live(world_, options());
  live.init();
  refuses_ = true;
  for (int i = 0; i < 15; ++i)
    ASSERT_TRUE(live.registry.seal("default", "", {}));
  EXPECT_EQ(live.registry.seal("default", "", {}).error().message(),
            "not audited");
  EXPECT_EQ(live.registry.seal("new", "", {}).error().message(), "not audited");
  refuses_ = false;
  EXPECT_TRUE(live.registry.seal("default", "", {}));
  EXPECT_EQ(live.registry.list()->size(), 2U);
}

}  // namespace
}  // namespace bulla::dek
