#pragma once

#include <memory>

#include "net/client.h"
#include "server/daemon.h"

namespace bulla::server {

/// The sys/kek endpoints, and re-encryption, over the store of a stopped
/// server: no listener, no token. Whoever reads the configuration's KEKs and
/// writes the store could do all of it by hand. What changes something is on
/// the audit record as if it had come to the server, so that it needs a store
/// that opens, unless there is nothing in it yet. One thread.
class StoreApi {
 public:
  /// Opens the store and, where a configured seal does, the barrier.
  ///   kInvalidArgument  the configuration disagrees with the install record.
  ///   kExhausted        memory cannot be locked.
  static Result<std::unique_ptr<StoreApi>> open(DaemonParts parts);
  ~StoreApi();

  /// Answers as the server would. Any status is an answer.
  net::ClientResponse answer(const net::ClientRequest& request);

 private:
  struct Impl;
  explicit StoreApi(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace bulla::server
