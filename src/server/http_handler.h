#pragma once

#include "net/message.h"
#include "server/pipeline.h"
#include "server/worker.h"
#include "server/worker_pool.h"

namespace bulla::server {

/// One event loop's way into the server: answers what takes microseconds where
/// it came, hands the rest to a pool.
class HttpHandler final : public net::LoopHandler {
 public:
  HttpHandler(Core& core, WorkerPool& blocking, WorkerPool& computing,
              WorkerPool& logins)
      : worker_(core),
        blocking_(blocking),
        computing_(computing),
        logins_(logins) {}

  void handle(net::Exchange& exchange) override;
  bool before_send() override;

 private:
  WorkerPool& pool_for(Outcome outcome);
  void hand_over(net::Exchange& exchange, WorkerPool& pool);

  Worker worker_;
  WorkerPool& blocking_;
  WorkerPool& computing_;
  WorkerPool& logins_;
};

}  // namespace bulla::server
