#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/rng.h"
#include "engine/cubbyhole/cubbyhole.h"
#include "server/core.h"
#include "server/route_matcher.h"
#include "server/router_rules.h"
#include "server/sys/sys_backend.h"
#include "storage/memory.h"

namespace bulla::server {

/// A clock that a test steps.
class StepClock final : public Clock {
 public:
  Time now() const override { return time; }
  Time time = from_unix_nanos(1'767'323'045'678'000'000);
};

/// An engine with nothing but a route to be seen in lists and documents.
class FakeEngine final : public api::Backend {
 public:
  explicit FakeEngine(std::string type) : type_(std::move(type)) {
    api::Route route;
    route.pattern = "things/:name";
    route.fields = {{"name", api::FieldType::kString, "The thing's name."},
                    {"count", api::FieldType::kInt, "How many.", "1"}};
    route.methods = {{api::Operation::kRead, api::Cost::kInline,
                      [](const api::Request&, api::Context&) {
                        return Result<api::Response>(api::Response::none());
                      },
                      "Reads a thing."},
                     {api::Operation::kUpdate, api::Cost::kPool,
                      [](const api::Request&, api::Context&) {
                        return Result<api::Response>(api::Response::none());
                      },
                      "Writes a thing."}};
    route.synopsis = "Things by name.";
    routes_.push_back(std::move(route));
  }
  std::string_view type() const override { return type_; }
  const std::vector<api::Route>& routes() const override { return routes_; }
  std::string_view help() const override { return "A fake engine."; }
  void tuned(const api::MountConfig& config) override { path_ = config.path; }
  void stop() override { stopped_ = true; }

  /// What it was last told that its path is.
  const std::string& path() const { return path_; }
  bool stopped() const { return stopped_; }

 private:
  std::string type_;
  std::string path_;
  bool stopped_ = false;
  std::vector<api::Route> routes_;
};

/// A core on memory storage and its sys/ routes, called as the pipeline calls
/// them but for token, policy and audit. Engines of the types "fake",
/// "kv" and (auth) "fakeauth" can be mounted; sys/, cubbyhole/ and auth/token/
/// are.
class SysFixture : public testing::Test {
 protected:
  SysFixture() { rebuild(); }

  using Providers = std::vector<std::unique_ptr<kek::KekProvider>>;
  /// What seals are configured from the next rebuild() on.
  std::function<Providers()> providers_;

  /// A new core over the same storage, as after a restart; sealed.
  void rebuild() {
    backend_.reset();
    core_ = std::make_unique<Core>(
        CoreParts{.config = config_,
                  .storage = storage_,
                  .rng = rng_,
                  .clock = clock_,
                  .log = log_,
                  .providers = providers_ ? providers_() : Providers{},
                  .engines = {factory("fake", false), factory("fakeauth", true),
                              factory("kv", false)}});
    Core& core = *core_;
    core.mounts().add_fixed(
        fixed("sys/", "system"),
        {"system", false, [&core](const api::BackendContext&) {
           return std::make_shared<SysBackend>(core);
         }});
    core.mounts().add_fixed(fixed("cubbyhole/", "cubbyhole"),
                            {"cubbyhole", false, make_cubbyhole});
    core.mounts().add_fixed(fixed("auth/token/", "token"),
                            factory("token", true));
    core.mounts().start();
    backend_ = core.mounts().at("sys/")->backend;
    matcher_ = core.mounts().at("sys/")->matcher;
  }

  /// Initialises with one share of one and unseals; root_ is the root token.
  void open() {
    seal::InitParams params;
    params.secret_shares = 1;
    params.secret_threshold = 1;
    auto made = core_->initialize(params);
    ASSERT_TRUE(made) << made.error().message();
    root_ = made->root_token;
    share_ = made->keys.shares.at(0).clone();
    unseal();
  }
  void unseal() {
    const auto opened = core_->unseal(share_.clone());
    ASSERT_TRUE(opened) << opened.error().message();
    ASSERT_TRUE(*opened);
  }

  /// Null when no pattern matches; `path` is inside sys/: "policies/acl/a".
  const api::Route* route(std::string_view path) const {
    return matcher_->match(path).route;
  }

