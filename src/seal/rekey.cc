#include "seal/rekey.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "seal/rekey_texts.h"
#include "seal/share_backup.h"
#include "seal/share_collector.h"

namespace bulla::seal {
namespace {

constexpr std::size_t kKeyBytes = 32;

// What a root key that recovery shares authorise cannot have: it has no shares
// of its own.
Result<void> check_without_shares(const RekeyParams& params,
                                  const RekeyCaller& caller) {
  constexpr std::string_view kWhy =
      "not supported when rekeying the barrier key with recovery keys";
  if (!params.pgp_keys.empty()) {
    return fail(invalid_argument(fmt::format("PGP key encryption {}", kWhy)));
  }
  if (params.backup) {
    return fail(invalid_argument(fmt::format("key backup {}", kWhy)));
  }
  if (params.require_verification || params.verify_all) {
    return fail(invalid_argument(fmt::format("verification {}", kWhy)));
  }
  if (params.shares == 1 && params.threshold == 1) return {};
  return fail(bad_request(caller, RekeyTarget::kRoot,
                          "shares and threshold must be one: this seal opens "
                          "by itself"));
}

Result<std::vector<crypto::PgpKey>> parse_keys(
    const std::vector<std::string>& texts) {
  std::vector<crypto::PgpKey> keys;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    auto key = crypto::PgpKey::parse(texts[i]);
    if (!key) {
      return fail(std::move(key).error().with_context(
          fmt::format("error parsing given PGP key: key {}", i + 1)));
    }
    keys.push_back(*std::move(key));
  }
  return keys;
}

// Holders are given the share's hexadecimal, as Vault's are.
Result<Bytes> encrypted(const crypto::PgpKey& key, const SecretBytes& share) {
  std::string hex = hex_encode(share.expose());
  const WipeGuard guard(
      {reinterpret_cast<std::uint8_t*>(hex.data()), hex.size()});
  return key.encrypt(as_bytes(hex));
}

}  // namespace

Result<Authority> Rekey::authority() {
  TRY_ASSIGN(const auto authority, custody_.authority());
  if (target_ == RekeyTarget::kRecovery && !authority.automatic) {
    return fail(invalid_argument("recovery rekeying not supported"));
  }
  return authority;
}

Result<RekeyStatus> Rekey::status(const RekeyCaller& caller) {
  TRY_ASSIGN(const auto present, authority());
  const Turn turn(*this);
  RekeyStatus status;
  status.required = present.threshold;
  if (!operation_) return status;
  const Operation& op = *operation_;
  if (caller.trusted) status.nonce = op.nonce;
  status.started = true;
  status.threshold = op.threshold;
  status.shares = op.shares;
  status.progress = op.quorum.size();
  for (const auto& key : op.pgp_keys) {
    status.fingerprints.push_back(key.fingerprint());
  }
  status.backup = op.backup;
  status.verification_required = op.require_verification;
  status.verify_all = op.verify_all;
  if (op.fresh && caller.trusted) status.verification_nonce = op.fresh->nonce;
  return status;
}

Result<Rekey::Operation> Rekey::checked(const RekeyParams& params,
                                        const Authority& present,
                                        const RekeyCaller& caller) const {
  if (params.backup && params.pgp_keys.empty()) {
    return fail(invalid_argument(
        "cannot request a backup of the new keys without providing PGP keys "
        "for encryption"));
  }
  if (!params.pgp_keys.empty() &&
      static_cast<std::int64_t>(params.pgp_keys.size()) != params.shares) {
    return fail(invalid_argument("incorrect number of PGP keys for rekey"));
  }
  if (target_ == RekeyTarget::kRoot && present.automatic) {
    TRY(check_without_shares(params, caller));
  }
  const auto fault = split_fault(params.shares, params.threshold);
  if (!fault.empty()) return fail(bad_request(caller, target_, fault));
  auto keys = parse_keys(params.pgp_keys);
  if (!keys) return fail(bad_request(caller, target_, keys.error().message()));
  Operation op;
  op.nonce = rng_.uuid();
  op.begun = clock_.now();
  op.shares = static_cast<std::uint32_t>(params.shares);
  op.threshold = static_cast<std::uint32_t>(params.threshold);
  op.pgp_keys = *std::move(keys);
  op.backup = params.backup;
  op.require_verification = params.require_verification || params.verify_all;
  op.verify_all = params.verify_all;
  return op;
}

Result<std::optional<RekeyResult>> Rekey::begin(const RekeyParams& params,
                                                const RekeyCaller& caller) {
  TRY_ASSIGN(const auto present, authority());
  TRY_ASSIGN(auto op, checked(params, present, caller));
  const Turn turn(*this);
  if (operation_) return fail(already_begun(caller));
  const bool first =
      present.unheard && target_ == RekeyTarget::kRecovery && caller.sudo;
  if (present.threshold > 0 && !first) {
    operation_ = std::move(op);
    return std::nullopt;
  }
  if (target_ == RekeyTarget::kRoot) {
    return fail(invalid_argument(
        "nobody holds shares that could authorise this; sys/rotate/root "
        "changes the root key without them"));
  }
  // A recovery key makes root tokens, so that making the first one is as much
  // as being root.
  if (!caller.sudo) return fail(permission_denied());
  operation_ = std::move(op);
  auto made = complete(nullptr);
  if (!made) {
    operation_.reset();
    return fail(std::move(made).error());
  }
  return *std::move(made);
}

