#pragma once

#include <boost/beast/http/basic_parser.hpp>
#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "net/message.h"

namespace bulla::net {

/// Parses one HTTP/1 request without copying it: what it gives are views of the
/// bytes put in. Stricter than the grammar where looseness lets two readers of
/// one byte stream disagree (request smuggling).
class Http1Parser final : private boost::beast::http::basic_parser<true> {
  using Base = boost::beast::http::basic_parser<true>;

 public:
  /// Where a chunked body's bytes go.
  class BodySink {
   public:
    virtual ~BodySink() = default;
    /// False stops the parser: no room.
    virtual bool append(std::string_view bytes) = 0;
  };

  /// What a request is refused with.
  struct Refusal {
    int status;
    std::string_view text;  ///< Static, needs no JSON escaping.
  };

  /// Headers are written to `headers`, which is cleared first. `sink` may be
  /// null where no chunked body is put. `body_bytes` SIZE_MAX: no limit.
  Http1Parser(std::vector<Header>& headers, BodySink* sink,
              std::size_t header_bytes, std::size_t body_bytes);

  /// Parses a whole head, "…\r\n\r\n", exactly. `head` must outlive the views.
  std::optional<Refusal> parse_head(std::string_view head);

  /// Parses some of a chunked body; returns how many bytes were consumed.
  /// Nothing consumed and no refusal: more input is needed.
  std::size_t parse_chunked(std::string_view bytes,
                            std::optional<Refusal>& refusal);

  std::string_view method() const { return method_; }
  std::string_view target() const { return target_; }
  bool http11() const { return version_ == 11; }
  using Base::chunked;
  using Base::is_done;
  using Base::keep_alive;
  /// Of the Content-Length header; 0 without one.
  std::size_t body_length() const { return body_length_; }
  bool expects_continue() const { return expects_continue_; }

 private:
  using Code = boost::beast::error_code;
  using Text = boost::beast::string_view;

  void on_request_impl(boost::beast::http::verb verb, Text method, Text target,
                       int version, Code& code) override;
  void on_response_impl(int, Text, int, Code&) override {}
  void on_field_impl(boost::beast::http::field field, Text name, Text value,
                     Code& code) override;
  void on_header_impl(Code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&,
                         Code&) override {}
  std::size_t on_body_impl(Text, Code&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, Text, Code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, Text body, Code& code) override;
  void on_finish_impl(Code&) override {}

  void refuse(int status, std::string_view text, Code& code);
  void note_framing(boost::beast::http::field field, std::string_view value,
                    Code& code);
  void note_length(std::string_view value, Code& code);
  Refusal refusal_for(const Code& code) const;
  std::optional<Refusal> check_head() const;

  std::vector<Header>& headers_;
  BodySink* sink_;
  std::string_view head_;
  std::string_view method_;
  std::string_view target_;
  std::size_t body_length_ = 0;
  std::size_t trailers_ = 0;
  int version_ = 0;
  int hosts_ = 0;
  bool has_length_ = false;
  bool has_encoding_ = false;
  bool head_done_ = false;
  bool expects_continue_ = false;
  std::optional<Refusal> refusal_;
};

}  // namespace bulla::net
