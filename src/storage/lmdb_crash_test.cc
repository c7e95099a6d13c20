// LmdbStorage against a killed process, a full disk and failing flushes.

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>

#include "storage/conformance.h"
#include "storage/lmdb.h"
#include "storage/temp_dir.h"

namespace bulla::storage {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::uint32_t kWriters = 3;

std::unique_ptr<LmdbStorage> open_at(const std::string& directory) {
  auto opened = LmdbStorage::open(
      {.directory = directory, .map_bytes_initial = std::size_t{1} << 17});
  return opened ? *std::move(opened) : nullptr;
}

/// One acknowledged commit, as the child tells of it: one write, so whole.
struct Report {
  std::uint32_t writer;
  std::uint32_t number;
};

std::string path_of(const Report& report) {
  return "w" + std::to_string(report.writer) + "/" +
         std::to_string(report.number);
}

/// Commits without end: the next number in two entries at once.
void write_and_report(Storage& storage, std::uint32_t writer,
                      std::uint32_t first, int pipe) {
  const std::string value(700, 'v');
  for (Report report{writer, first};; ++report.number) {
    const std::vector<Change> changes{
        put_change(path_of(report), value),
        put_change("twin/" + path_of(report), value)};
    if (!storage.commit(changes)) ::_exit(3);
    if (::write(pipe, &report, sizeof report) != sizeof report) ::_exit(4);
  }
}

[[noreturn]] void run_child(const std::string& directory, std::uint32_t first,
                            int pipe) {
  const auto storage = open_at(directory);
  if (!storage) ::_exit(2);
  std::vector<std::thread> writers;
  for (std::uint32_t w = 0; w < kWriters; ++w) {
    writers.emplace_back(
        [&, w] { write_and_report(*storage, w, first, pipe); });
  }
  for (auto& writer : writers) writer.join();
  ::_exit(5);
}

/// Reads reports until `deadline`, kills the child, and reads what is left.
std::vector<Report> collect_and_kill(pid_t child, int pipe,
                                     steady_clock::time_point deadline) {
  std::vector<Report> reports;
  bool killed = false;
  while (true) {
    if (!killed && steady_clock::now() >= deadline) {
      ::kill(child, SIGKILL);
      killed = true;
    }
    struct pollfd ready {
      pipe, POLLIN, 0
    };
    if (::poll(&ready, 1, 1) == 0) continue;
    Report report{};
    if (::read(pipe, &report, sizeof report) != sizeof report) break;
    reports.push_back(report);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
      << "the child ended by itself: " << status;
  return reports;
}

/// A child killed after `alive`; what it had acknowledged.
std::vector<Report> one_life(const std::string& directory, std::uint32_t first,
                             milliseconds alive) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) return {};
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    run_child(directory, first, ends[1]);
  }
  ::close(ends[1]);
  auto reports = collect_and_kill(child, ends[0], steady_clock::now() + alive);
  ::close(ends[0]);
  return reports;
}

TEST(LmdbCrash, KeepsWhatItAcknowledgedWhenKilled) {
  const TempDir dir;
  const auto end = steady_clock::now() + std::chrono::seconds(5);
  std::vector<Report> acknowledged;
  for (std::uint32_t life = 0; life < 20 && steady_clock::now() < end; ++life) {
    const auto reports = one_life(dir.path(), life * 1'000'000,
                                  milliseconds(20 + 7 * (life % 6)));
    acknowledged.insert(acknowledged.end(), reports.begin(), reports.end());
    const auto storage = open_at(dir.path());
    ASSERT_TRUE(storage) << "life " << life;
    for (const Report& report : acknowledged) {
      ASSERT_EQ(value_at(*storage, path_of(report)).size(), 700u)
          << path_of(report);
    }
    // Acknowledged or not: never one half of a commit.
    ASSERT_EQ(storage->scan("w")->size(), storage->scan("twin/")->size());
  }
  EXPECT_GT(acknowledged.size(), 200u);
}

