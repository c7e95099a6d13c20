#include "kek/pkcs11_reserved.h"

#include <fmt/format.h>

namespace bulla::kek {
namespace {

struct Found {
  std::shared_ptr<Pkcs11Module> module;
  CK_SLOT_ID slot = 0;
  Pkcs11TokenIdentity identity;
};

Result<Found> find(const Pkcs11Place& place) {
  Found found;
  TRY_ASSIGN(found.module, Pkcs11Module::load(place.module));
  TRY_ASSIGN(found.slot,
             found.module->find_slot(place.slot, place.token_label));
  TRY_ASSIGN(found.identity, found.module->identity(found.slot));
  return found;
}

// The token of a seal that cannot be asked now is known by what it is called.
bool is_called(const Found& token, const Pkcs11Place& seal) {
  if (!seal.token_label.empty()) {
    return seal.token_label == token.identity.label;
  }
  return seal.module == token.module->path() && seal.slot == token.slot;
}

}  // namespace

Result<void> Pkcs11Reserved::check(const Pkcs11Place& wanted) const {
  if (seals_.empty()) return {};
  TRY_ASSIGN(const Found token, find(wanted));
  for (const Seal& seal : seals_) {
    const auto other = find(seal.place);
    const bool same = other ? other->identity == token.identity
                            : is_called(token, seal.place);
    if (!same) continue;
    return fail(invalid_argument(fmt::format(
        "the token \"{}\" is that of the seal \"{}\", whose KEK lies in it: "
        "managed keys need a token of their own",
        token.identity.label, seal.name)));
  }
  return {};
}

}  // namespace bulla::kek
