#include "storage/etcd_client.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <utility>

#include "storage/protobuf.h"

namespace bulla::storage {
namespace {

constexpr std::size_t kFrameHead = 5;
constexpr std::size_t kMessageBytesMax = std::size_t{64} << 20;

// gRPC's codes that etcd uses.
enum GrpcCode : int {
  kOk = 0,
  kInvalid = 3,
  kMissing = 5,
  kResource = 8,
  kOutOfRange = 11,
  kInternalFault = 13,
  kDataLoss = 15,
  kUnauthenticated = 16,
};

std::string framed(const std::string& message) {
  std::string frame(kFrameHead, '\0');
  put_be32(reinterpret_cast<std::uint8_t*>(frame.data()) + 1,
           static_cast<std::uint32_t>(message.size()));
  return frame + message;
}

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// The token is too old, or of before the users were changed.
bool is_stale_token(int code, std::string_view text) {
  return code == kUnauthenticated ||
         (code == kInvalid &&
          (has(text, "revision of auth store") || has(text, "auth token")));
}

ErrorCode code_of(int code, std::string_view text) {
  switch (code) {
    case kInvalid:
      return has(text, "too large") || has(text, "too many operations")
                 ? ErrorCode::kInvalidArgument
                 : ErrorCode::kUnavailable;
    case kMissing:
      return ErrorCode::kNotFound;
    case kResource:
      return has(text, "space exceeded")    ? ErrorCode::kExhausted
             : has(text, "larger than max") ? ErrorCode::kInvalidArgument
                                            : ErrorCode::kUnavailable;
    case kOutOfRange:
      return ErrorCode::kConflict;
    case kInternalFault:
      return ErrorCode::kInternal;
    case kDataLoss:
      return ErrorCode::kCorrupt;
    default:
      return ErrorCode::kUnavailable;
  }
}

int number_of(std::string_view text) {
  int value = -1;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// The last one: trailers stand behind what came first.
std::string_view last_header(const net::ClientResponse& response,
                             std::string_view name) {
  std::string_view found;
  for (const auto& [key, value] : response.headers) {
    if (key == name) found = value;
  }
  return found;
}

}  // namespace

Result<std::optional<std::string>> EtcdClient::take_message(
    std::string& buffer) {
  if (buffer.size() < kFrameHead) return std::nullopt;
  const std::uint32_t size =
      get_be32(reinterpret_cast<const std::uint8_t*>(buffer.data()) + 1);
  if (buffer[0] != 0 || size > kMessageBytesMax) {
    return fail(corrupt("etcd: an answer that is no message"));
  }
  if (buffer.size() - kFrameHead < size) return std::nullopt;
  std::string message = buffer.substr(kFrameHead, size);
  buffer.erase(0, kFrameHead + size);
  return message;
}

net::ClientRequest EtcdClient::request(std::string_view method,
                                       const std::string& message,
                                       const std::string& token) const {
  net::ClientRequest request;
  request.method = "POST";
  request.url = fmt::format(
      "{}/etcdserverpb.{}",
      options_.endpoints[endpoint_ % options_.endpoints.size()], method);
  request.headers = {{"content-type", "application/grpc"}, {"te", "trailers"}};
  if (!token.empty()) request.headers.emplace_back("token", token);
  request.body = framed(message);
  request.timeout = options_.timeout;
  request.ca_file = options_.tls_ca_file;
  request.client_cert = options_.tls_cert_file;
  request.client_key = options_.tls_key_file;
  request.http2 = true;
  request.answer_bytes = kMessageBytesMax + kFrameHead;
  return request;
}

/// A client with its connection, given back when the call went well.
class EtcdClient::Lease {
 public:
  explicit Lease(EtcdClient& owner) : owner_(owner) {
    const std::lock_guard lock(owner.mutex_);
    if (owner.idle_.empty()) {
      client_ = std::make_unique<net::HttpClient>();
      return;
    }
    client_ = std::move(owner.idle_.back());
    owner.idle_.pop_back();
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() {
    if (!good_) return;
    const std::lock_guard lock(owner_.mutex_);
    if (owner_.idle_.size() < owner_.options_.max_parallel) {
      owner_.idle_.push_back(std::move(client_));
    }
  }

  Result<net::ClientResponse> send(const net::ClientRequest& request) {
    auto response = client_->send(request);
    good_ = response.has_value();
    return response;
  }

 private:
  EtcdClient& owner_;
  std::unique_ptr<net::HttpClient> client_;
  bool good_ = false;
};

Result<std::string> EtcdClient::send(std::string_view method,
                                     const std::string& message,
                                     const std::string& token) {
  Lease client(*this);
  auto response = client.send(request(method, message, token));
  if (!response) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("etcd: {}", response.error().message()));
  }
  const int code = number_of(last_header(*response, "grpc-status"));
  const std::string text(last_header(*response, "grpc-message"));
  if (response->status != 200 || code < 0) {
    return fail(unavailable(
        fmt::format("etcd: no answer of gRPC (status {})", response->status)));
  }
  if (is_stale_token(code, text)) {
    return fail(ErrorCode::kPermissionDenied, "etcd: " + text);
  }
  if (code != kOk) return fail(code_of(code, text), "etcd: " + text);
  TRY_ASSIGN(auto answer, take_message(response->body));
  if (!answer) return fail(corrupt("etcd: an answer that is cut off"));
  return *std::move(answer);
}

Result<std::string> EtcdClient::authenticate() {
  ProtoWriter message;
  message.bytes(1, options_.username).bytes(2, options_.password.expose());
  TRY_ASSIGN(const auto answer, send("Auth/Authenticate", message.text(), {}));
  ProtoReader reader(answer);
  while (true) {
    TRY_ASSIGN(const auto field, reader.next());
    if (!field) return fail(corrupt("etcd: no token"));
    if (field->number == 2) return std::string(field->bytes);
  }
}

Result<std::string> EtcdClient::token() {
  if (options_.username.empty()) return std::string();
  {
    const std::lock_guard lock(mutex_);
    if (!token_.empty()) return token_;
  }
  TRY_ASSIGN(auto fresh, authenticate());
  const std::lock_guard lock(mutex_);
  token_ = fresh;
  return fresh;
}

void EtcdClient::forget_token(const std::string& token) {
  const std::lock_guard lock(mutex_);
  if (token_ == token) token_.clear();
}

Result<std::string> EtcdClient::call(std::string_view method,
                                     const std::string& message, bool once) {
  const std::size_t tries = options_.endpoints.size() + 1;
  Error last = unavailable("etcd: no endpoint");
  for (std::size_t i = 0; i < tries; ++i) {
    auto word = token();
    if (!word) {
      last = std::move(word).error();
      next_endpoint();
      continue;
    }
    auto answer = send(method, message, *word);
    if (answer) return answer;
    last = std::move(answer).error();
    // Refused before it was looked at.
    if (last.code() == ErrorCode::kPermissionDenied) {
      forget_token(*word);
      continue;
    }
    if (last.code() != ErrorCode::kUnavailable) return fail(std::move(last));
    next_endpoint();
    if (once) break;
  }
  return fail(unavailable(last.message()));
}

Result<std::unique_ptr<net::HttpStream>> EtcdClient::stream(
    std::string_view method, const std::string& message) {
  TRY_ASSIGN(const auto word, token());
  auto http = request(method, message, word);
  http.timeout = std::chrono::milliseconds(0);
  auto stream = std::make_unique<net::HttpStream>();
  TRY(stream->open(http));
  return stream;
}

}  // namespace bulla::storage
