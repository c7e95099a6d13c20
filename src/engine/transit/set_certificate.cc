// POST keys/:name/set-certificate (reference/transit.md §12).

#include <functional>
#include <numeric>
#include <utility>

#include "base/json_writer.h"
#include "crypto/x509.h"
#include "engine/transit/certificate_rules.h"
#include "engine/transit/transit.h"

namespace bulla::engine::transit {
namespace {

using Chain = std::vector<Bytes>;

// The stored form has limits of its own.
Result<void> check_size(const Chain& chain) {
  const std::size_t bytes = std::transform_reduce(
      chain.begin(), chain.end(), std::size_t{0}, std::plus<>(),
      [](const Bytes& der) { return der.size(); });
  if (chain.size() <= VersionRecord::kCertificatesMax &&
      bytes <= VersionRecord::kCertificateBytesMax) {
    return {};
  }
  return fail(invalid_argument("the certificate chain is too long"));
}

Result<void> set_chain(VersionRecord& version, const Chain& chain) {
  auto* const pair = std::get_if<KeyPairMaterial>(&version.material);
  if (pair == nullptr) return fail(corrupt("the version has no key pair"));
  TRY_ASSIGN(const auto key, crypto::PublicKey::from_spki_der(pair->spki));
  TRY(crypto::check_chain(chain, key));
  pair->certificates = chain;
  return {};
}

}  // namespace

Result<api::Response> TransitBackend::set_certificate(const Request& request,
                                                      Context& context) {
  TRY_ASSIGN(const Key* key, require_certifiable(request, context));
  const std::string_view pem = request.fields.text("certificate_chain");
  TRY_ASSIGN(const Chain chain, crypto::parse_certificates(pem));
  TRY(check_size(chain));
  const std::string_view what = "failed to persist certificate chain";
  auto number = certified_version(request.fields, key->record());
  if (!number) return fail(std::move(number).error().with_context(what));
  auto changed =
      keys_.update_version(request.param("name"), *number,
                           [&chain](const KeyRecord&, VersionRecord& version) {
                             return set_chain(version, chain);
                           });
  if (!changed) return fail(std::move(changed).error().with_context(what));
  std::string data;
  JsonWriter(data)
      .begin_object()
      .member("certificate_chain", pem)
      .member("name", (*changed)->record().name)
      .member("type", (*changed)->type().name)
      .end_object();
  return Response::with_data(std::move(data));
}

}  // namespace bulla::engine::transit
