// POST keys/:name/csr (reference/transit.md §12).

#include <fmt/format.h>

#include <utility>

#include "base/json_writer.h"
#include "crypto/x509.h"
#include "engine/transit/certificate_rules.h"
#include "engine/transit/cipher.h"
#include "engine/transit/transit.h"

namespace bulla::engine::transit {
namespace {

Result<const crypto::PrivateKey*> private_key(Cipher& cipher,
                                              const api::Fields& fields) {
  TRY_ASSIGN(const std::uint32_t number,
             certified_version(fields, cipher.key().record()));
  TRY_ASSIGN(const KeyVersion* version, cipher.version(number));
  if (version->private_key() != nullptr) return version->private_key();
  return fail(
      invalid_argument("private key not imported for key version selected"));
}

}  // namespace

Result<const Key*> TransitBackend::require_certifiable(const Request& request,
                                                       Context& context) {
  const std::string_view name = request.param("name");
  TRY_ASSIGN(
      const Key* key,
      require_key(name, context,
                  fmt::format("key with provided name '{}' not found", name)));
  TRY(check_certifiable(*key));
  return key;
}

Result<api::Response> TransitBackend::csr(const Request& request,
                                          Context& context) {
  TRY_ASSIGN(const Key* key, require_certifiable(request, context));
  TRY(keys_.check_usable(*key));
  Cipher cipher(*key, keys_, loop_of(context), context);
  auto pair = private_key(cipher, request.fields);
  if (!pair) {
    return fail(
        std::move(pair).error().with_context("could not create the csr"));
  }
  TRY_ASSIGN(const std::string made,
             crypto::make_csr(**pair, request.fields.text("csr")));
  std::string data;
  JsonWriter(data)
      .begin_object()
      .member("csr", made)
      .member("name", key->record().name)
      .member("type", key->type().name)
      .end_object();
  return Response::with_data(std::move(data));
}

}  // namespace bulla::engine::transit
