// Restores through the server's core, which dies at every storage step.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "server/core.h"
#include "storage/fault.h"
#include "storage/memory.h"
#include "storage/temp_dir.h"

namespace bulla::server {
namespace {

using storage::FaultStorage;
using ::testing::HasSubstr;

/// One machine: a store, a directory beside it, and servers that come and go.
struct Machine {
  Machine() { config.listeners.emplace_back(); }

  std::unique_ptr<Core> start(storage::Storage& over) {
    return std::make_unique<Core>(CoreParts{.config = config,
                                            .storage = over,
                                            .rng = rng,
                                            .clock = clock,
                                            .log = log,
                                            .providers = {},
                                            .engines = {},
                                            .snapshot_directory = dir.path()});
  }
  std::unique_ptr<Core> start() { return start(memory); }

  ServerConfig config;
  storage::TempDir dir;
  storage::MemoryStorage memory;
  crypto::SystemRng rng;
  SystemClock clock;
  Logger log{clock, LogLevel::kError, LogFormat::kStandard,
             ::open("/dev/null", O_WRONLY | O_CLOEXEC)};
};

/// An installation of one share, open.
struct Opened {
  std::unique_ptr<Core> core;
  std::string root_token;
  SecretBytes share;
};

Opened initialised(Machine& machine) {
  Opened out;
  out.core = machine.start();
  seal::InitParams params;
  params.secret_shares = 1;
  params.secret_threshold = 1;
  auto made = out.core->initialize(params);
  EXPECT_TRUE(made) << made.error().message();
  out.root_token = made->root_token;
  out.share = made->keys.shares[0].clone();
  EXPECT_TRUE(out.core->unseal(out.share.clone()).value());
  return out;
}

std::string snapshot_of(Core& core) {
  const auto made = core.snapshots().make(core.storage());
  EXPECT_TRUE(made) << made.error().message();
  auto bytes = core.snapshots().part(made->id, 0).value();
  EXPECT_EQ(bytes.size(), made->summary.bytes);
  EXPECT_TRUE(core.snapshots().drop(made->id));
  return bytes;
}

std::string uploaded(Core& core, const std::string& bytes) {
  auto id = core.snapshots().begin_upload(bytes.size(), 1 << 30).value();
  EXPECT_TRUE(core.snapshots().add(id, 0, as_bytes(bytes)));
  return id;
}

bool opens(Core& core, const Opened& as) {
  const auto open = core.unseal(as.share.clone());
  return open && *open && core.tokens().lookup(as.root_token, true);
}

class RestoreCore : public ::testing::Test {
 protected:
  RestoreCore() : source_(initialised(source_machine_)) {
    for (int i = 0; i < 200; ++i) {
      EXPECT_TRUE(source_.core->barrier().put("logical/" + std::to_string(i),
                                              as_bytes("value")));
    }
    bytes_ = snapshot_of(*source_.core);
  }

