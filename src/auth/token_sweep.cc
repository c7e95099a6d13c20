// Housekeeping: expired tokens, and index entries that point at nothing.

#include <charconv>

#include "auth/token_store.h"
#include "auth/token_store_impl.h"

namespace bulla::auth {
namespace {

constexpr std::size_t kPage = 256;
constexpr std::size_t kTimeChars = 16;

struct ExpiryEntry {
  std::int64_t seconds = 0;
  std::string hash;
};

// "<16 hex digits>/<hash>"; names come from storage and may be anything.
std::optional<ExpiryEntry> parse_expiry(std::string_view name) {
  if (name.size() != kTimeChars + 1 + token_paths::kHashChars ||
      name[kTimeChars] != '/') {
    return std::nullopt;
  }
  ExpiryEntry entry;
  const char* const end = name.data() + kTimeChars;
  const auto [stop, error] =
      std::from_chars(name.data(), end, entry.seconds, 16);
  if (error != std::errc() || stop != end) return std::nullopt;
  entry.hash = name.substr(kTimeChars + 1);
  return entry;
}

bool is_over(const api::Token& token, Time now) {
  return token.expired(now) || token.num_uses == kUsesExhausted;
}

}  // namespace

Result<void> TokenStore::Impl::each_path(
    std::string_view prefix,
    const std::function<Result<void>(const std::string&)>& visit) {
  std::string after;
  while (true) {
    TRY_ASSIGN(const auto paths, view.scan(prefix, after, kPage));
    if (paths.empty()) return {};
    for (const std::string& path : paths) TRY(visit(path));
    after = paths.back();
  }
}

// True when a token was revoked. `entry` is a path below the expiry index.
Result<bool> TokenStore::Impl::sweep_one(const std::string& entry, Time now) {
  const auto parsed = parse_expiry(
      std::string_view(entry).substr(token_paths::kExpiries.size()));
  if (!parsed) {
    TRY(view.remove(entry));
    return false;
  }
  const auto stored = read(parsed->hash);
  if (!stored && stored.error().code() != ErrorCode::kCorrupt) {
    return fail(stored.error());
  }
  const TokenPtr token = stored && *stored ? (*stored)->token : nullptr;
  const bool over = token && is_over(*token, now);
  if (over) TRY(store.revoke(parsed->hash));
  // Else left behind by a renewal, or by a token that is gone.
  const bool current =
      token && token->expire_time &&
      token_paths::expiry(*token->expire_time, token->hash) == entry;
  if (!current) TRY(view.remove(entry));
  return over;
}

// Those that a look-up saw expired, even if the clock has stepped back since.
Result<std::size_t> TokenStore::Impl::sweep_marked(std::size_t limit) {
  std::size_t done = 0;
  for (const std::string& hash : shards.expired()) {
    if (done == limit) break;
    TRY(store.revoke(hash));
    ++done;
  }
  return done;
}

Result<std::size_t> TokenStore::sweep_expired(std::size_t limit) {
  TRY_ASSIGN(std::size_t done, impl_->sweep_marked(limit));
  const Time now = impl_->clock.now();
  // Everything up to and including the present second sorts before this.
  const std::string end = token_paths::expiry(now + Seconds{1}, {});
  std::string after;
  while (done < limit) {
    TRY_ASSIGN(const auto paths,
               impl_->view.scan(token_paths::kExpiries, after, kPage));
    if (paths.empty()) break;
    for (const std::string& path : paths) {
      if (path >= end || done >= limit) return done;
      TRY_ASSIGN(const bool revoked, impl_->sweep_one(path, now));
      done += revoked ? 1 : 0;
    }
    after = paths.back();
  }
  return done;
}

Result<std::vector<std::string>> TokenStore::accessors(std::string_view after,
                                                       std::size_t limit) {
  std::vector<std::string> out;
  std::string last =
      after.empty() ? std::string() : impl_->accessor_path(after);
  while (true) {
    TRY_ASSIGN(const auto paths,
               impl_->view.scan(token_paths::kAccessors, last, kPage));
    if (paths.empty()) return out;
    for (const std::string& path : paths) {
      if (limit > 0 && out.size() == limit) return out;
      TRY_ASSIGN(const auto entry, impl_->view.get(path));
      if (!entry) continue;
      TRY_ASSIGN(const auto stored,
                 impl_->read(as_text(entry->value.expose())));
      if (stored) out.push_back(stored->token->accessor);
    }
    last = paths.back();
  }
}

Result<void> TokenStore::revoke_made_at(std::string_view prefix) {
  return impl_->each_path(
      token_paths::kIds, [&](const std::string& path) -> Result<void> {
        const auto hash =
            std::string_view(path).substr(token_paths::kIds.size());
        TRY_ASSIGN(const auto stored, impl_->read(hash));
        if (!stored || !stored->token->path.starts_with(prefix)) return {};
        return revoke(hash);
      });
}

Result<std::uint64_t> TokenStore::count() {
  std::uint64_t total = 0;
  TRY(impl_->each_path(token_paths::kIds,
                       [&](const std::string&) -> Result<void> {
                         ++total;
                         return {};
                       }));
  return total;
}

Result<std::size_t> TokenStore::Impl::tidy_accessors() {
  std::size_t removed = 0;
  TRY(each_path(
      token_paths::kAccessors, [&](const std::string& path) -> Result<void> {
        TRY_ASSIGN(const auto entry, view.get(path));
        if (!entry) return {};
        TRY_ASSIGN(const auto token,
                   view.get(token_paths::id(as_text(entry->value.expose()))));
        if (token) return {};
        ++removed;
        return view.remove(path);
      }));
  return removed;
}

Result<std::size_t> TokenStore::Impl::tidy_parents() {
  std::size_t removed = 0;
  TRY(each_path(
      token_paths::kParents, [&](const std::string& path) -> Result<void> {
        const std::string_view child =
            std::string_view(path).substr(path.rfind('/') + 1);
        TRY_ASSIGN(const auto token, view.get(token_paths::id(child)));
        if (token) return {};
        ++removed;
        return view.remove(path);
      }));
  return removed;
}

Result<std::size_t> TokenStore::tidy() {
  TRY_ASSIGN(const std::size_t accessors, impl_->tidy_accessors());
  TRY_ASSIGN(const std::size_t parents, impl_->tidy_parents());
  TRY_ASSIGN(const std::size_t expired,
             sweep_expired(storage::Storage::kListMax));
  return accessors + parents + expired;
}

}  // namespace bulla::auth
