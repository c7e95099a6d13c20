#include "server/http_handler.h"

#include <chrono>

#include "net/url.h"
#include "server/error_status.h"

namespace bulla::server {
namespace {

void answer_busy(net::Response& response) {
  response.reset();
  response.status = 503;
  response.headers.emplace_back("Retry-After", "1");
  response.body = plain_error_body(
      "the server is busy: too much work is waiting; try again in a moment");
}

// What is not under /v1/: no token is looked at here.
bool answer_outside(const net::Request& request, net::Response& response) {
  const std::string_view path = net::split_target(request.target).path;
  if (path.starts_with("/v1/")) return false;
  if (path == "/robots.txt") {
    response.content_type = "text/plain";
    response.body = "User-agent: *\nDisallow: /\n";
    return true;
  }
  response.status = 404;
  response.content_type = "text/plain; charset=utf-8";
  response.body = "404 page not found\n";
  return true;
}

}  // namespace

void HttpHandler::handle(net::Exchange& exchange) {
  if (answer_outside(exchange.request(), exchange.response())) return;
  const Outcome outcome =
      serve(exchange.request(), exchange.response(), worker_, false);
  if (outcome == Outcome::kAnswered) return;
  hand_over(exchange, pool_for(outcome));
}

WorkerPool& HttpHandler::pool_for(Outcome outcome) {
  if (outcome == Outcome::kNeedsCompute) return computing_;
  return outcome == Outcome::kNeedsLogin ? logins_ : blocking_;
}

void HttpHandler::hand_over(net::Exchange& exchange, WorkerPool& pool) {
  exchange.response().reset();
  exchange.detach();
  const auto queued = std::chrono::steady_clock::now();
  const Seconds patience =
      worker_.listener(exchange.request()).max_request_duration;
  net::Exchange* const waiting = &exchange;
  const bool taken = pool.submit([waiting, queued, patience](Worker& worker) {
    if (std::chrono::steady_clock::now() - queued > patience) {
      answer_busy(waiting->response());
    } else {
      serve(waiting->request(), waiting->response(), worker, true);
    }
    waiting->complete();
  });
  if (!taken) {
    answer_busy(exchange.response());
    exchange.complete();
  }
}

bool HttpHandler::before_send() { return worker_.recorder.flush(); }

}  // namespace bulla::server
