#include "audit/entry.h"

#include <fmt/format.h>

#include <array>
#include <functional>

#include "base/json_writer.h"
#include "base/time_format.h"

namespace bulla::audit {
namespace {

constexpr std::size_t kKnownTokens = 128;  // a power of two
constexpr std::size_t kLastBytesMax = std::size_t{64} << 10;
constexpr std::size_t kSecondsChars = 19;

// A member's name as `,"name":`, put together by the compiler.
struct Name {
  template <std::size_t N>
  consteval Name(const char (&name)[N]) : size(N + 3) {  // NOLINT: implicit
    static_assert(N + 3 <= sizeof text);
    text[0] = ',';
    text[1] = '"';
    for (std::size_t i = 0; i + 1 < N; ++i) text[i + 2] = name[i];
    text[N + 1] = '"';
    text[N + 2] = ':';
  }
  char text[32]{};
  std::size_t size;
};

// An object being written; names are ours and need no escaping.
class Members {
 public:
  explicit Members(std::string& out) : out_(out) {}

  std::string& at(const Name& name) {
    const std::size_t start = out_.size();
    out_.append(name.text, name.size);
    if (first_) out_[start] = '{';
    first_ = false;
    return out_;
  }
  // A name that came from elsewhere.
  std::string& named(std::string_view name) {
    out_ += first_ ? '{' : ',';
    first_ = false;
    append_json_string(out_, name);
    return out_ += ':';
  }
  void text(const Name& name, std::string_view value) {
    if (!value.empty()) append_json_string(at(name), value);
  }
  // Text of ours that needs no escaping.
  void plain(const Name& name, std::string_view value) {
    if (value.empty()) return;
    at(name) += '"';
    out_ += value;
    out_ += '"';
  }
  void number(const Name& name, std::int64_t value) {
    if (value == 0) return;
    const fmt::format_int digits(value);
    at(name).append(digits.data(), digits.size());
  }
  void flag(const Name& name, bool value) {
    if (value) at(name) += "true";
  }
  void texts(const Name& name, const std::vector<std::string>& values) {
    if (!values.empty()) JsonWriter(at(name)).strings(values);
  }
  void pairs(const Name& name,
             const std::map<std::string, std::string>& values) {
    if (values.empty()) return;
    JsonWriter writer(at(name));
    writer.begin_object();
    for (const auto& [key, value] : values) writer.member(key, value);
    writer.end_object();
  }
  // Members put together before, each behind its comma.
  void several(std::string_view members) {
    if (members.empty()) return;
    const std::size_t start = out_.size();
    out_.append(members);
    if (first_) out_[start] = '{';
    first_ = false;
  }
  void end() {
    if (first_) out_ += '{';
    out_ += '}';
  }

 private:
  std::string& out_;
  bool first_ = true;
};

// A folder has its slash, as policy judged it.
void append_path(Members& members, const api::Request& request) {
  if (!api::is_of_folder(request.operation) || request.path.ends_with('/')) {
    members.text("path", request.path);
    return;
  }
  members.text("path", std::string(request.path) + "/");
}

// Ends what fill_auth() began.
void end_auth(std::string& out, const PolicyResult* policy) {
  if (policy == nullptr) {
    out += "},";
    return;
  }
  out += policy->allowed ? R"(,"policy_results":{"allowed":true)"
                         : R"(,"policy_results":{"allowed":false)";
  if (policy->granting != nullptr && !policy->granting->empty()) {
    char open = '[';
    out += R"(,"granting_policies":)";
    for (const std::string& name : *policy->granting) {
      out += open;
      out += R"({"name":)";
      append_json_string(out, name);
      out += R"(,"namespace_id":"root","type":"acl"})";
      open = ',';
    }
    out += ']';
  }
  out += "}},";
}

void begin_line(std::string& out, std::string_view time,
                std::string_view type) {
  out += R"({"time":")";
  out += time;
  out += R"(","type":")";
  out += type;
  out += '"';
}

void end_line(std::string& out, const Event& event) {
  if (!event.error.empty()) {
    out += R"(,"error":)";
    append_json_string(out, event.error);
  }
  out += "}\n";
}

}  // namespace

