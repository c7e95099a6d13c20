#include "snapshot/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "barrier/barrier.h"
#include "seal/custody.h"
#include "seal/node_beat.h"
#include "seal/share_backup.h"
#include "storage/memory.h"

namespace bulla::snapshot {
namespace {

using seal::Passkey;

// What lies outside the barrier: read before unsealing, or encrypted to people.
constexpr std::array<std::string_view, 5> kOutside = {
    seal::SealConfig::kPath, Passkey::kPrefix, seal::NodeBeat::kPrefix,
    seal::ShareBackup::kUnsealPath, seal::ShareBackup::kRecoveryPath};

bool is_outside(std::string_view path) {
  return std::ranges::any_of(kOutside, [&](std::string_view outside) {
    return outside.ends_with('/') ? path.starts_with(outside) : path == outside;
  });
}

Result<PasskeyInfo> find(const Header& header, const std::string& name) {
  std::vector<std::string> names;
  for (const PasskeyInfo& info : header.passkeys) {
    if (info.name == name) return info;
    names.push_back(fmt::format("{} ({})", info.name, info.kind));
  }
  return fail(not_found(fmt::format(
      "the snapshot has no passkey \"{}\"; it has {}",
      name.substr(0, Passkey::kTextBytesMax), fmt::join(names, ", "))));
}

/// A server in memory that knows of the snapshot what opens it, and of its
/// passkeys one.
class Opener {
 public:
  Opener(std::vector<std::unique_ptr<kek::KekProvider>> providers,
         seal::CustodyOptions options, const Tools& tools)
      : barrier_(storage_, tools.rng, tools.clock),
        custody_(barrier_, std::move(providers), tools.rng, tools.clock,
                 tools.log, std::move(options)) {}

  /// Takes what it needs of the entries that pass by.
  Result<void> take(const Reader::Item& item, const std::string& passkey) {
    const bool wanted = item.path == seal::SealConfig::kPath ||
                        item.path == barrier::Barrier::kKeyringPath ||
                        is_passkey(item, passkey);
    if (!wanted) return {};
    const storage::Change change{std::string(item.path), to_bytes(item.value),
                                 std::nullopt};
    return storage_.commit({&change, 1});
  }

  Result<void> open(const PasskeyInfo& passkey, Key key) {
    if (passkey.kind == Passkey::kShamir) return open_with_shares(key.shares);
    if (passkey.provider.empty()) return open_with_passphrase(passkey, key);
    if (!custody_.providers().empty()) {
      TRY_ASSIGN(const bool open, custody_.auto_unseal());
      if (open) return {};
    }
    return fail(invalid_argument(
        fmt::format("no seal \"{}\" of the kind {} is configured",
                    passkey.provider, passkey.kind)));
  }

  /// Whether the entry opens under the keyring; false: it is no sealed one.
  Result<bool> opens(const Reader::Item& item) {
    if (is_outside(item.path)) return false;
    // The keyring is what opened the barrier.
    if (item.path == barrier::Barrier::kKeyringPath) return true;
    TRY(barrier_.open(item.path, item.value));
    return true;
  }

 private:
  static bool is_passkey(const Reader::Item& item, const std::string& name) {
    if (!item.path.starts_with(Passkey::kPrefix)) return false;
    const auto passkey = Passkey::parse(
        std::string(item.path.substr(Passkey::kPrefix.size())), item.value);
    return passkey && passkey->name == name;
  }

  Result<void> open_with_shares(std::vector<SecretBytes>& shares) {
    bool open = false;
    for (SecretBytes& share : shares) {
      TRY_ASSIGN(open, custody_.submit_share(std::move(share)));
      if (open) return {};
    }
    TRY_ASSIGN(const auto status, custody_.status());
    return fail(invalid_argument(
        fmt::format("{} different shares are needed, {} were given",
                    status.threshold, status.progress)));
  }

  Result<void> open_with_passphrase(const PasskeyInfo& passkey, Key& key) {
    TRY_ASSIGN(auto unlocked,
               custody_.unlock_with_passphrase(key.passphrase, passkey.name));
    return custody_.take(std::move(unlocked));
  }

  storage::MemoryStorage storage_;
  barrier::Barrier barrier_;
  seal::Custody custody_;
};

/// Of the providers that the installation knows, those that are not here are
/// not missed.
seal::CustodyOptions options_of(
    const Header& header,
    const std::vector<std::unique_ptr<kek::KekProvider>>& providers) {
  seal::CustodyOptions options;
  options.sole_node = true;
  for (const PasskeyInfo& info : header.passkeys) {
    const seal::ProviderId id{info.kind, info.provider};
    const bool here = std::ranges::any_of(
        providers, [&](const auto& one) { return seal::id_of(*one) == id; });
    if (!info.provider.empty() && !here) options.disabled.push_back(id);
  }
  return options;
}

// Custody would ask all of them.
void keep_only(std::vector<std::unique_ptr<kek::KekProvider>>& providers,
               const PasskeyInfo& passkey) {
  const seal::ProviderId id{passkey.kind, passkey.provider};
  std::erase_if(providers,
                [&](const auto& one) { return seal::id_of(*one) != id; });
}

}  // namespace

Result<Verified> verify(
    const File& file, Key key,
    std::vector<std::unique_ptr<kek::KekProvider>> providers,
    const Tools& tools) {
  Verified out;
  TRY_ASSIGN(out.checked, check(source_of(file)));
  const std::string name = key.passkey;
  TRY_ASSIGN(out.passkey, find(out.checked.header, name));
  keep_only(providers, out.passkey);
  auto options = options_of(out.checked.header, providers);
  Opener opener(std::move(providers), std::move(options), tools);
  TRY_ASSIGN(auto first, Reader::open(source_of(file)));
  while (true) {
    TRY_ASSIGN(const auto item, first.next());
    if (!item) break;
    TRY(opener.take(*item, name));
  }
  TRY(opener.open(out.passkey, std::move(key)));
  TRY_ASSIGN(auto second, Reader::open(source_of(file)));
  while (true) {
    TRY_ASSIGN(const auto item, second.next());
    if (!item) return out;
    TRY_ASSIGN(const bool sealed, opener.opens(*item));
    ++(sealed ? out.opened : out.clear);
  }
}

}  // namespace bulla::snapshot