/// Commits until one is refused; how many were taken. -1: by another error.
int fill_up(Storage& storage, const std::string& prefix) {
  const std::string value(20'000, 'v');
  for (int i = 0; i < 1000; ++i) {
    const auto done =
        commit_one(storage, put_change(prefix + std::to_string(i), value));
    if (done) continue;
    return done.error().code() == ErrorCode::kExhausted ? i : -1;
  }
  return 1000;
}

/// What holds while the disk is full, once it was filled with `stored`.
bool unharmed(Storage& storage, const std::string& prefix, int stored) {
  const auto paths = storage.scan(prefix);
  return paths && paths->size() == static_cast<std::size_t>(stored) &&
         value_at(storage, prefix + "0").size() == 20'000;
}

void limit_file_size(rlim_t bytes) {
  struct rlimit limit {};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  limit.rlim_cur = bytes;
  ::setrlimit(RLIMIT_FSIZE, &limit);
}

/// The number of the check that failed, 0 when none did.
int file_size_scenario(const std::string& directory) {
  ::signal(SIGXFSZ, SIG_IGN);
  auto storage = open_at(directory);
  if (!storage) return 1;
  limit_file_size(rlim_t{300'001});  // cuts a page in two: a short write
  const int stored = fill_up(*storage, "f");
  if (stored <= 0 || stored == 1000) return 2;
  if (!unharmed(*storage, "f", stored)) return 3;
  if (fill_up(*storage, "g") != 0) return 4;
  limit_file_size(RLIM_INFINITY);  // space again
  if (!commit_one(*storage, put_change("after", "v"))) return 5;
  if (!unharmed(*storage, "f", stored)) return 6;
  storage.reset();
  storage = open_at(directory);
  if (!storage || !unharmed(*storage, "f", stored)) return 7;
  return value_at(*storage, "after") == "v" ? 0 : 8;
}

TEST(LmdbCrash, RecoversFromAFullFile) {
  const TempDir dir;
  const pid_t child = ::fork();
  if (child == 0) ::_exit(file_size_scenario(dir.path()));
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

/// A file system of 1 MiB, where this process may mount one.
class SmallDisk {
 public:
  SmallDisk() {
    mounted_ =
        ::mount("tmpfs", dir_.path().c_str(), "tmpfs", 0, "size=1m") == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(dir_.path().c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }
  bool enlarge() {
    return ::mount("tmpfs", dir_.path().c_str(), "tmpfs", MS_REMOUNT,
                   "size=4m") == 0;
  }
  const std::string& path() const { return dir_.path(); }

 private:
  TempDir dir_;
  bool mounted_ = false;
};

TEST(LmdbCrash, RecoversFromAFullDisk) {
  SmallDisk disk;
  if (!disk.mounted()) GTEST_SKIP() << "not permitted to mount a tmpfs";
  auto storage = open_at(disk.path());
  ASSERT_TRUE(storage);
  const int stored = fill_up(*storage, "f");
  EXPECT_GT(stored, 5);
  EXPECT_LT(stored, 1000);
  EXPECT_TRUE(unharmed(*storage, "f", stored));
  EXPECT_EQ(fill_up(*storage, "g"), 0);
  ASSERT_TRUE(disk.enlarge());
  EXPECT_TRUE(commit_one(*storage, put_change("after", "v")));
  EXPECT_TRUE(unharmed(*storage, "f", stored));
  storage.reset();
}

/// LMDB's descriptor for meta pages: the one of data.mdb that writes through.
int meta_descriptor(const std::string& directory) {
  for (int fd = 3; fd < 256; ++fd) {
    std::error_code error;
    const auto target = std::filesystem::read_symlink(
        "/proc/self/fd/" + std::to_string(fd), error);
    if (error || target != directory + "/data.mdb") continue;
    if ((::fcntl(fd, F_GETFL) & O_DSYNC) != 0) return fd;
  }
  return -1;
}

// The write that makes a transaction count fails: the outcome is unknown, and
// the engine opens its files anew instead of staying dead.
TEST(LmdbCrash, ReopensWhenTheMetaPageCannotBeWritten) {
  const TempDir dir;
  const auto storage = open_at(dir.path());
  ASSERT_TRUE(storage);
  must_put(*storage, "before", "v");
  const int meta = meta_descriptor(dir.path());
  ASSERT_GE(meta, 0);
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_EQ(::dup2(full, meta), meta);
  ::close(full);
  const auto failed = commit_one(*storage, put_change("during", "v"));
  EXPECT_EQ(code_of(failed), ErrorCode::kUnavailable);
  EXPECT_NE(failed.error().message().find("outcome unknown"),
            std::string::npos);
  EXPECT_EQ(storage->stats()->reopened, 1u);
  EXPECT_EQ(value_at(*storage, "before"), "v");
  must_put(*storage, "after", "v");
  EXPECT_EQ(value_at(*storage, "after"), "v");
}

TEST(LmdbCrash, SaysSoWhenItCannotReopen) {
  const TempDir dir;
  auto storage = open_at(dir.path());
  ASSERT_TRUE(storage);
  const int meta = meta_descriptor(dir.path());
  ASSERT_GE(meta, 0);
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_EQ(::dup2(full, meta), meta);
  ::close(full);
  const std::string data = dir.path() + "/data.mdb";
  std::filesystem::rename(data, data + ".aside");
  std::filesystem::create_directory(data);
  EXPECT_EQ(code_of(commit_one(*storage, put_change("a", "v"))),
            ErrorCode::kUnavailable);
  EXPECT_EQ(value_at(*storage, "a"), "unavailable");
  EXPECT_FALSE(storage->list(""));
  EXPECT_FALSE(storage->stats());
  EXPECT_FALSE(commit_one(*storage, put_change("a", "v")));
  std::filesystem::remove(data);
  std::filesystem::rename(data + ".aside", data);
  must_put(*storage, "a", "v");
  EXPECT_EQ(value_at(*storage, "a"), "v");
}

}  // namespace
}  // namespace bulla::storage
