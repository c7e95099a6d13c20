"""Transit beside the openssl command: its keys come in through `bulla transit
import`, each checks what the other signed, and it checks our requests."""

import base64
import os
import subprocess

import pytest

from bulla import Server, b64, unb64

MESSAGE = b"hello world"
GENPKEY = {
    "ed25519": ["-algorithm", "ed25519"],
    "ecdsa-p256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "ecdsa-p384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "ecdsa-p521": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
    "rsa-2048": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "rsa-3072": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"]}
PSS = ["-pkeyopt", "rsa_padding_mode:pss", "-pkeyopt", "rsa_pss_saltlen:"]


def openssl(*arguments, stdin=None):
    return subprocess.run(["openssl", *map(str, arguments)], input=stdin,
                          check=True, capture_output=True).stdout


@pytest.fixture(scope="module")
def server():
    with Server() as fresh:
        yield fresh.ready().transit()


def succeed(result):
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture
def made(server, tmp_path, request):
    """A key pair of openssl's, imported: its type, name and private file."""
    kind = request.param
    path = tmp_path / "key.pem"
    openssl("genpkey", *GENPKEY[kind], "-out", path)
    name = f"ossl-{kind}"
    succeed(server.cli("transit", "import", f"transit/keys/{name}",
                       f"@{path}", f"type={kind}", "exportable=true"))
    yield kind, name, path
    server.post(f"transit/keys/{name}/config", {"deletion_allowed": True})
    server.call("DELETE", f"transit/keys/{name}")


every_type = pytest.mark.parametrize("made", GENPKEY, indirect=True)


def pkeyutl_options(kind, salt):
    if kind == "ed25519":
        return ["-rawin"]
    options = ["-rawin", "-digest", "sha256"]
    return options + PSS[:3] + [PSS[3] + salt] if kind[:3] == "rsa" else options


@every_type
def test_both_ways(server, made, tmp_path):
    kind, name, path = made
    message, signature = tmp_path / "message", tmp_path / "signature"
    message.write_bytes(MESSAGE)
    ours = server.post(f"transit/sign/{name}", {"input": b64(MESSAGE)})
    signature.write_bytes(unb64(ours["signature"].split(":")[2]))
    openssl("pkeyutl", "-verify", "-inkey", path, "-in", message, "-sigfile",
            signature, *pkeyutl_options(kind, "auto"))
    theirs = openssl("pkeyutl", "-sign", "-inkey", path, "-in", message,
                     *pkeyutl_options(kind, "32"))
    assert server.post(f"transit/verify/{name}", {
        "input": b64(MESSAGE), "signature": "vault:v1:" + b64(theirs)})["valid"]


@every_type
def test_exported_is_what_was_imported(server, made, tmp_path):
    kind, name, path = made
    out = tmp_path / "exported.pem"
    for form in ("pem", "der"):
        text = server.get(f"transit/export/signing-key/{name}?format={form}")
        text = text["keys"]["1"]
        out.write_bytes(unb64(text) if form == "der" else text.encode())
        arguments = ["pkey", "-inform", form.upper(), "-outform", "DER", "-in"]
        assert openssl(*arguments, out) == openssl(
            "pkey", "-outform", "DER", "-in", path)


@every_type
def test_requests(server, made, tmp_path):
    _, name, path = made
    request = tmp_path / "request.pem"
    request.write_text(server.post(f"transit/keys/{name}/csr")["csr"])
    openssl("req", "-verify", "-noout", "-in", request)
    assert openssl("req", "-pubkey", "-noout", "-in", request) == openssl(
        "pkey", "-pubout", "-in", path)


@pytest.mark.parametrize("made", ["ecdsa-p384"], indirect=True)
def test_a_template_keeps_its_names(server, made, tmp_path):
    _, name, _ = made
    template = openssl(
        "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout",
        tmp_path / "other.pem", "-subj", "/O=Bulla/CN=leaf.example", "-addext",
        "subjectAltName=DNS:leaf.example,IP:192.0.2.7").decode()
    request = tmp_path / "request.pem"
    request.write_text(server.post(f"transit/keys/{name}/csr",
                                   {"csr": template})["csr"])
    text = openssl("req", "-verify", "-noout", "-text", "-in",
                   request).decode()
    assert "O = Bulla, CN = leaf.example" in text
    assert "DNS:leaf.example, IP Address:192.0.2.7" in text
    assert "ecdsa-with-SHA384" in text


# -- the command's ways to be given a key ----------------------------------------
def imported(server, name, *arguments, stdin=None):
    succeed(server.cli("transit", "import", f"transit/keys/{name}", *arguments,
                       "exportable=true", "allow_rotation=true", stdin=stdin))
    return server.get(f"transit/keys/{name}")


def test_symmetric_keys(server, tmp_path):
    key = os.urandom(32)
    path = tmp_path / "key"
    path.write_bytes(key)
    imported(server, "raw", str(path))
    imported(server, "text", "-", stdin=base64.encodebytes(key).decode())
    imported(server, "hash", f"@{path}", "hash_function=SHA512")
    for name in ("raw", "text", "hash"):
        shown = server.get(f"transit/export/encryption-key/{name}")
        assert unb64(shown["keys"]["1"]) == key


def test_a_second_version(server, tmp_path):
    for number in (1, 2):
        (tmp_path / f"key{number}").write_bytes(os.urandom(32))
    imported(server, "two", str(tmp_path / "key1"))
    succeed(server.cli("transit", "import-version", "transit/keys/two",
                       str(tmp_path / "key2")))
    assert server.get("transit/keys/two")["latest_version"] == 2


def test_forms_of_a_private_key(server, tmp_path):
    path, old = tmp_path / "key.pem", tmp_path / "old.pem"
    for kind, command in (("rsa-2048", ["rsa", "-traditional"]),
                          ("ecdsa-p521", ["ec"])):
        openssl("genpkey", *GENPKEY[kind], "-out", path)
        openssl(*command, "-in", path, "-out", old)
        assert f"BEGIN {command[0].upper()} PRIVATE KEY" in old.read_text()
        key = imported(server, f"old-{kind}", str(old), f"type={kind}")
        public = openssl("pkey", "-pubout", "-in", path).decode()
        assert key["keys"]["1"]["public_key"] == public


def test_a_public_key(server, tmp_path):
    path = tmp_path / "key.pem"
    openssl("genpkey", *GENPKEY["ecdsa-p256"], "-out", path)
    public = openssl("pkey", "-pubout", "-in", path).decode()
    key = imported(server, "public", "-", "type=ecdsa-p256", stdin=public)
    assert key["keys"]["1"]["public_key"] == public


def test_keys_that_cannot_be_used(server, tmp_path):
    path = tmp_path / "key.pem"
    openssl("genpkey", *GENPKEY["ecdsa-p256"], "-aes128", "-pass", "pass:x",
            "-out", path)
    locked = server.cli("transit", "import", "transit/keys/locked", str(path))
    assert locked.returncode == 1 and "is encrypted" in locked.stderr
    secret = b64(os.urandom(32))
    argv = server.cli("transit", "import", "transit/keys/argv", secret)
    assert argv.returncode == 1
    assert secret not in argv.stderr and "name of a file" in argv.stderr
    wrong = server.cli("transit", "import", "transit/keys/wrong", "-",
                       "type=rsa-2048", stdin=secret)
    assert wrong.returncode == 2
