// The routes that authenticate: hmac, cmac, sign and verify.

#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/transit/route_fields.h"
#include "engine/transit/transit.h"

namespace bulla::engine::transit {
namespace {

using api::Field;
using api::FieldType;
using api::Route;

constexpr Field kMacLength =
    typed("mac_length", FieldType::kInt,
          "Bytes of the CMAC, 1 to 16; 0 for all.", "0");

// What sign and verify have in common.
std::vector<Field> signature_fields() {
  return {
      kName,
      kUrlAlgorithm,
      text_field("hash_algorithm",
                 "sha1, sha2-224 to sha2-512, sha3-224 to sha3-512, or none "
                 "with prehashed PKCS#1 v1.5.",
                 "sha2-256"),
      text_field("algorithm", "Deprecated; hash_algorithm is read."),
      kContext,
      typed("prehashed", FieldType::kBool, "Whether input is hashed already.",
            "false"),
      text_field("signature_algorithm", "pss or pkcs1v15, of RSA keys."),
      text_field("marshaling_algorithm", "asn1 or jws.", "asn1"),
      text_field("salt_length",
                 "auto, hash or a number of bytes, of RSA's PSS.", "auto"),
      kBatchInput};
}

}  // namespace

void TransitBackend::add_mac_routes(std::vector<Route>& routes) {
  for (const std::string_view pattern :
       {"hmac/:name", "hmac/:name/:urlalgorithm"}) {
    routes.push_back(
        {.pattern = pattern,
         .fields = {kName, kUrlAlgorithm,
                    text_field("input", "The base64 data to authenticate."),
                    text_field("algorithm", "The hash algorithm.", "sha2-256"),
                    kKeyVersion, kBatchInput},
         .methods = {inline_update(&TransitBackend::hmac)},
         .synopsis = "Authenticates data with the named key."});
  }
  for (const std::string_view pattern :
       {"cmac/:name", "cmac/:name/:url_mac_length"}) {
    routes.push_back(
        {.pattern = pattern,
         .fields = {kName,
                    typed("url_mac_length", FieldType::kInt,
                          "mac_length, as part of the URL."),
                    text_field("input", "The base64 data to authenticate."),
                    kMacLength, kKeyVersion, kBatchInput},
         .methods = {inline_update(&TransitBackend::cmac)},
         .synopsis = "Authenticates data with the named key of type "
                     "aes*-cmac."});
  }
}

void TransitBackend::add_sign_routes(std::vector<Route>& routes) {
  std::vector<Field> sign = signature_fields();
  sign.push_back(text_field("input", "The base64 data to sign."));
  sign.push_back(kKeyVersion);
  std::vector<Field> verify = signature_fields();
  verify.insert(verify.end(),
                {text_field("input",
                            "The base64 data that was signed or "
                            "authenticated."),
                 text_field("signature", "The signature to verify."),
                 text_field("hmac", "The HMAC to verify."),
                 text_field("cmac", "The CMAC to verify."), kMacLength});
  for (const std::string_view pattern :
       {"sign/:name", "sign/:name/:urlalgorithm"}) {
    routes.push_back({.pattern = pattern,
                      .fields = sign,
                      .methods = {inline_update(&TransitBackend::sign)},
                      .synopsis = "Signs data with the named key."});
  }
  for (const std::string_view pattern :
       {"verify/:name", "verify/:name/:urlalgorithm"}) {
    routes.push_back({.pattern = pattern,
                      .fields = verify,
                      .methods = {inline_update(&TransitBackend::verify)},
                      .synopsis = "Verifies a signature, an HMAC or a CMAC "
                                  "made by the named key."});
  }
}

}  // namespace bulla::engine::transit