// What lines say of a token. Keyed by everything in it that can change while
// the token lives; a token made anew has another accessor.
struct EntryWriter::Who {
  std::string hash;
  std::string accessor;
  Time issue_time;
  std::optional<Time> expire_time;
  std::int64_t num_uses = 0;

  std::string auth;     // `"auth":{…`, not closed, or nothing
  std::string request;  // `,"client_token":…,"client_token_accessor":…`

  bool is(const api::Token& token) const {
    return hash == token.hash && accessor == token.accessor &&
           issue_time == token.issue_time && expire_time == token.expire_time &&
           num_uses == token.num_uses;
  }
};

// The members of the mount that was written last. A mount can move, and keep
// its accessor.
struct EntryWriter::Where {
  std::string path;
  std::string accessor;
  std::string text;  // `,"mount_point":…,"mount_class":…`

  void fill(const api::MountConfig& mount) {
    path = mount.path;
    accessor = mount.accessor;
    text.clear();
    Members members(text);
    members.text("mount_point", mount.path);
    members.text("mount_type", mount.type);
    members.text("mount_accessor", mount.accessor);
    members.plain("mount_class", mount.is_auth ? "auth" : "secret");
    text[0] = ',';
  }
};

struct EntryWriter::Last {
  std::string id;
  api::Operation operation{};
  const api::Token* token = nullptr;
  const api::MountConfig* mount = nullptr;
  std::string text;  // `"auth":{…},"request":{…}`
};

EntryWriter::EntryWriter(const Device& device)
    : device_(device),
      known_(kKnownTokens),
      unknown_(std::make_unique<Who>()),
      where_(std::make_unique<Where>()),
      last_(std::make_unique<Last>()) {}

EntryWriter::~EntryWriter() = default;

void EntryWriter::append_secret(std::string& out,
                                std::string_view value) const {
  if (device_.options().log_raw) {
    append_json_string(out, value);
    return;
  }
  out += '"';
  device_.hasher().append(out, value);
  out += '"';
}

void EntryWriter::append_accessor(std::string& out,
                                  std::string_view value) const {
  if (device_.options().hmac_accessor) return append_secret(out, value);
  append_json_string(out, value);
}

void EntryWriter::fill_auth(std::string& out, const Event& event) const {
  const api::Token& token = *event.token;
  out += R"("auth":)";
  Members auth(out);
  if (!event.client_token.empty()) {
    append_secret(auth.at("client_token"), event.client_token);
  }
  if (!token.accessor.empty()) {
    append_accessor(auth.at("accessor"), token.accessor);
  }
  auth.text("display_name", token.display_name);
  auth.texts("policies", token.policies);
  auth.texts("token_policies", token.policies);
  auth.pairs("metadata", token.meta);
  auth.number("remaining_uses", token.num_uses);
  auth.text("entity_id", token.entity_id);
  auth.text("token_type",
            token.type == api::Token::Type::kBatch ? "batch" : "service");
  auth.number("token_ttl", token.creation_ttl.count());
  if (token.issue_time != Time{}) {
    auth.text("token_issue_time", format_rfc3339_nano(token.issue_time));
  }
}

void EntryWriter::fill(Who& who, const Event& event) const {
  who.auth.clear();
  who.request.clear();
  if (event.token != nullptr) fill_auth(who.auth, event);
  if (!event.client_token.empty()) {
    who.request += R"(,"client_token":)";
    append_secret(who.request, event.client_token);
  }
  if (event.token != nullptr && !event.token->accessor.empty()) {
    who.request += R"(,"client_token_accessor":)";
    append_accessor(who.request, event.token->accessor);
  }
}

const EntryWriter::Who& EntryWriter::who(const Event& event) {
  // Batch tokens have no hash, tokens that were refused have nothing.
  if (event.token == nullptr || event.token->hash.empty()) {
    fill(*unknown_, event);
    return *unknown_;
  }
  const api::Token& token = *event.token;
  const std::size_t slot =
      std::hash<std::string_view>{}(token.hash) & (kKnownTokens - 1);
  Who& known = known_[slot];
  if (known.is(token)) return known;
  fill(known, event);
  known.hash = token.hash;
  known.accessor = token.accessor;
  known.issue_time = token.issue_time;
  known.expire_time = token.expire_time;
  known.num_uses = token.num_uses;
  return known;
}

