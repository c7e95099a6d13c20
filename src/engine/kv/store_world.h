#pragma once

#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/kv/new_version.h"
#include "engine/test_support.h"

namespace bulla::engine::kv {

/// A store of records over memory, with faults in between, for tests.
struct StoreWorld {
  StoreWorld() {
    const SecretBytes root(32);
    const auto change = barrier.create(root);
    EXPECT_TRUE(change && memory.commit({&*change, 1}));
  }

  Result<void> write(std::string_view path, std::string_view data) {
    return store.change(path, [&](Draft& draft) -> Result<bool> {
      TRY(add_version(store, draft, settings, as_bytes(data), clock.time));
      return true;
    });
  }
  Result<void> destroy(std::string_view path, std::uint64_t number) {
    return store.change(path, [&](Draft& draft) -> Result<bool> {
      const auto at = draft.record.versions.find(number);
      if (at == draft.record.versions.end()) return false;
      at->second.destroyed = true;
      return true;
    });
  }
  Result<void> remove(std::string_view path) {
    return store.change(path, [](Draft& draft) -> Result<bool> {
      draft.removed = true;
      return draft.exists;
    });
  }
  Result<ReencryptStep> reencrypt(std::string_view dek) {
    std::vector<std::string> damaged;
    auto step = store.reencrypt(dek, {}, 100, damaged);
    EXPECT_THAT(damaged, testing::IsEmpty());
    return step;
  }
  Record record(std::string_view path) { return **store.find(path); }
  DekSet deks_of(std::string_view path) {
    const auto entry = view.get(deks_path(record(path).id)).value();
    if (!entry) return {};
    return dek_set(decode_deks(entry->value.expose()).value().ids);
  }

  /// What a reader gets of each version of each record.
  using Contents = std::map<std::string, std::map<std::uint64_t, std::string>>;
  Contents contents() {
    Contents all;
    const auto paths = view.scan(kRecordsPrefix).value();
    for (const std::string& entry : paths) {
      const std::string path = entry.substr(kRecordsPrefix.size());
      for (const auto& [number, version] : record(path).versions) {
        const auto read = store.read(path, number, clock.time);
        EXPECT_TRUE(read) << read.error().message();
        if (!read || !*read) continue;
        all[path][number] = (*read)->body ? to_text((*read)->body->expose())
                                          : std::string("destroyed");
      }
    }
    return all;
  }

  /// What a check finds, an entry a step.
  static std::vector<std::string> problems(RecordStore& of) {
    std::vector<std::string> all;
    std::string cursor;
    do {
      auto step = of.check(cursor, 1);
      EXPECT_TRUE(step) << step.error().message();
      if (!step) break;
      std::ranges::move(step->problems, std::back_inserter(all));
      cursor = step->cursor;
    } while (!cursor.empty());
    return all;
  }
  /// Records, bodies and index agree, in a store that remembers nothing, and
  /// the counts that this one remembers are those.
  void expect_whole() {
    RecordStore fresh(view, records, rng, "uuid", "default");
    EXPECT_THAT(problems(fresh), testing::IsEmpty());
    std::map<std::string, std::uint64_t> counts;
    const auto paths = view.scan(kRecordsPrefix).value();
    for (const std::string& entry : paths) {
      for (const auto& dek : deks_of(entry.substr(kRecordsPrefix.size()))) {
        ++counts[dek];
      }
    }
    for (const std::string& dek : deks) {
      EXPECT_EQ(fresh.index().count(dek).value(), counts[dek]);
      EXPECT_EQ(store.index().count(dek).value(), counts[dek]);
    }
  }
  /// A new active DEK; answers the one before it.
  std::string rotate() {
    const std::string before = deks.back();
    deks.push_back(records.rotate());
    return before;
  }

  storage::MemoryStorage memory;
  storage::FaultStorage faulty{memory};
  crypto::SystemRng rng;
  TestClock clock;
  barrier::Barrier barrier{faulty, rng, clock};
  barrier::View view{barrier, "logical/mount/"};
  TestRecords records{rng};
  std::vector<std::string> deks{records.rotate()};
  Settings settings;
  RecordStore store{view, records, rng, "uuid", "default"};
};

}  // namespace bulla::engine::kv
