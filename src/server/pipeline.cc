#include "server/pipeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "auth/cidr.h"
#include "base/encoding.h"
#include "base/json_writer.h"
#include "server/envelope.h"
#include "server/error_status.h"
#include "server/help.h"
#include "server/login.h"
#include "server/request_decoder.h"
#include "server/router_rules.h"
#include "server/wrapping.h"

namespace bulla::server {
namespace {

using api::Operation;

// The state of one request on its way; dies with it.
class Flight {
 public:
  Flight(const net::Request& request, net::Response& response, Worker& worker,
         bool may_block)
      : net_(request), out_(response), worker_(worker), may_block_(may_block) {}

  Outcome run() {
    const Outcome outcome = answer_or_defer();
    spend_last_use();
    return outcome;
  }
  Operation operation() const { return request_.operation; }

 private:
  Outcome answer_or_defer();
  Result<void> decode();
  Result<void> find_route();
  bool over_quota();
  Outcome turn_away(Error error);
  Result<void> read_wrap_ttl();
  Result<void> check_wrapping_token();
  Result<void> authenticate();
  Result<void> optional_token(std::string_view client_token);
  Result<void> bind_fields();
  Result<void> settle_operation();
  Result<void> authorize();
  Result<api::Response> handle();
  Result<api::Response> help();
  bool audit_request(const Error* refusal);
  bool audit_response(const api::Response& response, const Error* error);
  audit::Event audit_event() const;
  void collect_headers();
  void answer(const Error& error);
  void answer(const api::Response& response);
  void refuse(Error error);
  void finish(Result<api::Response> result);
  WrapSpec wrap_spec(const api::Response& response) const;
  Result<api::Response> wrap(api::Response response) const;
  void add_warnings(api::Response& response) const;
  bool is_at_home(const api::Token& token) const;
  Result<void> take_use(const api::Token& token);
  void spend_last_use();
  const api::Method* method() const;
  bool is_open_here() const;
  bool is_login() const {
    return mount_ != nullptr && mount_->logins && match_.route != nullptr &&
           match_.route->unauthenticated;
  }
  void log_fault(const Error& error) const;
  std::optional<Outcome> elsewhere(const Error& error) const;

  const net::Request& net_;
  net::Response& out_;
  Worker& worker_;
  bool may_block_;

