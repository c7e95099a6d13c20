#include "net/server.h"

#include <pthread.h>

#include <algorithm>
#include <thread>

#include "net/listener.h"
#include "net/loop.h"

namespace bulla::net {
namespace {

// With several loops each binds the port with SO_REUSEPORT, which would share
// it with a stranger too. A socket without it, bound for a moment, finds one.
Result<void> claim_port(Listener& listener) {
  std::vector<std::unique_ptr<Listener>> one;
  one.push_back(std::make_unique<Listener>(listener.options, 0));
  one.front()->bound = listener.bound;
  TRY_ASSIGN(const auto probe, Loop::create(0, one));
  listener.bound = one.front()->bound;
  listener.shared_port = true;
  return {};
}

}  // namespace

struct Server::Impl {
  HandlerFactory factory;
  std::vector<std::unique_ptr<Listener>> listeners;
  std::vector<std::unique_ptr<Loop>> loops;
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::create(
    std::vector<ListenerOptions> listeners, unsigned loops,
    HandlerFactory factory) {
  auto impl = std::make_unique<Impl>();
  impl->factory = std::move(factory);
  for (auto& options : listeners) {
    auto listener =
        std::make_unique<Listener>(std::move(options), impl->listeners.size());
    listener->bound = listener->options.address;
    if (listener->options.tls) {
      TRY_ASSIGN(listener->tls, TlsContext::create(*listener->options.tls));
    }
    if (loops > 1) TRY(claim_port(*listener));
    impl->listeners.push_back(std::move(listener));
  }
  for (unsigned i = 0; i < std::max(loops, 1U); ++i) {
    TRY_ASSIGN(auto loop, Loop::create(i, impl->listeners));
    impl->loops.push_back(std::move(loop));
  }
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

std::vector<std::string> Server::addresses() const {
  std::vector<std::string> addresses;
  for (const auto& listener : impl_->listeners) {
    addresses.push_back(listener->bound);
  }
  return addresses;
}

void Server::run() {
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < impl_->loops.size(); ++i) {
    threads.emplace_back([this, i] { impl_->loops[i]->run(impl_->factory); });
    const auto name = "bulla-net-" + std::to_string(i);
    pthread_setname_np(threads.back().native_handle(), name.c_str());
  }
  for (auto& thread : threads) thread.join();
}

void Server::stop(std::chrono::milliseconds grace) {
  for (const auto& loop : impl_->loops) loop->stop(grace);
}

Result<void> Server::reload_tls() {
  std::vector<SslContextPtr> contexts;
  for (const auto& listener : impl_->listeners) {
    contexts.emplace_back();
    if (listener->tls) {
      TRY_ASSIGN(contexts.back(), listener->tls->load());
    }
  }
  for (std::size_t i = 0; i < contexts.size(); ++i) {
    if (contexts[i]) impl_->listeners[i]->tls->replace(std::move(contexts[i]));
  }
  return {};
}

void Server::post(unsigned loop, std::function<void()> task) {
  impl_->loops[loop]->post(std::move(task));
}

}  // namespace bulla::net