  Machine source_machine_;
  Opened source_;
  std::string bytes_;
};

TEST_F(RestoreCore, MakesABareNodeWhatWasSaved) {
  Machine machine;
  const auto core = machine.start();
  const auto restored = core->restore(uploaded(*core, bytes_), false);
  ASSERT_TRUE(restored) << restored.error().message();
  EXPECT_TRUE(core->custody().initialized().value());
  EXPECT_TRUE(opens(*core, source_));
  EXPECT_THAT(core->restore(uploaded(*core, bytes_), false).error().message(),
              HasSubstr("already initialized"));
  EXPECT_TRUE(core->serving());
}

TEST_F(RestoreCore, RefusesWhatIsNotWhole) {
  Machine machine;
  auto target = initialised(machine);
  std::string altered = bytes_;
  altered[bytes_.size() / 2] ^= 1;
  const auto id = uploaded(*target.core, altered);
  const auto refused = target.core->restore(id, true);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_TRUE(target.core->serving());
  EXPECT_TRUE(target.core->tokens().lookup(target.root_token, true));
  EXPECT_TRUE(target.core->snapshots().drop(id));
  EXPECT_FALSE(File::open(target.core->snapshots().path_of(id)));
}

TEST_F(RestoreCore, BoundsWhatItKeeps) {
  Machine machine;
  const auto core = machine.start();
  auto& snapshots = core->snapshots();
  EXPECT_EQ(snapshots.begin_upload(11, 10).error().code(),
            ErrorCode::kTooLarge);
  const auto id = snapshots.begin_upload(10, 10).value();
  ASSERT_TRUE(snapshots.begin_upload(10, 10));
  EXPECT_EQ(snapshots.begin_upload(10, 10).error().code(),
            ErrorCode::kConflict);
  EXPECT_FALSE(snapshots.add(id, 1, as_bytes("a")));
  EXPECT_FALSE(snapshots.add(id, 0, as_bytes("12345678901")));
  ASSERT_TRUE(snapshots.add(id, 0, as_bytes("12345")));
  ASSERT_TRUE(snapshots.add(id, 0, as_bytes("12345")));  // sent again
  ASSERT_TRUE(snapshots.add(id, 5, as_bytes("12345")));
  EXPECT_FALSE(snapshots.add(id, 10, as_bytes("1")));
  EXPECT_THAT(core->restore(id, false).error().message(),
              HasSubstr("no snapshot"));
  EXPECT_FALSE(snapshots.part(id, 0));
}

// Dies at every storage step of a restore; the next start goes on, or finds
// what was there before.
void crash_everywhere(const Opened& source, const std::string& bytes,
                      bool bare) {
  int went_on = 0;
  for (std::uint64_t step = 1;; ++step) {
    SCOPED_TRACE(step);
    Machine machine;
    Opened before;
    if (!bare) before = initialised(machine);
    before.core.reset();
    FaultStorage faulty(machine.memory);
    bool done = false;
    {
      const auto core = machine.start(faulty);
      if (!bare) {
        ASSERT_TRUE(core->unseal(before.share.clone()).value());
      }
      const auto id = uploaded(*core, bytes);
      faulty.clear();
      faulty.crash_at(step);
      done = core->restore(id, true).has_value();
    }
    const auto core = machine.start();
    const bool marked =
        snapshot::Marker::read(machine.memory).value().has_value();
    went_on += marked;
    if (marked) {
      EXPECT_FALSE(core->custody().initialized().value());
      EXPECT_THAT(core->initialize({}).error().message(),
                  HasSubstr("not finished"));
      EXPECT_EQ(core->check_restorable().error().code(), ErrorCode::kConflict);
    }
    ASSERT_TRUE(core->finish_restore());
    EXPECT_TRUE(core->check_restorable());
    const bool is_new = opens(*core, source);
    if (marked || done) {
      EXPECT_TRUE(is_new);
    } else if (!is_new && bare) {
      EXPECT_FALSE(core->custody().initialized().value());
    } else if (!is_new) {
      EXPECT_TRUE(opens(*core, before));
    }
    if (done) break;
  }
  EXPECT_GE(went_on, 5);
}

TEST_F(RestoreCore, SurvivesACrashAtEveryStepOnABareNode) {
  crash_everywhere(source_, bytes_, true);
}
TEST_F(RestoreCore, SurvivesACrashAtEveryStepOverAnother) {
  crash_everywhere(source_, bytes_, false);
}

TEST_F(RestoreCore, SaysThatItsFileIsLost) {
  Machine machine;
  std::string path;
  {
    FaultStorage faulty(machine.memory);
    const auto core = machine.start(faulty);
    const auto id = uploaded(*core, bytes_);
    faulty.fail_commit(3, FaultStorage::When::kBefore);
    const auto failed = core->restore(id, false);
    ASSERT_FALSE(failed);
    EXPECT_THAT(failed.error().message(), HasSubstr("restart the server"));
    path = core->snapshots().path_of(id);
  }
  ASSERT_EQ(::unlink(path.c_str()), 0);
  const auto core = machine.start();
  const auto lost = core->finish_restore();
  ASSERT_FALSE(lost);
  EXPECT_THAT(lost.error().message(), HasSubstr(path));
  ASSERT_TRUE(core->check_restorable());
  ASSERT_TRUE(core->restore(uploaded(*core, bytes_), false));
  EXPECT_TRUE(opens(*core, source_));
}

}  // namespace
}  // namespace bulla::server
