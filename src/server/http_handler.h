#pragma once

#include "net/message.h"
#include "server/worker.h"
#include "server/worker_pool.h"

namespace bulla::server {

/// One event loop's way into the server: answers what takes microseconds where
/// it came, hands the rest to the pool.
class HttpHandler final : public net::LoopHandler {
 public:
  HttpHandler(Core& core, WorkerPool& pool) : worker_(core), pool_(pool) {}

  void handle(net::Exchange& exchange) override;
  bool before_send() override;

 private:
  void hand_over(net::Exchange& exchange);

  Worker worker_;
  WorkerPool& pool_;
};

}  // namespace bulla::server
