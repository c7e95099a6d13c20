#include "auth/token_store.h"

#include <fmt/format.h>

#include <algorithm>

#include "auth/token_store_impl.h"
#include "auth/ttl.h"
#include "base/encoding.h"

namespace bulla::auth {
namespace {

constexpr std::size_t kHashKeyBytes = 32;

Error bad_token() { return permission_denied(); }

}  // namespace

namespace token_paths {

std::string id(std::string_view hash) { return std::string(kIds).append(hash); }

std::string parent(std::string_view parent, std::string_view child) {
  return fmt::format("{}{}/{}", kParents, parent, child);
}

std::string expiry(Time time, std::string_view hash) {
  const std::int64_t seconds = std::max<std::int64_t>(unix_seconds(time), 0);
  return fmt::format("{}{:016x}/{}", kExpiries, seconds, hash);
}

}  // namespace token_paths

TokenStore::TokenStore(barrier::Barrier& barrier, barrier::View view,
                       crypto::Rng& rng, const Clock& clock)
    : impl_(std::make_unique<Impl>(*this, barrier, std::move(view), rng,
                                   clock)) {}

TokenStore::~TokenStore() = default;

Result<void> TokenStore::load() {
  const std::string path(token_paths::kHashKey);
  TRY_ASSIGN(auto entry, impl_->view.get(path));
  SecretBytes key;
  if (entry) {
    key = std::move(entry->value);
    if (key.size() != kHashKeyBytes) {
      return fail(corrupt("the token store's hash key has a wrong length"));
    }
  } else {
    key = impl_->rng.secret(kHashKeyBytes);
    const auto change = barrier::Change::put(path, key.expose())
                            .expecting(storage::Change::kAbsent);
    TRY(impl_->view.commit({&change, 1}));
  }
  impl_->shards.clear();
  impl_->hmac.publish(std::make_shared<const crypto::Hmac>(
      crypto::HashAlgorithm::kSha2_256, key.expose()));
  impl_->raise_epoch();
  return {};
}

void TokenStore::clear() {
  impl_->hmac.publish(nullptr);
  impl_->shards.clear();
  impl_->raise_epoch();
}

void TokenStore::on_revoke(
    std::function<Result<void>(const api::Token&)> hook) {
  impl_->hook.publish(std::make_shared<const RevokeHook>(std::move(hook)));
}

Result<std::string> TokenStore::Impl::keyed_hash(std::string_view text) const {
  const auto key = hmac.load();
  if (!key) return fail(ErrorCode::kSealed, "Vault is sealed");
  return hex_encode(key->sign(as_bytes(text)).view());
}

std::string TokenStore::hash_of(std::string_view client_token) const {
  return impl_->keyed_hash(client_token).value_or(std::string());
}

// The prefix keeps an accessor from ever standing for a token.
std::string TokenStore::Impl::accessor_path(std::string_view accessor) const {
  const auto hash =
      keyed_hash(std::string("accessor:").append(accessor)).value_or("");
  return std::string(token_paths::kAccessors).append(hash);
}

Result<std::optional<TokenStore::Impl::Stored>> TokenStore::Impl::read(
    std::string_view hash) {
  TRY_ASSIGN(const auto entry, view.get(token_paths::id(hash)));
  if (!entry) return std::nullopt;
  TRY_ASSIGN(auto token, parse_token(std::string(hash), entry->value.expose()));
  return Stored{std::move(token), entry->version};
}

Result<TokenPtr> TokenStore::Impl::check_live(TokenPtr token) {
  if (!token->expired(clock.now())) return token;
  if (!token->hash.empty()) shards.mark_expired(token->hash);
  return fail(bad_token());
}

// From cache or storage; kPermissionDenied when it is not live.
Result<TokenPtr> TokenStore::Impl::live(std::string_view hash) {
  if (hash.size() != token_paths::kHashChars) return fail(bad_token());
  if (auto token = shards.cached(hash)) return check_live(std::move(token));
  const std::shared_lock gate(shards.gate(hash));
  if (shards.refused(hash)) return fail(bad_token());
  TRY_ASSIGN(auto stored, read(hash));
  if (!stored) return fail(bad_token());
  TRY_ASSIGN(auto token, check_live(std::move(stored->token)));
  shards.cache(token);
  return token;
}

Result<TokenPtr> TokenStore::Impl::open_batch(std::string_view client_token,
                                              bool may_block) {
  client_token.remove_prefix(token_paths::kBatchPrefix.size());
  const auto sealed = base64url_decode(client_token);
  if (!sealed) return fail(bad_token());
  const auto opened =
      barrier.open(view.prefix() + std::string(token_paths::kBatch), *sealed);
  if (!opened) {
    return fail(opened.error().code() == ErrorCode::kSealed ? opened.error()
                                                            : bad_token());
  }
  TRY_ASSIGN(auto token, parse_token({}, opened->expose()));
  if (token->type != api::Token::Type::kBatch) return fail(bad_token());
  TRY_ASSIGN(token, check_live(std::move(token)));
  if (token->orphan) return token;
  // It lives no longer than its parent.
  if (auto parent = shards.cached(token->parent)) {
    TRY(check_live(std::move(parent)));
    return token;
  }
  if (!may_block) return fail(would_block());
  TRY(live(token->parent));
  return token;
}

Result<TokenPtr> TokenStore::lookup(std::string_view client_token,
                                    bool may_block) {
  if (client_token.empty() ||
      client_token.size() > token_paths::kClientTokenBytesMax) {
    return fail(bad_token());
  }
  if (client_token.starts_with(token_paths::kBatchPrefix)) {
    return impl_->open_batch(client_token, may_block);
  }
  TRY_ASSIGN(const std::string hash, impl_->keyed_hash(client_token));
  TokenPtr token = impl_->shards.cached(hash);
  if (!token && !may_block) return fail(would_block());
  TRY_ASSIGN(token, impl_->live(hash));
  if (token->num_uses == kUsesExhausted) return fail(bad_token());
  return token;
}

Result<TokenPtr> TokenStore::lookup_hash(std::string_view hash) {
  return impl_->live(hash);
}

Result<TokenPtr> TokenStore::lookup_accessor(std::string_view accessor) {
  const auto unknown = [] { return invalid_argument("invalid accessor"); };
  if (accessor.empty() || accessor.size() > token_paths::kHashChars) {
    return fail(unknown());
  }
  TRY_ASSIGN(const auto entry, impl_->view.get(impl_->accessor_path(accessor)));
  if (!entry) return fail(unknown());
  auto token = impl_->live(as_text(entry->value.expose()));
  if (!token && token.error().code() == ErrorCode::kPermissionDenied) {
    return fail(unknown());
  }
  if (token && (*token)->accessor != accessor) return fail(unknown());
  return token;
}

TokenPtr TokenStore::Impl::make_token(TokenSpec& spec, std::string hash) const {
  auto token = std::make_shared<api::Token>();
  const Time now = clock.now();
  token->hash = std::move(hash);
  token->type = spec.type;
  token->parent = std::move(spec.parent);
  token->orphan = token->parent.empty();
  token->policies = std::move(spec.policies);
  token->meta = std::move(spec.meta);
  token->display_name = std::move(spec.display_name);
  token->path = std::move(spec.path);
  token->role = std::move(spec.role);
  token->entity_id = std::move(spec.entity_id);
  token->bound_cidrs = std::move(spec.bound_cidrs);
  token->creation_time = now;
  token->issue_time = now;
  token->creation_ttl = spec.ttl;
  if (spec.ttl > Seconds{0}) token->expire_time = expiry_after(now, spec.ttl);
  token->explicit_max_ttl = spec.explicit_max_ttl;
  token->period = spec.period;
  token->num_uses = spec.num_uses;
  token->renewable = spec.renewable && spec.type == api::Token::Type::kService;
  if (spec.type == api::Token::Type::kService) token->accessor = rng.base62(24);
  return token;
}

Result<CreatedToken> TokenStore::create(TokenSpec spec) {
  if (spec.type == api::Token::Type::kBatch) return impl_->create_batch(spec);
  if (spec.id.starts_with(token_paths::kBatchPrefix) ||
      spec.id.size() > token_paths::kClientTokenBytesMax) {
    return fail(invalid_argument(
        "custom token ID cannot have the 'b.' prefix or be that long"));
  }
  if (spec.parent.empty()) return impl_->create_service(spec);
  // While the gate is held the parent cannot be revoked, and after it is
  // marked no child is made.
  const std::string parent = spec.parent;
  auto found = impl_->live(parent);
  const std::shared_lock gate(impl_->shards.gate(parent));
  if (!found || impl_->shards.refused(parent)) {
    return fail(
        invalid_argument("parent token lookup failed: no parent "
                         "found"));
  }
  // The entry may have gone between the two lines above.
  TRY_ASSIGN(const auto stored, impl_->read(parent));
  if (!stored) {
    return fail(
        invalid_argument("parent token lookup failed: no parent "
                         "found"));
  }
  return impl_->create_service(spec);
}

Result<CreatedToken> TokenStore::Impl::create_batch(TokenSpec& spec) {
  CreatedToken created;
  created.token = make_token(spec, {});
  const SecretBytes record = serialize_token(*created.token);
  TRY_ASSIGN(
      const storage::Change sealed,
      barrier.seal_change(barrier::Change::put(
          view.prefix() + std::string(token_paths::kBatch), record.expose())));
  created.client_token =
      std::string(token_paths::kBatchPrefix) + base64url_encode(*sealed.value);
  if (created.client_token.size() > token_paths::kClientTokenBytesMax) {
    return fail(invalid_argument("the batch token would be too large"));
  }
  return created;
}

Result<CreatedToken> TokenStore::Impl::create_service(TokenSpec& spec) {
  CreatedToken created;
  const bool custom = !spec.id.empty();
  created.client_token = custom ? std::move(spec.id) : "s." + rng.base62(24);
  TRY_ASSIGN(std::string hash, keyed_hash(created.client_token));
  created.token = make_token(spec, std::move(hash));
  if (auto done = commit_new(*created.token); !done) {
    if (done.error().code() != ErrorCode::kConflict) {
      return fail(std::move(done).error());
    }
    return fail(invalid_argument("cannot create a token with a duplicate ID"));
  }
  shards.cache(created.token);
  return created;
}

Result<void> TokenStore::Impl::commit_new(const api::Token& token) {
  using barrier::Change;
  const SecretBytes record = serialize_token(token);
  const ByteView hash = as_bytes(token.hash);
  std::vector<Change> changes;
  changes.push_back(Change::put(token_paths::id(token.hash), record.expose())
                        .expecting(storage::Change::kAbsent));
  changes.push_back(Change::put(accessor_path(token.accessor), hash));
  if (!token.parent.empty()) {
    changes.push_back(
        Change::put(token_paths::parent(token.parent, token.hash), {}));
  }
  if (token.expire_time) {
    changes.push_back(
        Change::put(token_paths::expiry(*token.expire_time, token.hash), {}));
  }
  return view.commit(changes);
}

}  // namespace bulla::auth
