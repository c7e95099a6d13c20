"""The key-value engine on the real binary, through Debian's python3-hvac and by
hand: versions 1 and 2, restarts, and the DEKs under its records."""

import json
import threading
import time

import hvac
import pytest
from hvac import exceptions

from bulla import Server

KEYS = "sys/encryption-keys"


def api_of(server):
    return hvac.Client(url=server.address, token=server.token)


@pytest.fixture(scope="module")
def shared():
    with Server() as server:
        server.ready()
        server.post("sys/mounts/secret", {"type": "kv",
                                          "options": {"version": "2"}})
        server.post("sys/mounts/old", {"type": "kv"})
        yield server


@pytest.fixture(scope="module")
def v2(shared):
    return api_of(shared).secrets.kv.v2


@pytest.fixture(scope="module")
def v1(shared):
    return api_of(shared).secrets.kv.v1


@pytest.fixture
def kv_server(server):
    server.post("sys/mounts/secret", {"type": "kv-v2"})
    return server


def put(v2, path, cas=None, **data):
    return v2.create_or_update_secret(path, secret=data, cas=cas)["data"]


def get(v2, path, version=None):
    return v2.read_secret_version(path, version=version)["data"]


# -- version 2 --------------------------------------------------------------
def test_versions(v2):
    first = put(v2, "a/b", k="v1", n=1, deep={"x": [1, None, True]})
    assert (first["version"], first["deletion_time"], first["destroyed"],
            first["custom_metadata"]) == (1, "", False, None)
    assert put(v2, "a/b", k="v2")["version"] == 2
    read = get(v2, "a/b")
    assert read["data"] == {"k": "v2"} and read["metadata"]["version"] == 2
    old = get(v2, "a/b", 1)
    assert old["data"] == {"k": "v1", "n": 1, "deep": {"x": [1, None, True]}}
    assert old["metadata"] == first
    with pytest.raises(exceptions.InvalidPath):
        get(v2, "a/b", 3)
    with pytest.raises(exceptions.InvalidPath):
        get(v2, "none")


def test_check_and_set(v2, shared):
    assert put(v2, "cas", cas=0, k=1)["version"] == 1
    with pytest.raises(exceptions.InvalidRequest, match="did not match"):
        put(v2, "cas", cas=0, k=2)
    assert put(v2, "cas", cas=1, k=2)["version"] == 2
    v2.update_metadata("cas", cas_required=True)
    with pytest.raises(exceptions.InvalidRequest, match="required for this"):
        put(v2, "cas", k=3)
    assert put(v2, "cas", cas=2, k=3)["version"] == 3
    refused = shared.request("POST", "secret/data/cas", {
        "data": {}, "options": {"cas": "x"}})
    assert refused.json()["errors"] == [
        "error parsing check-and-set parameter"]


def test_a_write_names_its_data(shared):
    for body in ({}, {"data": None}, {"k": "v"}):
        refused = shared.request("POST", "secret/data/none", body)
        assert refused.status_code == 400
        assert refused.json()["errors"] == ["no data provided"]


def test_patch(v2, shared):
    put(v2, "patched", a=1, b={"c": 2, "d": 3})
    merge = {"Content-Type": "application/merge-patch+json"}
    shared.call("PATCH", "secret/data/patched", {
        "data": {"a": None, "b": {"c": 4}, "e": [5]}}, headers=merge)
    assert get(v2, "patched")["data"] == {"b": {"c": 4, "d": 3}, "e": [5]}
    stale = shared.request("PATCH", "secret/data/patched", {
        "data": {}, "options": {"cas": 1}}, headers=merge)
    assert stale.status_code == 400, stale.text
    missing = shared.request("PATCH", "secret/data/none", {"data": {}},
                             headers=merge)
    assert (missing.status_code, missing.json()) == (404, {"errors": []})
    v2.delete_latest_version_of_secret("patched")
    gone = shared.request("PATCH", "secret/data/patched", {"data": {}},
                          headers=merge)
    assert gone.status_code == 404
    assert gone.json()["data"]["version"] == 2


