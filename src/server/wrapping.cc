#include "server/wrapping.h"

#include <algorithm>
#include <utility>

#include "base/time_format.h"
#include "engine/cubbyhole/cubbyhole.h"

namespace bulla::server {
namespace {

using engine::cubbyhole::CubbyholeBackend;

constexpr std::string_view kPolicy = "response-wrapping";
constexpr std::string_view kEntry = "response";

Error not_valid() {
  return invalid_argument("wrapping token is not valid or does not exist");
}

Error cannot_validate(std::string_view why) {
  return {ErrorCode::kPermissionDenied,
          std::string("error validating wrapping token: ").append(why)};
}

Result<std::shared_ptr<CubbyholeBackend>> drawers(Core& core) {
  const auto mount = core.mounts().at("cubbyhole/");
  auto cubbyhole =
      mount ? std::dynamic_pointer_cast<CubbyholeBackend>(mount->backend)
            : nullptr;
  if (!cubbyhole) return fail(ErrorCode::kSealed, "Vault is sealed");
  return cubbyhole;
}

Result<KeptAnswer> read_answer(Core& core, const api::Token& token) {
  TRY_ASSIGN(const auto cubbyhole, drawers(core));
  TRY_ASSIGN(const auto text, cubbyhole->read(token.hash, kEntry));
  if (!text) return fail(not_valid());
  return parse_kept_answer(*text);
}

void revoke(Core& core, const api::Token& token) {
  if (auto revoked = core.tokens().revoke(token.hash); !revoked) {
    core.log().error("cannot revoke a wrapping token after its use",
                     {{"error", revoked.error().message()}});
  }
}

// From here on nobody else gets what it keeps.
Result<void> spend(Core& core, const api::Token& token) {
  const auto used = core.tokens().use(token);
  if (used) return {};
  const bool spent = used.error().code() == ErrorCode::kPermissionDenied;
  return fail(spent ? not_valid() : used.error());
}

}  // namespace

Result<std::optional<Seconds>> parse_wrap_ttl(std::string_view text) {
  constexpr std::string_view kWhere = "error parsing X-Vault-Wrap-TTL header";
  auto parsed = parse_duration(text);
  if (!parsed) return fail(std::move(parsed).error().with_context(kWhere));
  if (*parsed < Duration{0}) {
    return fail(invalid_argument("requested wrap ttl cannot be negative")
                    .with_context(kWhere));
  }
  if (*parsed == Duration{0}) return std::optional<Seconds>();
  return std::max(std::chrono::duration_cast<Seconds>(*parsed), Seconds{1});
}

Result<api::Response> keep_answer(Core& core, const KeptAnswer& answer,
                                  WrapSpec spec) {
  const std::string entry = write_kept_answer(answer);
  if (entry.size() > barrier::Barrier::kValueBytesMax) {
    return fail(ErrorCode::kTooLarge, "the answer is too large to be wrapped");
  }
  TRY_ASSIGN(const auto cubbyhole, drawers(core));
  auth::TokenSpec token;
  token.policies = {std::string(kPolicy)};
  token.display_name = std::move(spec.display_name);
  token.path = std::move(spec.creation_path);
  token.ttl = spec.ttl;
  token.explicit_max_ttl = spec.ttl;
  token.num_uses = 1;
  token.renewable = false;
  TRY_ASSIGN(auto made, core.tokens().create(std::move(token)));
  if (auto kept = cubbyhole->write(made.token->hash, kEntry, entry); !kept) {
    revoke(core, *made.token);
    return fail(std::move(kept).error());
  }
  api::Response response;
  response.present = true;
  response.wrap_info = std::make_unique<api::WrapInfo>(
      api::WrapInfo{.token = std::move(made.client_token),
                    .accessor = made.token->accessor,
                    .ttl = spec.ttl,
                    .creation_time = made.token->creation_time,
                    .creation_path = made.token->path,
                    .wrapped_accessor = std::move(spec.wrapped_accessor)});
  return response;
}

Result<std::string_view> named_wrapping_token(const api::Fields& fields,
                                              std::string_view client_token) {
  const auto named = fields.raw("token");
  if (!named || named->is_null()) {
    if (client_token.empty()) return fail(cannot_validate("token is empty"));
    return client_token;
  }
  std::string_view token;
  if (named->get_string().get(token)) {
    return fail(cannot_validate("could not decode token in request body"));
  }
  if (token.empty()) {
    return fail(cannot_validate("empty token in request body"));
  }
  return token;
}

Result<std::shared_ptr<const api::Token>> find_wrapping_token(
    Core& core, std::string_view client_token, bool may_block) {
  auto token = core.tokens().lookup(client_token, may_block);
  if (!token) {
    const bool unknown = token.error().code() == ErrorCode::kPermissionDenied;
    return fail(unknown ? not_valid() : token.error());
  }
  const auto& policies = (*token)->policies;
  if (policies.size() != 1 || policies.front() != kPolicy) {
    return fail(not_valid());
  }
  return token;
}

Result<KeptAnswer> take_answer(Core& core, const api::Token& token,
                               bool is_caller) {
  // Read before it is spent: a store that fails here loses nothing.
  TRY_ASSIGN(KeptAnswer answer, read_answer(core, token));
  if (is_caller) return answer;
  TRY(spend(core, token));
  revoke(core, token);
  return answer;
}

Result<api::Response> rewrap_answer(Core& core, const api::Token& token,
                                    bool is_caller,
                                    std::optional<Seconds> ttl) {
  TRY_ASSIGN(const KeptAnswer answer, read_answer(core, token));
  WrapSpec spec{
      .ttl = std::min(token.creation_ttl, ttl.value_or(token.creation_ttl)),
      .creation_path = token.path,
      .display_name = token.display_name,
      .wrapped_accessor = {}};
  TRY_ASSIGN(auto response, keep_answer(core, answer, std::move(spec)));
  if (is_caller) return response;
  // Nobody has the new token yet, and nobody shall if another was faster.
  if (auto spent = spend(core, token); !spent) {
    const auto made = core.tokens().lookup(response.wrap_info->token, true);
    if (made) revoke(core, **made);
    return fail(std::move(spent).error());
  }
  revoke(core, token);
  return response;
}

}  // namespace bulla::server
