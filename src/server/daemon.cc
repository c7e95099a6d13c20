#include "server/daemon.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <optional>
#include <system_error>
#include <thread>

#include "base/thread.h"
#include "crypto/rng.h"
#include "net/server.h"
#include "seal/kek_versions.h"
#include "server/collectors.h"
#include "server/dev_mode.h"
#include "server/http_handler.h"
#include "server/process.h"
#include "server/worker_pool.h"

namespace bulla::server {
namespace {

// They wait more than they work: as many writers share one flush of the disk.
constexpr unsigned kBlockingThreads = 64;

using std::chrono::milliseconds;

constexpr milliseconds kStopGrace{10'000};
constexpr std::chrono::seconds kAutoUnsealInterval{5};
constexpr std::chrono::seconds kTickInterval{60};
/// How long a start waits for its seals before it serves sealed.
constexpr std::chrono::seconds kFirstTry{3};
// Logins that may wait for a thread to hash their passwords. Anyone may send
// them, so they wait by themselves and nobody else behind them.
constexpr std::size_t kWaitingLoginsMax = 256;

net::ListenerOptions listener_options(const ListenerConfig& config) {
  net::ListenerOptions options;
  options.address = config.address;
  options.limits.body_bytes =
      config.max_request_size < 0
          ? SIZE_MAX
          : static_cast<std::size_t>(config.max_request_size);
  options.limits.header_bytes = config.max_header_bytes;
  options.limits.connections = config.max_connections;
  options.limits.header_timeout = config.http_read_header_timeout;
  options.limits.body_timeout = config.http_read_timeout;
  options.limits.request_timeout = config.max_request_duration;
  options.limits.idle_timeout = config.http_idle_timeout;
  if (config.tls_disable) return options;
  net::TlsOptions tls;
  tls.cert_file = config.tls_cert_file;
  tls.key_file = config.tls_key_file;
  tls.client_ca_file = config.tls_client_ca_file;
  tls.require_and_verify_client_cert =
      config.tls_require_and_verify_client_cert;
  tls.disable_client_certs = config.tls_disable_client_certs;
  tls.min_version = config.tls_min_version;
  tls.max_version = config.tls_max_version;
  std::string_view suites = config.tls_cipher_suites;
  while (!suites.empty()) {
    const std::size_t comma = std::min(suites.find(','), suites.size());
    tls.cipher_suites.emplace_back(suites.substr(0, comma));
    suites.remove_prefix(std::min(comma + 1, suites.size()));
  }
  options.tls = std::move(tls);
  return options;
}

/// The minute's work, this node's beats and, with an automatic seal, opening
/// again and again until the provider answers.
class Keeper {
 public:
  Keeper(Core& core, bool automatic, std::string node)
      : core_(core),
        automatic_(automatic),
        node_(std::move(node)),
        thread_([this] { run(); }) {}
  ~Keeper() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
    static_cast<void>(core_.custody().keks().leave(node_));
  }
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  /// Waits until a first try to open was made, but not for a provider that does
  /// not answer: people may want to open it meanwhile.
  void await_first_try() {
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, kFirstTry, [&] { return tried_; });
  }

 private:
  void run() {
    if (automatic_ && !core_.serving()) open();
    {
      const std::lock_guard lock(mutex_);
      tried_ = true;
    }
    wake_.notify_all();
    auto next_tick = std::chrono::steady_clock::now() + kTickInterval;
    beat();
    auto next_beat =
        std::chrono::steady_clock::now() + seal::KekVersions::kBeatInterval;
    std::unique_lock lock(mutex_);
    while (
        !wake_.wait_for(lock, kAutoUnsealInterval, [&] { return stopping_; })) {
      lock.unlock();
      if (automatic_ && !core_.serving() && !core_.sealed_by_hand()) open();
      core_.tend_keys();
      if (std::chrono::steady_clock::now() >= next_tick) {
        core_.tick();
        next_tick = std::chrono::steady_clock::now() + kTickInterval;
      }
      if (std::chrono::steady_clock::now() >= next_beat) {
        beat();
        next_beat =
            std::chrono::steady_clock::now() + seal::KekVersions::kBeatInterval;
      }
      lock.lock();
    }
  }

