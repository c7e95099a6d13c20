"""A server in FIPS mode, on a store whose keys were made without it: it makes
and uses approved keys only, and what it refuses says so."""

import pytest
from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding

from bulla import Server, b64

REFUSED = ["chacha20-poly1305", "xchacha20-poly1305", "ed25519"]
ALLOWED = ["aes256-gcm96", "aes128-gcm96", "ecdsa-p256", "ecdsa-p384",
           "ecdsa-p521", "rsa-2048", "rsa-3072", "hmac", "aes128-cmac",
           "aes192-cmac", "aes256-cmac"]
X = b64(b"x")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    directory = tmp_path_factory.mktemp("fips")
    server = Server(directory)
    try:
        server.ready().transit()
        for kind in REFUSED + ["aes256-gcm96"]:
            server.post(f"transit/keys/{kind}", {
                "type": kind, "exportable": True,
                "allow_plaintext_backup": True})
        server.backup = server.get("transit/backup/ed25519")["backup"]
        server.stop()
        server.config.write_text(
            server.config.read_text() + "fips_mode = true\n")
        server.start()
        server.unseal()
        yield server
    finally:
        server.close()


def refusal(server, path, body=None, method="POST"):
    answer = server.request(method, path, body if method == "POST" else None)
    assert answer.status_code in (400, 500), (path, answer.text)
    return answer.json()["errors"][0]


@pytest.mark.parametrize("kind", REFUSED)
def test_none_is_made(server, kind):
    refused = f"key type {kind} is not allowed in FIPS mode"
    assert refused in refusal(server, "transit/keys/new", {"type": kind})
    if kind != "ed25519":
        assert refused in refusal(server, "transit/encrypt/new",
                                  {"plaintext": X, "type": kind})
    assert refused in refusal(server, f"transit/keys/{kind}/rotate", {})
    assert server.request("GET", "transit/keys/new").status_code == 404


def test_none_comes_from_elsewhere(server):
    wrapping = serialization.load_pem_public_key(
        server.get("transit/wrapping_key")["public_key"].encode())
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    pair = ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption())
    for kind, material in (("ed25519", pair),
                           ("chacha20-poly1305", bytes(32)),
                           ("xchacha20-poly1305", bytes(32))):
        blob = wrapping.encrypt(bytes(32), oaep)
        blob += keywrap.aes_key_wrap_with_padding(bytes(32), material)
        assert "not allowed in FIPS mode" in refusal(
            server, f"transit/keys/from-{kind}/import",
            {"type": kind, "ciphertext": b64(blob)})
    assert "not allowed in FIPS mode" in refusal(
        server, "transit/restore/back", {"backup": server.backup})


@pytest.mark.parametrize("kind", REFUSED)
def test_none_is_used(server, kind):
    uses = [("hmac", {"input": X}),
            ("verify", {"input": X, "hmac": "vault:v1:AAAA"})]
    if kind == "ed25519":
        uses += [("sign", {"input": X}),
                 ("verify", {"input": X, "signature": "vault:v1:AAAA"})]
    else:
        uses += [("encrypt", {"plaintext": X}),
                 ("decrypt", {"ciphertext": "vault:v1:AAAA"}),
                 ("rewrap", {"ciphertext": "vault:v1:AAAA"}),
                 ("datakey/plaintext", {}), ("datakey/wrapped", {})]
    for use, body in uses:
        assert f"key type {kind} is not allowed in FIPS mode" in refusal(
            server, f"transit/{use}/{kind}", body), use
    if kind == "ed25519":
        assert "not allowed in FIPS mode" in refusal(
            server, "transit/keys/ed25519/csr", {})


def test_they_are_shown_and_can_go(server):
    shown = server.get("transit/keys/ed25519")
    assert shown["type"] == "ed25519"
    server.post("transit/keys/ed25519/config", {"deletion_allowed": True})
    answer = server.request("DELETE", "transit/keys/ed25519")
    assert answer.status_code == 204
    # Its number is free again, for a type that is allowed.
    server.post("transit/keys/ed25519", {"type": "ecdsa-p256"})


@pytest.mark.parametrize("kind", ALLOWED)
def test_the_others_work(server, kind):
    server.post(f"transit/keys/ok-{kind}", {"type": kind})
    if kind.endswith("cmac"):
        made = server.post(f"transit/cmac/ok-{kind}", {"input": X})["cmac"]
        checked = {"cmac": made}
    else:
        made = server.post(f"transit/hmac/ok-{kind}", {"input": X})["hmac"]
        checked = {"hmac": made}
    assert server.post(f"transit/verify/ok-{kind}",
                       {"input": X, **checked})["valid"]
    assert server.decrypt("aes256-gcm96",
                          server.encrypt("aes256-gcm96", b"x")) == b"x"
