"""Data encryption keys on the real binary: made, replaced, retired, re-wrapped by
rekeys, never lost to a kill -9; the janitor's configuration, re-encryption jobs,
and keys that are derived and stored nowhere."""

import base64
import hashlib
import hmac
import json
import re
import struct
import threading
import time

import pytest
import requests

from bulla import ROOT, Server

KEYS = "sys/encryption-keys"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def deks(server):
    return list(server.get(KEYS + "?list=true")["key_info"].values())


def active(server, scope="default"):
    of_scope = [d for d in deks(server)
                if d["scope"] == scope and d["status"] == "active"]
    assert len(of_scope) == 1, of_scope
    return of_scope[0]


def refused(server, path, body):
    answer = server.request("POST", path, body)
    assert answer.status_code == 400, answer.text
    return answer.json()["errors"][0]


def rekey(server, shares=1, threshold=1):
    begun = server.call("PUT", "sys/rekey/init", {
        "secret_shares": shares, "secret_threshold": threshold})
    done = None
    for share in server.shares[:server.threshold]:
        done = server.call("PUT", "sys/rekey/update", {
            "key": share, "nonce": begun["nonce"]})
    server.shares, server.threshold = done["keys_base64"], threshold


def stored_bytes(server):
    return b"".join(path.read_bytes()
                    for path in (server.directory / "store").rglob("*")
                    if path.is_file())


# -- the registry -----------------------------------------------------------
def test_the_first_start_makes_the_default_key(server):
    assert [d["name"] for d in deks(server)] == ["Default-encryption-key"]
    first = active(server)
    assert UUID.fullmatch(first["id"])
    assert first == {
        "id": first["id"], "name": "Default-encryption-key",
        "description": "", "algorithm": "AES-GCM-256", "scope": "default",
        "status": "active", "created_at": first["created_at"],
        "updated_at": first["created_at"], "version": 1, "usage": 0,
        "encryptions": 0}
    assert server.get(f"{KEYS}/{first['id']}") == first


def test_a_key_lives_from_active_to_inactive(server):
    first = active(server)
    second = server.post(KEYS, {
        "name": "records", "description": "of 2027", "algorithm":
        "AES-GCM-128"})
    assert (second["status"], second["algorithm"]) == ("active", "AES-GCM-128")
    path = f"{KEYS}/{first['id']}"
    before = server.get(path)
    assert (before["status"], before["version"]) == ("deprecated", 2)

    assert "immutable" in refused(server, path, {"algorithm": "AES-GCM-128"})
    assert "immutable" in refused(server, path, {"scope": "other"})
    assert "only from deprecated" in refused(server, path,
                                             {"status": "active"})
    assert "is active" in refused(server, f"{KEYS}/{second['id']}",
                                  {"status": "inactive"})
    assert "check-and-set" in refused(server, path, {"name": "x", "cas": 1})
    renamed = server.post(path, {"name": "old", "cas": 2})
    assert (renamed["name"], renamed["version"]) == ("old", 3)

    assert server.get(path + "/usage?list=true") == {
        "keys": [], "key_info": {}, "total": 0}
    retired = server.post(path, {"status": "inactive"})
    assert (retired["status"], retired["version"]) == ("inactive", 4)
    server.restart()
    assert server.get(path) == retired
    assert active(server) == second
    assert server.request("GET", f"{KEYS}/none").status_code == 404
    assert server.request("POST", f"{KEYS}/none", {"name": "x"}
                          ).status_code == 404


def test_metrics_show_them(server):
    server.post(KEYS, {"name": "p", "scope": "payroll"})
    text = server.request("GET", "sys/metrics?format=prometheus").text
    assert 'bulla_dek_encryptions{scope="default"} 0' in text
    assert 'bulla_dek_encryptions{scope="payroll"} 0' in text
    assert "bulla_deprecated_dek_records 0" in text


def test_scopes_have_their_own(server):
    server.post(KEYS, {"name": "p", "scope": "payroll"})
    assert active(server)["name"] == "Default-encryption-key"
    assert active(server, "payroll")["name"] == "p"


def test_only_who_may(server):
    server.post("sys/policies/acl/looker", {"policy": f"""
        path "{KEYS}/*" {{ capabilities = ["read"] }}"""})
    token = server.request(
        "POST", "auth/token/create", {"policies": ["looker"]}
    ).json()["auth"]["client_token"]
    first = active(server)["id"]
    for method, path, status in (
            ("GET", f"{KEYS}/{first}", 200), ("GET", KEYS + "?list=true", 403),
            ("POST", KEYS, 403), ("POST", f"{KEYS}/{first}", 403),
            ("POST", f"{KEYS}/reencrypt", 403)):
        answer = server.request(method, path, {"name": "x"} if
                                method == "POST" else None, token=token)
        assert answer.status_code == status, (method, path, answer.text)