def test_delete_undelete_destroy(v2, shared):
    for i in range(3):
        put(v2, "gone", i=i)
    v2.delete_latest_version_of_secret("gone")
    with pytest.raises(exceptions.InvalidPath):
        get(v2, "gone")
    body = shared.request("GET", "secret/data/gone").json()["data"]
    assert body["data"] is None and body["metadata"]["deletion_time"] != ""
    v2.delete_secret_versions("gone", [1, 2])
    v2.undelete_secret_versions("gone", [2, 3])
    assert get(v2, "gone")["data"] == {"i": 2}
    assert get(v2, "gone", 2)["data"] == {"i": 1}
    v2.destroy_secret_versions("gone", [2])
    v2.undelete_secret_versions("gone", [2, 9])
    destroyed = shared.request("GET", "secret/data/gone?version=2")
    assert destroyed.status_code == 404
    assert destroyed.json()["data"]["data"] is None
    assert destroyed.json()["data"]["metadata"]["destroyed"] is True
    versions = v2.read_secret_metadata("gone")["data"]["versions"]
    assert [versions[n]["destroyed"] for n in "123"] == [False, True, False]
    assert versions["1"]["deletion_time"] != ""
    assert versions["3"]["deletion_time"] == ""


def test_metadata(v2, shared):
    v2.update_metadata("meta", max_versions=3, delete_version_after="3h25m19s")
    shared.post("secret/metadata/meta", {
        "custom_metadata": {"type": "password", "owner": "ops"}})
    made = v2.read_secret_metadata("meta")["data"]
    assert made["versions"] == {} and made["current_version"] == 0
    assert (made["max_versions"], made["delete_version_after"]) == (
        3, "3h25m19s")
    assert made["custom_metadata"] == {"type": "password", "owner": "ops"}
    with pytest.raises(exceptions.InvalidPath):
        get(v2, "meta")
    written = put(v2, "meta", k=1)
    assert written["custom_metadata"] == made["custom_metadata"]
    assert written["deletion_time"] > written["created_time"]
    assert get(v2, "meta")["data"] == {"k": 1}
    merge = {"Content-Type": "application/merge-patch+json"}
    shared.call("PATCH", "secret/metadata/meta", {
        "custom_metadata": {"owner": None, "team": "x"},
        "delete_version_after": None}, headers=merge)
    patched = v2.read_secret_metadata("meta")["data"]
    assert patched["custom_metadata"] == {"type": "password", "team": "x"}
    assert patched["delete_version_after"] == "0s"
    missing = shared.request("PATCH", "secret/metadata/none", {
        "max_versions": 1}, headers=merge)
    assert (missing.status_code, missing.json()) == (404, {"errors": []})
    for body, said in (
            ({"max_versions": -1}, "max_versions must be between"),
            ({"custom_metadata": {"k": "v" * 513}}, "length of value for key"),
            ({"custom_metadata": {str(i): "v" for i in range(65)}},
             "at most 64 keys, provided 65")):
        refused = shared.request("POST", "secret/metadata/meta", body)
        assert refused.status_code == 400 and said in refused.text
    v2.delete_metadata_and_all_versions("meta")
    with pytest.raises(exceptions.InvalidPath):
        v2.read_secret_metadata("meta")
    assert put(v2, "meta", k=2)["version"] == 1


def test_max_versions(v2):
    v2.update_metadata("kept", max_versions=2)
    for i in range(5):
        put(v2, "kept", i=i)
    kept = v2.read_secret_metadata("kept")["data"]
    assert sorted(kept["versions"]) == ["4", "5"]
    assert (kept["oldest_version"], kept["current_version"]) == (4, 5)
    for i in range(12):
        put(v2, "ten", i=i)
    assert len(v2.read_secret_metadata("ten")["data"]["versions"]) == 10


def test_versions_are_deleted_by_time(v2):
    v2.update_metadata("short", delete_version_after="1s")
    put(v2, "short", k=1)
    assert get(v2, "short")["data"] == {"k": 1}
    time.sleep(1.2)
    with pytest.raises(exceptions.InvalidPath):
        get(v2, "short")


