#include <array>

#include "cli/mounts.h"

namespace bulla::cli {
namespace {

constexpr FlagRow kDescription = {"description", "", FlagKind::kText, "TEXT",
                                  "What it is for, for people."};
constexpr FlagRow kDefaultTtl = {
    "default-lease-ttl", "", FlagKind::kText, "DURATION",
    "How long leases and tokens live when nothing is said: 30m, 24h, or "
    "system for the server's."};
constexpr FlagRow kMaxTtl = {"max-lease-ttl", "", FlagKind::kText, "DURATION",
                             "How long they may live at most."};
constexpr FlagRow kVisibility = {
    "listing-visibility", "", FlagKind::kText, "VISIBILITY",
    "unauth shows it to clients without a token; hidden does not."};
constexpr FlagRow kRequestKeys = {
    "audit-non-hmac-request-keys", "", FlagKind::kList, "KEY",
    "Parameter that audit logs show in clear. May be given several times."};
constexpr FlagRow kResponseKeys = {"audit-non-hmac-response-keys", "",
                                   FlagKind::kList, "KEY",
                                   "The same for answers."};
constexpr FlagRow kRequestHeaders = {
    "passthrough-request-headers", "", FlagKind::kList, "NAME",
    "Request header that is passed on. May be given several times."};
constexpr FlagRow kResponseHeaders = {
    "allowed-response-headers", "", FlagKind::kList, "NAME",
    "Response header that may be set. May be given several times."};
constexpr FlagRow kTokenType = {
    "token-type", "", FlagKind::kText, "TYPE",
    "Type of the tokens of an auth method: service, batch, default-service or "
    "default-batch."};
constexpr FlagRow kOptions = {
    "options", "", FlagKind::kPairs, "KEY=VALUE",
    "Option of the mount itself. May be given several times."};
constexpr FlagRow kVersion = {"version", "", FlagKind::kInteger, "N",
                              "Version of the engine, where it has several."};

constexpr std::array<FlagRow, 1> kListFlags = {{
    {"detailed", "", FlagKind::kSwitch, "", "Show settings, too."},
}};

constexpr FlagRow kPluginVersion = {
    "plugin-version", "", FlagKind::kText, "VERSION",
    "Accepted for Vault's sake; there is one version."};

constexpr std::array<FlagRow, 18> kEnableFlags = {{
    {"path", "", FlagKind::kText, "PATH",
     "Where to mount it; under the name of its type if nothing is said."},
    kDescription,
    kDefaultTtl,
    kMaxTtl,
    kVisibility,
    kRequestKeys,
    kResponseKeys,
    kRequestHeaders,
    kResponseHeaders,
    kTokenType,
    kOptions,
    kVersion,
    kPluginVersion,
    {"plugin-name", "", FlagKind::kText, "NAME",
     "The type, where TYPE is plugin."},
    {"force-no-cache", "", FlagKind::kSwitch, "", "Do not cache."},
    {"local", "", FlagKind::kSwitch, "", "Do not replicate."},
    {"seal-wrap", "", FlagKind::kSwitch, "",
     "Have what is critical wrapped by the seal, too."},
    {"external-entropy-access", "", FlagKind::kSwitch, "",
     "Let it draw from an external source of entropy."},
}};

constexpr std::array<FlagRow, 12> kTuneFlags = {{
    kDescription,
    kDefaultTtl,
    kMaxTtl,
    kVisibility,
    kRequestKeys,
    kResponseKeys,
    kRequestHeaders,
    kResponseHeaders,
    kTokenType,
    kOptions,
    kVersion,
    kPluginVersion,
}};

}  // namespace

std::span<const FlagRow> list_mounts_flags() { return kListFlags; }
std::span<const FlagRow> enable_mount_flags() { return kEnableFlags; }
std::span<const FlagRow> tune_mount_flags() { return kTuneFlags; }

}  // namespace bulla::cli
