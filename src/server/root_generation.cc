#include "server/root_generation.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "seal/share_collector.h"

namespace bulla::server {
namespace {

Error wrong_nonce(std::string_view right, bool trusted) {
  if (!trusted) return invalid_argument("incorrect nonce supplied");
  return invalid_argument(
      fmt::format("incorrect nonce supplied; nonce for this root generation "
                  "operation is \"{}\"",
                  right));
}

std::string unpadded(std::string base64) {
  while (base64.ends_with('=')) base64.pop_back();
  return base64;
}

std::string xored(std::string_view token, const SecretBytes& otp) {
  SecretBytes mixed = SecretBytes::copy_of(as_bytes(token));
  const ByteSpan bytes = mixed.expose_mutable();
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] ^= otp.expose()[i];
  return unpadded(base64_encode(mixed.expose()));
}

}  // namespace

Result<RootGeneration::Status> RootGeneration::status_of(bool trusted) {
  TRY_ASSIGN(const auto authority, custody_.authority());
  Status status;
  status.required = authority.threshold;
  if (!attempt_) return status;
  if (trusted) status.nonce = attempt_->nonce;
  status.started = true;
  status.progress = attempt_->quorum.size();
  if (attempt_->pgp_key) status.fingerprint = attempt_->pgp_key->fingerprint();
  return status;
}

Result<RootGeneration::Status> RootGeneration::status(bool trusted) {
  const std::lock_guard lock(mutex_);
  return status_of(trusted);
}

Result<RootGeneration::Status> RootGeneration::begin(std::string_view otp,
                                                     std::string_view pgp_key) {
  TRY_ASSIGN(const auto authority, custody_.authority());
  if (authority.threshold == 0) {
    return fail(invalid_argument(
        "nobody holds shares that could authorise a root token; with a token "
        "that may, sys/rotate/recovery/init makes recovery keys"));
  }
  Attempt attempt;
  std::string made;
  if (!otp.empty()) {
    if (otp.size() != kOtpBytes) {
      return fail(invalid_argument("OTP string has incorrect length"));
    }
    attempt.otp = SecretBytes::copy_of(as_bytes(otp));
  } else if (!pgp_key.empty()) {
    auto key = crypto::PgpKey::parse(pgp_key);
    if (!key) {
      return fail(std::move(key).error().with_context("error parsing PGP key"));
    }
    attempt.pgp_key = *std::move(key);
  } else {
    made = rng_.base62(kOtpBytes);
    attempt.otp = SecretBytes::copy_of(as_bytes(made));
  }
  attempt.nonce = rng_.uuid();
  attempt.begun = clock_.now();
  const std::lock_guard lock(mutex_);
  if (attempt_) {
    return fail(invalid_argument("root generation already in progress"));
  }
  attempt_ = std::move(attempt);
  TRY_ASSIGN(auto status, status_of(/*trusted=*/true));
  status.otp = std::move(made);
  return status;
}

Result<std::string> RootGeneration::encoded_token() const {
  auth::TokenSpec spec;
  spec.policies = {"root"};
  spec.display_name = "root";
  spec.path = "auth/token/root";
  spec.renewable = false;
  TRY_ASSIGN(auto created, tokens_.create(std::move(spec)));
  std::string& token = created.client_token;
  const WipeGuard guard(
      {reinterpret_cast<std::uint8_t*>(token.data()), token.size()});
  if (!attempt_->pgp_key && token.size() == attempt_->otp.size()) {
    return xored(token, attempt_->otp);
  }
  auto message = attempt_->pgp_key
                     ? attempt_->pgp_key->encrypt(as_bytes(token))
                     : fail(internal_error("a token of an unknown length"));
  if (message) return base64_encode(*message);
  // Nobody will ever know this token.
  TRY(tokens_.revoke(created.token->hash));
  return fail(std::move(message).error());
}

Result<RootGeneration::Status> RootGeneration::update(SecretBytes share,
                                                      std::string_view nonce,
                                                      bool trusted) {
  TRY(seal::ShareCollector::check_length(share));
  TRY_ASSIGN(const auto authority, custody_.authority());
  const std::lock_guard lock(mutex_);
  if (!attempt_) {
    return fail(invalid_argument("no root generation in progress"));
  }
  if (nonce != attempt_->nonce) {
    return fail(wrong_nonce(attempt_->nonce, trusted));
  }
  if (!attempt_->quorum.add(std::move(share))) {
    return fail(invalid_argument(
        "given key has already been provided during this generation "
        "operation"));
  }
  auto proven = custody_.prove(attempt_->quorum, authority);
  if (!proven) {
    return fail(
        std::move(proven).error().with_context("root generation aborted"));
  }
  if (!*proven) return status_of(/*trusted=*/true);
  attempt_->quorum.clear();
  TRY_ASSIGN(auto encoded, encoded_token());
  TRY_ASSIGN(auto status, status_of(/*trusted=*/true));
  status.progress = status.required;
  status.complete = true;
  status.encoded_token = std::move(encoded);
  attempt_.reset();
  return status;
}

Result<void> RootGeneration::cancel(std::string_view nonce, bool trusted) {
  const std::lock_guard lock(mutex_);
  if (!attempt_) return {};
  if (!nonce.empty() && nonce != attempt_->nonce) {
    return fail(wrong_nonce(attempt_->nonce, trusted));
  }
  const bool old = clock_.now() - attempt_->begun >= kCancelGuard;
  if (nonce.empty() && !trusted && !old) {
    return fail(invalid_argument(
        "the nonce of the attempt is needed to cancel it within 10 minutes of "
        "its beginning"));
  }
  attempt_.reset();
  return {};
}

void RootGeneration::clear() {
  const std::lock_guard lock(mutex_);
  attempt_.reset();
}

}  // namespace bulla::server
