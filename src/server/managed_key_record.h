#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret_bytes.h"

namespace bulla::server {

/// A managed key as it is stored (docs/formats/managed-key.md).
struct ManagedKeyRecord {
  static constexpr std::size_t kNameBytesMax = 128;
  static constexpr std::size_t kTextBytesMax = 512;
  static constexpr std::size_t kParametersMax = 32;

  std::string name;
  std::string id;  ///< A UUID, the same as long as the name lives.
  /// Vault's parameters of the kind pkcs11 as text, none of them empty; never
  /// the PIN.
  std::map<std::string, std::string> parameters;
  SecretBytes pin;
  bool any_mount = false;
  std::vector<std::string> usages;  ///< Sorted, each once; empty: all.
};

SecretBytes encode(const ManagedKeyRecord& record);
/// kCorrupt for whatever encode() would not write.
Result<ManagedKeyRecord> decode_managed_key(ByteView bytes);

}  // namespace bulla::server