def test_lists(v2, shared):
    for path in ("l/a", "l/b", "l/b/c", "l/d/e"):
        put(v2, path, k=path)
    listed = v2.list_secrets("l")["data"]["keys"]
    assert listed == ["a", "b", "b/", "d/"]
    assert shared.get("secret/metadata/l?list=true&limit=2")["keys"] == [
        "a", "b"]
    assert shared.get("secret/metadata/l?list=true&after=b")["keys"] == [
        "b/", "d/"]
    assert "l/" in shared.call("LIST", "secret/metadata")["keys"]
    assert shared.call("LIST", "secret/metadata/?after=k&limit=1")[
        "keys"][0] > "k"
    detailed = shared.call("LIST", "secret/detailed-metadata/l")
    assert detailed["keys"] == listed
    assert sorted(detailed["key_info"]) == ["a", "b"]
    assert detailed["key_info"]["a"]["current_version"] == 1
    with pytest.raises(exceptions.InvalidPath):
        v2.list_secrets("none")


def test_subkeys(v2, shared):
    put(v2, "sub", a={"b": {"c": 1}}, d=2)
    assert shared.get("secret/subkeys/sub")["subkeys"] == {
        "a": {"b": {"c": None}}, "d": None}
    shallow = shared.get("secret/subkeys/sub?depth=1")
    assert shallow["subkeys"] == {"a": None, "d": None}
    assert shallow["metadata"]["version"] == 1


def test_a_large_value(v2, shared):
    large = "x" * ((1 << 20) - 100)
    put(v2, "large", k=large)
    assert get(v2, "large")["data"] == {"k": large}
    refused = shared.request("POST", "secret/data/large", {
        "data": {"k": "x" * (1 << 20)}})
    assert refused.status_code in (400, 413), refused.text[:200]
    assert get(v2, "large")["metadata"]["version"] == 1


def test_the_mounts_configuration(shared):
    shared.post("sys/mounts/strict", {"type": "kv-v2"})
    api = api_of(shared).secrets.kv.v2
    api.configure(max_versions=2, cas_required=True, mount_point="strict")
    shown = shared.get("strict/config")
    assert shown == {"cas_required": True, "delete_version_after": "0s",
                     "max_versions": 2, "metadata_cas_required": False}
    with pytest.raises(exceptions.InvalidRequest, match="required for this"):
        api.create_or_update_secret("a", {"k": 1}, mount_point="strict")
    warned = shared.request("POST", "strict/metadata/a", {
        "cas_required": False})
    assert "mandated by backend config" in warned.json()["warnings"][0]
    shared.call("DELETE", "sys/mounts/strict")


def test_roots_and_wrong_paths(shared):
    merge = {"Content-Type": "application/merge-patch+json"}
    for root in ("data", "metadata", "delete", "undelete", "destroy"):
        for method in ("GET", "POST", "DELETE"):
            answer = shared.request(
                method, f"secret/{root}",
                {} if method == "POST" else None)
            assert answer.status_code == 404, (method, root, answer.text)
            assert answer.json()["warnings"] == [
                "Non-listing operations on the root of a K/V v2 mount are "
                "not supported."], (method, root)
    patched = shared.request("PATCH", "secret/data", {"data": {"k": 1}},
                             headers=merge)
    assert len(patched.json()["warnings"]) == 1
    wrong = shared.request("GET", "secret/foo")
    assert wrong.status_code == 404
    assert "Invalid path for a versioned" in wrong.json()["warnings"][0]
    assert shared.request("LIST", "secret/").status_code == 404


