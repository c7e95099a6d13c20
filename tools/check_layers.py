#!/usr/bin/env python3
"""Holds the ladder of layers against the #include lines of src/.

A file of a layer may include files of its own layer and of those its row names,
nothing else. Prints each breach and exits 1 when there is one.
"""

import pathlib
import re
import sys

LADDER = {
    "base": [],
    "crypto": ["base"],
    "net": ["base"],
    "storage": ["base", "net"],
    "kek": ["base", "crypto", "net", "storage"],
    "barrier": ["base", "crypto", "net", "storage", "kek"],
    "seal": ["base", "crypto", "net", "storage", "kek", "barrier"],
    "snapshot": ["base", "crypto", "storage", "kek", "barrier", "seal"],
    "dek": ["base", "crypto", "storage", "barrier", "seal"],
    "api": ["base", "crypto", "storage", "barrier", "seal", "dek"],
    "auth": ["base", "crypto", "storage", "barrier", "seal", "dek", "api"],
    "audit": ["base", "crypto", "storage", "barrier", "seal", "api"],
    "engine": ["base", "crypto", "storage", "barrier", "seal", "dek", "api",
               "auth", "audit"],
    "server": ["base", "crypto", "net", "storage", "kek", "barrier", "seal",
               "snapshot", "dek", "api", "auth", "audit", "engine"],
    "cli": ["base", "crypto", "net"],
}
# OpenSSL is seen only where it is wrapped.
OPENSSL = {"crypto", "net"}


def main() -> int:
    root = pathlib.Path(__file__).resolve().parent.parent / "src"
    breaches = []
    for path in sorted(root.rglob("*")):
        if path.suffix not in (".cc", ".h") or path.parent == root:
            continue
        layer = path.relative_to(root).parts[0]
        if layer not in LADDER:
            breaches.append(f"{path.relative_to(root)}: unknown layer {layer}")
            continue
        test = path.name.endswith("_test.cc")
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = re.match(r'#include "([a-z_]+)/', line)
            if match and match[1] != layer and match[1] not in LADDER[layer]:
                breaches.append(f"src/{path.relative_to(root)}:{number}: "
                                f"{layer} may not include {match[1]}/")
            if (re.match(r"#include <openssl/", line)
                    and layer not in OPENSSL and not test):
                breaches.append(f"src/{path.relative_to(root)}:{number}: "
                                f"OpenSSL outside {sorted(OPENSSL)}")
    for breach in breaches:
        print(breach)
    print(f"layers: {len(breaches)} breaches")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
