#include "net/http2_callbacks.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <string>
#include <vector>

#include "net/http2.h"
#include "net/response_writer.h"

namespace bulla::net {
namespace {

constexpr std::size_t kFrameHead = 9;

std::uint8_t* bytes_of(std::string_view text) {
  // nghttp2 takes what it only reads as mutable.
  return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
}

std::string_view text_of(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

// A header that nghttp2 copies.
nghttp2_nv copied(std::string_view name, std::string_view value,
                  unsigned flags = NGHTTP2_NV_FLAG_NONE) {
  return {bytes_of(name), bytes_of(value), name.size(), value.size(),
          static_cast<std::uint8_t>(flags)};
}

// The body is taken straight from the response when the frame is sent.
ssize_t next_body(nghttp2_session*, std::int32_t, std::uint8_t*,
                  std::size_t room, std::uint32_t* flags,
                  nghttp2_data_source* source, void*) {
  auto& exchange = *static_cast<HttpExchange*>(source->ptr);
  const auto left = exchange.response().body.size() - exchange.body_sent;
  *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (left <= room) *flags |= NGHTTP2_DATA_FLAG_EOF;
  return static_cast<ssize_t>(std::min(left, room));
}

// The headers of one answer, with the text that they view.
class HeaderList {
 public:
  HeaderList(const Response& response, std::vector<nghttp2_nv>& list);
  const std::vector<nghttp2_nv>& list() const { return list_; }

 private:
  void add_extra(const Response& response);
  std::string_view keep(std::string_view text, bool lower);

  std::vector<nghttp2_nv>& list_;
  std::vector<std::unique_ptr<std::string>> kept_;
  std::array<char, 4> status_;
  std::array<char, 20> length_;
};

HeaderList::HeaderList(const Response& response, std::vector<nghttp2_nv>& list)
    : list_(list) {
  list_.clear();
  if (response.status == 200) {
    list_.push_back(Http2Callbacks::header(":status", "200"));
  } else {
    const int status = std::clamp(response.status, 200, 999);
    const auto* end = std::to_chars(status_.begin(), status_.end(), status).ptr;
    list_.push_back(copied(":status", {status_.data(), end}));
  }
  if (status_has_body(response.status)) {
    if (response.content_type == "application/json") {
      list_.push_back(
          Http2Callbacks::header("content-type", "application/json"));
    } else if (!response.content_type.empty()) {
      list_.push_back(
          copied("content-type", keep(response.content_type, false)));
    }
    const auto* end =
        std::to_chars(length_.begin(), length_.end(), response.body.size()).ptr;
    list_.push_back(copied("content-length", {length_.data(), end},
                           NGHTTP2_NV_FLAG_NO_COPY_NAME));
  }
  add_extra(response);
}

void HeaderList::add_extra(const Response& response) {
  bool cache_control = false;
  for (const auto& [name, value] : response.headers) {
    if (!header_may_be_sent(name)) continue;
    cache_control = cache_control || iequals(name, "cache-control");
    list_.push_back(copied(keep(name, true), keep(value, false)));
  }
  if (cache_control) return;
  list_.push_back(Http2Callbacks::header("cache-control", "no-store"));
}

std::string_view HeaderList::keep(std::string_view text, bool lower) {
  std::string scratch;
  kept_.push_back(
      std::make_unique<std::string>(clean_header_value(text, scratch)));
  auto& kept = *kept_.back();
  if (!lower) return kept;
  std::transform(kept.begin(), kept.end(), kept.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  });
  return kept;
}

}  // namespace

nghttp2_nv Http2Callbacks::header(std::string_view name,
                                  std::string_view value) {
  return copied(name, value,
                NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE);
}

int Http2Callbacks::submit_response(nghttp2_session* session,
                                    HttpExchange& exchange,
                                    std::vector<nghttp2_nv>& scratch) {
  const auto& response = exchange.response();
  const HeaderList headers(response, scratch);
  const bool body = status_has_body(response.status) &&
                    exchange.request().method != Method::kHead &&
                    !response.body.empty();
  nghttp2_data_provider provider;
  provider.source.ptr = &exchange;
  provider.read_callback = &next_body;
  return nghttp2_submit_response(session, exchange.stream_id,
                                 headers.list().data(), headers.list().size(),
                                 body ? &provider : nullptr);
}

nghttp2_session_callbacks* Http2Callbacks::table() {
  nghttp2_session_callbacks* table = nullptr;
  if (nghttp2_session_callbacks_new(&table) != 0) return nullptr;
  nghttp2_session_callbacks_set_on_begin_headers_callback(table,
                                                          &begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(table, &header_received);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(table,
                                                            &data_received);
  nghttp2_session_callbacks_set_on_frame_recv_callback(table, &frame_received);
  nghttp2_session_callbacks_set_on_stream_close_callback(table, &stream_closed);
  nghttp2_session_callbacks_set_send_data_callback(table, &send_data);
  return table;
}

nghttp2_session* Http2Callbacks::new_session(Http2Session* owner) {
  auto* callbacks = table();
  nghttp2_option* option = nullptr;
  nghttp2_session* session = nullptr;
  if (callbacks != nullptr && nghttp2_option_new(&option) == 0) {
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_session_server_new2(&session, callbacks, owner, option);
  }
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
  return session;
}

HttpExchange* Http2Callbacks::exchange(nghttp2_session* session,
                                       std::int32_t stream) {
  return static_cast<HttpExchange*>(
      nghttp2_session_get_stream_user_data(session, stream));
}

int Http2Callbacks::begin_headers(nghttp2_session*, const nghttp2_frame* frame,
                                  void* owner) {
  if (frame->hd.type == NGHTTP2_HEADERS &&
      frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
    static_cast<Http2Session*>(owner)->on_begin_headers(frame->hd.stream_id);
  }
  return 0;
}

int Http2Callbacks::header_received(
    nghttp2_session* session, const nghttp2_frame* frame,
    const std::uint8_t* name, std::size_t name_size, const std::uint8_t* value,
    std::size_t value_size, std::uint8_t, void* owner) {
  // Trailers are read and dropped.
  if (frame->hd.type != NGHTTP2_HEADERS ||
      frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
    return 0;
  }
  auto* const found = exchange(session, frame->hd.stream_id);
  if (found == nullptr) return 0;
  static_cast<Http2Session*>(owner)->on_header(*found, text_of(name, name_size),
                                               text_of(value, value_size));
  return 0;
}

int Http2Callbacks::data_received(nghttp2_session* session, std::uint8_t,
                                  std::int32_t stream, const std::uint8_t* data,
                                  std::size_t size, void* owner) {
  auto* const found = exchange(session, stream);
  if (found == nullptr) return 0;
  static_cast<Http2Session*>(owner)->on_body(*found, text_of(data, size));
  return 0;
}

int Http2Callbacks::frame_received(nghttp2_session* session,
                                   const nghttp2_frame* frame, void* owner) {
  auto& target = *static_cast<Http2Session*>(owner);
  const auto type = frame->hd.type;
  if (type == NGHTTP2_RST_STREAM) target.on_reset();
  if (type != NGHTTP2_HEADERS && type != NGHTTP2_DATA) return 0;
  if (type == NGHTTP2_HEADERS) target.on_head_left();
  auto* const found = exchange(session, frame->hd.stream_id);
  if (found == nullptr) return 0;
  const bool end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  if (type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
    target.on_headers_end(*found, end);
  }
  if (end) target.on_request_end(*found);
  return 0;
}

int Http2Callbacks::stream_closed(nghttp2_session* session, std::int32_t stream,
                                  std::uint32_t, void* owner) {
  // Also where a head was refused before its end.
  static_cast<Http2Session*>(owner)->on_head_left();
  auto* const found = exchange(session, stream);
  if (found == nullptr) return 0;
  static_cast<Http2Session*>(owner)->on_stream_close(*found);
  return 0;
}

int Http2Callbacks::send_data(nghttp2_session*, nghttp2_frame*,
                              const std::uint8_t* frame_head,
                              std::size_t length, nghttp2_data_source* source,
                              void* owner) {
  return static_cast<Http2Session*>(owner)->send_body(
      *static_cast<HttpExchange*>(source->ptr), text_of(frame_head, kFrameHead),
      length);
}

}  // namespace bulla::net
