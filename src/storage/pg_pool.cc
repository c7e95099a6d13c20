#include "storage/pg_pool.h"

#include <utility>

namespace bulla::storage {

PgPool::Lease::~Lease() {
  if (connection_ != nullptr) pool_->give_back(std::move(connection_));
}

Result<PgPool::Lease> PgPool::take() {
  std::unique_lock lock(mutex_);
  const bool came = free_.wait_for(lock, options_.connection.timeout,
                                   [&] { return in_use_ < options_.most; });
  if (!came) {
    return fail(unavailable("postgresql: all connections are in use"));
  }
  ++in_use_;
  if (!idle_.empty()) {
    auto connection = std::move(idle_.back());
    idle_.pop_back();
    return Lease(*this, std::move(connection), false);
  }
  lock.unlock();
  auto opened = open();
  if (opened) return Lease(*this, *std::move(opened), true);
  lock.lock();
  --in_use_;
  free_.notify_one();
  return fail(std::move(opened).error());
}

void PgPool::give_back(std::unique_ptr<PgConnection> connection) {
  const bool broken = connection->broken();
  // What ended one has most likely ended the idle ones too.
  if (broken) drop_idle();
  if (broken || connection->in_transaction()) connection.reset();
  const std::lock_guard lock(mutex_);
  --in_use_;
  if (connection != nullptr && idle_.size() < options_.most_idle) {
    idle_.push_back(std::move(connection));
  }
  free_.notify_one();
}

void PgPool::drop_idle() {
  std::vector<std::unique_ptr<PgConnection>> dropped;
  const std::lock_guard lock(mutex_);
  dropped.swap(idle_);
}

}  // namespace bulla::storage
