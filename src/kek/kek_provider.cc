#include "kek/kek_provider.h"

#include <fmt/format.h>

#include "crypto/rng.h"

namespace bulla::kek {

Result<void> KekProvider::probe(Deadline deadline) {
  constexpr std::size_t kProbeBytes = 32;
  const ByteView context = as_bytes("bulla kek probe 1");
  crypto::SystemRng rng;
  const SecretBytes value = rng.secret(kProbeBytes);
  TRY_ASSIGN(const WrappedKey wrapped,
             wrap(value, context, active_version(), deadline));
  TRY_ASSIGN(const SecretBytes back, unwrap(wrapped, context, deadline));
  if (back == value) return {};
  return fail(corrupt(fmt::format(
      "seal \"{}\": a value that was wrapped opened to another", name())));
}

Result<void> KekProvider::create_version(KekVersion, Deadline) {
  return fail(
      ErrorCode::kUnsupported,
      "its KEKs are not made by Bulla; docs/configuration.md says where");
}

}  // namespace bulla::kek