# -- version 1 --------------------------------------------------------------
def test_version_1(v1, shared):
    at = {"mount_point": "old"}
    v1.create_or_update_secret("a/b", {"k": "v", "n": 2 ** 53 + 1}, **at)
    read = v1.read_secret("a/b", **at)
    assert read["data"] == {"k": "v", "n": 2 ** 53 + 1}
    assert read["lease_duration"] == 2764800
    v1.create_or_update_secret("a/b", {"ttl": "1h"}, **at)
    read = v1.read_secret("a/b", **at)
    assert (read["data"], read["lease_duration"]) == ({"ttl": "1h"}, 3600)
    v1.create_or_update_secret("c", {"k": 1}, **at)
    assert v1.list_secrets("", **at)["data"]["keys"] == ["a/", "c"]
    assert shared.get("old/?list=true&limit=1")["keys"] == ["a/"]
    v1.delete_secret("a/b", **at)
    v1.delete_secret("a/b", **at)
    with pytest.raises(exceptions.InvalidPath):
        v1.read_secret("a/b", **at)
    refused = shared.request("POST", "old/x", {})
    assert refused.json()["errors"] == ["missing data fields"]
    assert shared.request(
        "PATCH", "old/c", {"k": 2},
        headers={"Content-Type": "application/merge-patch+json"}
    ).status_code == 405


def test_version_1_becomes_2(server):
    server.post("sys/mounts/m", {"type": "kv"})
    server.post("m/a", {"k": "v"})
    server.post("sys/mounts/m/tune", {"options": {"version": "2"}})
    assert server.get("m/data/a")["data"] == {"k": "v"}
    assert server.post("m/data/a", {"data": {"k": 2}})["version"] == 2
    down = server.request("POST", "sys/mounts/m/tune", {
        "options": {"version": "1"}})
    assert down.status_code == 400, down.text
    server.restart()
    assert server.get("m/data/a?version=1")["data"] == {"k": "v"}


def test_the_alias_says_the_version(server):
    server.post("sys/mounts/m", {"type": "kv-v2", "options": {"version": "1"}})
    assert server.get("sys/mounts/m")["options"]["version"] == "2"
    assert server.get("m/config")["max_versions"] == 0


# -- restarts, snapshots of what is stored, and DEKs --------------------------
def stored_bytes(server):
    return b"".join(path.read_bytes()
                    for path in (server.directory / "store").rglob("*")
                    if path.is_file())


def test_all_of_it_outlives_restarts(kv_server):
    v2 = api_of(kv_server).secrets.kv.v2
    kv_server.post("secret/metadata/a/b", {
        "custom_metadata": {"owner": "ops"}})
    for i in range(3):
        put(v2, "a/b", secret=f"in-the-clear-{i}")
    v2.destroy_secret_versions("a/b", [1])
    before = (get(v2, "a/b"), v2.read_secret_metadata("a/b")["data"])
    kv_server.restart()
    v2 = api_of(kv_server).secrets.kv.v2
    assert (get(v2, "a/b"), v2.read_secret_metadata("a/b")["data"]) == before
    kv_server.kill()
    kv_server.start()
    kv_server.unseal()
    v2 = api_of(kv_server).secrets.kv.v2
    assert (get(v2, "a/b"), v2.read_secret_metadata("a/b")["data"]) == before
    assert b"in-the-clear" not in stored_bytes(kv_server)


def usage(server, dek, **query):
    asked = "&".join(f"{k}={v}" for k, v in {"list": "true", **query}.items())
    return server.get(f"{KEYS}/{dek}/usage?{asked}")


def active(server, scope="default"):
    (dek,) = [d for d in server.get(KEYS + "?list=true")["key_info"].values()
              if d["scope"] == scope and d["status"] == "active"]
    return dek["id"]


def test_the_usage_of_a_dek_shows_records(kv_server):
    first = active(kv_server)
    kv_server.post("secret/metadata/typed", {
        "custom_metadata": {"type": "password"}})
    written = kv_server.post("secret/data/typed", {"data": {"k": 1}})
    kv_server.post("secret/data/plain", {"data": {"k": 1}})
    kv_server.post("secret/data/plain", {"data": {"k": 2}})
    used = usage(kv_server, first)
    assert used["total"] == 2 and used["keys"] == sorted(used["key_info"])
    shown = {use["name"]: use for use in used["key_info"].values()}
    assert set(shown) == {"secret/typed", "secret/plain"}
    assert (shown["secret/typed"]["type"], shown["secret/typed"]["version"]
            ) == ("password", 1)
    assert (shown["secret/plain"]["type"], shown["secret/plain"]["version"]
            ) == ("secret/", 2)
    assert shown["secret/typed"]["updated_at"] == written["created_time"]
    only = usage(kv_server, first, type="password")
    assert len(only["keys"]) == 1
    page = usage(kv_server, first, limit=1)
    rest = usage(kv_server, first, after=page["keys"][0])
    assert page["keys"] + rest["keys"] == used["keys"]

    kv_server.post("sys/remount", {"from": "secret", "to": "moved"})
    names = {u["name"] for u in usage(kv_server, first)["key_info"].values()}
    assert names == {"moved/typed", "moved/plain"}
    kv_server.call("DELETE", "moved/metadata/plain")
    assert usage(kv_server, first)["total"] == 1
    kv_server.call("DELETE", "sys/mounts/moved")
    assert usage(kv_server, first)["total"] == 0


