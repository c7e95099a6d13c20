#include "net/loop.h"

#include <pthread.h>
#include <time.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <csignal>

#include "net/connection.h"

namespace bulla::net {
namespace {

constexpr std::chrono::milliseconds kSweepWhenStopping{50};

}  // namespace

SteadyTime coarse_now() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return SteadyTime(std::chrono::seconds(now.tv_sec) +
                    std::chrono::nanoseconds(now.tv_nsec));
}

Result<std::unique_ptr<Loop>> Loop::create(
    unsigned index, const std::vector<std::unique_ptr<Listener>>& listeners) {
  std::unique_ptr<Loop> loop(new Loop(index));
  for (const auto& listener : listeners) {
    TRY_ASSIGN(auto acceptor, Acceptor::create(*loop, *listener));
    loop->acceptors_.push_back(std::move(acceptor));
    const auto& limits = listener->options.limits;
    const auto shortest = std::min(
        {limits.header_timeout, limits.body_timeout, limits.idle_timeout});
    loop->sweep_interval_ = std::clamp(
        shortest / 4, std::chrono::milliseconds(10), loop->sweep_interval_);
  }
  return loop;
}

Loop::~Loop() {
  // Exchanges that were never completed hold connections, which give their
  // buffers back.
  exchanges_.clear();
}

void Loop::run(const Server::HandlerFactory& factory) {
  // Signals are the composition root's; SIGPIPE is an error code here.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  handler_ = factory(index_);
  for (const auto& acceptor : acceptors_) acceptor->start();
  sweep();
  const auto work = boost::asio::make_work_guard(io_);
  io_.run();
  close_all();
  handler_.reset();
}

void Loop::close_all() {
  for (const auto& acceptor : acceptors_) acceptor->close();
  while (!connections_.empty()) ConnectionPtr(connections_.back())->close();
  dirty_.clear();
  sweep_timer_.cancel();
  grace_timer_.cancel();
  // Runs the cancelled waits, so that they let go of their connections.
  io_.restart();
  io_.poll();
}

void Loop::post(std::function<void()> task) {
  boost::asio::post(io_, std::move(task));
}

void Loop::stop(std::chrono::milliseconds grace) {
  boost::asio::post(io_, [this, grace] { begin_stop(grace); });
}

void Loop::begin_stop(std::chrono::milliseconds grace) {
  if (stopping_) return;
  stopping_ = true;
  for (const auto& acceptor : acceptors_) acceptor->close();
  const auto connections = connections_;
  for (const auto& connection : connections) connection->stop();
  sweep_interval_ = std::min(sweep_interval_, kSweepWhenStopping);
  sweep();
  grace_timer_.expires_after(grace);
  grace_timer_.async_wait([this](const boost::system::error_code& code) {
    if (!code) io_.stop();
  });
  end_if_idle();
}

void Loop::end_if_idle() {
  if (stopping_ && connections_.empty()) io_.stop();
}

void Loop::push_completed(HttpExchange& exchange) {
  auto* head = completed_.load(std::memory_order_relaxed);
  do {
    exchange.next_completed = head;
  } while (!completed_.compare_exchange_weak(
      head, &exchange, std::memory_order_release, std::memory_order_relaxed));
  // Whoever starts the list wakes the loop, for all that join it meanwhile.
  if (head == nullptr) {
    boost::asio::post(io_, [this] { take_completed(); });
  }
}

void Loop::take_completed() {
  HttpExchange* oldest = nullptr;
  auto* next = completed_.exchange(nullptr, std::memory_order_acquire);
  while (next != nullptr) {
    auto* const after = std::exchange(next->next_completed, oldest);
    oldest = std::exchange(next, after);
  }
  while (oldest != nullptr) {
    auto& exchange = *std::exchange(oldest, oldest->next_completed);
    const ConnectionPtr connection(&exchange.connection());
    connection->complete(exchange);
  }
}

void Loop::mark_dirty(ConnectionPtr connection) {
  dirty_.push_back(std::move(connection));
  if (turn_posted_) return;
  turn_posted_ = true;
  // Behind what is ready now: those answers join this turn.
  boost::asio::post(io_, [this] { end_turn(); });
}

void Loop::end_turn() {
  turn_posted_ = false;
  const bool ok = handler_->before_send();
  flushing_.swap(dirty_);
  for (const auto& connection : flushing_) connection->flush(ok);
  flushing_.clear();
}

void Loop::sweep() {
  const auto now = coarse_now();
  for (std::size_t i = connections_.size(); i-- > 0;) {
    if (i >= connections_.size()) continue;
    const auto connection = connections_[i];
    connection->check_deadlines(now);
  }
  sweep_timer_.expires_after(sweep_interval_);
  sweep_timer_.async_wait([this](const boost::system::error_code& code) {
    if (!code) sweep();
  });
}

void Loop::add(Connection& connection) {
  connection.slot = connections_.size();
  connections_.emplace_back(&connection);
}

void Loop::remove(Connection& connection) {
  const auto slot = connection.slot;
  connections_[slot].swap(connections_.back());
  connections_[slot]->slot = slot;
  connections_.pop_back();
  end_if_idle();
}

HttpExchange& Loop::acquire(ConnectionPtr connection) {
  if (free_exchanges_.empty()) {
    exchanges_.push_back(std::make_unique<HttpExchange>(*this));
    exchanges_.back()->pool_slot = exchanges_.size() - 1;
    free_exchanges_.push_back(exchanges_.back().get());
  }
  auto& exchange = *free_exchanges_.back();
  free_exchanges_.pop_back();
  exchange.begin(std::move(connection));
  return exchange;
}

void Loop::release(HttpExchange& exchange) {
  exchange.end();
  if (free_exchanges_.size() < kPooled) {
    free_exchanges_.push_back(&exchange);
    return;
  }
  const auto slot = exchange.pool_slot;
  exchanges_[slot].swap(exchanges_.back());
  exchanges_[slot]->pool_slot = slot;
  exchanges_.pop_back();
}

std::unique_ptr<ReceiveBuffer> Loop::take_buffer() {
  if (buffers_.empty()) {
    return std::make_unique<ReceiveBuffer>(ReceiveBuffer::kBytes);
  }
  auto buffer = std::move(buffers_.back());
  buffers_.pop_back();
  return buffer;
}

void Loop::give_buffer(std::unique_ptr<ReceiveBuffer> buffer) {
  if (buffer->capacity != ReceiveBuffer::kBytes) return;
  if (buffers_.size() < kPooled) buffers_.push_back(std::move(buffer));
}

std::string Loop::take_output() {
  if (outputs_.empty()) {
    std::string output;
    output.reserve(kOutputBytes);
    return output;
  }
  auto output = std::move(outputs_.back());
  outputs_.pop_back();
  return output;
}

void Loop::give_output(std::string output) {
  static constexpr std::size_t kKeptBytes = std::size_t{64} << 10;
  if (output.capacity() > kKeptBytes || outputs_.size() >= kPooled) return;
  output.clear();
  outputs_.push_back(std::move(output));
}

void Loop::keep_body(BodyBuffer&& body) {
  static constexpr std::size_t kKeptBytes = std::size_t{4} << 20;
  if (body.capacity() > kKeptBytes) return;
  if (body.capacity() > spare_body_.capacity()) spare_body_.swap(body);
}

}  // namespace bulla::net
