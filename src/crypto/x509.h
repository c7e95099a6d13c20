#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/asymmetric.h"

namespace bulla::crypto {

/// A PKCS#10 request (RFC 2986) for `key`, PEM with a newline at the end. Of a
/// `template_pem` (may be empty) subject, attributes and extensions are kept,
/// its key and signature are replaced. Signed with SHA-256 and PKCS#1 v1.5 by
/// RSA keys, with SHA-256/384/512 by P-256/384/521, pure by Ed25519.
///   kInvalidArgument  "could not decode PEM CSR", or it does not parse.
Result<std::string> make_csr(const PrivateKey& key,
                             std::string_view template_pem);

constexpr std::size_t kCertificatesMax = 100;

/// The certificates of a PEM bundle (RFC 5280), in DER, in order; input is
/// hostile. Other PEM blocks, and text before a block, are skipped.
///   kInvalidArgument  none, more than kCertificatesMax, one that does not
///                     parse, or text after the last block.
Result<std::vector<Bytes>> parse_certificates(std::string_view pem);

/// Checks a leaf-first chain for `key`: the leaf is no CA and has that public
/// key; all others are CAs. Who signed whom, names and times are not looked at:
/// this is the owner's certificate for his own key.
///   kInvalidArgument  what does not hold.
///   kInternal         the leaf's key is of the same algorithm, but another.
Result<void> check_chain(const std::vector<Bytes>& chain, const PublicKey& key);

/// "-----BEGIN CERTIFICATE-----…", without a newline at the end.
std::string certificate_pem(ByteView der);

}  // namespace bulla::crypto
