"""Transit beside Debian's python3-cryptography: each checks what the other
signed, opens what the other sealed, and takes the other's keys."""

import datetime
import hashlib
import hmac as python_hmac
import os

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import cmac, hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import (
    ec, ed25519, padding, rsa, utils)
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.ciphers.aead import (
    AESGCM, ChaCha20Poly1305)
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bulla import Server, b64, unb64

HASHES = {
    "sha1": hashes.SHA1, "sha2-224": hashes.SHA224, "sha2-256": hashes.SHA256,
    "sha2-384": hashes.SHA384, "sha2-512": hashes.SHA512,
    "sha3-224": hashes.SHA3_224, "sha3-256": hashes.SHA3_256,
    "sha3-384": hashes.SHA3_384, "sha3-512": hashes.SHA3_512}
CURVES = {"ecdsa-p256": ec.SECP256R1, "ecdsa-p384": ec.SECP384R1,
          "ecdsa-p521": ec.SECP521R1}
RSA_TYPES = ["rsa-2048", "rsa-3072", "rsa-4096"]
AEADS = {"aes256-gcm96": AESGCM, "aes128-gcm96": AESGCM,
         "chacha20-poly1305": ChaCha20Poly1305}
OAEP_HASHES = {"SHA1": hashes.SHA1, "SHA224": hashes.SHA224,
               "SHA256": hashes.SHA256, "SHA384": hashes.SHA384,
               "SHA512": hashes.SHA512}
MESSAGE = b"hello world"
ALLOWED = {"exportable": True, "allow_plaintext_backup": True}


@pytest.fixture(scope="module")
def server():
    with Server() as fresh:
        fresh.ready().transit()
        for name in [*CURVES, *RSA_TYPES, *AEADS, "ed25519", "aes128-cmac",
                     "aes192-cmac", "aes256-cmac"]:
            fresh.post(f"transit/keys/{name}", {"type": name, **ALLOWED})
        fresh.post("transit/keys/hmac",
                   {"type": "hmac", "key_size": 64, **ALLOWED})
        yield fresh


def public_key(server, name, version="1"):
    text = server.get(f"transit/keys/{name}")["keys"][version]["public_key"]
    if name.startswith("ed25519"):
        return ed25519.Ed25519PublicKey.from_public_bytes(unb64(text))
    return serialization.load_pem_public_key(text.encode())


def exported(server, kind, name, form=""):
    query = f"?format={form}" if form else ""
    return server.get(f"transit/export/{kind}/{name}{query}")["keys"]["1"]


def private_key(server, name, form):
    text = exported(server, "signing-key", name, form)
    if form == "der":
        return serialization.load_der_private_key(unb64(text), None)
    if name == "ed25519" and form in ("", "raw"):
        return ed25519.Ed25519PrivateKey.from_private_bytes(unb64(text)[:32])
    return serialization.load_pem_private_key(text.encode(), None)


def signature_text(raw, jws=False):
    if not jws:
        return "vault:v1:" + b64(raw)
    return "vault:v1:" + b64(raw).rstrip("=").translate(
        str.maketrans("+/", "-_"))


def signature_bytes(text):
    text = text.split(":")[2].translate(str.maketrans("-_", "+/"))
    return unb64(text + "=" * (-len(text) % 4))


def sign(server, name, data=MESSAGE, **options):
    return server.post(f"transit/sign/{name}",
                       {"input": b64(data), **options})["signature"]


def verify(server, name, signature, data=MESSAGE, **options):
    return server.post(f"transit/verify/{name}", {
        "input": b64(data), "signature": signature, **options})["valid"]


def fixed_width(der, size):
    r, s = utils.decode_dss_signature(der)
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def der_form(fixed):
    half = len(fixed) // 2
    return utils.encode_dss_signature(int.from_bytes(fixed[:half], "big"),
                                      int.from_bytes(fixed[half:], "big"))


