#include "net/exchange.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "net/connection.h"
#include "net/loop.h"

namespace bulla::net {
namespace {

// More than this is not kept in the pool, nor given out on a mere claim.
constexpr std::size_t kKeptBytes = std::size_t{64} << 10;
// Room for the headers of a request as most are; kept in the pool.
constexpr std::size_t kFirstText = 2048;

constexpr std::string_view kHost = "host";

}  // namespace

void HttpExchange::complete() { loop_.push_completed(*this); }

void HttpExchange::begin(ConnectionPtr connection) {
  connection_ = std::move(connection);
  detached_ = false;
  gone = false;
  refused = false;
  expects_continue = false;
  body_sent = 0;
  due = body_until = std::chrono::steady_clock::time_point::max();
  stage = Stage::kReceiving;
  request_ = Request{};
  request_.peer = &connection_->peer();
  response_.reset();
}

void HttpExchange::end() {
  if (charged_ != 0) connection_->budget().give(std::exchange(charged_, 0));
  headers.clear();
  text_size_ = 0;
  body.clear();
  if (body.capacity() > kKeptBytes) loop_.keep_body(std::move(body));
  if (body.capacity() > kKeptBytes) body = BodyBuffer();
  if (text_capacity_ > kFirstText) {
    text_.reset();
    text_capacity_ = 0;
  }
  if (response_.body.capacity() > kKeptBytes) response_.body = std::string();
  connection_.reset();
}

bool HttpExchange::charge(std::size_t bytes) {
  if (!connection_->budget().take(bytes)) return false;
  charged_ += bytes;
  return true;
}

bool HttpExchange::reserve_body(std::size_t bytes) {
  if (bytes > kKeptBytes && body.capacity() <= kKeptBytes && body.size() == 0) {
    loop_.lend_body(body);
  }
  // What was charged covers the body's room or, on a lent one, its claim.
  if (bytes > charged_ && !charge(bytes - charged_)) return false;
  return body.reserve(bytes);
}

bool HttpExchange::append(std::string_view bytes) {
  const auto needed = body.size() + bytes.size();
  if (needed > body.capacity() || needed > charged_) {
    const auto room =
        std::max(needed, std::max<std::size_t>(1024, charged_ * 2));
    if (!reserve_body(room)) return false;
  }
  std::copy(bytes.begin(), bytes.end(), body.space().data());
  body.grew(bytes.size());
  return true;
}

std::string_view HttpExchange::body_view() const {
  static constexpr std::array<char, kBodyPadding> kEmpty{};
  return body.size() == 0 ? std::string_view(kEmpty.data(), 0) : body.view();
}

bool HttpExchange::add_header(std::string_view name, std::string_view value) {
  const auto size = text_size_ + name.size() + value.size();
  if (size > text_capacity_ &&
      !grow_text(std::max(size, std::max(kFirstText, text_capacity_ * 2)))) {
    return false;
  }
  char* const at = text_.get() + text_size_;
  std::memcpy(at, name.data(), name.size());
  std::memcpy(at + name.size(), value.data(), value.size());
  text_size_ = size;
  place_header({at, name.size()}, {at + name.size(), value.size()});
  return true;
}

bool HttpExchange::grow_text(std::size_t capacity) {
  if (capacity > kFirstText && !charge(capacity)) return false;
  std::unique_ptr<char[]> grown(new char[capacity]);
  const char* const old = text_.get();
  if (text_size_ != 0) std::memcpy(grown.get(), old, text_size_);
  const auto moved = [&](std::string_view text) -> std::string_view {
    if (text.empty()) return {};
    return {grown.get() + (text.data() - old), text.size()};
  };
  for (auto& header : headers) {
    if (header.name != kHost) header.name = moved(header.name);
    header.value = moved(header.value);
  }
  request_.method_text = moved(request_.method_text);
  request_.target = moved(request_.target);
  text_ = std::move(grown);
  text_capacity_ = capacity;
  return true;
}

void HttpExchange::place_header(std::string_view name, std::string_view value) {
  if (name.empty() || name.front() != ':') {
    expects_continue = expects_continue ||
                       (name == "expect" && iequals(value, "100-continue"));
    headers.push_back({name, value});
  } else if (name == ":path") {
    request_.target = value;
  } else if (name == ":method") {
    request_.method_text = value;
    request_.method = parse_method(value);
  } else if (name == ":authority") {
    headers.push_back({kHost, value});
  }
}

}  // namespace bulla::net
