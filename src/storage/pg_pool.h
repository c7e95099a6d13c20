#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "storage/pg_connection.h"

namespace bulla::storage {

/// Connections that are opened when they are needed and kept for the next. Any
/// thread.
class PgPool {
 public:
  struct Options {
    PgConnection::Options connection;
    std::size_t most = 16;
    std::size_t most_idle = 16;
  };

  /// A connection, given back at its end; closed when it is broken or in the
  /// middle of a transaction.
  class Lease {
   public:
    Lease(PgPool& pool, std::unique_ptr<PgConnection> connection, bool fresh)
        : pool_(&pool), connection_(std::move(connection)), fresh_(fresh) {}
    Lease(Lease&& other) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease();

    PgConnection& operator*() { return *connection_; }
    PgConnection* operator->() { return connection_.get(); }
    /// Just opened: a failure on it is not one of an old connection.
    bool fresh() const { return fresh_; }

   private:
    PgPool* pool_;
    std::unique_ptr<PgConnection> connection_;
    bool fresh_;
  };

  explicit PgPool(Options options) : options_(std::move(options)) {}

  /// Waits while all are in use.
  ///   kUnavailable  none came free in time, or none can be opened.
  Result<Lease> take();
  /// One that is of no pool.
  Result<std::unique_ptr<PgConnection>> open() const {
    return PgConnection::open(options_.connection);
  }
  const Options& options() const { return options_; }

 private:
  void give_back(std::unique_ptr<PgConnection> connection);
  void drop_idle();

  Options options_;
  std::mutex mutex_;
  std::condition_variable free_;
  std::vector<std::unique_ptr<PgConnection>> idle_;
  std::size_t in_use_ = 0;
};

}  // namespace bulla::storage
