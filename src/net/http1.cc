#include "net/http1.h"

#include <algorithm>
#include <cstring>

namespace bulla::net {
namespace {

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr std::string_view kHeadEnd = "\r\n\r\n";
// Room that a body gets before its first byte, and by which it then grows.
constexpr std::size_t kFirstRoom = std::size_t{128} << 10;
// Longer bodies of answers are sent from where they are, not copied.
constexpr std::size_t kTailBytes = std::size_t{64} << 10;

}  // namespace

void Input::compact(std::size_t capacity) {
  const auto size = end - begin;
  if (buffer->capacity >= capacity) {
    std::memmove(buffer->data.get(), buffer->data.get() + begin, size);
  } else {
    auto larger = std::make_unique<ReceiveBuffer>(capacity);
    std::memcpy(larger->data.get(), buffer->data.get() + begin, size);
    buffer = std::move(larger);
  }
  begin = 0;
  end = size;
}

Http1Session::Http1Session(Connection& connection) : connection_(connection) {}

Http1Session::~Http1Session() {
  give_back(input_);
  give_back(head_);
}

void Http1Session::give_back(Input& input) {
  if (input.buffer) connection_.loop().give_buffer(std::move(input.buffer));
  input = Input{};
}

bool Http1Session::may_advance() const {
  return state_ != State::kDetached && state_ != State::kDone &&
         answers_ < kAnswersMax && !connection_.has_tail() &&
         !connection_.backlogged();
}

bool Http1Session::wants_input() const { return may_advance(); }

std::span<char> Http1Session::input_space() {
  if (state_ == State::kOwnBody) {
    auto& body = exchange_->body;
    const auto missing = parser_->body_length() - body.size();
    return body.space().first(std::min(missing, body.space().size()));
  }
  if (!input_.buffer) {
    input_ = Input{connection_.loop().take_buffer(), 0, 0};
  } else if (input_.space().empty()) {
    // Only reached where nothing views the buffer: an in-place body fits in it.
    const auto capacity = input_.buffer->capacity;
    input_.compact(input_.begin == 0 ? capacity * 2 : capacity);
  }
  return input_.space();
}

void Http1Session::on_input(std::size_t bytes) {
  if (state_ == State::kOwnBody) {
    exchange_->body.grew(bytes);
  } else {
    input_.end += bytes;
  }
  advance();
}

void Http1Session::advance() {
  bool more = true;
  while (more && may_advance()) {
    switch (state_) {
      case State::kHead:
        more = advance_head();
        break;
      case State::kBody:
        more = advance_body();
        break;
      case State::kOwnBody:
        more = advance_own_body();
        break;
      case State::kChunked:
        more = advance_chunks();
        break;
      case State::kDetached:
      case State::kDone:
        return;
    }
  }
}

// Each advance_… returns whether to go on; never touch a member once
// recognise_http2() has said yes: the session is gone then.
bool Http1Session::advance_head() {
  if (first_ && recognise_http2()) return false;
  while (input_.view().starts_with("\r\n")) input_.begin += 2;
  const auto received = input_.view();
  const auto end = received.find(kHeadEnd, scanned_);
  if (end == std::string_view::npos) return wait_for_head(received.size());
  head_size_ = end + kHeadEnd.size();
  if (head_size_ > connection_.limits().header_bytes) {
    refuse(431, "headers too large");
    return false;
  }
  begin_request(received.substr(0, head_size_));
  return true;
}

bool Http1Session::recognise_http2() {
  const auto received = input_.view();
  const auto known = std::min(received.size(), kPreface.size());
  if (received.substr(0, known) != kPreface.substr(0, known)) {
    first_ = false;
    return false;
  }
  if (known == kPreface.size()) {
    connection_.switch_to_http2(received);
    return true;
  }
  wait_for_head(known);
  return true;
}

bool Http1Session::wait_for_head(std::size_t received) {
  if (received == 0) {
    give_back(input_);
    return false;
  }
  const char first = input_.view().front();
  if (first <= ' ' || first == '\x7f') {
    if (first != '\r' || received > 1) refuse(400, "malformed HTTP request");
    return false;
  }
  if (received > connection_.limits().header_bytes) {
    refuse(431, "headers too large");
    return false;
  }
  scanned_ = received < kHeadEnd.size() ? 0 : received - kHeadEnd.size() + 1;
  if (!std::exchange(in_head_, true)) {
    connection_.set_deadline(connection_.limits().header_timeout);
  }
  return false;
}

void Http1Session::begin_request(std::string_view head) {
  scanned_ = 0;
  in_head_ = false;
  body_until_ = SteadyTime::max();
  const auto& limits = connection_.limits();
  exchange_ = &connection_.loop().acquire(&connection_);
  parser_.emplace(exchange_->headers, exchange_, limits.header_bytes,
                  limits.body_bytes);
  if (const auto refusal = parser_->parse_head(head)) {
    return refuse(refusal->status, refusal->text);
  }
  auto& request = exchange_->mutable_request();
  request.method_text = parser_->method();
  request.method = parse_method(request.method_text);
  request.target = parser_->target();
  request.headers = exchange_->headers;
  begin_body();
}

void Http1Session::begin_body() {
  if (parser_->chunked()) return begin_chunks();
  const auto length = parser_->body_length();
  if (length != 0 && input_.view().size() == head_size_) ask_to_continue();
  const auto room = input_.buffer->capacity - input_.begin - head_size_;
  if (length > room) return begin_own_body();
  state_ = State::kBody;
  in_place_ = head_size_ + length;
}

void Http1Session::begin_chunks() {
  state_ = State::kChunked;
  await_body();
  const auto rest = input_.view().substr(head_size_);
  Input chunks{connection_.loop().take_buffer(), 0, rest.size()};
  if (rest.size() > chunks.buffer->capacity) {
    chunks.buffer = std::make_unique<ReceiveBuffer>(rest.size());
  }
  std::copy(rest.begin(), rest.end(), chunks.buffer->data.get());
  head_ = std::exchange(input_, std::move(chunks));
  if (rest.empty()) ask_to_continue();
}

void Http1Session::begin_own_body() {
  const auto rest = input_.view().substr(head_size_);
  const auto room = std::min(parser_->body_length(), kFirstRoom);
  if (!exchange_->reserve_body(std::max(room, rest.size()))) {
    return refuse(503, "too many requests in flight");
  }
  state_ = State::kOwnBody;
  std::copy(rest.begin(), rest.end(), exchange_->body.space().data());
  exchange_->body.grew(rest.size());
  input_.end = input_.begin + head_size_;
  in_place_ = head_size_;
}

void Http1Session::await_body() {
  const auto now = coarse_now();
  const auto& limits = connection_.limits();
  if (body_until_ == SteadyTime::max()) {
    body_until_ = now + limits.request_timeout;
  }
  connection_.set_deadline_at(std::min(now + limits.body_timeout, body_until_));
}

void Http1Session::ask_to_continue() {
  if (!parser_->expects_continue()) return;
  connection_.output().append(kContinue);
  continue_last_ = true;
  connection_.touch();
}

bool Http1Session::advance_body() {
  const auto length = parser_->body_length();
  const auto received = input_.view();
  if (received.size() < head_size_ + length) {
    await_body();
    return false;
  }
  exchange_->mutable_request().body = received.substr(head_size_, length);
  dispatch();
  return true;
}

bool Http1Session::advance_own_body() {
  if (exchange_->body.size() < parser_->body_length()) {
    await_body();
    if (!grow_own_body()) refuse(503, "too many requests in flight");
    return false;
  }
  exchange_->mutable_request().body = exchange_->body_view();
  dispatch();
  return true;
}

bool Http1Session::grow_own_body() {
  auto& body = exchange_->body;
  if (!body.space().empty()) return true;
  return exchange_->reserve_body(
      std::min(parser_->body_length(), body.size() * 2));
}

bool Http1Session::advance_chunks() {
  std::optional<Http1Parser::Refusal> refusal;
  const auto used = parser_->parse_chunked(input_.view(), refusal);
  input_.begin += used;
  if (refusal) {
    refuse(refusal->status, refusal->text);
    return false;
  }
  if (!parser_->is_done()) {
    // A chunk's head, or the trailers, that fill a buffer are an attack.
    if (input_.view().size() >= ReceiveBuffer::kBytes) {
      refuse(400, "malformed chunked body");
    } else {
      await_body();
    }
    return false;
  }
  exchange_->mutable_request().body = exchange_->body_view();
  dispatch();
  return true;
}

void Http1Session::dispatch() {
  connection_.clear_deadline();
  connection_.loop().handler().handle(*exchange_);
  if (exchange_->detached()) {
    state_ = State::kDetached;
    return;
  }
  answer();
}

void Http1Session::answer() {
  const bool keep = parser_->keep_alive() && !connection_.loop().stopping();
  AnswerForm form;
  form.head = exchange_->request().method == Method::kHead;
  form.close = !keep;
  form.keep_alive = keep && !parser_->http11();
  write_answer(exchange_->response(), form);
  end_request();
  if (keep) return;
  state_ = State::kDone;
  connection_.finish();
}

void Http1Session::write_answer(Response& response, AnswerForm form) {
  auto& out = connection_.output();
  if (answers_ == 0) turn_begin_ = out.size();
  if (form.head) heads_ |= std::uint64_t{1} << answers_;
  ++answers_;
  continue_last_ = false;
  append_head(out, response, form);
  connection_.touch();
  if (form.head || !status_has_body(response.status)) return;
  if (response.body.size() < kTailBytes) {
    out.append(response.body);
  } else {
    connection_.set_tail(std::move(response.body));
  }
}

void Http1Session::end_request() {
  input_.begin += std::exchange(in_place_, 0);
  give_back(head_);
  if (input_.begin == input_.end) give_back(input_);
  connection_.loop().release(*std::exchange(exchange_, nullptr));
  state_ = State::kHead;
  first_ = false;
}

void Http1Session::refuse(int status, std::string_view text) {
  Response response;
  set_refusal(response, status, text);
  AnswerForm form;
  form.head = exchange_ != nullptr && parser_->method() == "HEAD";
  form.close = true;
  write_answer(response, form);
  if (exchange_ != nullptr) {
    connection_.loop().release(*std::exchange(exchange_, nullptr));
  }
  state_ = State::kDone;
  connection_.clear_deadline();
  connection_.finish();
}

void Http1Session::end_turn(bool ok) {
  if (!ok && answers_ != 0) replace_answers();
  answers_ = 0;
  heads_ = 0;
  continue_last_ = false;
}

void Http1Session::replace_answers() {
  auto& out = connection_.output();
  out.resize(turn_begin_);
  connection_.drop_tail();
  Response response;
  set_refusal(response, 500, "internal error");
  for (unsigned i = 0; i < answers_; ++i) {
    AnswerForm form;
    form.head = (heads_ >> i & 1) != 0;
    form.close = i + 1 == answers_ && connection_.finishing();
    append_head(out, response, form);
    if (!form.head) out.append(response.body);
  }
  if (continue_last_) out.append(kContinue);
}

void Http1Session::on_drained() {
  if (state_ == State::kHead && !in_head_) {
    connection_.set_deadline(connection_.limits().idle_timeout);
  }
  advance();
}

void Http1Session::on_eof() {
  state_ = State::kDone;
  connection_.clear_deadline();
  if (!connection_.has_output()) {
    return connection_.close();
  }
  connection_.finish();
}

void Http1Session::on_timeout() {
  if (state_ == State::kDone || state_ == State::kDetached) return;
  if (state_ == State::kHead && !in_head_) return connection_.close();
  refuse(408, "request timed out");
}

void Http1Session::on_complete(HttpExchange& exchange) {
  if (connection_.closed()) {
    exchange_ = nullptr;
    return connection_.loop().release(exchange);
  }
  answer();
  advance();
}

void Http1Session::on_stop() {
  if (state_ != State::kHead || in_head_) return;
  if (!connection_.has_output()) return connection_.close();
  state_ = State::kDone;
  connection_.finish();
}

void Http1Session::on_close() {
  if (exchange_ == nullptr || state_ == State::kDetached) return;
  connection_.loop().release(*std::exchange(exchange_, nullptr));
  state_ = State::kDone;
}

}  // namespace bulla::net