def test_the_command_line(server):
    listed = json.loads(server.cli("dek", "list", "-format=json").stdout)
    assert len(listed["keys"]) == 1
    added = server.cli("dek", "add", "-name=records-2027",
                       "-algorithm=AES-GCM-128")
    assert added.returncode == 0, added.stderr
    assert "AES-GCM-128" in added.stdout
    edited = server.cli("dek", "edit", "-description=of the year",
                        "records-2027")
    assert edited.returncode == 0, edited.stderr
    shown = server.cli("dek", "show", "-field=description", "records-2027")
    assert shown.stdout == "of the year"
    assert "deprecated" in server.cli("dek", "list").stdout
    usage = server.cli("dek", "usage", "Default-encryption-key")
    assert "0 of 0 records" in usage.stdout
    done = server.cli("dek", "deactivate", "Default-encryption-key")
    assert done.returncode == 0, done.stderr
    again = server.cli("dek", "deactivate", "records-2027")
    assert again.returncode == 2 and "is active" in again.stderr


def test_changes_are_audited(server):
    log = server.directory / "audit.log"
    server.post("sys/audit/file", {
        "type": "file", "options": {"file_path": str(log)}})
    server.post(KEYS, {"name": "second"})
    assert f'"path":"{KEYS}"' in log.read_text()


# -- under the root key -----------------------------------------------------
def test_they_outlive_rekeys_restarts_and_rotation():
    with Server() as server:
        server.start()
        server.initialise(3, 2)
        server.unseal()
        server.post(KEYS, {"name": "second"})
        before = deks(server)
        rekey(server, 5, 3)
        third = server.post(KEYS, {"name": "third"})
        server.post("sys/rotate", {})
        server.restart()
        after = deks(server)
        assert len(after) == 3
        assert {d["id"] for d in before} < {d["id"] for d in after}
        assert active(server)["id"] == third["id"]
        rekey(server)
        server.kill()
        server.start()
        server.unseal()
        assert deks(server) == after
        server.post(KEYS, {"name": "fourth"})


class Maker(threading.Thread):
    """Makes DEKs until the server goes; keeps what was acknowledged."""

    def __init__(self, server, scope):
        super().__init__()
        self.url = server.url(KEYS)
        self.headers = {"X-Vault-Token": server.token}
        self.scope = scope
        self.made = []

    def run(self):
        session = requests.Session()
        for i in range(200):
            try:
                answer = session.post(
                    self.url, json={"name": f"k{i}", "scope": self.scope},
                    headers=self.headers, timeout=10)
            except requests.exceptions.RequestException:
                return
            if answer.status_code != 200:
                return
            self.made.append(answer.json()["data"]["id"])


def test_kill_9_leaves_one_active_key_and_every_acknowledged_one():
    with Server() as server:
        server.ready()
        acknowledged = set()
        for round_number in range(6):
            makers = [Maker(server, scope) for scope in ("a", "b")]
            for maker in makers:
                maker.start()
            time.sleep(0.1 + 0.05 * round_number)
            server.kill()
            for maker in makers:
                maker.join()
                acknowledged.update(maker.made)
            server.start()
            server.unseal()
            assert acknowledged <= {d["id"] for d in deks(server)}
            for scope in ("default", "a", "b"):
                active(server, scope)
        assert acknowledged


def test_keys_of_a_restored_snapshot_are_those_of_then(tmp_path):
    with Server() as server:
        server.ready()
        server.post("sys/mounts/derive", {"type": "derive"})
        derived = server.get("derive/key/policy/nightly")
        server.post(KEYS, {"name": "second"})
        before = deks(server)
        saved = server.cli("operator", "snapshot", "save",
                           str(tmp_path / "s"))
        assert saved.returncode == 0, saved.stderr
        with Server() as bare:
            bare.ready()
            bare_token, bare.token = bare.token, server.token
            done = bare.cli("operator", "snapshot", "restore", "-force",
                            str(tmp_path / "s"), token=bare_token)
            assert done.returncode == 0, done.stderr
            bare.shares, bare.threshold = server.shares, server.threshold
            bare.unseal()
            assert deks(bare) == before
            assert bare.get("derive/key/policy/nightly") == derived


