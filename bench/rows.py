"""The rows of the table: what is asked of each server."""

import json
import os

from measure import Row
from servers import KEYS, b64

ENCRYPT = "encrypt 64 B"
BATCH = "batch of 1,000 × 64 B"
MIB = "encrypt 1 MiB"
MANY_KEYS = "encrypt, 10,000 keys"
SINGLE = [ENCRYPT, "decrypt 64 B", "rewrap 64 B", "hmac 64 B", "datakey"]
PATH = "/v1/transit/{}/k"


def template(directory, name, lines):
    path = directory / name
    path.write_text("".join(f"{where}\t{body}\n" for where, body in lines))
    return str(path)


def rows_for(ciphertext, directory, name, batch_items=1000):
    """The rows for one server, whose ciphertext is its own."""
    small = b64(bytes(64))
    encrypt = json.dumps({"plaintext": small})
    sealed = json.dumps({"ciphertext": ciphertext})
    batch = json.dumps({"batch_input": [{"plaintext": small}] * batch_items})
    mib = json.dumps({"plaintext": b64(os.urandom(1 << 20))})
    path = PATH.format("encrypt")
    return [
        Row(ENCRYPT, path, encrypt),
        Row("decrypt 64 B", PATH.format("decrypt"), sealed),
        Row("rewrap 64 B", PATH.format("rewrap"), sealed),
        Row("hmac 64 B", PATH.format("hmac"), json.dumps({"input": small})),
        Row("datakey", "/v1/transit/datakey/plaintext/k", "{}"),
        Row(MANY_KEYS, templates=template(
            directory, f"keys-{name}",
            [(f"/v1/transit/encrypt/n{i}", encrypt) for i in range(KEYS)])),
        Row(BATCH, templates=template(directory, f"batch-{name}",
                                      [(path, batch)]),
            items=batch_items, connections=4, unit="items/s"),
        Row(MIB, templates=template(directory, f"mib-{name}", [(path, mib)]),
            items=1 << 20, connections=4, unit="B/s"),
    ]
