// A rekey's verification: the new shares are echoed before they count.

#include <algorithm>

#include "seal/rekey.h"
#include "seal/rekey_texts.h"

namespace bulla::seal {

Result<void> Rekey::check_verify_nonce(std::string_view nonce,
                                       const RekeyCaller& caller) const {
  if (nonce == operation_->fresh->nonce) return {};
  return fail(wrong_verification_nonce(caller, operation_->fresh->nonce));
}

VerifyStatus Rekey::verify_status_of(const RekeyCaller& caller) const {
  VerifyStatus status;
  status.threshold = operation_->to_prove();
  status.shares = operation_->shares;
  if (!operation_->fresh) return status;
  if (caller.trusted) status.nonce = operation_->fresh->nonce;
  status.started = true;
  status.progress = operation_->proved();
  return status;
}

Result<VerifyStatus> Rekey::verify_status(const RekeyCaller& caller) {
  TRY(authority());
  const Turn turn(*this);
  if (!operation_) return fail(nothing_to_show(caller));
  return verify_status_of(caller);
}

// With verify_all each share is held against those that were given out, so that
// a wrong one is known at once and costs nothing.
Result<void> Rekey::take_proof(SecretBytes share) {
  Fresh& fresh = *operation_->fresh;
  if (!operation_->verify_all) {
    if (!fresh.quorum.add(std::move(share))) return fail(repeated_proof());
    return {};
  }
  std::size_t found = fresh.shares.size();
  for (std::size_t i = 0; i < fresh.shares.size(); ++i) {
    if (fresh.shares[i] == share) found = i;
  }
  if (found == fresh.shares.size()) {
    return fail(invalid_argument("the given key is none of the new keys"));
  }
  if (std::ranges::find(fresh.proved, found) != fresh.proved.end()) {
    return fail(repeated_proof());
  }
  fresh.proved.push_back(found);
  return {};
}

Result<void> Rekey::check_proof() const {
  if (operation_->verify_all) return {};
  const auto key = operation_->fresh->quorum.combine();
  if (key && *key == operation_->fresh->key) return {};
  return fail(wrong_proof());
}

Result<VerifyStatus> Rekey::verify(SecretBytes share, std::string_view nonce,
                                   const RekeyCaller& caller) {
  TRY(authority());
  const Turn turn(*this);
  TRY(check_share_length(share));
  if (!operation_) return fail(nothing_begun(caller));
  if (!operation_->fresh) return fail(no_verification(caller));
  TRY(check_verify_nonce(nonce, caller));
  TRY(take_proof(std::move(share)));
  if (operation_->proved() < operation_->to_prove()) {
    return verify_status_of(caller);
  }
  // The new shares are held by people: nothing needs the former ones any more.
  Result<void> done = check_proof();
  if (done) done = put_into_force(*operation_->fresh, nullptr);
  if (!done) {
    operation_->fresh->quorum.clear();
    operation_->fresh->proved.clear();
    return fail(std::move(done).error());
  }
  VerifyStatus status;
  status.nonce = operation_->fresh->nonce;
  status.complete = true;
  operation_.reset();
  return status;
}

Result<VerifyStatus> Rekey::restart_verification(std::string_view nonce,
                                                 const RekeyCaller& caller) {
  TRY(authority());
  const Turn turn(*this);
  if (!operation_) return fail(nothing_to_show(caller));
  if (!operation_->fresh) return verify_status_of(caller);
  if (!nonce.empty() || !caller.trusted) {
    TRY(check_verify_nonce(nonce, caller));
  }
  Fresh& fresh = *operation_->fresh;
  fresh.quorum.clear();
  fresh.proved.clear();
  fresh.nonce = rng_.uuid();
  // Whoever knew the last nonce, or has a token, may know this one.
  VerifyStatus status = verify_status_of(caller);
  status.nonce = fresh.nonce;
  return status;
}

}  // namespace bulla::seal
