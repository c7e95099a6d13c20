#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "net/buffer.h"
#include "net/server.h"
#include "net/tls.h"

namespace bulla::net {

/// What the loops share of one listener. Any thread.
struct Listener {
  Listener(ListenerOptions o, std::size_t its_place)
      : options(std::move(o)),
        place(its_place),
        budget(options.limits.buffered_bytes_total) {}

  ListenerOptions options;
  const std::size_t place;  ///< Among the server's: Peer::listener.
  /// As asked for, then with the port that was bound.
  std::string bound;
  std::unique_ptr<TlsContext> tls;  ///< Null for plain HTTP.
  bool shared_port = false;         ///< Bound once by each of several loops.
  std::atomic<std::size_t> connections{0};
  Budget budget;
};

}  // namespace bulla::net