def finished(server, job_id):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        job = server.get(f"sys/jobs/{job_id}")
        if job["state"] not in ("running", "paused"):
            return job
        time.sleep(0.05)
    raise AssertionError(job)


def test_a_new_dek_takes_records_as_they_are_written(kv_server):
    first = active(kv_server)
    kv_server.post("secret/data/a", {"data": {"k": 1}})
    kv_server.post("secret/data/b", {"data": {"k": 1}})
    second = kv_server.post(KEYS, {"name": "second"})["id"]
    assert usage(kv_server, second)["total"] == 0
    kv_server.post("secret/metadata/a", {"max_versions": 1})
    kv_server.post("secret/config", {"max_versions": 1})
    kv_server.post("secret/data/a", {"data": {"k": 2}})
    assert [use["name"] for use in
            usage(kv_server, first)["key_info"].values()] == ["secret/b"]
    assert [use["name"] for use in
            usage(kv_server, second)["key_info"].values()] == ["secret/a"]
    refused = kv_server.request("POST", f"{KEYS}/{first}", {
        "status": "inactive"})
    assert refused.status_code == 400, refused.text
    assert kv_server.get("secret/data/b")["data"] == {"k": 1}


def test_reencryption_moves_all_and_the_old_dek_retires(kv_server):
    first = active(kv_server)
    for i in range(40):
        for version in range(3):
            kv_server.post(f"secret/data/r/{i}", {
                "data": {"i": i, "version": version}})
    kv_server.call("DELETE", "secret/data/r/1")
    kv_server.post("secret/destroy/r/2", {"versions": [1]})
    before = [kv_server.get(f"secret/metadata/r/{i}") for i in range(40)]
    ids = usage(kv_server, first)["keys"]
    second = kv_server.post(KEYS, {"name": "second"})["id"]
    job = kv_server.post(f"{KEYS}/{first}/reencrypt")
    done = finished(kv_server, job["id"])
    assert (done["state"], done["reencrypted"]) == ("complete", 40), done
    assert usage(kv_server, first)["total"] == 0
    assert usage(kv_server, second)["keys"] == ids
    assert before == [kv_server.get(f"secret/metadata/r/{i}")
                      for i in range(40)]
    retired = kv_server.post(f"{KEYS}/{first}", {"status": "inactive"})
    assert retired["status"] == "inactive"
    kv_server.restart()
    for i in range(40):
        for version in range(3):
            if (i, version) in ((1, 2), (2, 0)):
                continue
            path = f"secret/data/r/{i}?version={version + 1}"
            assert kv_server.get(path)["data"] == {
                "i": i, "version": version}
    kv_server.post("secret/undelete/r/1", {"versions": [3]})
    assert kv_server.get("secret/data/r/1")["data"] == {"i": 1, "version": 2}


class Writer(threading.Thread):
    """Writes one record over and over; keeps what was acknowledged."""

    def __init__(self, server, path):
        super().__init__()
        self.server, self.path = server, path
        self.session = hvac.Client(url=server.address, token=server.token)
        self.stopped = threading.Event()
        self.last = 0

    def run(self):
        while not self.stopped.is_set():
            self.last += 1
            self.session.secrets.kv.v2.create_or_update_secret(
                self.path, {"n": self.last})