std::string_view EntryWriter::where(const Event& event) {
  if (event.mount == nullptr) return {};
  const api::MountConfig& mount = *event.mount;
  if (where_->text.empty() || where_->path != mount.path ||
      where_->accessor != mount.accessor) {
    where_->fill(mount);
  }
  return where_->text;
}

void EntryWriter::append_request_object(std::string& out, const Event& event,
                                        const Who& who) {
  const api::Request& request = *event.request;
  out += R"("request":)";
  Members members(out);
  members.plain("id", request.id);
  members.plain("operation", api::operation_name(request.operation));
  members.several(where(event));
  out += who.request;
  members.at("namespace") += R"({"id":"root"})";
  append_path(members, request);
  if (const auto& body = request.fields.body();
      body && body->begin() != body->end()) {
    const auto exempt =
        event.mount == nullptr
            ? std::span<const std::string>{}
            : std::span(event.mount->audit_non_hmac_request_keys);
    Redactor(device_.hasher(), exempt, device_.options().log_raw)
        .append(members.at("data"), *body);
  }
  members.text("remote_address", request.remote_address);
  members.number("remote_port", request.remote_port);
  if (request.wrap_ttl) members.number("wrap_ttl", request.wrap_ttl->count());
  if (!event.headers.empty()) {
    append_headers(members.at("headers"), event.headers);
  }
  members.end();
}

void EntryWriter::append_headers(std::string& out,
                                 std::span<const HeaderValue> headers) const {
  Members members(out);
  std::string_view name;
  for (const HeaderValue& header : headers) {
    if (header.name != name) {
      if (!name.empty()) out += ']';
      name = header.name;
      members.named(name) += '[';
    } else {
      out += ',';
    }
    if (header.hmac) {
      append_secret(out, header.value);
    } else {
      append_json_string(out, header.value);
    }
  }
  out += ']';
  members.end();
}

// A request's id is its own, and only its response comes with it again.
bool EntryWriter::repeats(const Event& event) const {
  const api::Request& request = *event.request;
  return !request.id.empty() && last_->id == request.id &&
         last_->operation == request.operation && last_->token == event.token &&
         last_->mount == event.mount;
}

void EntryWriter::append_common(std::string& out, const Event& event) {
  out += ',';
  if (repeats(event)) {
    out += last_->text;
    last_->id.clear();
    return;
  }
  const std::size_t start = out.size();
  const Who& who = this->who(event);
  if (!who.auth.empty()) {
    out += who.auth;
    end_auth(out, event.policy);
  }
  append_request_object(out, event, who);
  if (out.size() - start > kLastBytesMax) return;
  last_->id = event.request->id;
  last_->operation = event.request->operation;
  last_->token = event.token;
  last_->mount = event.mount;
  last_->text.assign(out, start, std::string::npos);
}

void EntryWriter::append_request(std::string& out, std::string_view time,
                                 const Event& event) {
  last_->id.clear();
  begin_line(out, time, "request");
  append_common(out, event);
  end_line(out, event);
}

void EntryWriter::append_response_auth(std::string& out,
                                       const api::Auth& auth) const {
  Members members(out);
  if (!auth.client_token.empty()) {
    append_secret(members.at("client_token"), auth.client_token);
  }
  if (!auth.accessor.empty()) {
    append_accessor(members.at("accessor"), auth.accessor);
  }
  members.text("display_name", auth.display_name);
  members.texts("policies", auth.policies);
  members.texts("token_policies", auth.token_policies);
  members.texts("identity_policies", auth.identity_policies);
  members.flag("no_default_policy", auth.no_default_policy);
  members.pairs("metadata", auth.metadata);
  members.number("num_uses", auth.num_uses);
  members.text("entity_id", auth.entity_id);
  members.text("token_type", auth.token_type);
  members.number("token_ttl", auth.lease_duration.count());
  members.end();
}