  Decoded decoded_;
  const Mount* mount_ = nullptr;
  std::shared_ptr<const MountTable> table_;  // keeps mount_ alive
  RouteMatch match_;
  std::optional<JsonObject> body_;
  api::Request request_;
  api::Context context_;
  const VerifiedToken* verified_ = nullptr;
  std::shared_ptr<const auth::Acl> acl_;
  std::optional<audit::PolicyResult> policy_;
  std::vector<audit::HeaderValue> headers_;  // that audit lines show
  char id_[36];
  bool open_ = false;  // needs no token
  bool bound_ = false;
  bool audited_ = false;
  bool last_use_ = false;
};

Result<void> Flight::decode() {
  TRY(decode_target(net_, decoded_));
  const std::string_view space = net_.header("x-vault-namespace");
  if (!space.empty() && space != "root" && space != "/" && space != "root/") {
    return fail(not_found("namespace not found"));
  }
  request_.path = decoded_.path;
  request_.operation = decoded_.operation;
  request_.query = decoded_.query;
  if (net_.peer != nullptr) {
    request_.remote_address = net_.peer->address;
    request_.remote_port = net_.peer->port;
    request_.client_certificate = net_.peer->client_certificate;
  }
  context_.now = worker_.core.clock().now();
  context_.rng = &worker_.core.rng();
  context_.loop = &worker_.loop;
  context_.may_block = may_block_;
  std::array<std::uint8_t, 16> random;
  context_.rng->fill(random);
  uuid_format(random, id_);
  request_.id = {id_, sizeof id_};
  return {};
}

std::size_t bytes_or_unlimited(std::int64_t value) {
  return value < 0 ? SIZE_MAX : static_cast<std::size_t>(value);
}

JsonLimits json_limits(const ListenerConfig& listener) {
  return {.depth = listener.max_json_depth,
          .string_bytes = listener.max_json_string_value_length,
          .object_entries = listener.max_json_object_entry_count,
          .array_elements = listener.max_json_array_element_count,
          .memory_bytes = bytes_or_unlimited(listener.max_request_json_memory),
          .strings = bytes_or_unlimited(listener.max_request_json_strings)};
}

// Metrics are open where the listener that was asked says so.
bool Flight::is_open_here() const {
  return !match_.route->metrics ||
         worker_.listener(net_).unauthenticated_metrics_access;
}

// Routing needs no secret and has no effect, so it may come before the token;
// what it finds is told only to those whom authenticate() let through.
Result<void> Flight::find_route() {
  table_ = worker_.mounts.get();
  mount_ = table_ ? table_->find(decoded_.path) : nullptr;
  if (mount_ != nullptr) {
    request_.mount_point = mount_->config.path;
    request_.relative = decoded_.path.size() > request_.mount_point.size()
                            ? decoded_.path.substr(request_.mount_point.size())
                            : std::string_view();
    match_ = mount_->matcher->match(request_.relative);
  }
  const bool serving = worker_.core.serving();
  const bool while_sealed =
      match_.route != nullptr && match_.route->while_sealed && is_open_here();
  if (!while_sealed && !serving) {
    return fail(ErrorCode::kSealed, "Vault is sealed");
  }
  // While sealed no token can be checked: what answers then answers to all.
  open_ = match_.route != nullptr &&
          ((match_.route->unauthenticated && is_open_here()) || !serving);
  return {};
}

// Whether the client asks too often; it is then answered. Comes before all that
// costs something, and so before audit, too. What goes on elsewhere has been
// counted here.
bool Flight::over_quota() {
  if (may_block_) return false;
  const QuotaTable& table = *worker_.quotas.get();
  if (table.quotas.empty()) return false;
  const auto refusal =
      take_quota(table, decoded_.path,
                 mount_ != nullptr ? std::string_view(mount_->config.path)
                                   : std::string_view(),
                 request_.remote_address, context_.now);
  if (!refusal) return false;
  const auto wait =
      fmt::format("{}", std::chrono::ceil<Seconds>(refusal->wait).count());
  out_.reset();
  out_.status = 429;
  out_.headers.emplace_back("Retry-After", wait);
  out_.headers.emplace_back("X-Ratelimit-Limit",
                            fmt::format("{}", refusal->rule->requests));
  out_.headers.emplace_back("X-Ratelimit-Remaining", "0");
  out_.headers.emplace_back("X-Ratelimit-Reset", wait);
  out_.body = plain_error_body(fmt::format(
      "request path \"{}\": rate limit quota exceeded", decoded_.path));
  return true;
}

// How long the answer is to be kept for someone else, where that is asked.
Result<void> Flight::read_wrap_ttl() {
  const std::string_view text = net_.header("x-vault-wrap-ttl");
  if (text.empty() || request_.operation == Operation::kHelp) return {};
  // What answers while sealed cannot keep anything. Its reads tell no secret.
  const bool unwrapped = match_.route != nullptr &&
                         match_.route->while_sealed && !match_.route->metrics;
  if (unwrapped && request_.operation == Operation::kRead) return {};
  TRY_ASSIGN(request_.wrap_ttl, parse_wrap_ttl(text));
  if (!request_.wrap_ttl) return {};
  if (unwrapped) {
    // Never answered unwrapped: the client would take the secret for a token.
    return fail(invalid_argument(
        "answers of this path are not wrapped; repeat the request without "
        "X-Vault-Wrap-TTL"));
  }
  if (net::iequals(net_.header("x-vault-wrap-format"), "jwt")) {
    return fail(invalid_argument(
        "wrapping tokens are not made as JWT; repeat the request without "
        "X-Vault-Wrap-Format"));
  }
  return {};
}

Result<void> Flight::check_wrapping_token() {
  if (match_.route == nullptr || !match_.route->wrapping_token) return {};
  TRY(bind_fields());
  TRY_ASSIGN(const std::string_view token,
             named_wrapping_token(request_.fields, client_token_of(net_)));
  TRY(find_wrapping_token(worker_.core, token, may_block_));
  return {};
}

Result<void> Flight::optional_token(std::string_view client_token) {
  if (client_token.empty() || !worker_.core.serving()) return {};
  auto verified = worker_.verify(client_token, context_.now, may_block_);
  if (!verified) {
    if (verified.error().code() == ErrorCode::kWouldBlock) {
      return fail(would_block());
    }
    return {};  // these paths need none, so a bad one is as none
  }
  const api::Token& token = *(*verified)->token;
  if (token.expired(context_.now) || !is_at_home(token)) return {};
  verified_ = *verified;
  context_.token = verified_->token;
  acl_ = verified_->acl;
  return {};
}

Result<void> Flight::authenticate() {
  const std::string_view client_token = client_token_of(net_);
  context_.client_token = client_token;
  if (open_) return optional_token(client_token);
  if (client_token.empty()) return fail(permission_denied());
  TRY_ASSIGN(verified_, worker_.verify(client_token, context_.now, may_block_));
  const api::Token& token = *verified_->token;
  if (token.expired(context_.now)) return fail(permission_denied());
  if (!is_at_home(token)) return fail(permission_denied());
  TRY(take_use(token));
  context_.token = verified_->token;
  acl_ = verified_->acl;
  return {};
}

// A token that is bound to addresses is good from there only.
bool Flight::is_at_home(const api::Token& token) const {
  return auth::cidrs_contain(token.bound_cidrs, request_.remote_address);
}

// Whatever becomes of the request: trying what is forbidden costs a use, too.
Result<void> Flight::take_use(const api::Token& token) {
  if (token.num_uses == 0) return {};
  // It is a write, so it and what follows belong on the pool.
  if (!may_block_) return fail(would_block());
  TRY_ASSIGN(const std::int64_t left, worker_.core.tokens().use(token));
  last_use_ = left == 1;
  return {};
}

Result<void> Flight::bind_fields() {
  if (bound_) return {};
  const bool any_body = match_.route != nullptr && match_.route->allow_any_body;
  if (!any_body) {
    TRY_ASSIGN(body_,
               decode_body(net_, decoded_, json_limits(worker_.listener(net_)),
                           worker_.parser, worker_.scratch));
  }
  if (any_body) request_.body = net_.body;
  static const std::vector<api::Field> kNoFields;
  const auto& schema =
      match_.route != nullptr ? match_.route->fields : kNoFields;
  TRY(request_.fields.bind(
      schema, std::span(match_.params.data(), match_.param_count), body_));
  bound_ = true;
  return {};
}

const api::Method* Flight::method() const {
  return find_method(*match_.route, request_.operation);
}

// A write is a create where the engine says that nothing is there yet.
Result<void> Flight::settle_operation() {
  if (match_.route == nullptr || !match_.route->exists ||
      request_.operation != Operation::kUpdate) {
    return {};
  }
  TRY_ASSIGN(const bool exists, match_.route->exists(request_, context_));
  if (!exists) request_.operation = Operation::kCreate;
  return {};
}

Result<void> Flight::authorize() {
  if (open_) return {};
  // A folder is judged with its slash, as clients and policies write it.
  std::string with_slash;
  std::string_view path = request_.path;
  if (api::is_of_folder(request_.operation)) {
    with_slash = fmt::format("{}/", path);
    path = with_slash;
  } else if (decoded_.trailing_slash) {
    path = decoded_.path;
  }
  const auth::AclDecision decision =
      acl_->decide({request_.operation, path, body_, request_.wrap_ttl});
  context_.sudo = decision.sudo || decision.root;
  const bool needs_sudo = match_.route != nullptr && match_.route->sudo;
  policy_ = {decision.allowed && (context_.sudo || !needs_sudo),
             decision.granted_by};
  if (policy_->allowed) return {};
  policy_->granting = nullptr;
  return fail(permission_denied());
}

audit::Event Flight::audit_event() const {
  audit::Event event;
  event.time = context_.now;
  event.request = &request_;
  event.token = context_.token.get();
  event.client_token = context_.client_token;
  event.mount = mount_ != nullptr ? &mount_->config : nullptr;
  event.policy = policy_ ? &*policy_ : nullptr;
  event.headers = headers_;
  return event;
}

void Flight::collect_headers() {
  headers_.clear();
  for (const audit::AuditedHeader& wanted : *worker_.audited_headers.get()) {
    for (const net::Header& header : net_.headers) {
      if (!net::iequals(header.name, wanted.name)) continue;
      headers_.push_back({wanted.name, header.value, wanted.hmac});
    }
  }
}

// A refusal of the caller's own input is told with the response only, and
// there hashed: its text may repeat what was sent.
bool Flight::audit_request(const Error* refusal) {
  audited_ =
      (match_.route == nullptr || match_.route->audited || !is_open_here()) &&
      worker_.core.serving() && worker_.recorder.active();
  if (!audited_) return true;
  collect_headers();
  audit::Event event = audit_event();
  std::string text;
  if (refusal != nullptr && !is_users_own(*refusal)) {
    text = shown_error(*refusal, context_.token != nullptr);
    event.error = text;
  }
  worker_.recorder.request(event);
  return !may_block_ || worker_.recorder.flush();
}

bool Flight::audit_response(const api::Response& response, const Error* error) {
  if (!audited_) return true;
  audit::Event event = audit_event();
  event.time = worker_.core.clock().now();
  event.response = &response;
  event.response_data = response.data;
  const audit::RawAnswer raw{response.content_type, out_.status};
  if (response.opaque) event.raw = &raw;
  std::string text;
  std::string data;
  if (error != nullptr && is_users_own(*error)) {
    text = wrapped_error("invalid request");
    JsonWriter(data)
        .begin_object()
        .member("error", error->message())
        .end_object();
    event.response_data = data;
  } else if (error != nullptr) {
    text = shown_error(*error, context_.token != nullptr);
  }
  event.error = text;
  worker_.recorder.response(event);
  return !may_block_ || worker_.recorder.flush();
}

void Flight::spend_last_use() {
  if (!last_use_) return;
  if (auto revoked = worker_.core.tokens().revoke(context_.token->hash);
      !revoked) {
    worker_.core.log().error("cannot revoke a token after its last use",
                             {{"error", revoked.error().message()}});
  }
}

Result<api::Response> Flight::help() {
  std::string json =
      help_json(*match_.route, *mount_->backend, request_.mount_point);
  return api::Response::bare_body(std::move(json));
}

Result<api::Response> Flight::handle() {
  TRY(check_routed(mount_, match_.route, request_.path));
  if (request_.operation == Operation::kHelp) return help();
  const api::Method* found = method();
  if (found == nullptr || (decoded_.head && !match_.route->while_sealed)) {
    return fail(ErrorCode::kUnsupported, "unsupported operation");
  }
  if (is_login()) {
    return log_in(worker_.core, *mount_, found->handler, request_, context_);
  }
  return found->handler(request_, context_);
}

void Flight::add_warnings(api::Response& response) const {
  if (!response.present || response.bare || match_.route == nullptr) return;
  const auto& unknown = request_.fields.unrecognized();
  if (!unknown.empty() && !match_.route->any_members) {
    response.warnings.push_back(
        fmt::format("Endpoint ignored these unrecognized parameters: [{}]",
                    fmt::join(unknown, " ")));
  }
  const auto& replaced = request_.fields.replaced();
  if (!replaced.empty()) {
    response.warnings.push_back(fmt::format(
        "Endpoint replaced the value of these parameters with the values "
        "captured from the endpoint's path: [{}]",
        fmt::join(replaced, " ")));
  }
}

// What is wrong with the server is for its operator to know, not only for the
// client that met it.
void Flight::log_fault(const Error& error) const {
  const bool fault = error.code() == ErrorCode::kCorrupt ||
                     error.code() == ErrorCode::kExhausted ||
                     error.code() == ErrorCode::kUnavailable;
  if (!fault) return;
  worker_.core.log().error(
      "a request failed",
      {{"error", error.message()},
       {"operation", std::string(api::operation_name(request_.operation))},
       {"path", std::string(request_.path)}});
}

void Flight::answer(const Error& error) {
  log_fault(error);
  out_.reset();
  out_.status = http_status(error.code());
  out_.body = error_body(error, context_.token != nullptr);
}

void Flight::answer(const api::Response& response) {
  if (!response.present) {
    if (request_.operation == Operation::kRead ||
        api::is_of_folder(request_.operation)) {
      out_.status = 404;
      out_.body = plain_error_body({});
    } else {
      out_.status = 204;
      out_.content_type.clear();
    }
    return;
  }
  out_.status = response.status != 0 ? response.status : 200;
  out_.content_type = response.content_type;
  out_.headers = response.headers;
  if (out_.status == 204) return;
  append_envelope(out_.body, response, request_.id);
}

// What the wrapping token of `response` is to be.
WrapSpec Flight::wrap_spec(const api::Response& response) const {
  WrapSpec spec{.ttl = *request_.wrap_ttl,
                .creation_path = std::string(request_.path),
                .display_name = {},
                .wrapped_accessor = {}};
  if (response.wrap_ttl_max > Seconds{0}) {
    spec.ttl = std::min(spec.ttl, response.wrap_ttl_max);
  }
  if (api::is_of_folder(request_.operation)) spec.creation_path += '/';
  if (context_.token) spec.display_name = context_.token->display_name;
  if (response.auth) spec.wrapped_accessor = response.auth->accessor;
  return spec;
}

// Keeps the answer under a token where the request asks for that.
Result<api::Response> Flight::wrap(api::Response response) const {
  const bool wanted = request_.wrap_ttl && response.present &&
                      response.status != 204 && !response.wrap_info;
  if (!wanted) return response;
  // Each is a write: not for whoever comes by.
  if (!context_.token && !response.auth) {
    return fail(invalid_argument(
        "without a token only the answer to a login is wrapped"));
  }
  if (response.content_type != "application/json") {
    return fail(invalid_argument("only answers in JSON are wrapped"));
  }
  response.duplicate_at_top = false;
  KeptAnswer kept{.json = {}, .status = response.status};
  append_envelope(kept.json, response, request_.id);
  kept.json.pop_back();  // the newline
  return keep_answer(worker_.core, kept, wrap_spec(response));
}

void Flight::finish(Result<api::Response> result) {
  if (result) {
    add_warnings(*result);
    result = wrap(*std::move(result));
  }
  if (result) {
    answer(*result);
  } else {
    answer(result.error());
  }
  const bool audited =
      result ? audit_response(*result, nullptr)
             : audit_response(api::Response::none(), &result.error());
  if (!audited) answer(internal_error("internal error"));
}

// Refusals are on the record too: an attempt with a bad token, above all.
void Flight::refuse(Error error) {
  const bool recordable = !request_.id.empty();
  if (recordable && !audit_request(&error)) {
    answer(internal_error("internal error"));
    return;
  }
  finish(fail(std::move(error)));
}

// Where a request has to go on that cannot here.
std::optional<Outcome> Flight::elsewhere(const Error& error) const {
  if (error.code() == ErrorCode::kWouldBlock) return Outcome::kNeedsPool;
  if (error.code() != ErrorCode::kWouldCompute) return std::nullopt;
  return is_login() ? Outcome::kNeedsLogin : Outcome::kNeedsCompute;
}

// On to where it can be answered, or refused.
Outcome Flight::turn_away(Error error) {
  if (const auto place = elsewhere(error)) return *place;
  refuse(std::move(error));
  return Outcome::kAnswered;
}

Outcome Flight::answer_or_defer() {
  worker_.follow_seal();
  const auto route = [&]() -> Result<void> {
    TRY(decode());
    return find_route();
  };
  if (auto routed = route(); !routed) {
    return turn_away(std::move(routed).error());
  }
  if (over_quota()) return Outcome::kAnswered;
  const auto admit = [&]() -> Result<void> {
    TRY(read_wrap_ttl());
    TRY(check_wrapping_token());
    // Keeping an answer is a write.
    if (request_.wrap_ttl && !may_block_) return fail(would_block());
    return authenticate();
  };
  if (auto admitted = admit(); !admitted) {
    return turn_away(std::move(admitted).error());
  }
  // The pool is for whatever its row of the route table says, decided before
  // anything is written.
  if (!may_block_ && match_.route != nullptr &&
      request_.operation != Operation::kHelp) {
    const api::Method* found = method();
    if (found != nullptr && found->cost == api::Cost::kPool) {
      return Outcome::kNeedsPool;
    }
  }
  const auto permit = [&]() -> Result<void> {
    // Policy speaks before the fields' types do, so that a stranger learns
    // nothing from validation.
    Result<void> bound = bind_fields();
    if (bound) TRY(settle_operation());
    TRY(authorize());
    return bound;
  };
  if (auto permitted = permit(); !permitted) {
    return turn_away(std::move(permitted).error());
  }
  if (may_block_) {
    if (!audit_request(nullptr)) {
      answer(internal_error("internal error"));
      return Outcome::kAnswered;
    }
    finish(handle());
    return Outcome::kAnswered;
  }
  Result<api::Response> result = handle();
  if (!result) {
    if (const auto place = elsewhere(result.error())) return *place;
  }
  audit_request(nullptr);
  finish(std::move(result));
  return Outcome::kAnswered;
}

}  // namespace

Outcome serve(const net::Request& request, net::Response& response,
              Worker& worker, bool may_block) {
  const auto start = std::chrono::steady_clock::now();
  Flight flight(request, response, worker, may_block);
  const Outcome outcome = flight.run();
  worker.trim();
  if (outcome == Outcome::kAnswered) {
    const auto elapsed = std::chrono::steady_clock::now() - start;
    worker.metrics.count(
        flight.operation(), response.status,
        static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::nanoseconds>(elapsed)
                .count()));
  }
  return outcome;
}

}  // namespace bulla::server
