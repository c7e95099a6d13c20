"""The verbs of `bulla kv` beyond reading and writing: patch and its methods,
rollback, metadata patch, enable-versioning, on the real binary."""

import json

import pytest

from bulla import Server


@pytest.fixture(scope="module")
def server():
    with Server() as fresh:
        fresh.ready()
        fresh.post("sys/mounts/secret", {"type": "kv-v2"})
        yield fresh


def told(server, *arguments, code=0, **more):
    done = server.cli("kv", *arguments, **more)
    assert done.returncode == code, (arguments, done.stdout, done.stderr)
    return done.stdout + done.stderr


def data(server, path, version=0):
    return server.get(f"secret/data/{path}?version={version}")["data"]


def token_of(server, name, rules):
    server.post(f"sys/policies/acl/{name}", {"policy": rules + """
        path "sys/internal/ui/mounts/*" { capabilities = ["read"] }"""})
    return server.request("POST", "auth/token/create", {
        "policies": [name]}).json()["auth"]["client_token"]


def test_patch_takes_keys_out(server):
    told(server, "put", "secret/out", "a=1", "b=2", "c=3")
    told(server, "patch", "-remove-data=a", "-remove-data=c", "secret/out",
         "d=4")
    assert data(server, "out") == {"b": "2", "d": "4"}
    told(server, "patch", "-method=rw", "-remove-data=b", "secret/out", "e=5")
    assert data(server, "out") == {"d": "4", "e": "5"}
    assert "nothing to change" in told(server, "patch", "secret/out", code=1)
    assert "patch or rw" in told(server, "patch", "-method=x", "secret/out",
                                 "k=v", code=1)


def test_patch_without_the_right_to_patch_reads_and_writes(server):
    told(server, "put", "secret/rw", "a=1", "b=2")
    token = token_of(server, "rw", """
        path "secret/data/rw" { capabilities = ["read", "update"] }""")
    told(server, "patch", "-method=patch", "secret/rw", "a=x", code=2,
         token=token)
    told(server, "patch", "secret/rw", "a=x", token=token)
    assert data(server, "rw") == {"a": "x", "b": "2"}
    told(server, "patch", "-method=rw", "-cas=1", "secret/rw", "a=y", code=2)
    told(server, "patch", "-method=rw", "-cas=2", "secret/rw", "a=y")
    assert data(server, "rw")["a"] == "y"


def test_patch_of_what_is_not_there(server):
    for method in ("patch", "rw"):
        assert "No value found" in told(
            server, "patch", f"-method={method}", "secret/none", "k=v", code=2)
    told(server, "put", "secret/gone", "k=v")
    told(server, "delete", "secret/gone")
    for method in ("patch", "rw"):
        assert "was deleted or destroyed" in told(
            server, "patch", f"-method={method}", "secret/gone", "k=v", code=2)


def test_rollback(server):
    for i in range(3):
        told(server, "put", "secret/back", f"i={i}")
    told(server, "rollback", "-version=1", "secret/back")
    assert data(server, "back") == {"i": "0"}
    assert server.get("secret/data/back")["metadata"]["version"] == 4
    told(server, "rollback", "-mount=secret", "-version=3", "back")
    assert data(server, "back") == {"i": "2"}
    told(server, "delete", "secret/back")
    told(server, "rollback", "-version=2", "secret/back")
    assert data(server, "back") == {"i": "1"}
    told(server, "destroy", "-versions=1", "secret/back")
    assert "Version 1 at secret/data/back has no data" in told(
        server, "rollback", "-version=1", "secret/back", code=2)
    assert "No value found" in told(
        server, "rollback", "-version=77", "secret/back", code=2)
    assert "No value found" in told(
        server, "rollback", "-version=1", "secret/none", code=2)
    assert "-version is needed" in told(server, "rollback", "secret/back",
                                        code=1)


