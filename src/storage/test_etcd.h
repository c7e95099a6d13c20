#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "storage/etcd.h"
#include "storage/temp_dir.h"
#include "storage/test_process.h"

namespace bulla::storage {

/// An etcd of one member in a directory of its own, on the loopback.
class TestEtcd {
 public:
  /// One for the whole program.
  static TestEtcd& shared() {
    static TestEtcd server;
    return server;
  }

  explicit TestEtcd(std::vector<std::string> more = {})
      : more_(std::move(more)) {
    start();
  }

  void start() {
    const std::string peer = "http://127.0.0.1:" + std::to_string(peer_port_);
    std::vector<std::string> arguments = {
        "/usr/bin/etcd",
        "--name=one",
        "--data-dir=" + dir_.path() + "/data",
        "--listen-client-urls=" + url(),
        "--advertise-client-urls=" + url(),
        "--listen-peer-urls=" + peer,
        "--initial-advertise-peer-urls=" + peer,
        "--initial-cluster=one=" + peer,
        "--heartbeat-interval=20",
        "--election-timeout=200",
        "--logger=zap"};
    arguments.insert(arguments.end(), more_.begin(), more_.end());
    server_.start(arguments, "/dev/null");
    for (int i = 0; i < 400; ++i) {
      if (open("/wait/")) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(25));
    }
    BULLA_ASSERT(false);
  }
  void kill() { server_.end(SIGKILL); }
  void pause() { server_.signal(SIGSTOP); }
  void resume() { server_.signal(SIGCONT); }

  std::string url() const {
    return "http://127.0.0.1:" + std::to_string(port_);
  }
  EtcdOptions options(std::string path) const {
    EtcdOptions options;
    options.client.endpoints = {url()};
    options.path = std::move(path);
    return options;
  }
  Result<std::unique_ptr<EtcdStorage>> open(std::string path) const {
    return EtcdStorage::open(options(std::move(path)));
  }
  /// A place that nobody else has.
  static std::string fresh_path() {
    static std::atomic<int> number{0};
    return "/t" + std::to_string(++number);
  }

 private:
  TempDir dir_;
  int port_ = free_port();
  int peer_port_ = free_port();
  std::vector<std::string> more_;
  TestProcess server_;
};

}  // namespace bulla::storage
