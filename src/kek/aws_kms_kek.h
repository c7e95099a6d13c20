#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "crypto/rng.h"
#include "kek/aws_credentials.h"
#include "kek/kek_provider.h"
#include "kek/remote_call.h"
#include "kek/stanza.h"

namespace bulla::kek {

/// A symmetric key of AWS KMS. The secret itself is encrypted there, under an
/// encryption context of the configured pairs and kContextKey = the hexadecimal
/// SHA-256(aad), which KMS authenticates. The blob is KMS's CiphertextBlob, the
/// KEK's id the key's ARN.
///
/// KMS rotates a key's material behind its ARN, so a version here is an ARN:
/// the first is 1, and another key (another kms_key_id, or an alias that was
/// moved) the next, as adopt() tells. What an ARN of the same account sealed is
/// opened with that; ARNs come from storage, and another account's key could be
/// anybody's.
class AwsKmsKek final : public KekProvider {
 public:
  static constexpr std::string_view kKind = "awskms";
  static constexpr std::string_view kContextKey = "bulla-aad";
  static constexpr std::size_t kSecretBytesMax = 1024;
  static constexpr std::size_t kVersionsMax = 64;

  /// Builds it, and asks which key it is, kFirstAskTimeout at most. That AWS
  /// does not answer is no error here.
  ///   kInvalidArgument  an option that is missing, unknown or cannot be.
  static Result<std::unique_ptr<KekProvider>> from_options(
      std::string name, const Stanza::Options& options, crypto::Rng&);

  std::string_view kind() const override { return kKind; }
  std::string_view name() const override { return name_; }
  KekVersion active_version() const override;
  std::vector<KekVersion> versions() const override;
  void adopt(KekVersion version, std::string_view key_id) override;

  /// Also kInvalidArgument: a secret that is empty or over kSecretBytesMax.
  Result<WrappedKey> wrap(const SecretBytes& key, ByteView aad,
                          KekVersion version, Deadline deadline) override;
  Result<SecretBytes> unwrap(const WrappedKey& wrapped, ByteView aad,
                             Deadline deadline) override;
  Result<void> probe(Deadline deadline) override;
  bool is_current(const WrappedKey& wrapped) const override;

 private:
  static constexpr std::chrono::seconds kFirstAskTimeout{3};
  using Context = std::map<std::string, std::string>;

  AwsKmsKek() = default;
  Result<void> read(const Stanza& stanza);
  Result<void> learn(const CallLimits& limits);
  Result<SecretResponse> call(std::string_view operation, std::string body,
                              const CallLimits& limits);
  Result<SecretResponse> call_once(std::string_view operation,
                                   const std::string& body,
                                   const CallLimits& limits);
  void write_context(std::string& body, ByteView aad) const;
  /// The key of a version: an ARN, or kms_key_id while its ARN is not known.
  std::optional<std::string> key_of(KekVersion version) const;
  /// What KMS is to open `wrapped` with.
  Result<std::string> opener_of(const WrappedKey& wrapped) const;
  KekVersion active_locked() const;
  bool knows_current() const;

  std::string name_;
  std::string region_;
  std::string configured_;  ///< An id, an ARN, an alias or an alias's ARN.
  std::string endpoint_;
  Context context_;
  RemoteTls tls_;
  std::unique_ptr<AwsCredentialSource> credentials_;

  mutable std::mutex mutex_;
  std::string current_;  ///< The ARN of configured_; "" before it is known.
  std::map<KekVersion, std::string> adopted_;
};

}  // namespace bulla::kek
