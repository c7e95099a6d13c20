"""Key pairs: signatures beside what OpenSSL alone does on the same core."""

import json
import re
import subprocess

from measure import SERVER_CORE, Results, Row, load, pinned
from rows import template
from servers import b64, caller

BATCH = 100
KEYS = {"ECDSA P-256": "ecdsa-p256", "Ed25519": "ed25519",
        "RSA-2048": "rsa-2048"}
SPEED = {"ECDSA P-256": "ecdsap256", "Ed25519": "ed25519",
         "RSA-2048": "rsa2048"}


def openssl_speed(name):
    """(signs, verifies) a second, by `openssl speed` on the server's core."""
    done = subprocess.run(
        ["openssl", "speed", "-seconds", "1", SPEED[name]],
        capture_output=True, text=True, preexec_fn=pinned(SERVER_CORE),
        check=True)
    numbers = re.findall(r"[\d.]+", done.stdout.strip().splitlines()[-1])
    return {"openssl sign": float(numbers[-2]),
            "openssl verify": float(numbers[-1])}


def batch_of(items, more=None):
    return json.dumps({"batch_input": items, **(more or {})})


def rows_for(call, directory, name):
    """Rows on keys that this makes; `call` is a root token's."""
    text = b64(bytes(32))
    rows = []

    def add(label, path, body, items=1, connections=4):
        file = template(directory, f"{name}-{len(rows)}", [(path, body)])
        rows.append(Row(label, templates=file, items=items,
                        connections=connections, unit="items/s"))

    for label, kind in KEYS.items():
        call(f"transit/keys/{kind}", {"type": kind})
        # What `openssl speed` measures of RSA is PKCS#1 v1.5, so this does.
        scheme = ({"signature_algorithm": "pkcs1v15"} if kind == "rsa-2048"
                  else {})
        made = call(f"transit/sign/{kind}", {"input": text, **scheme})
        signature = made["data"]["signature"]
        add(f"sign {label}, batch of {BATCH}", f"/v1/transit/sign/{kind}",
            batch_of([{"input": text}] * BATCH, scheme), BATCH)
        add(f"verify {label}, batch of {BATCH}", f"/v1/transit/verify/{kind}",
            batch_of([{"input": text, "signature": signature}] * BATCH, scheme),
            BATCH)
    sealed = call("transit/encrypt/rsa-2048", {"plaintext": text})
    add("decrypt RSA-2048", "/v1/transit/decrypt/rsa-2048",
        json.dumps({"ciphertext": sealed["data"]["ciphertext"]}),
        connections=32)
    sealed = call("transit/encrypt/k", {"plaintext": b64(bytes(64))})
    add("decrypt 64 B, batch of 400", "/v1/transit/decrypt/k",
        batch_of([{"ciphertext": sealed["data"]["ciphertext"]}] * 400), 400)
    add("hmac 64 B, batch of 400", "/v1/transit/hmac/k",
        batch_of([{"input": b64(bytes(64))}] * 400), 400)
    return rows


POLICY = '''
path "transit/sign/*" { capabilities = ["update"] }
path "transit/verify/*" { capabilities = ["update"] }
path "transit/encrypt/*" { capabilities = ["update"] }
path "transit/decrypt/*" { capabilities = ["update"] }
path "transit/hmac/*" { capabilities = ["update"] }
'''


def measure(options, bulla, peer, work):
    """`bulla` and `peer` are (target, address, root token); peer may be None.

    Returns rows of Markdown cells: what, Bulla, OpenSSL, share, peer, ratio.
    """
    results = Results()
    columns = []
    for heading, side in (("Bulla", bulla), ("peer", peer)):
        if side is None:
            continue
        target, address, root = side
        call = caller(address, root)
        call("sys/policies/acl/signing", {"policy": POLICY})
        token = call("auth/token/create", {"policies": ["signing"]})
        target.token = token["auth"]["client_token"]
        columns.append((heading, target, rows_for(call, work, heading)))
    for _ in range(options.rounds):
        for name in KEYS:
            for column, rate in openssl_speed(name).items():
                results.add(column, name, {"items": rate, "non_2xx": 0})
        for index in range(len(columns[0][2])):
            for heading, target, rows in columns:
                results.add(heading, rows[index].name,
                            load(rows[index], target, options.seconds))
    return [cells(results, row.name, peer is not None)
            for row in columns[0][2]]


def cells(results, row, with_peer):
    ours = results.median("Bulla", row)
    verb = row.split()[0]
    pair = next((k for k in KEYS if k in row), None)
    line = [row, f"{ours:,.0f}"]
    if pair and verb in ("sign", "verify"):
        alone = results.median(f"openssl {verb}", pair)
        line += [f"{alone:,.0f}", f"{ours / alone:.2f}"]
    else:
        line += ["", ""]
    if with_peer:
        theirs = results.median("peer", row)
        line += [f"{theirs:,.0f}", f"{ours / theirs:.1f}"]
    else:
        line += ["", ""]
    return line


def mixed_p99(options, side, work):
    """p99 of encrypts with 1 % RSA-4096 signatures beside, and without."""
    target, address, root = side
    call = caller(address, root)
    call("transit/keys/rsa-4096", {"type": "rsa-4096"})
    encrypt = ("/v1/transit/encrypt/k",
               json.dumps({"plaintext": b64(bytes(64))}))
    sign = ("~/v1/transit/sign/rsa-4096", json.dumps({"input": b64(b"x")}))
    alone = Row("alone", templates=template(work, "alone", [encrypt]))
    mixed = Row("mixed", templates=template(work, "mixed",
                                            [encrypt] * 99 + [sign]))
    results = Results()
    for _ in range(options.rounds):
        for row in (alone, mixed):
            results.add("Bulla", row.name,
                        load(row, target, max(options.seconds, 1.0)))
    return (results.median("Bulla", "alone", "p99_us"),
            results.median("Bulla", "mixed", "p99_us"))
