#pragma once

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>

#include "loadgen/client.h"

namespace bulla::loadgen {

/// Parses just enough of HTTP/1.1 to know where an answer ends.
class Http1Client final : public Client {
 public:
  using Client::Client;

  void start() override { send_batch(now_ns()); }

 private:
  void send_batch(std::uint64_t now) {
    out_.clear();
    for (unsigned i = 0; i < options_.depth; ++i) {
      const Template& next = templates_.next();
      aside_ = next.aside;
      out_ += next.http1;
    }
    outstanding_ = options_.depth;
    sent_ = now;
    link_.send_all(out_);
  }

  void take(std::string_view bytes, std::uint64_t now) override {
    while (!bytes.empty()) {
      if (chunked_) return take_chunks(bytes, now);
      if (body_left_ != 0) {
        const auto n = std::min(body_left_, bytes.size());
        body_left_ -= n;
        bytes.remove_prefix(n);
        if (body_left_ == 0) finish(now);
        continue;
      }
      if (!head_.empty()) {
        // A head that came in pieces; rare.
        head_.append(bytes);
        const auto end = head_.find("\r\n\r\n");
        if (end == std::string::npos) return;
        const auto used = end + 4 - (head_.size() - bytes.size());
        read_head(std::string_view(head_).substr(0, end + 4));
        head_.clear();
        bytes.remove_prefix(used);
      } else {
        const auto end = bytes.find("\r\n\r\n");
        if (end == std::string_view::npos) {
          head_.assign(bytes);
          return;
        }
        read_head(bytes.substr(0, end + 4));
        bytes.remove_prefix(end + 4);
      }
      if (body_left_ == 0 && !chunked_) finish(now);
    }
  }

  // Peers in Go send long answers in chunks. Only the end matters here, and
  // with one request in flight it is the end of what came.
  void take_chunks(std::string_view bytes, std::uint64_t now) {
    tail_.append(
        bytes.substr(bytes.size() - std::min<std::size_t>(bytes.size(), 7)));
    if (tail_.size() > 7) tail_.erase(0, tail_.size() - 7);
    if (tail_ != "\r\n0\r\n\r\n") return;
    chunked_ = false;
    tail_.clear();
    finish(now);
  }

  void read_head(std::string_view head) {
    if (head.size() < 13 || !head.starts_with("HTTP/1.1 ")) {
      die("an answer that is not HTTP/1.1");
    }
    std::from_chars(head.data() + 9, head.data() + 12, status_);
    static constexpr std::string_view kLength = "\r\nContent-Length: ";
    const auto at = head.find(kLength);
    body_left_ = 0;
    chunked_ = head.find("\r\nTransfer-Encoding: chunked\r\n") !=
               std::string_view::npos;
    if (chunked_ && options_.depth != 1) die("chunked answers want -d 1");
    if (at != std::string_view::npos) {
      std::from_chars(head.data() + at + kLength.size(),
                      head.data() + head.size(), body_left_);
    }
  }

  void finish(std::uint64_t now) {
    totals_.add(status_, now - sent_, aside_);
    --outstanding_;
  }
  void flush(std::uint64_t) override {
    if (outstanding_ == 0) send_batch(now_ns());
  }

  std::string out_;
  std::string head_;
  std::string tail_;
  std::size_t body_left_ = 0;
  bool chunked_ = false;
  int status_ = 0;
  unsigned outstanding_ = 0;
  bool aside_ = false;  // of the last request sent; with -d 1, of the only one
  std::uint64_t sent_ = 0;
};

}  // namespace bulla::loadgen
