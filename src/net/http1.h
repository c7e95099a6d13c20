#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "net/buffer.h"
#include "net/connection.h"
#include "net/http1_parser.h"
#include "net/response_writer.h"

namespace bulla::net {

/// Received bytes that have not been consumed.
struct Input {
  std::unique_ptr<ReceiveBuffer> buffer;
  std::size_t begin = 0;
  std::size_t end = 0;

  std::string_view view() const {
    return buffer ? std::string_view(buffer->data.get() + begin, end - begin)
                  : std::string_view();
  }
  std::span<char> space() {
    return {buffer->data.get() + end, buffer->capacity - end};
  }
  /// Moves what is there to the front of a buffer of at least `capacity`.
  void compact(std::size_t capacity);
};

/// HTTP/1.0 and 1.1 on one connection: one request at a time, those pipelined
/// behind it wait in the receive buffer. Recognises HTTP/2's preface and
/// leaves.
class Http1Session final : public Session {
 public:
  explicit Http1Session(Connection& connection);
  ~Http1Session() override;

  bool wants_input() const override;
  std::span<char> input_space() override;
  void on_input(std::size_t bytes) override;
  void on_eof() override;
  void on_timeout() override;
  void on_sweep(SteadyTime) override {}
  void on_complete(HttpExchange& exchange) override;
  void end_turn(bool ok) override;
  void fill_output() override {}
  void on_drained() override;
  void on_stop() override;
  void on_close() override;

 private:
  enum class State { kHead, kBody, kOwnBody, kChunked, kDetached, kDone };
  /// Answers of one turn; what is pipelined behind them waits for the next.
  static constexpr unsigned kAnswersMax = 64;

  bool may_advance() const;
  void advance();
  bool advance_head();
  bool recognise_http2();
  bool wait_for_head(std::size_t received);
  void begin_request(std::string_view head);
  void begin_body();
  void begin_chunks();
  void begin_own_body();
  bool advance_body();
  bool advance_own_body();
  bool grow_own_body();
  bool advance_chunks();
  void ask_to_continue();
  void await_body();
  void dispatch();
  void answer();
  void write_answer(Response& response, AnswerForm form);
  void end_request();
  void refuse(int status, std::string_view text);
  void replace_answers();
  void give_back(Input& input);

  Connection& connection_;
  State state_ = State::kHead;
  Input input_;
  Input head_;  ///< Keeps a head whose body is received elsewhere.
  std::size_t scanned_ = 0;
  std::size_t head_size_ = 0;
  std::size_t in_place_ = 0;  ///< How much of input_ the request views.
  bool first_ = true;
  bool in_head_ = false;
  SteadyTime body_until_ = SteadyTime::max();
  std::optional<Http1Parser> parser_;
  HttpExchange* exchange_ = nullptr;

  // Of the turn: where its answers begin, how many, which answer HEAD.
  std::size_t turn_begin_ = 0;
  unsigned answers_ = 0;
  std::uint64_t heads_ = 0;
  bool continue_last_ = false;
};

}  // namespace bulla::net