def pss(hash_class, salt):
    return padding.PSS(padding.MGF1(hash_class()), salt)


# -- signatures ------------------------------------------------------------------
@pytest.mark.parametrize("name", CURVES)
def test_ecdsa(server, name):
    public = public_key(server, name)
    private = private_key(server, name, "pem")
    size = (public.curve.key_size + 7) // 8
    for hash_name, hash_class in HASHES.items():
        scheme = ec.ECDSA(hash_class())
        for jws in (False, True):
            options = {"hash_algorithm": hash_name,
                       "marshaling_algorithm": "jws" if jws else "asn1"}
            made = signature_bytes(sign(server, name, **options))
            public.verify(der_form(made) if jws else made, MESSAGE, scheme)
            theirs = private.sign(MESSAGE, scheme)
            text = signature_text(
                fixed_width(theirs, size) if jws else theirs, jws)
            assert verify(server, name, text, **options)
            assert not verify(server, name, text, b"other", **options)


@pytest.mark.parametrize("name", CURVES)
def test_ecdsa_of_a_digest(server, name):
    digest = hashlib.sha384(MESSAGE).digest()
    options = {"hash_algorithm": "sha2-384", "prehashed": True}
    made = signature_bytes(sign(server, name, digest, **options))
    public_key(server, name).verify(made, MESSAGE, ec.ECDSA(hashes.SHA384()))
    theirs = private_key(server, name, "der").sign(
        digest, ec.ECDSA(utils.Prehashed(hashes.SHA384())))
    assert verify(server, name, signature_text(theirs), digest, **options)


def test_ed25519(server):
    public = public_key(server, "ed25519")
    for jws in (False, True):
        options = {"marshaling_algorithm": "jws" if jws else "asn1"}
        public.verify(signature_bytes(sign(server, "ed25519", **options)),
                      MESSAGE)
        for form in ("", "raw", "der", "pem"):
            theirs = private_key(server, "ed25519", form).sign(MESSAGE)
            text = signature_text(theirs, jws)
            assert text == sign(server, "ed25519", **options)
            assert verify(server, "ed25519", text, **options)


@pytest.mark.parametrize("name", RSA_TYPES)
def test_rsa_pkcs1v15(server, name):
    public = public_key(server, name)
    private = private_key(server, name, "pem")
    for hash_name, hash_class in HASHES.items():
        options = {"hash_algorithm": hash_name,
                   "signature_algorithm": "pkcs1v15"}
        made = sign(server, name, **options)
        public.verify(signature_bytes(made), MESSAGE, padding.PKCS1v15(),
                      hash_class())
        theirs = private.sign(MESSAGE, padding.PKCS1v15(), hash_class())
        assert signature_text(theirs) == made
        jws = {**options, "marshaling_algorithm": "jws"}
        assert verify(server, name, signature_text(theirs, True), **jws)


def test_rsa_without_a_hash(server):
    options = {"hash_algorithm": "none", "prehashed": True,
               "signature_algorithm": "pkcs1v15"}
    made = signature_bytes(sign(server, "rsa-2048", MESSAGE, **options))
    recovered = public_key(server, "rsa-2048").recover_data_from_signature(
        made, padding.PKCS1v15(), None)
    assert recovered == MESSAGE


@pytest.mark.parametrize("name", RSA_TYPES)
def test_rsa_pss(server, name):
    public = public_key(server, name)
    private = private_key(server, name, "")
    for hash_name, hash_class in HASHES.items():
        digest = hash_class().digest_size
        most = (public.key_size + 6) // 8 - digest - 2
        for salt, size in (("auto", most), ("hash", digest), (20, 20)):
            options = {"hash_algorithm": hash_name, "salt_length": salt}
            made = signature_bytes(sign(server, name, **options))
            public.verify(made, MESSAGE, pss(hash_class, size), hash_class())
            theirs = signature_text(private.sign(
                MESSAGE, pss(hash_class, size), hash_class()))
            assert verify(server, name, theirs, **options)
            assert verify(server, name, theirs, hash_algorithm=hash_name)
            if size != 20:
                assert not verify(server, name, theirs, salt_length=20,
                                  hash_algorithm=hash_name)


