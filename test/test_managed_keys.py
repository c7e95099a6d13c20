"""Managed keys on the real binary, over SoftHSM2; what the HSM signs is checked
by a library that knows only the public half."""

import hashlib
import pathlib
import shutil
import subprocess

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils

from bulla import Server, b64, unb64

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
PIN = "canary-31415926"
SEAL_PIN = "canary-27182818"
ALL_MOUNTS = {"any_mount": True, "allow_generate_key": True}

pytestmark = pytest.mark.skipif(
    not pathlib.Path(MODULE).exists(), reason="SoftHSM2 is not installed")


class Hsm:
    """Tokens of SoftHSM2 in a directory of their own."""

    def __init__(self, directory, monkeypatch):
        self.tokens = directory / "tokens"
        self.tokens.mkdir()
        config = directory / "softhsm2.conf"
        config.write_text(f"directories.tokendir = {self.tokens}\n"
                          "objectstore.backend = file\nlog.level = ERROR\n")
        monkeypatch.setenv("SOFTHSM2_CONF", str(config))
        self.slots = {"apps": self.make("apps", PIN),
                      "seal": self.make("seal", SEAL_PIN)}

    def make(self, label, pin):
        made = subprocess.run(
            ["softhsm2-util", "--init-token", "--free", "--label", label,
             "--so-pin", "12345678", "--pin", pin],
            check=True, capture_output=True, text=True)
        return made.stdout.split()[-1]

    def import_key(self, path, label, key_id):
        subprocess.run(
            ["softhsm2-util", "--import", str(path), "--token", "apps",
             "--label", label, "--id", key_id, "--pin", PIN], check=True)


@pytest.fixture
def hsm(tmp_path, monkeypatch):
    return Hsm(tmp_path, monkeypatch)


LIBRARY = f'kms_library "pkcs11" {{\n  name = "hsm"\n  library = "{MODULE}"\n}}\n'


@pytest.fixture
def server(hsm):
    with Server(extra=LIBRARY) as fresh:
        fresh.ready().transit()
        yield fresh


def managed(server, name, mechanism, **more):
    server.post(f"sys/managed-keys/pkcs11/{name}", {
        "library": "hsm", "token_label": "apps", "pin": PIN, "key_label": name,
        "mechanism": mechanism, **ALL_MOUNTS, **more})


def transit_key(server, name, managed_name=None, **more):
    return server.post(f"transit/keys/{name}", {
        "type": "managed_key", "managed_key_name": managed_name or name, **more})


def refused(server, method, path, body=None, status=400, **kwargs):
    answer = server.request(method, path, body, **kwargs)
    assert answer.status_code == status, answer.text
    return answer.json()["errors"][0]


def public_half(server, name, version="1"):
    shown = server.get(f"transit/keys/{name}")["keys"][version]
    return serialization.load_pem_public_key(shown["public_key"].encode())


def signature(server, name, message, **more):
    made = server.post(f"transit/sign/{name}", {"input": b64(message), **more})
    prefix, version, text = made["signature"].split(":")
    return text


def test_aes_stays_in_the_hsm(server):
    managed(server, "aes", "CKM_AES_GCM")
    body = transit_key(server, "aes")
    assert body["type"] == "managed_key" and body["supports_encryption"]
    sealed = server.encrypt("aes", b"attack at dawn")
    # Length of the IV, IV, ciphertext, tag.
    raw = unb64(sealed.removeprefix("vault:v1:"))
    assert raw[0] == 12 and len(raw) == 1 + 12 + 14 + 16
    assert server.decrypt("aes", sealed) == b"attack at dawn"
    assert server.decrypt("aes", server.encrypt("aes", b"")) == b""
    bound = server.encrypt("aes", b"x", associated_data=b64(b"to whom"))
    assert server.decrypt("aes", bound, associated_data=b64(b"to whom")) == b"x"
    refused(server, "POST", "transit/decrypt/aes", {"ciphertext": bound})
    forged = bytearray(raw)
    forged[-1] ^= 1
    for wrong in (bytes(forged), raw[:20], b"", bytes([255]) + raw[1:]):
        text = refused(server, "POST", "transit/decrypt/aes",
                       {"ciphertext": "vault:v1:" + b64(wrong)})
        assert "managed key" in text
    server.restart()
    assert server.decrypt("aes", sealed) == b"attack at dawn"


