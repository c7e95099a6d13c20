// A closed-loop HTTP load generator that costs little beside what it measures:
// one thread, epoll, C connections, each with D requests in flight (pipelined
// in HTTP/1.1, streams in HTTP/2), plain or TLS. Prints one line of JSON.
//
//   loadgen --port 8200 [--host 127.0.0.1] [--tls] [--h2] -c 32 [-d 1] -s 5
//           [--method POST] [--path /v1/x] [--body '{}'] [-H 'Name: value']…
//           [--templates FILE] [--random] [--warmup 1]
//
// A line of FILE is "PATH<TAB>BODY"; lines are used round-robin, or at random.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct Options {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8200;
  bool tls = false;
  bool h2 = false;
  bool random = false;
  unsigned connections = 32;
  unsigned depth = 1;
  double seconds = 5;
  double warmup = 0.5;
  std::string method = "POST";
  std::string path = "/v1/transit/encrypt/k";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string templates;
};

struct Template {
  std::string path;
  std::string body;
  std::string length;
  std::string http1;  ///< The whole request.
};

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "loadgen: %s\n", what.c_str());
  std::exit(1);
}

std::uint64_t now_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000U +
         static_cast<std::uint64_t>(t.tv_nsec);
}

/// Latencies in 0.1 µs below 100 ms, and what was slower as that.
class Histogram {
 public:
  void add(std::uint64_t ns) {
    ++count_;
    ++slots_[std::min<std::size_t>(ns / 100, slots_.size() - 1)];
  }
  void clear() {
    std::fill(slots_.begin(), slots_.end(), 0U);
    count_ = 0;
  }
  double percentile_us(double part) const {
    const auto wanted =
        static_cast<std::uint64_t>(static_cast<double>(count_) * part);
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      seen += slots_[i];
      if (seen > wanted) return static_cast<double>(i) / 10;
    }
    return 0;
  }

 private:
  std::vector<std::uint32_t> slots_ = std::vector<std::uint32_t>(1'000'000);
  std::uint64_t count_ = 0;
};

struct Totals {
  std::uint64_t requests = 0;
  std::uint64_t bad = 0;
  std::uint64_t bytes = 0;
  Histogram latency;

  void add(int status, std::uint64_t ns) {
    ++requests;
    if (status < 200 || status > 299) ++bad;
    latency.add(ns);
  }
  void clear() {
    requests = bad = bytes = 0;
    latency.clear();
  }
};

class Templates {
 public:
  explicit Templates(const Options& options) : random_(options.random) {
    if (options.templates.empty()) {
      add(options, options.path, options.body);
      return;
    }
    std::ifstream file(options.templates);
    std::string line;
    while (std::getline(file, line)) {
      const auto tab = line.find('\t');
      if (tab == std::string::npos) die("a template line has no tab");
      add(options, line.substr(0, tab), line.substr(tab + 1));
    }
    if (all_.empty()) die("no templates in " + options.templates);
  }

  const Template& next() {
    if (all_.size() == 1) return all_.front();
    if (!random_) {
      if (++at_ >= all_.size()) at_ = 0;
      return all_[at_];
    }
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return all_[state_ % all_.size()];
  }

 private:
  void add(const Options& options, std::string path, std::string body) {
    Template t{std::move(path), std::move(body), {}, {}};
    t.length = std::to_string(t.body.size());
    t.http1 = options.method + " " + t.path +
              " HTTP/1.1\r\nHost: " + options.host + ":" +
              std::to_string(options.port) + "\r\n";
    for (const auto& [name, value] : options.headers) {
      t.http1 += name + ": " + value + "\r\n";
    }
    if (!t.body.empty()) t.http1 += "Content-Length: " + t.length + "\r\n";
    t.http1 += "\r\n" + t.body;
    all_.push_back(std::move(t));
  }

  std::vector<Template> all_;
  std::size_t at_ = 0;
  std::uint64_t state_ = 0x9e3779b97f4a7c15U;
  bool random_;
};

/// A socket, with TLS on it or not. Writes block, reads do not.
class Link {
 public:
  Link(const Options& options, SSL_CTX* tls) {
    fd_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(options.port);
    if (inet_pton(AF_INET, options.host.c_str(), &address.sin_addr) != 1) {
      die("not an IPv4 address: " + options.host);
    }
    const void* raw = &address;
    if (connect(fd_, static_cast<const sockaddr*>(raw), sizeof(address)) != 0) {
      die("cannot connect to port " + std::to_string(options.port));
    }
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (tls == nullptr) return;
    ssl_ = SSL_new(tls);
    SSL_set_fd(ssl_, fd_);
    if (SSL_connect(ssl_) != 1) die("the TLS handshake failed");
  }
  ~Link() {
    SSL_free(ssl_);
    ::close(fd_);
  }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  int fd() const { return fd_; }
  void send_all(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto n =
          ssl_ != nullptr
              ? SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()))
              : send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) die("the server closed a connection");
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  /// 0 when nothing is there now. For TLS the socket is blocking too, but
  /// epoll has said that a record begins.
  std::size_t receive(char* into, std::size_t room) {
    const auto n = ssl_ != nullptr
                       ? SSL_read(ssl_, into, static_cast<int>(room))
                       : recv(fd_, into, room, MSG_DONTWAIT);
    if (n > 0) return static_cast<std::size_t>(n);
    if (ssl_ == nullptr && n < 0 && errno == EAGAIN) return 0;
    die("the server closed a connection");
  }
  bool pending() const { return ssl_ != nullptr && SSL_pending(ssl_) > 0; }

 private:
  int fd_ = -1;
  SSL* ssl_ = nullptr;
};