def test_rsa_pss_of_a_digest(server):
    digest = hashlib.sha512(MESSAGE).digest()
    options = {"hash_algorithm": "sha2-512", "prehashed": True,
               "salt_length": "hash"}
    made = signature_bytes(sign(server, "rsa-2048", digest, **options))
    public_key(server, "rsa-2048").verify(
        made, MESSAGE, pss(hashes.SHA512, 64), hashes.SHA512())


# -- encryption --------------------------------------------------------------------
@pytest.mark.parametrize("name", AEADS)
@pytest.mark.parametrize("associated", [None, b"associated"])
def test_aead(server, name, associated):
    cipher = AEADS[name](unb64(exported(server, "encryption-key", name)))
    extra = {"associated_data": b64(associated)} if associated else {}
    sealed = unb64(server.encrypt(name, MESSAGE, **extra).split(":")[2])
    assert cipher.decrypt(sealed[:12], sealed[12:], associated) == MESSAGE
    nonce = os.urandom(12)
    theirs = "vault:v1:" + b64(
        nonce + cipher.encrypt(nonce, MESSAGE, associated))
    assert server.decrypt(name, theirs, **extra) == MESSAGE


def derived_bytes(key, length):
    return HKDF(hashes.SHA256(), length, None, b"my-context").derive(key)


def test_derived_and_convergent(server):
    server.post("transit/keys/conv", {
        "derived": True, "convergent_encryption": True, **ALLOWED})
    key = unb64(exported(server, "encryption-key", "conv"))
    both = derived_bytes(key, 64)
    nonce = python_hmac.new(both[32:], MESSAGE, "sha256").digest()[:12]
    expected = nonce + AESGCM(both[:32]).encrypt(nonce, MESSAGE, None)
    made = server.encrypt("conv", MESSAGE, context=b64(b"my-context"))
    assert made == "vault:v1:" + b64(expected)


@pytest.mark.parametrize("name", RSA_TYPES)
def test_rsa_encryption(server, name):
    public, private = public_key(server, name), private_key(server, name, "der")
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    for scheme, theirs in (("oaep", oaep), ("pkcs1v15", padding.PKCS1v15())):
        sealed = unb64(server.encrypt(
            name, MESSAGE, padding_scheme=scheme).split(":")[2])
        assert private.decrypt(sealed, theirs) == MESSAGE
        text = "vault:v1:" + b64(public.encrypt(MESSAGE, theirs))
        assert server.decrypt(name, text, padding_scheme=scheme) == MESSAGE


# -- MACs ---------------------------------------------------------------------------
def test_hmac(server):
    for name in ("hmac", "aes256-gcm96", "ecdsa-p256"):
        key = unb64(exported(server, "hmac-key", name))
        for hash_name in HASHES:
            python_name = hash_name.replace("sha2-", "sha").replace("-", "_")
            expected = "vault:v1:" + b64(
                python_hmac.new(key, MESSAGE, python_name).digest())
            body = {"input": b64(MESSAGE), "algorithm": hash_name}
            assert server.post(f"transit/hmac/{name}",
                               body)["hmac"] == expected
            assert server.post(f"transit/verify/{name}/{hash_name}", {
                "input": b64(MESSAGE), "hmac": expected})["valid"]


