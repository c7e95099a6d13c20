// GET byok-export/:destination/:source[/:version] (reference/transit.md §9): a
// key wrapped for import elsewhere, to the public key that stands there.

#include <fmt/format.h>

#include <map>
#include <string>
#include <utility>

#include "engine/transit/exported_key.h"
#include "engine/transit/transit.h"
#include "engine/transit/version_choice.h"
#include "engine/transit/wrapping.h"

namespace bulla::engine::transit {
namespace {

tl::unexpected<Error> refused(std::string_view text) {
  return fail(internal_error(std::string(text)));
}

}  // namespace

Result<api::Response> TransitBackend::byok_export(const Request& request,
                                                  Context& context) {
  TRY_ASSIGN(const auto hash,
             wrapping_hash_named(request.fields.text("hash", "SHA256")));
  TRY_ASSIGN(const auto slot, keys_.find(request.param("destination"), true));
  const auto destination = slot == nullptr ? nullptr : slot->load();
  if (destination == nullptr) {
    return refused("no such destination key to export to");
  }
  TRY(keys_.check_usable(*destination));
  TRY_ASSIGN(const Key* source, find_key(request.param("source"), context));
  if (source == nullptr) return refused("no such source key for export");
  if (!source->record().exportable) {
    return fail(invalid_argument("key is not exportable"));
  }
  if (source->record().soft_deleted) {
    return refused("for source key: refusing to use soft-deleted key");
  }
  const crypto::PublicKey* wrapping = destination->latest().public_key();
  if (wrapping == nullptr) {
    return refused("the destination key must be an RSA key");
  }
  std::map<std::string, SecretBytes> versions;
  TRY(visit_chosen(keys_, *source, request.param("version"),
                   [&](const KeyVersion& version) -> Result<void> {
                     const SecretBytes material =
                         material_to_wrap(*source, version);
                     if (material.empty())
                       return {};  // a public key: nothing to wrap
                     TRY_ASSIGN(const std::string blob,
                                wrap_material(*wrapping, hash,
                                              material.expose(), *context.rng));
                     versions.emplace(fmt::format_int(version.number()).str(),
                                      SecretBytes::copy_of(as_bytes(blob)));
                     return {};
                   }));
  return exported_answer(*source, versions);
}

}  // namespace bulla::engine::transit
