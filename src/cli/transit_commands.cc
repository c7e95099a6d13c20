#include <array>

#include "cli/invocation.h"
#include "cli/transit_import.h"
#include "cli/transit_migrate.h"

namespace bulla::cli {
namespace {

constexpr std::array<FlagRow, 1> kImportFlags = {{
    {"raw", "", FlagKind::kSwitch, "",
     "Take the bytes of the file as the key, also where they look like base64 "
     "or PEM."},
}};
constexpr std::array<FlagRow, 12> kMigrateFlags = {{
    {"from-address", "", FlagKind::kText, "URL",
     "Address of the server that has the keys.", "FROM_ADDR"},
    {"from-token-file", "", FlagKind::kText, "FILE",
     "File with a token of that server; - for standard input."},
    {"from-token", "", FlagKind::kText, "TOKEN",
     "The token itself. Others on this machine can see it: better is "
     "-from-token-file, or the environment.",
     "FROM_TOKEN"},
    {"from-mount", "", FlagKind::kText, "PATH",
     "Where transit is mounted there; transit if nothing is said."},
    {"from-namespace", "", FlagKind::kText, "NAME",
     "Namespace to send with each request to that server."},
    {"from-ca-cert", "", FlagKind::kText, "FILE",
     "PEM file of the authorities that may sign that server's certificate."},
    {"from-tls-server-name", "", FlagKind::kText, "NAME",
     "Name that server's certificate must have, where it is not the "
     "address's."},
    {"from-tls-skip-verify", "", FlagKind::kSwitch, "",
     "Do not check that server's certificate. Whoever sits between then reads "
     "every key."},
    {"mount", "", FlagKind::kText, "PATH",
     "Where transit is mounted here; transit if nothing is said."},
    {"keys", "", FlagKind::kList, "PATTERN",
     "Only keys whose names are like this, as in orders-*. May be given "
     "several times."},
    {"dry-run", "", FlagKind::kSwitch, "",
     "Only tell what would be done. No secret is read."},
    {"force", "", FlagKind::kSwitch, "",
     "Replace keys that are here under the same names; otherwise they are "
     "skipped."},
}};
constexpr std::array<Example, 3> kImportExamples = {{
    {"Import a private key",
     "bulla transit import transit/keys/orders @key.pem type=ecdsa-p256"},
    {"Import a key that another program prints, so that it can be rotated",
     "make-key | bulla transit import transit/keys/cards - "
     "allow_rotation=true"},
    {"Import a public key, to verify only",
     "bulla transit import transit/keys/partner @public.pem type=rsa-2048"},
}};
constexpr std::array<Example, 1> kImportVersionExamples = {{
    {"Import a second version",
     "bulla transit import-version transit/keys/orders @key-2.pem"},
}};
constexpr std::array<Example, 3> kMigrateExamples = {{
    {"See what would be done",
     "bulla transit migrate -from-address=https://vault:8200 "
     "-from-token-file=token -dry-run"},
    {"Copy all keys",
     "bulla transit migrate -from-address=https://vault:8200 "
     "-from-token-file=token"},
    {"Copy some, to another mount",
     "bulla transit migrate -from-address=https://vault:8200 "
     "-from-token-file=token -keys=orders-* -mount=orders"},
}};

constexpr std::array<Command, 4> kCommands = {{
    {"transit", "Bring keys into a transit engine", "",
     "Commands for keys that come from elsewhere.", CommandKind::kGroup},
    {"transit import", "Import a key as a new one", "PATH KEY [DATA...]",
     "Imports a key under PATH, which is MOUNT/keys/NAME. KEY is the name of a "
     "file, with or without an @ before it, or - for standard input. It holds "
     "PEM of a private or public key (PKCS#8, PKCS#1, SEC 1), or a symmetric "
     "key in base64 or as it is. The key leaves this machine only wrapped for "
     "the engine's wrapping key. DATA are KEY=VALUE pairs of the import "
     "endpoint: type, derived, exportable, allow_plaintext_backup, "
     "allow_rotation, auto_rotate_period, hash_function.",
     CommandKind::kRemote, 2, kAnyNumber, import_key, kImportFlags,
     kImportExamples},
    {"transit import-version", "Import a further version of an imported key",
     "PATH KEY [DATA...]",
     "Imports another version of the key at PATH, which is MOUNT/keys/NAME and "
     "was imported itself; or the private half of a version of which there is "
     "the public one only. KEY and DATA are as `bulla transit import` has "
     "them.",
     CommandKind::kRemote, 2, kAnyNumber, import_key_version, kImportFlags,
     kImportVersionExamples},
    {"transit migrate", "Copy keys from another server", "",
     "Copies transit keys from a running Vault, OpenBao or Bulla to the server "
     "that -address names: all versions, and how the keys are configured. A "
     "key must be exportable. Where it allows plaintext backups, it comes as "
     "a backup, which the source notes in the key's backup_info; otherwise a "
     "backup is made of what the source exports, without versions that are "
     "archived there, as those before min_decryption_version are. Nothing is "
     "changed or deleted at the source.\n\nKeys that are here already are "
     "skipped, so that the command can be run again. The exit code is 2 where "
     "a key could not be copied; the list says why.",
     CommandKind::kRemote, 0, 0, migrate_keys, kMigrateFlags, kMigrateExamples},
}};

}  // namespace

std::span<const Command> transit_commands() { return kCommands; }

}  // namespace bulla::cli