Result<void> Rekey::check_update(const SecretBytes& share,
                                 std::string_view nonce,
                                 const RekeyCaller& caller) const {
  TRY(check_share_length(share));
  if (!operation_) return fail(not_begun(caller, target_));
  if (operation_->fresh) {
    return fail(already_finished(caller, operation_->fresh->nonce));
  }
  if (nonce != operation_->nonce) {
    return fail(wrong_nonce(caller, operation_->nonce));
  }
  return {};
}

Result<std::optional<RekeyResult>> Rekey::update(SecretBytes share,
                                                 std::string_view nonce,
                                                 const RekeyCaller& caller) {
  TRY_ASSIGN(const auto present, authority());
  const Turn turn(*this);
  TRY(check_update(share, nonce, caller));
  Quorum& quorum = operation_->quorum;
  if (!quorum.add(std::move(share))) return fail(repeated_share(caller));
  TRY_ASSIGN(const auto former, custody_.prove(quorum, present));
  if (!former) return std::nullopt;
  quorum.clear();
  TRY_ASSIGN(auto result, complete(&*former));
  return result;
}

Result<Rekey::Fresh> Rekey::make_fresh() const {
  const Operation& op = *operation_;
  Fresh fresh;
  TRY_ASSIGN(const auto present, custody_.authority());
  if (target_ == RekeyTarget::kRoot && present.automatic) return fresh;
  fresh.key = rng_.secret(kKeyBytes);
  TRY_ASSIGN(fresh.shares, split_key(fresh.key, op.shares, op.threshold, rng_));
  for (std::size_t i = 0; i < op.pgp_keys.size(); ++i) {
    TRY_ASSIGN(auto message, encrypted(op.pgp_keys[i], fresh.shares[i]));
    fresh.messages.push_back(std::move(message));
  }
  return fresh;
}

RekeyResult Rekey::hand_out(const Fresh& fresh) const {
  const Operation& op = *operation_;
  RekeyResult result;
  result.nonce = op.nonce;
  for (std::size_t i = 0; i < fresh.shares.size(); ++i) {
    result.shares.push_back(fresh.messages.empty()
                                ? fresh.shares[i].clone()
                                : SecretBytes::copy_of(fresh.messages[i]));
  }
  for (const auto& key : op.pgp_keys) {
    result.fingerprints.push_back(key.fingerprint());
  }
  result.backup = op.backup;
  result.verification_required = op.require_verification;
  result.verify_all = op.verify_all;
  result.verification_nonce = fresh.nonce;
  return result;
}

Result<RekeyResult> Rekey::complete(const SecretBytes* former) {
  TRY_ASSIGN(auto fresh, make_fresh());
  if (operation_->require_verification) {
    fresh.nonce = rng_.uuid();
    RekeyResult result = hand_out(fresh);
    operation_->fresh = std::move(fresh);
    return result;
  }
  TRY(put_into_force(fresh, former));
  RekeyResult result = hand_out(fresh);
  operation_.reset();
  return result;
}

Result<void> Rekey::put_into_force(const Fresh& fresh,
                                   const SecretBytes* former) {
  const Operation& op = *operation_;
  std::optional<ShareBackup> backup;
  if (op.backup) {
    backup = ShareBackup{op.nonce, {}};
    for (std::size_t i = 0; i < fresh.messages.size(); ++i) {
      backup->shares.push_back(
          {op.pgp_keys[i].fingerprint(), fresh.messages[i]});
    }
  }
  KeyReplacement replacement;
  if (!fresh.key.empty()) replacement.key = &fresh.key;
  replacement.shares = op.shares;
  replacement.threshold = op.threshold;
  replacement.former = former;
  replacement.heard = op.fresh.has_value();
  if (backup) replacement.backup = &*backup;
  return target_ == RekeyTarget::kRoot ? custody_.replace_root(replacement)
                                       : custody_.replace_recovery(replacement);
}

Result<void> Rekey::cancel(std::string_view nonce, const RekeyCaller& caller) {
  TRY(authority());
  const Turn turn(*this);
  if (!operation_) return {};
  if (nonce.empty()) {
    const bool old = clock_.now() - operation_->begun >= kCancelGuard;
    if (!old && !caller.cancels_freely) {
      return fail(invalid_argument(
          "the nonce of the operation is needed to cancel it within 10 "
          "minutes of its beginning"));
    }
  } else if (nonce != operation_->nonce) {
    return fail(wrong_nonce(caller, operation_->nonce));
  }
  operation_.reset();
  return {};
}

void Rekey::clear() {
  dropped_ = true;
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (lock.owns_lock() && dropped_.exchange(false)) operation_.reset();
}

}  // namespace bulla::seal