@pytest.mark.parametrize("bits", [128, 192, 256])
def test_cmac(server, bits):
    name = f"aes{bits}-cmac"
    key = unb64(exported(server, "cmac-key", name))
    mac = cmac.CMAC(algorithms.AES(key))
    mac.update(MESSAGE)
    expected = mac.finalize()
    made = server.post(f"transit/cmac/{name}", {"input": b64(MESSAGE)})["cmac"]
    assert made == "vault:v1:" + b64(expected)
    short = server.post(f"transit/cmac/{name}/8", {"input": b64(MESSAGE)})
    assert short["cmac"] == "vault:v1:" + b64(expected[:8])
    assert server.post(f"transit/verify/{name}", {
        "input": b64(MESSAGE), "cmac": made})["valid"]


# -- import ---------------------------------------------------------------------------
def wrapped(server, target, hash_class):
    pem = server.get("transit/wrapping_key")["public_key"]
    public = serialization.load_pem_public_key(pem.encode())
    aes = os.urandom(32)
    oaep = padding.OAEP(padding.MGF1(hash_class()), hash_class(), None)
    return b64(public.encrypt(aes, oaep) +
               keywrap.aes_key_wrap_with_padding(aes, target))


def pkcs8(key):
    return key.private_bytes(serialization.Encoding.DER,
                             serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


@pytest.mark.parametrize("hash_name", OAEP_HASHES)
def test_import_under_every_hash(server, hash_name):
    key, name = os.urandom(32), f"imported-{hash_name}"
    server.post(f"transit/keys/{name}/import", {
        "ciphertext": wrapped(server, key, OAEP_HASHES[hash_name]),
        "hash_function": hash_name, "exportable": True})
    assert unb64(exported(server, "encryption-key", name)) == key
    other = os.urandom(32)
    server.post(f"transit/keys/{name}/import_version", {
        "ciphertext": wrapped(server, other, OAEP_HASHES[hash_name]),
        "hash_function": hash_name})
    sealed = unb64(server.encrypt(name, MESSAGE).split(":")[2])
    assert AESGCM(other).decrypt(sealed[:12], sealed[12:], None) == MESSAGE


def made_pairs():
    yield "ed25519", ed25519.Ed25519PrivateKey.generate()
    for name, curve in CURVES.items():
        yield name, ec.generate_private_key(curve())
    yield "rsa-2048", rsa.generate_private_key(65537, 2048)


def test_import_of_key_pairs(server):
    for kind, pair in made_pairs():
        name = f"pair-{kind}"
        server.post(f"transit/keys/{name}/import", {
            "type": kind,
            "ciphertext": wrapped(server, pkcs8(pair), hashes.SHA256)})
        made = signature_bytes(sign(server, name))
        public = pair.public_key()
        if kind == "ed25519":
            public.verify(made, MESSAGE)
        elif kind.startswith("rsa"):
            public.verify(made, MESSAGE, pss(hashes.SHA256, 222),
                          hashes.SHA256())
        else:
            public.verify(made, MESSAGE, ec.ECDSA(hashes.SHA256()))


def test_public_half_first(server):
    pair = ec.generate_private_key(ec.SECP256R1())
    pem = pair.public_key().public_bytes(
        serialization.Encoding.PEM,
        serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    server.post("transit/keys/half/import",
                {"type": "ecdsa-p256", "public_key": pem})
    theirs = signature_text(pair.sign(MESSAGE, ec.ECDSA(hashes.SHA256())))
    assert verify(server, "half", theirs)
    refused = server.request("POST", "transit/sign/half", {"input": "eA=="})
    assert "does not contain a private part" in refused.text
    server.post("transit/keys/half/import_version", {
        "ciphertext": wrapped(server, pkcs8(pair), hashes.SHA256)})
    made = signature_bytes(sign(server, "half"))
    pair.public_key().verify(made, MESSAGE, ec.ECDSA(hashes.SHA256()))
    assert server.get("transit/keys/half")["latest_version"] == 1


@pytest.mark.parametrize("hash_name", OAEP_HASHES)
def test_byok_export(server, hash_name):
    blob = unb64(server.get("transit/byok-export/rsa-4096/aes256-gcm96"
                            f"?hash={hash_name}")["keys"]["1"])
    hash_class = OAEP_HASHES[hash_name]
    aes = private_key(server, "rsa-4096", "pem").decrypt(
        blob[:512],
        padding.OAEP(padding.MGF1(hash_class()), hash_class(), None))
    key = keywrap.aes_key_unwrap_with_padding(aes, blob[512:])
    assert key == unb64(exported(server, "encryption-key", "aes256-gcm96"))


# -- certificates -----------------------------------------------------------------------
def certificate(public, issuer_key, is_ca, subject):
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)])
    issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "CA")])
    return x509.CertificateBuilder(
        issuer, name, public, x509.random_serial_number(),
        datetime.datetime(2020, 1, 1), datetime.datetime(2050, 1, 1)
    ).add_extension(x509.BasicConstraints(is_ca, None), True).sign(
        issuer_key, hashes.SHA256()
    ).public_bytes(serialization.Encoding.PEM).decode()


