#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "storage/pg_connection.h"
#include "storage/postgresql.h"
#include "storage/temp_dir.h"
#include "storage/test_process.h"

namespace bulla::storage {

/// A PostgreSQL server in a directory of its own, on a socket in it.
class TestPostgres {
 public:
  /// One for the whole program.
  static TestPostgres& shared() {
    static TestPostgres server;
    return server;
  }

  TestPostgres() {
    if (user_ != nullptr) {
      BULLA_ASSERT(::chown(dir_.path().c_str(), user_->pw_uid, user_->pw_gid) ==
                   0);
    }
    TestProcess initdb;
    initdb.start({binary("initdb"), "-D", data_, "-U", "bulla", "-A", "trust",
                  "--no-sync", "-E", "UTF8", "--locale=C"},
                 log_, user_);
    BULLA_ASSERT(initdb.wait() == 0);
    start();
  }

  void start() {
    server_.start({binary("postgres"), "-D", data_, "-k", dir_.path(), "-h", "",
                   "-F", "-c", "max_connections=200"},
                  log_, user_);
    for (int i = 0; i < 400; ++i) {
      if (PgConnection::open({url(), std::chrono::seconds(5)})) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(25));
    }
    BULLA_ASSERT(false);
  }
  void stop() { server_.end(SIGQUIT); }
  /// All that the server does stands still.
  void pause() { signal_all(SIGSTOP); }
  void resume() { signal_all(SIGCONT); }

  std::string url() const {
    return "host=" + dir_.path() + " user=bulla dbname=postgres";
  }
  /// Tables that nobody else has.
  static std::string fresh_table() {
    static std::atomic<int> number{0};
    return "t" + std::to_string(++number);
  }

 private:
  static std::string binary(const char* name) {
    for (int version = 20; version >= 12; --version) {
      std::string path =
          "/usr/lib/postgresql/" + std::to_string(version) + "/bin/" + name;
      if (std::filesystem::exists(path)) return path;
    }
    return name;
  }
  void signal_all(int number) const {
    TestProcess shell;
    shell.start(
        {"/bin/sh", "-c",
         "p=$(head -1 " + data_ + "/postmaster.pid); kill -" +
             std::to_string(number) + " $p $(cat /proc/$p/task/$p/children)"},
        log_);
    shell.wait();
  }

  TempDir dir_;
  std::string data_ = dir_.path() + "/data";
  std::string log_ = "/dev/null";
  // The server refuses to be root's.
  const passwd* user_ = ::getuid() == 0 ? ::getpwnam("postgres") : nullptr;
  TestProcess server_;
};

inline std::unique_ptr<PostgresqlStorage> open_postgresql(
    std::string table, std::chrono::milliseconds timeout = {}) {
  PostgresqlOptions options;
  options.connection_url = TestPostgres::shared().url();
  options.table = std::move(table);
  if (timeout.count() > 0) options.request_timeout = timeout;
  auto opened = PostgresqlStorage::open(std::move(options));
  BULLA_ASSERT(opened);
  return *std::move(opened);
}

}  // namespace bulla::storage
