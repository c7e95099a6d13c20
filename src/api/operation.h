#pragma once

#include <cstdint>
#include <string_view>

namespace bulla::api {

/// What a request asks of a path (reference/http.md §4).
enum class Operation : std::uint8_t {
  kRead,
  kCreate,
  kUpdate,
  kPatch,
  kDelete,
  kList,
  kScan,  ///< A list of all that is below, however deep.
  kHelp,
};

/// Whether it is asked of a folder: with a slash behind it, where policies and
/// audit lines see it.
constexpr bool is_of_folder(Operation operation) {
  return operation == Operation::kList || operation == Operation::kScan;
}

/// The word of the audit log: "read", "create", ….
std::string_view operation_name(Operation operation);

/// A set of what a policy grants on a path.
using Capabilities = std::uint16_t;
constexpr Capabilities kCapCreate = 1;
constexpr Capabilities kCapRead = 2;
constexpr Capabilities kCapUpdate = 4;
constexpr Capabilities kCapDelete = 8;
constexpr Capabilities kCapList = 16;
constexpr Capabilities kCapPatch = 32;
constexpr Capabilities kCapSudo = 64;
constexpr Capabilities kCapDeny = 128;
constexpr Capabilities kCapRoot = 256;
constexpr Capabilities kCapScan = 512;

/// The capability an operation needs; 0 for kHelp, which any token may.
Capabilities capability_for(Operation operation);

}  // namespace bulla::api
