#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "crypto/rng.h"
#include "kek/kek_provider.h"
#include "kek/token_renewer.h"
#include "kek/transit_client.h"

namespace bulla::kek {

/// A key of a transit engine elsewhere: of a Vault, an OpenBao or a Bulla. Its
/// versions are the key's. What is encrypted there is SHA-256(aad) ‖ secret,
/// with SHA-256(aad) as the associated data, too: a server too old to know that
/// field (Vault before 1.13) ignores it, and one that knows it refuses types of
/// key whose ciphertexts anyone could make. The blob is the ciphertext's bytes,
/// without "vault:vN:".
///
/// The versions are asked for when the provider is built, and at each wrap and
/// probe. Before the first answer there is one, 0: "the newest, whatever its
/// number", which wrap() takes, or what adopt() named.
class TransitKek final : public KekProvider {
 public:
  static constexpr std::string_view kKind = "transit";
  static constexpr std::size_t kSecretBytesMax = 1024;
  static constexpr std::size_t kVersionsMax =
      64;  ///< The newest that are told.

  /// Builds it, and asks for the versions, kFirstAskTimeout at most. A server
  /// that does not answer is no error here.
  ///   kInvalidArgument  what TransitOptions::from_stanza() says.
  static Result<std::unique_ptr<KekProvider>> from_options(
      std::string name, const Stanza::Options& options, crypto::Rng&);

  std::string_view kind() const override { return kKind; }
  std::string_view name() const override { return name_; }
  KekVersion active_version() const override { return latest_; }
  std::vector<KekVersion> versions() const override;
  void adopt(KekVersion version, std::string_view key_id) override;

  /// Also kInvalidArgument: a secret that is empty or over kSecretBytesMax.
  Result<WrappedKey> wrap(const SecretBytes& key, ByteView aad,
                          KekVersion version, Deadline deadline) override;
  Result<SecretBytes> unwrap(const WrappedKey& wrapped, ByteView aad,
                             Deadline deadline) override;
  Result<void> probe(Deadline deadline) override;
  /// A version of a transit key is the same key for ever.
  bool is_current(const WrappedKey&) const override { return true; }

 private:
  static constexpr std::chrono::seconds kFirstAskTimeout{3};

  TransitKek(std::string name, TransitOptions options);
  Result<void> read_versions(const CallLimits& limits);
  Result<void> learn(const CallLimits& limits);
  Result<TransitCiphertext> encrypt(const SecretBytes& key, ByteView aad,
                                    KekVersion version,
                                    const CallLimits& limits);

  std::string name_;
  TransitClient client_;
  std::atomic<KekVersion> latest_{0};
  std::atomic<KekVersion> oldest_{0};    ///< 0: never told.
  std::optional<TokenRenewer> renewer_;  ///< Last: it uses client_.
};

}  // namespace bulla::kek
