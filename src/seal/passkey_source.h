#pragma once

#include "seal/envelope.h"
#include "seal/passkey.h"

namespace bulla::seal {

/// The passkeys that providers wrap, as KEK rotation sees them.
class PasskeySource final : public EnvelopeSource {
 public:
  explicit PasskeySource(storage::Storage& storage) : storage_(storage) {}

  Result<std::vector<Envelope>> envelopes() override;
  Result<void> check(const Envelope& envelope,
                     const SecretBytes& opened) override;
  Result<storage::Change> rewrapped(const Envelope& envelope,
                                    kek::WrappedKey wrapped) override;

 private:
  Result<Passkey> stored(const Envelope& envelope);
  storage::Storage& storage_;
};

}  // namespace bulla::seal
