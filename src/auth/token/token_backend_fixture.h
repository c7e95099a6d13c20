#pragma once

// The backend over real stores, called as the server would call it.

#include <string>
#include <vector>

#include "api/no_managed_keys.h"
#include "auth/token_backend.h"
#include "auth/token_fixture.h"
#include "dek/no_records.h"

namespace bulla::auth {

constexpr Seconds kSystemTtl{768 * 3600};

class TokenBackendTest : public TokenFixture {
 protected:
  TokenBackendTest() {
    TokenSpec root = spec({"root"});
    root.ttl = Seconds{0};
    root.renewable = false;
    root.path = "auth/token/root";
    root.display_name = "root";
    root_ = make(root);
    caller_ = make(spec({"a", "b", "default"}));
    for (const auto* name : {"a", "b"}) EXPECT_TRUE(policies_.set(name, ""));
  }

  struct Caller {
    const CreatedToken* token;
    bool sudo;
  };
  Caller root() { return {&root_, true}; }
  Caller user() { return {&caller_, false}; }
  Caller admin() { return {&caller_, true}; }

  const api::Route* route_of(std::string_view path,
                             std::vector<api::PathParam>& params) {
    for (const api::Route& route : backend_.routes()) {
      if (route.pattern == path) return &route;
    }
    const std::size_t slash = path.find('/');
    if (slash == std::string_view::npos) return nullptr;
    const std::string pattern =
        std::string(path.substr(0, slash)) + "/:role_name";
    for (const api::Route& route : backend_.routes()) {
      if (route.pattern != pattern) continue;
      params.push_back({"role_name", path.substr(slash + 1)});
      return &route;
    }
    return nullptr;
  }

  Result<api::Response> call(api::Operation operation, std::string_view path,
                             std::string_view json, Caller caller,
                             bool may_block = true) {
    std::vector<api::PathParam> params;
    const api::Route* route = route_of(path, params);
    if (route == nullptr) return fail(not_found(std::string(path)));
    for (const api::Method& method : route->methods) {
      if (method.operation != operation) continue;
      api::Request request;
      request.operation = operation;
      request.mount_point = "auth/token/";
      request.remote_address = "192.0.2.7";
      const auto body = parse_json(parser_, json);
      EXPECT_TRUE(body) << json;
      TRY(request.fields.bind(route->fields, params,
                              body->get_object().value()));
      api::Context context;
      context.now = clock_.now();
      context.may_block = may_block;
      context.token = caller.token->token;
      context.client_token = caller.token->client_token;
      context.sudo = caller.sudo;
      return method.handler(request, context);
    }
    return fail(ErrorCode::kUnsupported, "");
  }
  Result<api::Response> post(std::string_view path, std::string_view json,
                             Caller caller) {
    return call(api::Operation::kUpdate, path, json, caller);
  }
  std::string error(std::string_view path, std::string_view json,
                    Caller caller) {
    const auto answer = post(path, json, caller);
    return answer ? "" : answer.error().message();
  }
  std::vector<std::string> policies_of(std::string_view path,
                                       std::string_view json, Caller caller) {
    const auto answer = post(path, json, caller);
    EXPECT_TRUE(answer) << (answer ? "" : answer.error().message());
    return answer ? answer->auth->policies : std::vector<std::string>{};
  }
  CreatedToken created(std::string_view path, std::string_view json,
                       Caller caller) {
    const auto answer = post(path, json, caller);
    EXPECT_TRUE(answer) << (answer ? "" : answer.error().message());
    if (!answer) return {};
    CreatedToken made;
    made.client_token = answer->auth->client_token;
    made.token = *tokens_.lookup(made.client_token, true);
    return made;
  }

  // Tokens do nothing by themselves.
  struct NoEvents final : api::EventSink {
    Result<void> announce(const api::OwnAction&) override { return {}; }
  };

  api::MountConfig config_;
  NoEvents events_;
  dek::NoRecords records_;
  dek::RecordHolders record_holders_;
  api::NoManagedKeys managed_keys_;
  Logger log_{clock_, LogLevel::kError, LogFormat::kStandard};
  TokenBackend backend_{
      {barrier::View(barrier_, "fixed/auth/token/"), config_, rng_, clock_,
       log_, events_, records_, record_holders_, managed_keys_},
      tokens_,
      policies_,
      {kSystemTtl, kSystemTtl}};
  JsonParser parser_;
  CreatedToken root_;
  CreatedToken caller_;
};

}  // namespace bulla::auth
