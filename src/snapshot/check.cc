#include "snapshot/check.h"

#include <fmt/format.h>

#include "barrier/barrier.h"
#include "seal/seal_config.h"
#include "snapshot/marker.h"

namespace bulla::snapshot {
namespace {

/// What the entries say of the seal.
struct Found {
  std::string installation;
  std::vector<PasskeyInfo> passkeys;
  bool keyring = false;
};

Result<void> note(const Reader::Item& item, Found& found) {
  using seal::Passkey;
  if (item.path == Marker::kPath) {
    return fail(corrupt("the snapshot is of a store that was being restored"));
  }
  if (item.path == seal::SealConfig::kPath) {
    TRY_ASSIGN(const auto config, seal::SealConfig::parse(item.value));
    found.installation = config.installation;
  }
  found.keyring = found.keyring || item.path == barrier::Barrier::kKeyringPath;
  if (!item.path.starts_with(Passkey::kPrefix)) return {};
  const auto passkey = Passkey::parse(
      std::string(item.path.substr(Passkey::kPrefix.size())), item.value);
  if (passkey && found.passkeys.size() < Passkey::kCountMax) {
    found.passkeys.push_back(PasskeyInfo::of(*passkey));
  }
  return {};
}

Result<void> compare(const Header& header, const Found& found) {
  if (found.installation.empty() || !found.keyring || found.passkeys.empty()) {
    return fail(corrupt(
        fmt::format("the snapshot cannot be opened by anybody: it has no {}",
                    found.installation.empty() ? "seal configuration"
                    : !found.keyring           ? "keyring"
                                               : "passkey")));
  }
  if (found.installation == header.installation &&
      found.passkeys == header.passkeys) {
    return {};
  }
  return fail(corrupt("the snapshot's header is not of its entries"));
}

}  // namespace

Result<Checked> check(Source source) {
  TRY_ASSIGN(auto reader, Reader::open(std::move(source)));
  Found found;
  while (true) {
    TRY_ASSIGN(const auto item, reader.next());
    if (!item) break;
    TRY(note(*item, found));
  }
  TRY(compare(reader.header(), found));
  return Checked{reader.header(), reader.summary()};
}

}  // namespace bulla::snapshot
