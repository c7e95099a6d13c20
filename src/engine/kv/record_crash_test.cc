// Records over a storage that dies at every step of a change: what is there
// afterwards is the old state or the new one, and the index agrees with it.

#include <functional>
#include <random>

#include "engine/kv/store_world.h"

namespace bulla::engine::kv {
namespace {

using Change = std::function<Result<void>(StoreWorld&)>;

Result<void> reencrypt_oldest(StoreWorld& world) {
  TRY(world.reencrypt(world.deks.front()));
  return {};
}

void prepare(StoreWorld& world) {
  for (const auto* path : {"a", "b/c", "d"}) {
    for (const auto* data : {"one", "two", "three"}) {
      ASSERT_TRUE(world.write(path, data));
    }
  }
  world.rotate();
  ASSERT_TRUE(world.write("d", "four"));
  world.expect_whole();
}

void crash_everywhere(const Change& change) {
  StoreWorld whole;
  prepare(whole);
  whole.faulty.clear();
  ASSERT_TRUE(change(whole));
  const std::uint64_t steps = whole.faulty.steps();
  const auto wanted = whole.contents();
  whole.expect_whole();
  ASSERT_GE(steps, 3U);
  for (std::uint64_t step = 1; step <= steps; ++step) {
    SCOPED_TRACE(step);
    StoreWorld world;
    prepare(world);
    const auto before = world.contents();
    world.faulty.clear();
    world.faulty.crash_at(step);
    const auto done = change(world);
    world.faulty.clear();
    world.expect_whole();
    const auto after = world.contents();
    EXPECT_TRUE(after == wanted || (!done && after == before));
    if (after == wanted) continue;
    EXPECT_TRUE(change(world));
    EXPECT_EQ(world.contents(), wanted);
    world.expect_whole();
  }
}

TEST(RecordCrash, NewRecord) {
  crash_everywhere([](StoreWorld& world) { return world.write("n", "x"); });
}
TEST(RecordCrash, NewVersion) {
  crash_everywhere([](StoreWorld& world) { return world.write("a", "x"); });
}
TEST(RecordCrash, NewVersionInPlaceOfAnOldOne) {
  crash_everywhere([](StoreWorld& world) {
    world.settings.max_versions = 1;
    return world.write("a", "x");
  });
}
TEST(RecordCrash, Destroy) {
  crash_everywhere([](StoreWorld& world) { return world.destroy("d", 4); });
}
TEST(RecordCrash, Remove) {
  crash_everywhere([](StoreWorld& world) { return world.remove("d"); });
}
TEST(RecordCrash, Reencrypt) { crash_everywhere(reencrypt_oldest); }

// Of what takes several commits each leaves all in agreement.
TEST(RecordCrash, RemovalOfManyVersions) {
  const auto prepared = [](StoreWorld& world) {
    world.settings.max_versions = 110;
    for (int i = 0; i < 110; ++i) ASSERT_TRUE(world.write("a", "x"));
    world.faulty.clear();
  };
  StoreWorld whole;
  prepared(whole);
  ASSERT_TRUE(whole.remove("a"));
  const std::uint64_t steps = whole.faulty.steps();
  for (std::uint64_t step = 1; step <= steps; ++step) {
    SCOPED_TRACE(step);
    StoreWorld world;
    prepared(world);
    world.faulty.crash_at(step);
    static_cast<void>(world.remove("a"));
    world.faulty.clear();
    world.expect_whole();
    EXPECT_TRUE(world.remove("a"));
    EXPECT_THAT(world.view.scan("").value(), testing::IsEmpty());
  }
}

// One change by chance of a model of the contents, and of the store.
class Player {
 public:
  explicit Player(std::uint32_t seed) : random_(seed) {}

  Change next(StoreWorld& world, StoreWorld::Contents& model) {
    const std::string path(1, static_cast<char>('a' + pick(4)));
    const std::uint64_t number = 1 + pick(6);
    switch (pick(6)) {
      case 0:
        if (model.contains(path) && model[path].contains(number)) {
          model[path][number] = "destroyed";
        }
        return [=](StoreWorld& w) { return w.destroy(path, number); };
      case 1:
        model.erase(path);
        return [=](StoreWorld& w) { return w.remove(path); };
      case 2:
        world.rotate();
        return [](StoreWorld&) { return Result<void>(); };
      case 3: {
        const std::string dek = world.deks[pick(world.deks.size())];
        return [=](StoreWorld& w) -> Result<void> {
          TRY(w.reencrypt(dek));
          return {};
        };
      }
      default:
        return write(path, model[path]);
    }
  }
  std::size_t pick(std::size_t below) { return random_() % below; }

 private:
  Change write(const std::string& path,
               std::map<std::uint64_t, std::string>& versions) {
    const std::string data = std::to_string(random_());
    const std::uint64_t number =
        versions.empty() ? 1 : versions.rbegin()->first + 1;
    versions[number] = data;
    while (versions.begin()->first + 10 <= number) {
      versions.erase(versions.begin());
    }
    return [=](StoreWorld& w) { return w.write(path, data); };
  }

  std::mt19937 random_;
};

TEST(RecordCrash, WhateverHappensInWhateverOrder) {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    StoreWorld world;
    Player player(seed);
    StoreWorld::Contents model;
    for (int i = 0; i < 60; ++i) {
      SCOPED_TRACE(i);
      const StoreWorld::Contents before = model;
      const Change change = player.next(world, model);
      world.faulty.clear();
      if (player.pick(3) == 0) world.faulty.crash_at(1 + player.pick(12));
      const auto done = change(world);
      world.faulty.clear();
      world.expect_whole();
      const auto after = world.contents();
      ASSERT_TRUE(after == model || (!done && after == before));
      model = after;
    }
  }
}

}  // namespace
}  // namespace bulla::engine::kv