def test_batches_data_keys_and_rewrap(server):
    managed(server, "one", "0x1087")
    managed(server, "two", "4231")
    transit_key(server, "k", "one")
    batch = server.post("transit/encrypt/k", {"batch_input": [
        {"plaintext": b64(bytes([i]) * i)} for i in range(20)]})
    opened = server.post("transit/decrypt/k", {"batch_input": [
        {"ciphertext": item["ciphertext"]} for item in batch["batch_results"]]})
    assert [unb64(item["plaintext"]) for item in opened["batch_results"]] == [
        bytes([i]) * i for i in range(20)]
    data_key = server.post("transit/datakey/plaintext/k")
    assert server.decrypt("k", data_key["ciphertext"]) == unb64(
        data_key["plaintext"])
    assert "managed_key_name" in refused(server, "POST", "transit/keys/k/rotate")
    old = server.encrypt("k", b"text")
    server.post("transit/keys/k/rotate", {"managed_key_name": "two"})
    fresh = server.post("transit/rewrap/k", {"ciphertext": old})["ciphertext"]
    assert fresh.startswith("vault:v2:")
    assert server.decrypt("k", fresh) == server.decrypt("k", old) == b"text"
    ids = {v["managed_key_id"]
           for v in server.get("transit/keys/k")["keys"].values()}
    assert ids == {server.get(f"sys/managed-keys/pkcs11/{name}")["UUID"]
                   for name in ("one", "two")}


def test_rsa_oaep(server):
    # SoftHSM has OAEP with SHA-1 alone: the error says what to set.
    managed(server, "rsa", "CKM_RSA_PKCS_OAEP", key_bits=2048)
    text = refused(server, "POST", "transit/keys/rsa", {
        "type": "managed_key", "managed_key_name": "rsa"}, status=500)
    assert "set rsa_oaep_hash to sha1" in text
    managed(server, "rsa", "CKM_RSA_PKCS_OAEP", key_bits="2048",
            rsa_oaep_hash="sha1")
    transit_key(server, "rsa")
    assert server.decrypt("rsa", server.encrypt("rsa", b"secret")) == b"secret"
    # Whoever has the public half can encrypt for the HSM.
    oaep = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
    foreign = public_half(server, "rsa").encrypt(b"from outside", oaep)
    assert server.decrypt("rsa", "vault:v1:" + b64(foreign)) == b"from outside"
    refused(server, "POST", "transit/encrypt/rsa", {"plaintext": b64(b"x" * 300)})
    for wrong in (foreign[:-1], bytes(len(foreign)), b"", foreign + b"x",
                  bytes([foreign[0]]) + bytes(len(foreign) - 1)):
        refused(server, "POST", "transit/decrypt/rsa",
                {"ciphertext": "vault:v1:" + b64(wrong)})
    assert "mechanism does not sign" in refused(
        server, "POST", "transit/sign/rsa", {
            "input": b64(b"x"), "signature_algorithm": "pkcs1v15"})


def test_ecdsa(server):
    managed(server, "ec", "CKM_ECDSA", curve="P256")
    transit_key(server, "ec")
    key = public_half(server, "ec")
    assert key.curve.name == "secp256r1"
    message = b"the message"
    made = unb64(signature(server, "ec", message))
    key.verify(made, message, ec.ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidSignature):
        key.verify(made, message + b"!", ec.ECDSA(hashes.SHA256()))
    # Longer hashes than the curve, a prehashed one, and the form of JWS.
    long = unb64(signature(server, "ec", message, hash_algorithm="sha2-512"))
    key.verify(long, message, ec.ECDSA(hashes.SHA512()))
    digest = hashlib.sha256(message).digest()
    ready = unb64(signature(server, "ec", digest, prehashed=True))
    key.verify(ready, message, ec.ECDSA(hashes.SHA256()))
    server_says = {"input": b64(message), "marshaling_algorithm": "jws"}
    jws = server.post("transit/sign/ec", server_says)["signature"]
    assert server.post("transit/verify/ec", {
        **server_says, "signature": jws})["valid"] is True
    assert server.post("transit/verify/ec", {
        **server_says, "input": b64(b"other"), "signature": jws})["valid"] is False
    batch = server.post("transit/sign/ec", {"batch_input": [
        {"input": b64(b"a")}, {"input": b64(b"b")}]})["batch_results"]
    for item, text in zip(batch, (b"a", b"b")):
        key.verify(unb64(item["signature"].split(":")[2]), text,
                   ec.ECDSA(hashes.SHA256()))
    server.post("sys/managed-keys/pkcs11/ec/test/sign")