def test_rollback_with_required_check_and_set(server):
    told(server, "metadata", "put", "-cas-required=true", "secret/strict")
    told(server, "put", "-cas=0", "secret/strict", "i=0")
    told(server, "put", "-cas=1", "secret/strict", "i=1")
    told(server, "rollback", "-version=1", "secret/strict")
    assert data(server, "strict") == {"i": "0"}


def test_metadata_patch_keeps_the_rest(server):
    told(server, "metadata", "put", "-max-versions=5",
         "-delete-version-after=1h", "-custom-metadata=a=1",
         "-custom-metadata=b=2", "secret/meta")
    told(server, "metadata", "patch", "-custom-metadata=c=3",
         "-remove-custom-metadata=a", "-cas-required=true", "secret/meta")
    shown = json.loads(told(server, "metadata", "get", "-format=json",
                            "secret/meta"))["data"]
    assert shown["custom_metadata"] == {"b": "2", "c": "3"}
    assert (shown["max_versions"], shown["cas_required"],
            shown["delete_version_after"]) == (5, True, "1h0m0s")
    told(server, "metadata", "patch", "-mount=secret", "-max-versions=6",
         "meta")
    assert server.get("secret/metadata/meta")["max_versions"] == 6
    assert "No value found" in told(server, "metadata", "patch",
                                    "-max-versions=1", "secret/none", code=2)


def test_versions_may_be_given_several_times(server):
    for i in range(4):
        told(server, "put", "secret/many", f"i={i}")
    told(server, "delete", "-versions=1", "-versions=2,3", "secret/many")
    versions = server.get("secret/metadata/many")["versions"]
    assert [versions[n]["deletion_time"] != "" for n in "1234"] == [
        True, True, True, False]
    told(server, "undelete", "-versions=1,3", "secret/many")
    assert data(server, "many", 3) == {"i": "2"}


def test_lists_of_a_mount(server):
    told(server, "put", "secret/listed/x", "k=v")
    assert "listed/" in told(server, "list", "-mount=secret")
    assert "x" in told(server, "list", "-mount=secret", "listed")
    assert "a path is needed" in told(server, "list", code=1)


def test_scan(server):
    for path in ("deep/a", "deep/b/c", "deep/b/d/e"):
        told(server, "put", f"secret/{path}", "k=v")
    assert json.loads(told(server, "scan", "-format=json", "secret/deep")) == [
        "a", "b/c", "b/d/e"]
    assert "deep/b/d/e" in told(server, "scan", "-mount=secret")
    token = token_of(server, "lister", """
        path "secret/metadata/*" { capabilities = ["list"] }""")
    told(server, "list", "secret/deep", token=token)
    assert "permission denied" in told(server, "scan", "secret/deep", code=2,
                                       token=token)
    server.post("sys/mounts/flat", {"type": "kv"})
    told(server, "put", "flat/x/y", "k=v")
    assert "x/y" in told(server, "scan", "flat")


def test_enable_versioning(server):
    server.post("sys/mounts/old", {"type": "kv"})
    told(server, "put", "old/a", "k=1")
    assert "bulla kv enable-versioning old/" in told(
        server, "rollback", "-version=1", "old/a", code=2)
    assert "Success! Tuned the secrets engine at: old/" in told(
        server, "enable-versioning", "old")
    told(server, "put", "old/a", "k=2")
    assert told(server, "get", "-version=1", "-field=k", "old/a") == "1"
    told(server, "enable-versioning", "nowhere", code=2)


def test_secrets_enable_takes_the_version(server):
    for flags in (["-version=2", "-path=e1", "kv"],
                  ["-options=version=2", "-path=e2", "kv"],
                  ["-path=e3", "kv-v2"]):
        done = server.cli("secrets", "enable", *flags)
        assert done.returncode == 0, done.stderr
        path = next(f for f in flags if f.startswith("-path"))[6:]
        assert server.get(f"sys/mounts/{path}")["options"]["version"] == "2"
    server.post("sys/mounts/e4", {"type": "kv"})
    done = server.cli("secrets", "tune", "-options=version=2", "e4/")
    assert done.returncode == 0, done.stderr
    assert server.get("sys/mounts/e4")["options"]["version"] == "2"