  void beat() {
    if (auto beaten = core_.custody().keks().beat(node_); !beaten) {
      core_.log().warn("other nodes cannot be told that this one is here",
                       {{"error", beaten.error().message()}});
    }
  }

  void open() {
    if (auto opened = core_.auto_unseal(); !opened) {
      core_.log().warn("cannot open with the configured seal; trying again",
                       {{"error", opened.error().message()}});
    }
  }

  Core& core_;
  bool automatic_;
  std::string node_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  bool tried_ = false;
  std::thread thread_;
};

Result<int> open_log(const std::string& file) {
  const int fd =
      ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd >= 0) return fd;
  return fail(
      invalid_argument(fmt::format("log_file: cannot open \"{}\": {}", file,
                                   std::generic_category().message(errno))));
}

// Puts the file that is there now in the old one's place, under writers' feet.
void reopen_log(const Core& core, int log_to) {
  const std::string& file = core.config().log_file;
  if (file.empty()) return;
  const auto fresh = open_log(file);
  if (!fresh) {
    core.log().error("the log goes on in its old file",
                     {{"error", fresh.error().message()}});
    return;
  }
  ::dup3(*fresh, log_to, O_CLOEXEC);
  ::close(*fresh);
}

void on_hangup(net::Server& server, Core& core, int log_to) {
  reopen_log(core, log_to);
  core.log().info("SIGHUP: rereading certificates, reopening files");
  if (auto reloaded = server.reload_tls(); !reloaded) {
    core.log().error("certificates kept as they were",
                     {{"error", reloaded.error().message()}});
  }
  if (auto reopened = core.audit().reopen(); !reopened) {
    core.log().error("audit files could not be reopened",
                     {{"error", reopened.error().message()}});
  }
}

void serve_until_signal(net::Server& server, Core& core, int log_to) {
  std::thread loops([&] { server.run(); });
  for (;;) {
    const int signal_number = wait_for_signal(1000);
    if (signal_number == SIGHUP) on_hangup(server, core, log_to);
    if (signal_number == SIGTERM || signal_number == SIGINT) break;
  }
  core.log().info("stopping: answering what is in flight");
  server.stop(kStopGrace);
  loops.join();
}

std::map<std::string, seal::HealthOptions, std::less<>> health_options(
    const ServerConfig& config) {
  std::map<std::string, seal::HealthOptions, std::less<>> all;
  for (const SealStanza& seal : config.seals) {
    all.emplace(seal.name.empty() ? seal.kind : seal.name, seal.health);
  }
  return all;
}

// Beside the store: on its disk, and surely writable.
std::string snapshot_directory(const ServerConfig& config) {
  const auto path = config.storage_options.find("path");
  return path == config.storage_options.end() ? "" : path->second;
}

// What other nodes know this one by: the same after a restart.
std::string node_name(const ServerConfig& config) {
  char host[256] = {};
  ::gethostname(host, sizeof host - 1);
  return fmt::format("{}/{}", host, config.listeners.front().address);
}

Result<int> log_file(const ServerConfig& config) {
  if (config.log_file.empty()) return STDERR_FILENO;
  return open_log(config.log_file);
}

int report(const Error& error) {
  fmt::print(stderr, "Error: {}\n", error.message());
  return 1;
}

// Nothing is written where the install record disagrees. Opening is the
// Keeper's.
Result<void> check_at_start(Core& core, bool automatic) {
  if (auto finished = core.finish_restore(); !finished) {
    // It serves nothing, but another snapshot can be restored.
    core.log().error("the store holds half of a restore",
                     {{"error", finished.error().message()}});
    return {};
  }
  TRY_ASSIGN(const bool initialised, core.custody().initialized());
  if (!initialised) {
    core.log().info("not initialised yet: run `bulla operator init`");
    return {};
  }
  TRY(core.custody().check_install());
  if (!automatic) core.log().info("sealed: run `bulla operator unseal`");
  return {};
}

Result<void> require_locked_memory() {
  TRY(require_lockable_memory());
  if (start_key_heap()) return {};
  return fail(ErrorCode::kExhausted,
              "cannot lock the memory of private keys: raise the limit "
              "(LimitMEMLOCK=infinity in the systemd unit, or ulimit -l), or "
              "set disable_mlock = true in the configuration if swap is off or "
              "encrypted");
}

