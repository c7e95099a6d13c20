// The whole server over a storage that dies at every step of initialising,
// unsealing and rotating: what is there afterwards opens and serves, or was
// never initialised.

#include <fcntl.h>
#include <gtest/gtest.h>

#include "kek/static_kek.h"
#include "server/core.h"
#include "server/sys/sys_backend.h"
#include "storage/fault.h"
#include "storage/memory.h"

namespace bulla::server {
namespace {

using storage::FaultStorage;
using storage::MemoryStorage;

enum class Seal { kShamir, kStatic };

// One process's life over a storage.
class Node {
 public:
  Node(storage::Storage& storage, Seal seal)
      : seal_(seal),
        core({.config = config_,
              .storage = storage,
              .rng = rng_,
              .clock = clock_,
              .log = log_,
              .providers = providers(seal),
              .engines = {},
              .automatic_seal = seal == Seal::kStatic}) {
    api::MountConfig sys;
    sys.path = "sys/";
    sys.type = "system";
    sys.uuid = sys.accessor = "fixed-system";
    core.mounts().add_fixed(
        std::move(sys), {"system", false, [this](const api::BackendContext&) {
                           return std::make_shared<SysBackend>(core);
                         }});
    core.mounts().start();
  }

  Result<Initialized> initialize() {
    seal::InitParams params;
    if (seal_ == Seal::kShamir) {
      params.secret_shares = 3;
      params.secret_threshold = 2;
    }
    return core.initialize(params);
  }

  /// By shares where there are any, by the provider otherwise.
  Result<bool> open(const Result<Initialized>& made) {
    if (!made || made->keys.shares.empty()) return core.auto_unseal();
    TRY(core.unseal(made->keys.shares[0].clone()));
    return core.unseal(made->keys.shares[2].clone());
  }

  bool serves(const std::string& root_token) {
    return core.serving() && core.tokens().lookup(root_token, true) &&
           core.barrier().put("logical/after", as_bytes("x"));
  }

 private:
  std::vector<std::unique_ptr<kek::KekProvider>> providers(Seal seal) {
    std::vector<std::unique_ptr<kek::KekProvider>> made;
    if (seal == Seal::kShamir) return made;
    const std::vector<std::uint8_t> key(32, 7);
    made.push_back(kek::StaticKek::create("k",
                                          {"id", SecretBytes::copy_of(key)},
                                          std::nullopt, rng_)
                       .value());
    return made;
  }

  const Seal seal_;
  ServerConfig config_ = [] {
    ServerConfig config;
    config.listeners.emplace_back();
    return config;
  }();
  crypto::SystemRng rng_;
  SystemClock clock_;
  int null_ = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  Logger log_{clock_, LogLevel::kError, LogFormat::kJson, null_};

 public:
  Core core;
};

class CoreCrash : public testing::TestWithParam<Seal> {
 protected:
  /// Storage steps that `act` takes on a node of its own.
  template <typename Prepare, typename Act>
  std::uint64_t steps_of(Prepare prepare, Act act) {
    MemoryStorage memory;
    prepare(memory);
    FaultStorage faulty(memory);
    Node node(faulty, GetParam());
    act(node);
    return faulty.steps();
  }
};

TEST_P(CoreCrash, InitLeavesNothingOrAServerThatOpens) {
  const auto steps =
      steps_of([](MemoryStorage&) {},
               [](Node& node) { EXPECT_TRUE(node.initialize()); });
  ASSERT_GE(steps, 3U);
  int fresh = 0;
  int whole = 0;
  for (std::uint64_t step = 1; step <= steps + 1; ++step) {
    SCOPED_TRACE(step);
    MemoryStorage memory;
    FaultStorage faulty(memory);
    Result<Initialized> made = fail(internal_error(""));
    {
      Node node(faulty, GetParam());
      faulty.crash_at(step);
      made = node.initialize();
    }
    Node node(memory, GetParam());
    if (!*node.core.custody().initialized()) {
      EXPECT_FALSE(made);
      EXPECT_TRUE(memory.scan("")->empty());
      made = node.initialize();
      ASSERT_TRUE(made) << made.error().message();
      ++fresh;
    } else if (!made && GetParam() == Seal::kShamir) {
      continue;  // its shares were never heard: seal/custody_crash_test.cc
    }
    const auto opened = node.open(made);
    ASSERT_TRUE(opened) << opened.error().message();
    EXPECT_TRUE(*opened);
    EXPECT_TRUE(node.core.serving());
    if (made) {
      EXPECT_TRUE(node.serves(made->root_token));
    }
    ++whole;
  }
  EXPECT_GT(fresh, 0);
  EXPECT_GT(whole, fresh);
}

TEST_P(CoreCrash, UnsealAndRotateLeaveAServerThatOpens) {
  MemoryStorage first;
  Result<Initialized> made = fail(internal_error(""));
  {
    Node node(first, GetParam());
    made = node.initialize();
    ASSERT_TRUE(made);
  }
  const auto copy_of_first = [&](MemoryStorage& memory) {
    const auto paths = first.scan("");
    for (const std::string& path : *paths) {
      const storage::Change put{path, first.get(path).value()->value, {}};
      ASSERT_TRUE(memory.commit({&put, 1}));
    }
  };
  const auto act = [&](Node& node) {
    if (const auto opened = node.open(made); !opened) return;
    if (const auto turned = node.core.custody().rotate_keyring(); !turned)
      return;
    (void)node.core.barrier().put("logical/during", as_bytes("x"));
  };
  const auto steps = steps_of(copy_of_first, act);
  ASSERT_GE(steps, 5U);
  for (std::uint64_t step = 1; step <= steps + 1; ++step) {
    SCOPED_TRACE(step);
    MemoryStorage memory;
    copy_of_first(memory);
    FaultStorage faulty(memory);
    {
      Node node(faulty, GetParam());
      faulty.crash_at(step);
      act(node);
    }
    Node node(memory, GetParam());
    const auto opened = node.open(made);
    ASSERT_TRUE(opened) << opened.error().message();
    EXPECT_TRUE(node.serves(made->root_token));
  }
}

INSTANTIATE_TEST_SUITE_P(Seals, CoreCrash,
                         testing::Values(Seal::kShamir, Seal::kStatic),
                         [](const auto& test) {
                           return test.param == Seal::kShamir ? "Shamir"
                                                              : "Static";
                         });

}  // namespace
}  // namespace bulla::server