def test_rsa_signs_under_both_paddings(server):
    managed(server, "rsa", "CKM_RSA_PKCS_PSS", key_bits=2048)
    transit_key(server, "rsa")
    key = public_half(server, "rsa")
    message = b"the message"
    for name, algorithm in (("sha2-256", hashes.SHA256()),
                            ("sha2-512", hashes.SHA512())):
        made = unb64(signature(server, "rsa", message, hash_algorithm=name))
        key.verify(made, message, padding.PSS(
            padding.MGF1(algorithm), algorithm.digest_size), algorithm)
        made = unb64(signature(server, "rsa", message, hash_algorithm=name,
                               signature_algorithm="pkcs1v15"))
        key.verify(made, message, padding.PKCS1v15(), algorithm)
    digest = hashlib.sha256(message).digest()
    ready = unb64(signature(server, "rsa", digest, prehashed=True))
    key.verify(ready, digest, padding.PSS(padding.MGF1(hashes.SHA256()), 32),
               utils.Prehashed(hashes.SHA256()))
    assert server.post("transit/verify/rsa", {
        "input": b64(message),
        "signature": "vault:v1:" + signature(server, "rsa", message),
    })["valid"] is True
    server.post("sys/managed-keys/pkcs11/rsa/test/sign", {"use_pss": True})


def test_a_key_that_was_made_elsewhere(server, hsm, tmp_path):
    private = ec.generate_private_key(ec.SECP384R1())
    file = tmp_path / "key.pem"
    file.write_bytes(private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))
    hsm.import_key(file, "imported", "0a0b")
    managed(server, "by-id", "0x1041", key_label="", key_id="0a0b",
            allow_generate_key=False)
    transit_key(server, "k", "by-id")
    assert (public_half(server, "k").public_numbers()
            == private.public_key().public_numbers())
    made = unb64(signature(server, "k", b"m"))
    private.public_key().verify(made, b"m", ec.ECDSA(hashes.SHA256()))
    managed(server, "none", "0x1041", allow_generate_key=False)
    assert "has no EC private key" in refused(server, "POST", "transit/keys/none", {
        "type": "managed_key", "managed_key_name": "none"}, status=500)


def test_what_is_written_and_shown(server):
    path = "sys/managed-keys/pkcs11"
    assert server.request("LIST", path).status_code == 404
    managed(server, "k", "CKM_ECDSA", slot=None, usages="sign,verify")
    shown = server.get(f"{path}/k")
    assert shown["pin"] == "redacted" and shown["usages"] == ["sign", "verify"]
    assert (shown["library"], shown["token_label"], shown["type"]) == (
        "hsm", "apps", "pkcs11")
    assert server.call("LIST", path)["keys"] == ["k"]
    least = {"library": "hsm", "token_label": "apps", "pin": PIN,
             "key_label": "x", "mechanism": "CKM_ECDSA"}
    for change, text in (
            ({"library": "other"}, 'no kms_library called "other"'),
            ({"library": MODULE}, "no kms_library called"),
            ({"mechanism": "CKM_DES_CBC"}, "mechanism: expected"),
            ({"pin": ""}, "pin is missing"),
            ({"token_label": ""}, "token_label or slot is missing"),
            ({"usages": ["sign", "fly"]}, 'unknown usage "fly"'),
            ({"allow_replace_key": True}, "neither replaced nor imported"),
            ({"allow_store_key": True}, "neither replaced nor imported")):
        assert text in refused(server, "POST", f"{path}/x", {**least, **change})
    assert server.request("GET", f"{path}/x").status_code == 404
    # What is not given stays; another UUID means another key.
    server.post(f"{path}/k", {"usages": ["sign"]})
    assert server.get(f"{path}/k") == {**shown, "usages": ["sign"]}
    server.call("DELETE", f"{path}/k")
    server.call("DELETE", f"{path}/k")
    managed(server, "k", "CKM_ECDSA")
    assert server.get(f"{path}/k")["UUID"] != shown["UUID"]


def test_a_key_in_use_stays(server):
    managed(server, "k", "CKM_AES_GCM")
    transit_key(server, "t", "k")
    path = "sys/managed-keys/pkcs11/k"
    assert 'keys of "transit/" use it' in refused(server, "DELETE", path)
    assert 'keys of "transit/" use it' in refused(
        server, "POST", path, {"key_label": "other"})
    server.post(path, {"pin": PIN, "usages": "encrypt"})  # the same key still
    server.restart()
    refused(server, "DELETE", path)
    server.post("transit/keys/t/config", {"deletion_allowed": True})
    server.call("DELETE", "transit/keys/t")
    server.call("DELETE", path)