void EntryWriter::append_wrap_info(std::string& out,
                                   const api::WrapInfo& info) const {
  Members members(out);
  members.number("ttl", info.ttl.count());
  if (!info.token.empty()) append_secret(members.at("token"), info.token);
  if (!info.accessor.empty()) {
    append_accessor(members.at("accessor"), info.accessor);
  }
  members.text("creation_time", format_rfc3339_nano(info.creation_time));
  members.text("creation_path", info.creation_path);
  if (!info.wrapped_accessor.empty()) {
    append_accessor(members.at("wrapped_accessor"), info.wrapped_accessor);
  }
  members.end();
}

void EntryWriter::append_response_data(std::string& out, const Event& event,
                                       const ResponseData& data) const {
  const auto exempt =
      event.mount == nullptr
          ? std::span<const std::string>{}
          : std::span(event.mount->audit_non_hmac_response_keys);
  const Redactor redactor(device_.hasher(), exempt, device_.options().log_raw);
  if (!data.object) {
    append_raw(out, event, data.raw, redactor);
    return;
  }
  if (device_.options().elide_list_responses &&
      api::is_of_folder(event.request->operation)) {
    redactor.append_elided(out, *data.object);
    return;
  }
  redactor.append(out, *data.object);
}

void EntryWriter::append_raw(std::string& out, const Event& event,
                             std::string_view body,
                             const Redactor& redactor) const {
  Members members(out);
  if (event.raw != nullptr) {
    redactor.append_string(members.at("http_content_type"),
                           event.raw->content_type, "http_content_type");
  }
  redactor.append_string(members.at("http_raw_body"), body, "http_raw_body");
  if (event.raw != nullptr) {
    members.number("http_status_code", event.raw->status);
  }
  members.end();
}

void EntryWriter::append_response_object(std::string& out, const Event& event,
                                         const ResponseData& data) {
  const api::Response* const response = event.response;
  out += R"(,"response":)";
  Members members(out);
  if (response != nullptr && response->auth) {
    append_response_auth(members.at("auth"), *response->auth);
  }
  members.several(where(event));
  if (response != nullptr && !response->lease_id.empty()) {
    members.at("secret") += R"({"lease_id":)";
    append_json_string(out, response->lease_id);
    out += '}';
  }
  const bool has_data = data.object ? data.object->begin() != data.object->end()
                                    : !data.raw.empty();
  if (has_data) append_response_data(members.at("data"), event, data);
  if (response != nullptr) members.texts("warnings", response->warnings);
  if (response != nullptr && response->wrap_info) {
    append_wrap_info(members.at("wrap_info"), *response->wrap_info);
  }
  members.end();
}

void EntryWriter::append_response(std::string& out, std::string_view time,
                                  const Event& event,
                                  const ResponseData& data) {
  begin_line(out, time, "response");
  append_common(out, event);
  append_response_object(out, event, data);
  end_line(out, event);
}

std::string_view TimeText::format(Time time) {
  constexpr std::int64_t kNanos = 1'000'000'000;
  const std::int64_t nanos = unix_nanos(time);
  const std::int64_t fraction = (nanos % kNanos + kNanos) % kNanos;
  const std::int64_t second = (nanos - fraction) / kNanos;
  if (second != second_ || text_.empty()) {
    text_ = format_rfc3339_nano(time).substr(0, kSecondsChars);
    second_ = second;
    prefix_ = text_.size();
  }
  text_.resize(prefix_);
  if (fraction != 0) {
    std::array<char, 10> digits;
    digits[0] = '.';
    std::int64_t rest = fraction;
    for (std::size_t i = digits.size() - 1; i > 0; --i, rest /= 10) {
      digits[i] = static_cast<char>('0' + rest % 10);
    }
    std::size_t size = digits.size();
    while (digits[size - 1] == '0') --size;
    text_.append(digits.data(), size);
  }
  text_ += 'Z';
  return text_;
}

}  // namespace bulla::audit
