#pragma once

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "loadgen/client.h"

namespace bulla::loadgen {

class Http2Client final : public Client {
 public:
  Http2Client(const Options& options, Templates& templates, Totals& totals,
              SSL_CTX* tls)
      : Client(options, templates, totals, tls), slots_(options.depth) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, &on_header);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks,
                                                           &on_close);
    nghttp2_option* option = nullptr;
    nghttp2_option_new(&option);
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_option_set_no_http_messaging(option, 1);
    nghttp2_session_client_new2(&session_, callbacks, this, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    const nghttp2_settings_entry window = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE,
                                           1U << 24};
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, &window, 1);
    nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0,
                                          1 << 28);
    build_headers();
  }
  ~Http2Client() override { nghttp2_session_del(session_); }

  void start() override {
    for (auto& slot : slots_) submit(slot, now_ns());
    flush(0);
  }

 private:
  struct Slot {
    const Template* request = nullptr;
    std::size_t sent_bytes = 0;
    std::uint64_t sent = 0;
    int status = 0;
  };

  static nghttp2_nv header(std::string_view name, std::string_view value) {
    const auto bytes = [](std::string_view text) {
      return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
    };
    return {bytes(name), bytes(value), name.size(), value.size(),
            NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
  }

  void build_headers() {
    for (const auto& [name, value] : options_.headers) {
      names_.push_back(name);
      for (auto& c : names_.back()) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
      }
    }
    authority_ = options_.host + ":" + std::to_string(options_.port);
    headers_ = {header(":method", options_.method), header(":path", ""),
                header(":scheme", options_.tls ? "https" : "http"),
                header(":authority", authority_)};
    for (std::size_t i = 0; i < names_.size(); ++i) {
      headers_.push_back(header(names_[i], options_.headers[i].second));
    }
    headers_.push_back(header("content-length", ""));
  }

  void submit(Slot& slot, std::uint64_t now) {
    slot = Slot{&templates_.next(), 0, now, 0};
    headers_[1] = header(":path", slot.request->path);
    headers_.back() = header("content-length", slot.request->length);
    nghttp2_data_provider provider;
    provider.source.ptr = &slot;
    provider.read_callback = &read_body;
    const bool body = !slot.request->body.empty();
    const auto stream = nghttp2_submit_request(
        session_, nullptr, headers_.data(), headers_.size() - (body ? 0 : 1),
        body ? &provider : nullptr, &slot);
    if (stream < 0) die("cannot open another stream");
  }

  static ssize_t read_body(nghttp2_session*, std::int32_t, std::uint8_t* into,
                           std::size_t room, std::uint32_t* flags,
                           nghttp2_data_source* source, void*) {
    auto& slot = *static_cast<Slot*>(source->ptr);
    const auto& body = slot.request->body;
    const auto n = std::min(room, body.size() - slot.sent_bytes);
    std::memcpy(into, body.data() + slot.sent_bytes, n);
    slot.sent_bytes += n;
    if (slot.sent_bytes == body.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(n);
  }

  static int on_header(nghttp2_session* session, const nghttp2_frame* frame,
                       const std::uint8_t* name, std::size_t name_size,
                       const std::uint8_t* value, std::size_t value_size,
                       std::uint8_t, void*) {
    if (name_size != 7 || std::memcmp(name, ":status", 7) != 0) return 0;
    auto* slot = static_cast<Slot*>(
        nghttp2_session_get_stream_user_data(session, frame->hd.stream_id));
    const auto* text = reinterpret_cast<const char*>(value);
    if (slot != nullptr) std::from_chars(text, text + value_size, slot->status);
    return 0;
  }

  static int on_close(nghttp2_session* session, std::int32_t stream,
                      std::uint32_t error, void* user) {
    auto& self = *static_cast<Http2Client*>(user);
    auto* slot = static_cast<Slot*>(
        nghttp2_session_get_stream_user_data(session, stream));
    self.totals_.add(error == 0 ? slot->status : 0, self.now_ - slot->sent);
    self.submit(*slot, self.now_);
    return 0;
  }

  void take(std::string_view bytes, std::uint64_t now) override {
    now_ = now;
    if (nghttp2_session_mem_recv(
            session_, reinterpret_cast<const std::uint8_t*>(bytes.data()),
            bytes.size()) < 0) {
      die("an answer that is not HTTP/2");
    }
  }

  void flush(std::uint64_t) override {
    out_.clear();
    const std::uint8_t* bytes = nullptr;
    for (;;) {
      const auto n = nghttp2_session_mem_send(session_, &bytes);
      if (n <= 0) break;
      out_.append(reinterpret_cast<const char*>(bytes),
                  static_cast<std::size_t>(n));
    }
    link_.send_all(out_);
  }

  nghttp2_session* session_ = nullptr;
  std::vector<Slot> slots_;
  std::vector<std::string> names_;
  std::vector<nghttp2_nv> headers_;
  std::string authority_;
  std::string out_;
  std::uint64_t now_ = 0;
};

}  // namespace bulla::loadgen