def test_only_mounts_that_are_allowed(server):
    managed(server, "k", "CKM_AES_GCM", any_mount=False)
    body = {"type": "managed_key", "managed_key_name": "k"}
    assert "allowed_managed_keys" in refused(
        server, "POST", "transit/keys/t", body)
    server.post("sys/mounts/transit/tune", {"allowed_managed_keys": "k"})
    assert server.get("sys/mounts/transit/tune")["allowed_managed_keys"] == ["k"]
    server.post("transit/keys/t", body)
    sealed = server.encrypt("t", b"x")
    server.restart()
    assert server.decrypt("t", sealed) == b"x"
    server.post("sys/mounts/transit/tune", {"allowed_managed_keys": []})
    assert "allowed_managed_keys" in refused(
        server, "POST", "transit/decrypt/t", {"ciphertext": sealed})
    server.post("sys/mounts/other", {
        "type": "transit", "config": {"allowed_managed_keys": ["k"]}})
    server.post("other/keys/t", body)


def test_only_usages_that_are_allowed(server):
    managed(server, "k", "CKM_AES_GCM", usages="encrypt")
    transit_key(server, "t", "k")
    sealed = server.encrypt("t", b"x")
    assert "do not name decrypt" in refused(
        server, "POST", "transit/decrypt/t", {"ciphertext": sealed})
    managed(server, "s", "CKM_ECDSA", usages="sign")
    transit_key(server, "s")
    made = "vault:v1:" + signature(server, "s", b"m")
    assert "do not name verify" in refused(
        server, "POST", "transit/verify/s", {
            "input": b64(b"m"), "signature": made})
    managed(server, "s", "CKM_ECDSA", usages="verify")
    assert server.post("transit/verify/s", {
        "input": b64(b"m"), "signature": made})["valid"] is True
    assert "do not name sign" in refused(
        server, "POST", "transit/sign/s", {"input": b64(b"m")})
    refused(server, "POST", "sys/managed-keys/pkcs11/s/test/sign")


def test_a_wrong_pin_is_tried_once_and_corrected_by_writing(server):
    managed(server, "k", "CKM_AES_GCM", pin="canary-wrong")
    body = {"type": "managed_key", "managed_key_name": "k"}
    for _ in range(5):
        text = refused(server, "POST", "transit/keys/t", body, status=500)
        assert "PIN" in text and "canary" not in text
    managed(server, "k", "CKM_AES_GCM")
    server.post("transit/keys/t", body)


def test_a_token_that_is_gone(server, hsm):
    managed(server, "k", "CKM_AES_GCM")
    managed(server, "s", "CKM_ECDSA")
    transit_key(server, "k")
    transit_key(server, "s")
    sealed = server.encrypt("k", b"x")
    made = "vault:v1:" + signature(server, "s", b"m")
    server.stop()
    away = hsm.tokens.with_name("away")
    shutil.move(hsm.tokens, away)
    hsm.tokens.mkdir()
    server.start()
    server.unseal()
    text = refused(server, "POST", "transit/decrypt/k", {"ciphertext": sealed},
                   status=503)
    assert "no token" in text
    # The public half is here: verifying goes on, and so do other keys.
    assert server.post("transit/verify/s", {
        "input": b64(b"m"), "signature": made})["valid"] is True
    assert server.get("transit/keys/k")["latest_version"] == 1
    server.post("transit/keys/soft", {})
    assert server.decrypt("soft", server.encrypt("soft", b"y")) == b"y"
    server.stop()
    shutil.rmtree(hsm.tokens)
    shutil.move(away, hsm.tokens)
    server.start()
    server.unseal()
    assert server.decrypt("k", sealed) == b"x"


def test_a_library_that_is_no_longer_configured(server):
    managed(server, "k", "CKM_AES_GCM")
    transit_key(server, "k")
    server.stop()
    server.config.write_text(server.config.read_text().replace(LIBRARY, ""))
    server.start()
    server.unseal()
    assert 'no kms_library called "hsm"' in refused(
        server, "POST", "transit/encrypt/k", {"plaintext": b64(b"x")})
    assert server.get("sys/managed-keys/pkcs11/k")["library"] == "hsm"