def test_reencryption_gives_way_to_writers(kv_server):
    writers = [Writer(kv_server, f"w/{i}") for i in range(3)]
    for i in range(3):
        kv_server.post(f"secret/metadata/w/{i}", {"max_versions": 3})
    for writer in writers:
        writer.start()
    old = active(kv_server)
    for round_number in range(3):
        new = kv_server.post(KEYS, {"name": f"k{round_number}"})["id"]
        job = kv_server.post(f"{KEYS}/{old}/reencrypt")
        assert finished(kv_server, job["id"])["state"] == "complete"
        assert usage(kv_server, old)["total"] == 0
        old = new
    for writer in writers:
        writer.stopped.set()
        writer.join()
        read = kv_server.get(f"secret/data/{writer.path}")
        assert read["data"] == {"n": writer.last}
        assert read["metadata"]["version"] == writer.last
    assert usage(kv_server, old)["total"] == 3


def test_a_mount_has_a_scope_and_a_type_of_its_own(server):
    server.post("sys/mounts/pay", {"type": "kv-v2", "options": {
        "dek_scope": "payroll", "record_type": "wage"}})
    server.post("pay/data/a", {"data": {"k": 1}})
    (use,) = usage(server, active(server, "payroll"))["key_info"].values()
    assert (use["type"], use["name"]) == ("wage", "pay/a")
    assert usage(server, active(server))["total"] == 0
    refused = server.request("POST", "sys/mounts/pay/tune", {
        "options": {"dek_scope": "other"}})
    assert refused.status_code == 400


# -- the command line ---------------------------------------------------------
def told(server, *arguments, code=0, **more):
    done = server.cli("kv", *arguments, **more)
    assert done.returncode == code, (arguments, done.stdout, done.stderr)
    return done.stdout + done.stderr


def test_the_command_line(kv_server):
    server = kv_server
    assert "version" in told(server, "put", "secret/a/b", "k=v", "n=1")
    assert told(server, "get", "-field=k", "secret/a/b") == "v"
    assert told(server, "get", "-mount=secret", "-field=n", "a/b") == "1"
    told(server, "put", "-cas=1", "secret/a/b", "k=w", "n=2")
    assert "did not match" in told(server, "put", "-cas=1", "secret/a/b", "k=x",
                                   code=2)
    told(server, "patch", "secret/a/b", "k=patched")
    shown = json.loads(told(server, "get", "-format=json", "secret/a/b"))
    assert shown["data"]["data"] == {"k": "patched", "n": "2"}
    assert shown["data"]["metadata"]["version"] == 3
    assert told(server, "get", "-version=1", "-field=k", "secret/a/b") == "v"
    assert "a/" in told(server, "list", "secret/")
    assert json.loads(told(server, "list", "-format=json", "secret/a")) == ["b"]
    told(server, "delete", "secret/a/b")
    told(server, "get", "secret/a/b", code=2)
    told(server, "undelete", "-versions=3", "secret/a/b")
    told(server, "delete", "-versions=1,2", "secret/a/b")
    told(server, "destroy", "-versions=1", "secret/a/b")
    told(server, "metadata", "put", "-max-versions=2", "-custom-metadata=owner=me",
         "secret/a/b")
    of_it = json.loads(told(server, "metadata", "get", "-format=json",
                            "secret/a/b"))["data"]
    assert (of_it["max_versions"], of_it["custom_metadata"]) == (
        2, {"owner": "me"})
    assert of_it["versions"]["1"]["destroyed"] is True
    told(server, "metadata", "delete", "secret/a/b")
    told(server, "get", "secret/a/b", code=2)
    assert "-versions is needed" in told(server, "destroy", "secret/a", code=1)


def test_the_command_line_on_version_1(server):
    server.post("sys/mounts/old", {"type": "kv"})
    assert "Success" in told(server, "put", "old/a", "k=v")
    assert told(server, "get", "-field=k", "old/a") == "v"
    assert "a" in told(server, "list", "old")
    assert "version 1" in told(server, "patch", "old/a", "k=v", code=1)
    told(server, "delete", "old/a")
    told(server, "get", "old/a", code=2)
    told(server, "get", "nowhere/a", code=2)
