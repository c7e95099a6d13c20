// A closed-loop HTTP load generator that costs little beside what it measures:
// one thread, epoll, C connections, each with D requests in flight (pipelined
// in HTTP/1.1, streams in HTTP/2), plain or TLS. Prints one line of JSON.
//
//   loadgen --port 8200 [--host 127.0.0.1] [--tls] [--h2] -c 32 [-d 1] -s 5
//           [--method POST] [--path /v1/x] [--body '{}'] [-H 'Name: value']…
//           [--templates FILE] [--random] [--warmup 1] [--requests N]
//
// A line of FILE is "PATH<TAB>BODY"; lines are used round-robin, or at random.
// A PATH that starts with ~ is load beside: it is left out of the latencies
// (HTTP/1.1 with -d 1 only).
// With --requests it stops after N answers, and there is no warm-up.
#include <nghttp2/nghttp2.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <memory>
#include <vector>

#include "loadgen/http1_client.h"
#include "loadgen/http2_client.h"

namespace bulla::loadgen {
namespace {

SSL_CTX* make_tls(const Options& options) {
  if (!options.tls) return nullptr;
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  static constexpr unsigned char kH2[] = {2, 'h', '2'};
  if (options.h2) SSL_CTX_set_alpn_protos(context, kH2, sizeof(kH2));
  return context;
}

// For `seconds`, or until `totals` counts `requests` answers (0: no bound).
void drive(int poller, double seconds, const Totals& totals,
           std::uint64_t requests) {
  std::array<epoll_event, 256> events;
  const auto end = now_ns() + static_cast<std::uint64_t>(seconds * 1e9);
  for (auto now = now_ns();
       requests == 0 ? now < end : totals.requests < requests;) {
    const int n = epoll_wait(poller, events.data(), events.size(), 1000);
    now = now_ns();
    for (int i = 0; i < n; ++i) {
      const auto& event = events[static_cast<std::size_t>(i)];
      static_cast<Client*>(event.data.ptr)->readable(now);
    }
  }
}

void print(const Totals& totals, double seconds) {
  std::printf(
      "{\"requests\":%llu,\"seconds\":%.3f,\"rps\":%.1f,\"p50_us\":%.1f,"
      "\"p99_us\":%.1f,\"p999_us\":%.1f,\"non_2xx\":%llu,\"bytes\":%llu}\n",
      static_cast<unsigned long long>(totals.requests), seconds,
      static_cast<double>(totals.requests) / seconds,
      totals.latency.percentile_us(0.5), totals.latency.percentile_us(0.99),
      totals.latency.percentile_us(0.999),
      static_cast<unsigned long long>(totals.bad),
      static_cast<unsigned long long>(totals.bytes));
}

}  // namespace
}  // namespace bulla::loadgen

int main(int argc, char** argv) {
  using namespace bulla::loadgen;
  signal(SIGPIPE, SIG_IGN);
  const auto options = parse(argc, argv);
  Templates templates(options);
  Totals totals;
  SSL_CTX* tls = make_tls(options);
  const int poller = epoll_create1(0);
  std::vector<std::unique_ptr<Client>> clients;
  for (unsigned i = 0; i < options.connections; ++i) {
    if (options.h2) {
      clients.push_back(
          std::make_unique<Http2Client>(options, templates, totals, tls));
    } else {
      clients.push_back(
          std::make_unique<Http1Client>(options, templates, totals, tls));
    }
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = clients.back().get();
    epoll_ctl(poller, EPOLL_CTL_ADD, clients.back()->fd(), &event);
  }
  for (const auto& client : clients) client->start();
  if (options.requests == 0) drive(poller, options.warmup, totals, 0);
  totals.clear();
  const auto begin = now_ns();
  drive(poller, options.seconds, totals, options.requests);
  print(totals, static_cast<double>(now_ns() - begin) / 1e9);
  clients.clear();
  SSL_CTX_free(tls);
  return 0;
}