@pytest.mark.parametrize("name", ["ed25519", *CURVES, "rsa-2048"])
def test_certified(server, name):
    made = server.post(f"transit/keys/{name}/csr")["csr"]
    request = x509.load_pem_x509_csr(made.encode())
    assert request.is_signature_valid
    ca = ec.generate_private_key(ec.SECP256R1())
    root = certificate(ca.public_key(), ca, True, "CA")
    chain = certificate(request.public_key(), ca, False, "leaf") + root
    server.post(f"transit/keys/{name}/set-certificate",
                {"certificate_chain": chain})
    shown = server.get(f"transit/keys/{name}")["keys"]["1"]
    assert shown["certificate_chain"].strip() == chain.strip()
    assert exported(server, "certificate-chain",
                    name).strip() == chain.strip()
    wrong = server.request("POST", f"transit/keys/{name}/set-certificate",
                           {"certificate_chain": root})
    assert wrong.status_code == 400


def test_csr_of_a_template(server):
    template = x509.CertificateSigningRequestBuilder(
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "über")])
    ).add_extension(
        x509.SubjectAlternativeName([x509.DNSName("example.org")]), False
    ).sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    made = server.post("transit/keys/rsa-2048/csr", {
        "csr": template.public_bytes(serialization.Encoding.PEM).decode()})
    request = x509.load_pem_x509_csr(made["csr"].encode())
    assert request.is_signature_valid
    assert request.subject == template.subject
    assert list(request.extensions) == list(template.extensions)
    numbers = request.public_key().public_numbers()
    assert numbers == public_key(server, "rsa-2048").public_numbers()


# -- backups ------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["aes256-gcm96", "ed25519", "ecdsa-p521",
                                  "rsa-2048", "hmac", "aes128-cmac"])
def test_backup_brings_back_what_was(server, name):
    before = server.get(f"transit/keys/{name}")
    kept = server.get(f"transit/backup/{name}")["backup"]
    server.post(f"transit/keys/{name}/rotate")
    server.post(f"transit/keys/{name}/config",
                {"min_decryption_version": 2, "deletion_allowed": True})
    refused = server.request("POST", "transit/restore", {"backup": kept})
    assert refused.status_code == 500 and "already exists" in refused.text
    server.post("transit/restore", {"backup": kept, "force": True})
    server.post(f"transit/restore/copy-{name}", {"backup": kept})
    for copy in (name, f"copy-{name}"):
        after = server.get(f"transit/keys/{copy}")
        for key in (before, after):
            for member in ("name", "backup_info", "restore_info",
                           "operations"):
                key.pop(member, None)
        assert after == before


def test_a_wrong_signature_is_none(server):
    made = signature_bytes(sign(server, "ecdsa-p256"))
    with pytest.raises(InvalidSignature):
        public_key(server, "ecdsa-p256").verify(
            made, b"other", ec.ECDSA(hashes.SHA256()))
    assert not verify(server, "ecdsa-p256", signature_text(made), b"other")
