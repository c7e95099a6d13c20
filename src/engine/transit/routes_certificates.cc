// The routes that certify a key: csr and set-certificate.

#include <vector>

#include "engine/transit/route_fields.h"
#include "engine/transit/transit.h"

namespace bulla::engine::transit {
namespace {

using api::FieldType;
using api::Operation;
using api::Route;

constexpr api::Field kVersion =
    typed("version", FieldType::kInt,
          "The version of the key; the latest if nothing is said.");

}  // namespace

void TransitBackend::add_certificate_routes(std::vector<Route>& routes) {
  routes.push_back(
      {.pattern = "keys/:name/csr",
       .fields = {kName, kVersion,
                  text_field("csr",
                             "A PEM request whose subject and extensions are "
                             "taken over.")},
       .methods = {pool(Operation::kUpdate, &TransitBackend::csr)},
       .synopsis = "Makes a certificate signing request for the named key."});
  routes.push_back(
      {.pattern = "keys/:name/set-certificate",
       .fields = {kName, kVersion,
                  text_field("certificate_chain",
                             "PEM certificates, that of the key first.")},
       .methods = {pool(Operation::kUpdate, &TransitBackend::set_certificate)},
       .synopsis = "Keeps the certificates of a version of the named key "
                   "beside it."});
}

}  // namespace bulla::engine::transit
