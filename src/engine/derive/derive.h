#pragma once

#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "api/backend.h"
#include "base/published.h"

namespace bulla::engine::derive {

/// Keys that are derived when they are asked for and stored nowhere: the same
/// purpose and name give the same key for ever, whatever happens to passkeys,
/// root key and keyring (docs/formats/derive.md). They hang on one secret of
/// the mount, made when it is enabled and never changed.
class DeriveBackend final : public api::Backend {
 public:
  static constexpr std::string_view kType = "derive";
  static constexpr std::size_t kKeyBytes = 32;

  explicit DeriveBackend(const api::BackendContext& context);

  std::string_view type() const override { return kType; }
  const std::vector<api::Route>& routes() const override { return routes_; }
  std::string_view help() const override;

 private:
  Result<api::Response> read(const api::Request& request,
                             const api::Context& context);
  /// From memory, else from storage, where the first one makes it.
  Result<std::shared_ptr<const SecretBytes>> secret(bool may_block);

  barrier::View storage_;
  crypto::Rng& rng_;
  std::mutex mutex_;  // one reads or makes the secret
  Published<SecretBytes> secret_;
  std::vector<api::Route> routes_;
};

/// What is stored of a mount.
struct DerivationSecret {
  static constexpr std::size_t kBytes = 32;
  SecretBytes bytes;

  SecretBytes serialise() const;
  ///   kCorrupt  not what serialise() writes.
  static Result<DerivationSecret> parse(ByteView bytes);
};

/// The key of that purpose and name.
SecretBytes derive_key(const SecretBytes& secret, std::string_view purpose,
                       std::string_view name);

}  // namespace bulla::engine::derive
