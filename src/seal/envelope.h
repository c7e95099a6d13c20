#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "kek/kek_provider.h"
#include "seal/seal_config.h"
#include "storage/storage.h"

namespace bulla::seal {

class EnvelopeSource;

/// Something in storage that a KEK wraps directly. Hostile: it was read back.
struct Envelope {
  std::string path;   ///< Where it is stored.
  std::string label;  ///< For messages: passkey "main".
  ProviderId provider;
  kek::WrappedKey wrapped;
  Bytes context;                     ///< The associated data.
  std::uint64_t version = 0;         ///< Storage's.
  EnvelopeSource* source = nullptr;  ///< Whose it is; set by who asked it.
};

/// All envelopes of one sort. KEK rotation asks every source and wraps what it
/// finds anew, so that whatever stores something under a KEK registers one and
/// is not left behind. Any thread.
class EnvelopeSource {
 public:
  virtual ~EnvelopeSource() = default;

  /// Read anew. Errors of storage; what is damaged is an error, since a
  /// rotation that passed over it would end with it under the old KEK.
  virtual Result<std::vector<Envelope>> envelopes() = 0;
  /// Whether `opened` is what belongs in it.
  ///   kCorrupt  it is not.
  virtual Result<void> check(const Envelope& envelope,
                             const SecretBytes& opened) = 0;
  /// The change that stores `wrapped` in its place, expecting the entry to be
  /// as it was read.
  virtual Result<storage::Change> rewrapped(const Envelope& envelope,
                                            kek::WrappedKey wrapped) = 0;
};

}  // namespace bulla::seal
