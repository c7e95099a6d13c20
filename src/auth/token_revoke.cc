// Revocation: marks, walks and deletes a tree of tokens.
//
// A token is first marked, so that it is refused and can get no more children;
// then its children are revoked the same way, and its own entries go after
// theirs. So at every moment each stored token that has a parent has a stored
// parent, and a crash leaves a smaller tree that can be revoked again.

#include <algorithm>

#include "auth/token_store.h"
#include "auth/token_store_impl.h"

namespace bulla::auth {
namespace {

using barrier::Change;

constexpr std::size_t kChildrenPage = 64;
// A token adds four deletes at most to a commit that is still open.
constexpr std::size_t kOpenChangesMax = storage::Storage::kChangesMax - 4;

// One level of the walk.
struct Frame {
  std::string hash;
  std::string parent;  // whose link led here; "" for the root
  std::string after;   // the last child that was listed
  std::vector<std::string> children;
  std::size_t next = 0;
};

}  // namespace

// The walk of one revocation, depth first with its own stack.
class TokenStore::Impl::Walk {
 public:
  explicit Walk(Impl& impl) : impl_(impl) {}

  Result<void> run(const std::string& root) {
    enter(root, {});
    while (!stack_.empty()) {
      TRY_ASSIGN(const std::string child, next_child(stack_.back()));
      if (child.empty()) {
        TRY(leave());
      } else {
        enter(child, stack_.back().hash);
      }
    }
    return flush();
  }

 private:
  void enter(const std::string& hash, const std::string& parent) {
    impl_.shards.start_revoking(hash);
    impl_.raise_epoch();
    stack_.push_back({hash, parent, {}, {}, 0});
  }

  // "" when there is none left. Links are only names, which storage could
  // forge: a child counts when its own record names the parent.
  Result<std::string> next_child(Frame& frame) {
    while (true) {
      if (frame.next == frame.children.size()) {
        TRY_ASSIGN(frame.children,
                   impl_.view.list(token_paths::parent(frame.hash, {}),
                                   frame.after, kChildrenPage));
        frame.next = 0;
        if (frame.children.empty()) return std::string();
        frame.after = frame.children.back();
      }
      std::string child = frame.children[frame.next++];
      const auto stored = impl_.read(child);
      if (stored && *stored && (*stored)->token->parent == frame.hash) {
        return child;
      }
      if (!stored && stored.error().code() != ErrorCode::kCorrupt) {
        return fail(stored.error());
      }
      // Nothing that could be used: only the link goes.
      paths_.push_back(token_paths::parent(frame.hash, child));
      if (paths_.size() >= kOpenChangesMax) TRY(flush());
    }
  }

  // Everything below the top of the stack is dealt with; now itself.
  Result<void> leave() {
    const Frame frame = std::move(stack_.back());
    stack_.pop_back();
    const auto stored = impl_.read(frame.hash);
    if (!stored && stored.error().code() != ErrorCode::kCorrupt) {
      return fail(stored.error());
    }
    hashes_.push_back(frame.hash);
    if (stored && !*stored) return {};
    paths_.push_back(token_paths::id(frame.hash));
    if (!frame.parent.empty()) {
      paths_.push_back(token_paths::parent(frame.parent, frame.hash));
    }
    if (stored) TRY(leave_indexes(*(*stored)->token, frame));
    return paths_.size() >= kOpenChangesMax ? flush() : Result<void>{};
  }

  Result<void> leave_indexes(const api::Token& token, const Frame& frame) {
    if (const auto hook = impl_.hook.load(); hook && *hook) {
      TRY((*hook)(token));
    }
    paths_.push_back(impl_.accessor_path(token.accessor));
    if (frame.parent.empty() && !token.parent.empty()) {
      paths_.push_back(token_paths::parent(token.parent, token.hash));
    }
    if (token.expire_time) {
      paths_.push_back(token_paths::expiry(*token.expire_time, token.hash));
    }
    return {};
  }

  Result<void> flush() {
    std::vector<Change> changes;
    for (std::string& path : paths_) {
      changes.push_back(Change::remove(std::move(path)));
    }
    paths_.clear();
    if (!changes.empty()) TRY(impl_.view.commit(changes));
    for (const std::string& hash : hashes_) impl_.shards.end_revoking(hash);
    hashes_.clear();
    return {};
  }

  Impl& impl_;
  std::vector<Frame> stack_;
  std::vector<std::string> hashes_;  // whose entries the next commit deletes
  std::vector<std::string> paths_;
};

Result<void> TokenStore::revoke(std::string_view hash) {
  if (hash.size() != token_paths::kHashChars) return {};
  return Impl::Walk(*impl_).run(std::string(hash));
}

// Children first: until the token itself goes, nothing is lost by a crash.
Result<void> TokenStore::revoke_orphan(std::string_view hash) {
  const std::string parent(hash);
  const auto unknown = [] {
    return invalid_argument("token to revoke not found");
  };
  if (parent.size() != token_paths::kHashChars) return fail(unknown());
  impl_->shards.start_revoking(parent);
  impl_->raise_epoch();
  const auto stored = impl_->read(parent);
  if (stored && !*stored) {
    impl_->shards.end_revoking(parent);
    return fail(unknown());
  }
  TRY(impl_->adopt_out(parent));
  return revoke(parent);
}

Result<void> TokenStore::Impl::adopt_out(const std::string& parent) {
  while (true) {
    TRY_ASSIGN(const auto children,
               view.list(token_paths::parent(parent, {}), {}, kChildrenPage));
    if (children.empty()) return {};
    for (const std::string& child : children) {
      TRY(orphan_child(parent, child));
    }
  }
}

Result<void> TokenStore::Impl::orphan_child(const std::string& parent,
                                            const std::string& child) {
  const std::unique_lock gate(shards.gate(child));
  const auto stored = read(child);
  if (!stored && stored.error().code() != ErrorCode::kCorrupt) {
    return fail(stored.error());
  }
  std::vector<Change> changes;
  changes.push_back(Change::remove(token_paths::parent(parent, child)));
  SecretBytes record;
  if (stored && *stored && (*stored)->token->parent == parent) {
    auto orphan = std::make_shared<api::Token>(*(*stored)->token);
    orphan->parent.clear();
    orphan->orphan = true;
    record = serialize_token(*orphan);
    changes.push_back(Change::put(token_paths::id(child), record.expose())
                          .expecting((*stored)->version));
  }
  TRY(view.commit(changes));
  shards.forget(child);
  raise_epoch();
  return {};
}

}  // namespace bulla::auth
