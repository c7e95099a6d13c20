#pragma once

#include <nghttp2/nghttp2.h>

#include <string_view>
#include <vector>

#include "net/exchange.h"

namespace bulla::net {

class Http2Session;

/// What stands between nghttp2's C interface and Http2Session.
struct Http2Callbacks {
  /// A server's session that calls `owner` back; null without memory.
  static nghttp2_session* new_session(Http2Session* owner);

  /// A header that must live until it is sent: static text.
  static nghttp2_nv header(std::string_view name, std::string_view value);

  /// Hands an exchange's response to nghttp2, which takes its body later,
  /// through the session. Returns nghttp2's error. `scratch` saves memory.
  static int submit_response(nghttp2_session* session, HttpExchange& exchange,
                             std::vector<nghttp2_nv>& scratch);

 private:
  static nghttp2_session_callbacks* table();
  static HttpExchange* exchange(nghttp2_session* session, std::int32_t stream);
  static int begin_headers(nghttp2_session*, const nghttp2_frame* frame,
                           void* owner);
  static int header_received(nghttp2_session* session,
                             const nghttp2_frame* frame,
                             const std::uint8_t* name, std::size_t name_size,
                             const std::uint8_t* value, std::size_t value_size,
                             std::uint8_t flags, void* owner);
  static int data_received(nghttp2_session* session, std::uint8_t flags,
                           std::int32_t stream, const std::uint8_t* data,
                           std::size_t size, void* owner);
  static int frame_received(nghttp2_session* session,
                            const nghttp2_frame* frame, void* owner);
  static int stream_closed(nghttp2_session* session, std::int32_t stream,
                           std::uint32_t error, void* owner);
  static int send_data(nghttp2_session* session, nghttp2_frame* frame,
                       const std::uint8_t* frame_head, std::size_t length,
                       nghttp2_data_source* source, void* owner);
};

}  // namespace bulla::net
