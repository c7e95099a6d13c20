// LMDB and the barrier, one operation at a time. Compare figures of one run
// with each other; a commit's are the disk's.

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "barrier/barrier.h"
#include "storage/lmdb.h"
#include "storage/memory.h"
#include "storage/temp_dir.h"

namespace bulla {
namespace {

constexpr int kEntries = 1000;

std::string path_of(std::int64_t n) {
  return "logical/8f3a/" + std::to_string(n % kEntries);
}

void fill(storage::Storage& storage, std::size_t value_bytes) {
  for (int i = 0; i < kEntries; ++i) {
    const storage::Change change{path_of(i), Bytes(value_bytes, 'v'), {}};
    if (!storage.commit({&change, 1})) std::abort();
  }
}

storage::LmdbStorage& lmdb() {
  static const storage::TempDir dir;
  static const auto opened =
      storage::LmdbStorage::open({.directory = dir.path()}).value();
  return *opened;
}

void lmdb_get(benchmark::State& state) {
  if (state.thread_index() == 0) {
    fill(lmdb(), static_cast<std::size_t>(state.range(0)));
  }
  std::int64_t n = 0;
  for (auto _ : state) {
    const auto entry = lmdb().get(path_of(++n));
    benchmark::DoNotOptimize(entry);
  }
}
BENCHMARK(lmdb_get)->Arg(100)->Arg(4096)->Threads(1)->Threads(2);

void lmdb_commit(benchmark::State& state) {
  std::int64_t n = state.thread_index() * kEntries / 10;
  for (auto _ : state) {
    const storage::Change change{path_of(++n), Bytes(256, 'v'), {}};
    if (!lmdb().commit({&change, 1})) state.SkipWithError("commit failed");
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(lmdb_commit)->Threads(1)->Threads(8)->Threads(32)->UseRealTime();

/// A barrier over memory, so that the figures are its own.
struct OpenBarrier {
  OpenBarrier() {
    const auto change = barrier.create(rng.secret(32)).value();
    if (!memory.commit({&change, 1})) std::abort();
  }
  storage::MemoryStorage memory;
  crypto::SystemRng rng;
  SystemClock clock;
  barrier::Barrier barrier{memory, rng, clock};
};

void barrier_put(benchmark::State& state) {
  OpenBarrier open;
  const Bytes value(static_cast<std::size_t>(state.range(0)), 'v');
  std::int64_t n = 0;
  for (auto _ : state) {
    if (!open.barrier.put(path_of(++n), value)) {
      state.SkipWithError("put failed");
    }
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(barrier_put)->Arg(100)->Arg(4096)->Arg(1 << 20);

void barrier_get(benchmark::State& state) {
  OpenBarrier open;
  const Bytes value(static_cast<std::size_t>(state.range(0)), 'v');
  for (int i = 0; i < kEntries / 10; ++i) {
    if (!open.barrier.put(path_of(i), value)) std::abort();
  }
  std::int64_t n = 0;
  for (auto _ : state) {
    const auto entry = open.barrier.get(path_of(++n % (kEntries / 10)));
    benchmark::DoNotOptimize(entry);
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(barrier_get)->Arg(100)->Arg(4096)->Arg(1 << 20);

}  // namespace
}  // namespace bulla