Result<void> write_pid_file(const std::string& path) {
  auto written = write_private_file(path, fmt::format("{}\n", getpid()));
  if (written) return {};
  return fail(std::move(written).error().with_context("pid_file"));
}

// Accepted so that files of Vault start unchanged; not passed over in silence.
void tell_of_what_is_ignored(const ServerConfig& config, const Logger& log) {
  if (config.ui) log.warn("ui = true: there is no web page yet");
  if (config.raw_storage_endpoint) {
    log.warn("raw_storage_endpoint = true: there is no such endpoint yet");
  }
}

Result<void> run(DaemonParts& parts) {
  const ServerConfig& config = parts.config;
  if (!config.disable_mlock) TRY(require_locked_memory());
  const SystemClock clock;
  crypto::SystemRng rng;
  TRY_ASSIGN(const LogLevel level, parse_log_level(config.log_level));
  TRY_ASSIGN(const int log_to, log_file(config));
  const Logger log(
      clock, level,
      config.log_format == "json" ? LogFormat::kJson : LogFormat::kStandard,
      log_to);
  tell_of_what_is_ignored(config, log);
  const bool automatic = !parts.providers.empty();
  Core core({config, *parts.storage, rng, clock, log,
             std::move(parts.providers), std::move(parts.engines), automatic,
             std::move(parts.custody_options), health_options(config),
             snapshot_directory(config), std::move(parts.seal_tokens)});
  parts.add_fixed_mounts(core);
  core.mounts().start();
  add_collectors(core, *parts.storage);

  const unsigned cores = usable_cores();
  const unsigned loops = config.event_loops != 0 ? config.event_loops : cores;
  const unsigned threads =
      config.worker_threads != 0 ? config.worker_threads : kBlockingThreads;
  std::vector<net::ListenerOptions> listeners;
  for (const ListenerConfig& listener : config.listeners) {
    listeners.push_back(listener_options(listener));
  }
  std::unique_ptr<WorkerPool> blocking;
  std::unique_ptr<WorkerPool> computing;
  std::unique_ptr<WorkerPool> logins;
  TRY_ASSIGN(const auto server,
             net::Server::create(std::move(listeners), loops, [&](unsigned) {
               return std::make_unique<HttpHandler>(core, *blocking, *computing,
                                                    *logins);
             }));
  blocking = std::make_unique<WorkerPool>(core, threads);
  computing = std::make_unique<WorkerPool>(core, cores, Priority::kLow);
  logins = std::make_unique<WorkerPool>(core, std::max(1U, cores / 2),
                                        Priority::kLow, kWaitingLoginsMax);

  const std::string address = server->addresses().front();
  if (parts.dev) {
    TRY_ASSIGN(const DevKeys keys, start_dev(core, *parts.dev));
    fmt::print("{}", dev_banner(keys, *parts.dev, address));
    std::fflush(stdout);
  } else {
    TRY(check_at_start(core, automatic));
  }
  if (!config.pid_file.empty()) {
    TRY(write_pid_file(config.pid_file));
  }
  std::optional<Keeper> keeper(std::in_place, core, automatic,
                               node_name(config));
  keeper->await_first_try();
  for (const std::string& bound : server->addresses()) {
    log.info("listening", {{"address", bound},
                           {"storage", std::string(parts.storage->kind())},
                           {"version", BULLA_VERSION}});
  }
  core.health().start();
  {
    const dek::ReencryptThread reencrypting(core.reencryptor());
    serve_until_signal(*server, core, log_to);
  }
  keeper.reset();
  // Before the server: their jobs complete its exchanges.
  blocking.reset();
  computing.reset();
  logins.reset();
  core.seal();
  if (!config.pid_file.empty()) ::unlink(config.pid_file.c_str());
  log.info("stopped");
  return {};
}

}  // namespace

int run_daemon(DaemonParts parts) {
  block_signals();
  const Result<void> ran = run(parts);
  return ran ? 0 : report(ran.error());
}

}  // namespace bulla::server
