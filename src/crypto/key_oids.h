#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "crypto/asymmetric.h"

namespace bulla::crypto {

/// Object identifiers as they are encoded, without tag and length.
namespace oid {
constexpr std::uint8_t kRsa[] = {0x2A, 0x86, 0x48, 0x86, 0xF7,
                                 0x0D, 0x01, 0x01, 0x01};
constexpr std::uint8_t kRsaPss[] = {0x2A, 0x86, 0x48, 0x86, 0xF7,
                                    0x0D, 0x01, 0x01, 0x0A};
constexpr std::uint8_t kSha256WithRsa[] = {0x2A, 0x86, 0x48, 0x86, 0xF7,
                                           0x0D, 0x01, 0x01, 0x0B};
constexpr std::uint8_t kEc[] = {0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01};
constexpr std::uint8_t kP256[] = {0x2A, 0x86, 0x48, 0xCE,
                                  0x3D, 0x03, 0x01, 0x07};
constexpr std::uint8_t kP384[] = {0x2B, 0x81, 0x04, 0x00, 0x22};
constexpr std::uint8_t kP521[] = {0x2B, 0x81, 0x04, 0x00, 0x23};
constexpr std::uint8_t kEcdsaWithSha256[] = {0x2A, 0x86, 0x48, 0xCE,
                                             0x3D, 0x04, 0x03, 0x02};
constexpr std::uint8_t kEcdsaWithSha384[] = {0x2A, 0x86, 0x48, 0xCE,
                                             0x3D, 0x04, 0x03, 0x03};
constexpr std::uint8_t kEcdsaWithSha512[] = {0x2A, 0x86, 0x48, 0xCE,
                                             0x3D, 0x04, 0x03, 0x04};
constexpr std::uint8_t kEd25519[] = {0x2B, 0x65, 0x70};
// What others put in a curve's place for Ed25519: NSS its own number
// (draft-josefsson-pkix-newcurves), some that of X25519.
constexpr std::uint8_t kNssEd25519[] = {0x2B, 0x06, 0x01, 0x04, 0x01,
                                        0xDA, 0x47, 0x0F, 0x01};
constexpr std::uint8_t kX25519[] = {0x2B, 0x65, 0x6E};
}  // namespace oid

/// The curve's; a curve only.
ByteView curve_oid(AsymmetricAlgorithm curve);
std::optional<AsymmetricAlgorithm> curve_with_oid(ByteView oid);

}  // namespace bulla::crypto