def test_what_an_hsms_key_does_not_do(server):
    managed(server, "k", "CKM_ECDSA")
    for flag in ({"exportable": True}, {"allow_plaintext_backup": True},
                 {"auto_rotate_period": "24h"}):
        assert "not possible" in refused(server, "POST", "transit/keys/k", {
            "type": "managed_key", "managed_key_name": "k", **flag})
    transit_key(server, "k")
    for method, path, body in (
            ("POST", "transit/hmac/k", {"input": ""}),
            ("POST", "transit/cmac/k", {"input": ""}),
            ("GET", "transit/backup/k", None),
            ("GET", "transit/export/signing-key/k", None),
            ("POST", "transit/keys/k/csr", {}),
            ("POST", "transit/encrypt/k", {"plaintext": ""}),
            ("POST", "transit/keys/i/import", {
                "type": "managed_key", "ciphertext": "eA=="})):
        refused(server, method, path, body)
    exported = server.get("transit/export/public-key/k")["keys"]["1"]
    assert exported.startswith("-----BEGIN PUBLIC KEY-----")


def test_the_seals_token_is_taboo(hsm):
    seal = (f'seal "pkcs11" {{\n  lib = "{MODULE}"\n  token_label = "seal"\n'
            f'  pin = "{SEAL_PIN}"\n  key_label = "kek"\n'
            '  generate_key = "true"\n}\n')
    with Server(extra=LIBRARY + seal) as server:
        server.start()
        made = server.call("PUT", "sys/init", {
            "recovery_shares": 1, "recovery_threshold": 1})
        server.token = made["root_token"]
        least = {"library": "hsm", "pin": SEAL_PIN, "key_label": "kek",
                 "mechanism": "CKM_AES_GCM"}
        for name in ({"token_label": "seal"}, {"slot": hsm.slots["seal"]}):
            text = refused(server, "POST", "sys/managed-keys/pkcs11/k",
                           {**least, **name})
            assert 'is that of the seal "pkcs11"' in text
        # Another token of the same module is free.
        server.transit()
        managed(server, "k", "CKM_AES_GCM")
        transit_key(server, "k")
        assert server.decrypt("k", server.encrypt("k", b"x")) == b"x"


def test_policies_and_audit(server, tmp_path):
    lines = tmp_path / "audit.log"
    server.call("PUT", "sys/audit/file", {
        "type": "file", "options": {"file_path": str(lines)}})
    server.call("PUT", "sys/policies/acl/p", {
        "policy": 'path "sys/managed-keys/pkcs11/mine" '
                  '{ capabilities = ["create", "read"] }'})
    token = server.post("auth/token/create", {"policies": ["p"]})
    token = token["auth"]["client_token"]
    body = {"library": "hsm", "token_label": "apps", "pin": PIN,
            "key_label": "x", "mechanism": "CKM_ECDSA"}
    path = "sys/managed-keys/pkcs11/mine"
    server.call("POST", path, body, token=token)
    assert server.request("POST", path, body, token=token).status_code == 403
    assert server.request("DELETE", path, token=token).status_code == 403
    assert server.get(path, token=token)["key_label"] == "x"
    other = "sys/managed-keys/pkcs11/yours"
    assert server.request("POST", other, body, token=token).status_code == 403
    assert "sys/managed-keys/pkcs11/mine" in lines.read_text()


def test_the_pin_is_nowhere(server, tmp_path):
    lines = tmp_path / "audit.log"
    server.call("PUT", "sys/audit/file", {
        "type": "file", "options": {"file_path": str(lines)}})
    answers = []
    path = "sys/managed-keys/pkcs11/k"
    body = {"library": "hsm", "token_label": "apps", "key_label": "k",
            "mechanism": "CKM_AES_GCM", **ALL_MOUNTS}
    for pin in ("canary-wrong", PIN):
        for method, where, content in (
                ("POST", path, {**body, "pin": pin}), ("GET", path, None),
                ("LIST", "sys/managed-keys/pkcs11", None),
                ("POST", path, {"pin": pin, "mechanism": "none"}),
                ("POST", "transit/keys/k", {
                    "type": "managed_key", "managed_key_name": "k"}),
                ("GET", "transit/keys/k", None),
                ("POST", path + "/test/sign", {}),
                ("GET", "sys/config/state/sanitized", None)):
            answers.append(server.request(method, where, content).text)
    assert server.decrypt("k", server.encrypt("k", b"x")) == b"x"
    server.restart()
    server.stop()
    texts = [*answers, lines.read_text(), server.log.read_text()]
    assert not [text for text in texts if "canary" in text]
    stored = [f for f in (server.directory / "store").rglob("*") if f.is_file()]
    assert stored and not [f for f in stored if b"canary" in f.read_bytes()]