class Client {
 public:
  Client(const Options& options, Templates& templates, Totals& totals,
         SSL_CTX* tls)
      : options_(options),
        templates_(templates),
        totals_(totals),
        link_(options, tls) {}
  virtual ~Client() = default;

  virtual void start() = 0;
  void readable(std::uint64_t now) {
    static std::array<char, 1 << 18> buffer;
    do {
      const auto n = link_.receive(buffer.data(), buffer.size());
      if (n == 0) return;
      totals_.bytes += n;
      take({buffer.data(), n}, now);
    } while (link_.pending());
    flush(now);
  }
  int fd() const { return link_.fd(); }

 protected:
  virtual void take(std::string_view bytes, std::uint64_t now) = 0;
  virtual void flush(std::uint64_t now) = 0;

  const Options& options_;
  Templates& templates_;
  Totals& totals_;
  Link link_;
};

/// Parses just enough of HTTP/1.1 to know where an answer ends.
class Http1Client final : public Client {
 public:
  using Client::Client;

  void start() override { send_batch(now_ns()); }

 private:
  void send_batch(std::uint64_t now) {
    out_.clear();
    for (unsigned i = 0; i < options_.depth; ++i) {
      out_ += templates_.next().http1;
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
    totals_.add(status_, now - sent_);
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
  std::uint64_t sent_ = 0;
};

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

Options parse(int argc, char** argv) {
  Options o;
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    const auto value = [&]() -> std::string {
      if (++i == argc) die(std::string(flag) + " needs a value");
      return argv[i];
    };
    if (flag == "--host")
      o.host = value();
    else if (flag == "--port")
      o.port = static_cast<std::uint16_t>(std::stoi(value()));
    else if (flag == "--tls")
      o.tls = true;
    else if (flag == "--h2")
      o.h2 = true;
    else if (flag == "--random")
      o.random = true;
    else if (flag == "-c")
      o.connections = static_cast<unsigned>(std::stoi(value()));
    else if (flag == "-d")
      o.depth = static_cast<unsigned>(std::stoi(value()));
    else if (flag == "-s")
      o.seconds = std::stod(value());
    else if (flag == "--warmup")
      o.warmup = std::stod(value());
    else if (flag == "--method")
      o.method = value();
    else if (flag == "--path")
      o.path = value();
    else if (flag == "--body")
      o.body = value();
    else if (flag == "--templates")
      o.templates = value();
    else if (flag == "-H") {
      const auto text = value();
      const auto colon = text.find(": ");
      if (colon == std::string::npos) die("-H wants 'Name: value'");
      o.headers.emplace_back(text.substr(0, colon), text.substr(colon + 2));
    } else {
      die("unknown flag " + std::string(flag));
    }
  }
  return o;
}

SSL_CTX* make_tls(const Options& options) {
  if (!options.tls) return nullptr;
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  static constexpr unsigned char kH2[] = {2, 'h', '2'};
  if (options.h2) SSL_CTX_set_alpn_protos(context, kH2, sizeof(kH2));
  return context;
}

void drive(int poller, double seconds) {
  std::array<epoll_event, 256> events;
  const auto end = now_ns() + static_cast<std::uint64_t>(seconds * 1e9);
  for (auto now = now_ns(); now < end;) {
    const int n = epoll_wait(poller, events.data(), events.size(), 1000);
    now = now_ns();
    for (int i = 0; i < n; ++i) {
      const auto& event = events[static_cast<std::size_t>(i)];
      static_cast<Client*>(event.data.ptr)->readable(now);
    }
  }
}

void print(const Totals& totals, double seconds) {
  std::printf(
      "{\"requests\":%llu,\"seconds\":%.3f,\"rps\":%.1f,\"p50_us\":%.1f,"
      "\"p99_us\":%.1f,\"p999_us\":%.1f,\"non_2xx\":%llu,\"bytes\":%llu}\n",
      static_cast<unsigned long long>(totals.requests), seconds,
      static_cast<double>(totals.requests) / seconds,
      totals.latency.percentile_us(0.5), totals.latency.percentile_us(0.99),
      totals.latency.percentile_us(0.999),
      static_cast<unsigned long long>(totals.bad),
      static_cast<unsigned long long>(totals.bytes));
}

}  // namespace

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  const auto options = parse(argc, argv);
  Templates templates(options);
  Totals totals;
  SSL_CTX* tls = make_tls(options);
  const int poller = epoll_create1(0);
  std::vector<std::unique_ptr<Client>> clients;
  for (unsigned i = 0; i < options.connections; ++i) {
    if (options.h2) {
      clients.push_back(
          std::make_unique<Http2Client>(options, templates, totals, tls));
    } else {
      clients.push_back(
          std::make_unique<Http1Client>(options, templates, totals, tls));
    }
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = clients.back().get();
    epoll_ctl(poller, EPOLL_CTL_ADD, clients.back()->fd(), &event);
  }
  for (const auto& client : clients) client->start();
  drive(poller, options.warmup);
  totals.clear();
  const auto begin = now_ns();
  drive(poller, options.seconds);
  print(totals, static_cast<double>(now_ns() - begin) / 1e9);
  clients.clear();
  SSL_CTX_free(tls);
  return 0;
}
