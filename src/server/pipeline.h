#pragma once

#include "net/message.h"
#include "server/worker.h"

namespace bulla::server {

/// Where a request ended.
enum class Outcome {
  kAnswered,
  // Nothing was done or written: run it again
  kNeedsPool,     ///< where it may block.
  kNeedsCompute,  ///< where it may take long.
  kNeedsLogin,    ///< where logins take long, which anyone may try.
};

/// One request from bytes to answer: limits, route, token, policy, audit,
/// handler, audit, encoding, in this order and for every request alike
/// (ARCHITECTURE.md, "One request"). `may_block` is false on event loops.
///
/// On a loop only handlers without effect run, so their request and response
/// lines are written together at the turn's end, before the answer leaves. On
/// the pool the request line is on disk before the handler starts.
Outcome serve(const net::Request& request, net::Response& response,
              Worker& worker, bool may_block);

}  // namespace bulla::server