  /// Runs the handler that serves `operation` on `path` (inside sys/).
  ///   kNotFound     no route; kUnsupported  no such method.
  Result<api::Response> call(api::Operation operation, std::string_view path,
                             std::string_view body = {},
                             std::string_view token = {}) {
    return call_as(operation, path, body, token, false);
  }
  /// The same for a caller whose policy grants sudo.
  Result<api::Response> sudo(api::Operation operation, std::string_view path,
                             std::string_view body = {}) {
    return call_as(operation, path, body, {}, true);
  }
  Result<api::Response> call_as(api::Operation operation, std::string_view path,
                                std::string_view body, std::string_view token,
                                bool sudo) {
    texts_.emplace_back(path);
    const std::string& kept = texts_.back();
    const RouteMatch match = matcher_->match(kept);
    if (match.route == nullptr) return fail(not_found("unsupported path"));
    const api::Method* const method = find_method(*match.route, operation);
    if (method == nullptr) {
      return fail(ErrorCode::kUnsupported, "unsupported operation");
    }
    request_ = std::make_unique<api::Request>();
    texts_.push_back("sys/" + kept);
    request_->path = texts_.back();
    request_->mount_point = "sys/";
    request_->relative = kept;
    request_->operation = operation;
    request_->id = "11111111-2222-4333-8444-555555555555";
    request_->remote_address = "127.0.0.1";
    request_->wrap_ttl = wrap_ttl_;
    std::optional<JsonObject> object;
    if (!body.empty()) {
      TRY_ASSIGN(const JsonElement element, parse_json(parser_, body));
      object = JsonObject(element);
    }
    TRY(request_->fields.bind(match.route->fields,
                              std::span(match.params.data(), match.param_count),
                              object));
    api::Context context;
    context.now = clock_.now();
    context.rng = &rng_;
    context.loop = &loop_;
    context.sudo = sudo;
    texts_.emplace_back(token);
    context.client_token = texts_.back();
    if (!token.empty()) {
      TRY_ASSIGN(context.token, core_->tokens().lookup(token, true));
      context.sudo = context.token->is_root();
    }
    return method->handler(*request_, context);
  }

  /// The `data` of an answer; fails the test on an error.
  std::string data(const Result<api::Response>& answer) {
    EXPECT_TRUE(answer) << (answer ? "" : answer.error().message());
    return answer ? answer->data : std::string();
  }
  /// The message of an error, "" for none.
  static std::string error(const Result<api::Response>& answer) {
    return answer ? std::string() : answer.error().message();
  }
  /// Answered with nothing: HTTP 204 for writes, 404 for reads.
  static bool is_none(const Result<api::Response>& answer) {
    return answer && !answer->present;
  }
  /// A token of these policies.
  std::string make_token(std::vector<std::string> policies) {
    auth::TokenSpec spec;
    spec.policies = std::move(policies);
    spec.display_name = "token";
    spec.path = "auth/token/create";
    spec.ttl = Seconds{3600};
    auto made = core_->tokens().create(std::move(spec));
    EXPECT_TRUE(made) << (made ? "" : made.error().message());
    return made ? made->client_token : std::string();
  }

  ServerConfig config_ = [] {
    ServerConfig config;
    config.listeners.emplace_back();
    return config;
  }();
  storage::MemoryStorage storage_;
  crypto::SystemRng rng_;
  StepClock clock_;
  int null_ = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  Logger log_{clock_, LogLevel::kError, LogFormat::kJson, null_};
  std::unique_ptr<Core> core_;
  std::string root_;
  SecretBytes share_;
  std::optional<Seconds> wrap_ttl_;  ///< What requests ask to be wrapped for.

 private:
  static BackendFactory factory(std::string type, bool is_auth) {
    return {type, is_auth, [type](const api::BackendContext&) {
              return std::make_shared<FakeEngine>(type);
            }};
  }
  static std::shared_ptr<api::Backend> make_cubbyhole(
      const api::BackendContext& context) {
    return std::make_shared<engine::cubbyhole::CubbyholeBackend>(context);
  }
  static api::MountConfig fixed(std::string path, std::string type) {
    api::MountConfig config;
    config.is_auth = path.starts_with("auth/");
    config.path = std::move(path);
    config.accessor = type + "_00000000";
    config.uuid = "fixed-" + type;
    config.local = type == "cubbyhole";
    config.type = std::move(type);
    return config;
  }

  std::shared_ptr<api::Backend> backend_;
  std::shared_ptr<const RouteMatcher> matcher_;
  std::unique_ptr<api::Request> request_;
  api::LoopState loop_;
  JsonParser parser_;
  std::deque<std::string> texts_;  // what requests view
};

}  // namespace bulla::server