# -- re-encryption ----------------------------------------------------------
def test_jobs_and_the_command_that_watches_them(server):
    counted = server.cli("reencrypt", "-dry-run")
    assert counted.stdout == "0 records would be re-encrypted.\n"
    done = server.cli("reencrypt", "-scope=default", "-rate=100")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "Success! Re-encrypted 0 records.\n"
    first = active(server)["id"]
    assert "is active" in refused(server, f"{KEYS}/{first}/reencrypt", {})
    listed = server.get("sys/jobs?list=true")
    (job_id,) = listed["keys"]
    job = server.get(f"sys/jobs/{job_id}")
    assert job == listed["key_info"][job_id]
    assert (job["kind"], job["state"], job["rate"]) == (
        "reencrypt", "complete", 100)
    assert "is complete" in refused(server, f"sys/jobs/{job_id}/pause", {})
    server.restart()
    assert server.get(f"sys/jobs/{job_id}") == job


def test_the_store_of_a_stopped_server_is_reencrypted():
    kek = base64.b64encode(bytes(32)).decode()
    with Server(extra=f"""encryption {{
                kek_source = "config" kek = "{kek}" }}""") as server:
        server.start()
        server.token = server.call("PUT", "sys/init", {})["root_token"]
        server.post(KEYS, {"name": "second"})
        before = deks(server)
        running = server.cli("reencrypt", f"-config={server.config}")
        assert running.returncode == 1
        assert "stop the server" in running.stderr
        server.stop()
        for flags, said in ((["-dry-run"], "0 records would be"),
                            ([], "Success! Re-encrypted 0 records")):
            done = server.cli("reencrypt", f"-config={server.config}", *flags,
                              token="")
            assert done.returncode == 0, done.stderr
            assert said in done.stdout
        server.start()
        assert deks(server) == before
        assert len(server.get("sys/jobs?list=true")["keys"]) == 1


def test_the_janitors_configuration():
    with Server(extra='deprecated_key_janitor { interval = "30m" limit = 5 }'
                ) as server:
        server.ready()
        shown = server.get("sys/config/state/sanitized")
        assert shown["deprecated_key_janitor"] == {
            "interval": 1800, "limit": 5}
    with Server(extra="deprecated_key_janitor { limits = 5 }") as server:
        with pytest.raises(RuntimeError, match="limits"):
            server.start()


# -- derived keys -----------------------------------------------------------
def test_derived_keys_stay_the_same_and_are_stored_nowhere():
    with Server() as server:
        server.start()
        server.initialise(3, 2)
        server.unseal()
        enabled = server.cli("secrets", "enable", "derive")
        assert enabled.returncode == 0, enabled.stderr
        paths = ["derive/key/policy/nightly", "derive/key/anything/else",
                 "derive/key/namespace/6f1d2c3b-4a59-4687-9f0e-1d2c3b4a5968"]
        first = {path: server.get(path) for path in paths}
        assert first[paths[0]] == {
            "algorithm": "HKDF-SHA256", "purpose": "policy",
            "name": "nightly", "key": first[paths[0]]["key"]}
        keys = [base64.b64decode(data["key"]) for data in first.values()]
        assert all(len(key) == 32 for key in keys)
        assert len(set(keys)) == 3

        added = server.post("sys/passkeys/team", {
            "kind": "shamir", "secret_shares": 1, "secret_threshold": 1})
        server.call("DELETE", "sys/passkeys/shamir")
        server.shares, server.threshold = added["keys_base64"], 1
        rekey(server, 3, 2)
        server.post("sys/rotate", {})
        server.restart()
        assert {path: server.get(path) for path in paths} == first

        server.post("sys/policies/acl/backup", {
            "policy": f'path "{paths[0]}" {{ capabilities = ["read"] }}'})
        token = server.request(
            "POST", "auth/token/create", {"policies": ["backup"]}
        ).json()["auth"]["client_token"]
        assert server.get(paths[0], token=token) == first[paths[0]]
        assert server.request("GET", paths[1], token=token).status_code == 403
        assert server.request("POST", paths[0], {}).status_code == 405

        server.stop()
        stored = stored_bytes(server)
        for data, key in zip(first.values(), keys):
            assert key not in stored
            assert data["key"].encode() not in stored
            assert key.hex().encode() not in stored


def test_derivation_is_as_documented():
    """The vectors of docs/formats/derive.md, by an implementation of its own."""
    def derive(secret, purpose, name):
        info = b"bulla derive 1\0" + b"".join(
            struct.pack(">I", len(part)) + part
            for part in (purpose.encode(), name.encode()))
        prk = hmac.new(bytes(32), secret, hashlib.sha256).digest()
        return hmac.new(prk, info + b"\1", hashlib.sha256).hexdigest()
    page = (ROOT / "docs" / "formats" / "derive.md").read_text()
    rows = re.findall(r"^\| `(.+)` \| `(.+)` \| `([0-9a-f]{64})` \|$", page, re.M)
    assert len(rows) == 5
    for purpose, name, key in rows:
        assert derive(bytes(range(32)), purpose, name) == key
