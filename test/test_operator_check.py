"""`bulla operator check` on the real binary: what it finds in a store that was
altered behind the server's back, each disagreement with its path; on a running
server beside writers, and on a stopped one."""

import json
import threading

import pytest
import requests

from bulla import Server, b64
from lmdb_store import Entries

KEYS = "sys/encryption-keys"
KEK = b64(bytes(32))


class World:
    """A server with an automatic seal and a few records."""

    def __init__(self, server):
        self.server = server
        server.start()
        server.token = server.call("PUT", "sys/init", {})["root_token"]
        server.post("sys/mounts/secret", {"type": "kv-v2"})
        server.post("sys/mounts/old", {"type": "kv"})
        for name in ("a", "b/c", "kept"):
            for i in range(2):
                server.post(f"secret/data/{name}", {"data": {"i": i}})
        server.post("old/one", {"k": "v"})
        self.uuid = server.get("sys/mounts/secret")["uuid"]

    def dek(self):
        (dek,) = [d for d in
                  self.server.get(KEYS + "?list=true")["key_info"].values()
                  if d["status"] == "active"]
        return dek["id"]

    def record_id(self, path):
        infos = self.server.get(f"{KEYS}/{self.dek()}/usage?list=true")
        (found,) = [i for i, use in infos["key_info"].items()
                    if use["name"] == f"secret/{path}"]
        return found

    def entry(self, rest):
        return f"logical/{self.uuid}/{rest}"

    def alter(self, change):
        """`change` gets the store of the stopped server; what the check says
        then, stopped and running: the problems of both, which are the same."""
        server = self.server
        server.stop()
        with Entries(server.directory / "store") as entries:
            change(entries)
        stopped = self.check(f"-config={server.config}", token="")
        server.start()
        running = self.check()
        assert running == stopped
        return running

    def check(self, *flags, **more):
        done = self.server.cli("operator", "check", "-format=json", *flags,
                               **more)
        found = json.loads(done.stdout)
        assert done.returncode == (2 if found["problems"] else 0), done.stderr
        return found["problems"]


@pytest.fixture
def world():
    with Server(extra=f"""encryption {{
            kek_source = "config" kek = "{KEK}" }}""") as server:
        yield World(server)


def test_a_whole_store(world):
    done = world.server.cli("operator", "check")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ("Success! 4 records, 7 bodies and 4 entries of "
                           "their index agree.\n")
    refused = world.server.cli("operator", "check",
                               f"-config={world.server.config}")
    assert refused.returncode == 1 and "stop the server" in refused.stderr
    assert world.alter(lambda entries: None) == []


def test_it_needs_sudo(world):
    server = world.server
    for name, rights in (("writer", '"update"'), ("root", '"update", "sudo"')):
        server.post(f"sys/policies/acl/{name}1", {"policy": f"""
            path "{KEYS}/check" {{ capabilities = [{rights}] }}"""})
        token = server.request("POST", "auth/token/create", {
            "policies": [name + "1"]}).json()["auth"]["client_token"]
        done = server.cli("operator", "check", token=token)
        assert done.returncode == (0 if "sudo" in rights else 2), done.stderr


def test_a_record_without_its_entry_of_the_index(world):
    dek, record = world.dek(), world.record_id("b/c")
    problems = world.alter(lambda entries: entries.remove(
        world.entry(f"use/{dek}/{record}")))
    assert any("does not show" in p and '"b/c"' in p and dek in p and
               p.startswith("secret/: ") for p in problems), problems
    assert not any('"a"' in p or '"kept"' in p for p in problems)
    # A write mends it.
    world.server.post("secret/data/b/c", {"data": {"i": 3}})


def test_an_entry_of_the_index_without_its_record(world):
    record = world.record_id("a")
    problems = world.alter(
        lambda entries: entries.remove(world.entry("meta/a")))
    assert any("the index shows DEK" in p and '"a"' in p
               for p in problems), problems
    assert [p for p in problems if "no such record" in p and record in p]
    assert len(problems) == 2


def test_bodies_that_are_missing_altered_truncated_or_swapped(world):
    record = world.record_id("a")
    first, second = (world.entry(f"body/{record}/{n:016x}") for n in (1, 2))
    other = world.entry(f"body/{world.record_id('kept')}/{1:016x}")
    server = world.server

    def swap(entries):
        one, two = entries.get(first), entries.get(other)
        entries.put(first, two)
        entries.put(other, one)
        entries.put(second, entries.get(second)[:-1])
    problems = world.alter(swap)
    for said in ('version 1 of the record at "a"',
                 'version 2 of the record at "a"',
                 'version 1 of the record at "kept"'):
        assert any(said in p for p in problems), (said, problems)
    refused = server.request("GET", "secret/data/a")
    assert refused.status_code == 500
    assert 'version 2 of the record at \\"a\\"' in refused.text
    assert server.get("secret/data/kept")["data"] == {"i": 1}

    problems = world.alter(lambda entries: entries.remove(first))
    assert any('version 1 of the record at "a" has no body' in p
               for p in problems)


def test_a_body_from_before_a_reencryption(world):
    """The right path and the right record, under a DEK that the record has
    left."""
    server, old = world.server, world.dek()
    body = world.entry(f"body/{world.record_id('a')}/{1:016x}")
    server.stop()
    with Entries(server.directory / "store") as entries:
        before = entries.get(body)
    server.start()
    server.post(KEYS, {"name": "second"})
    done = server.cli("reencrypt")
    assert done.returncode == 0, done.stderr
    (problem,) = world.alter(lambda entries: entries.put(body, before))
    assert "says it is under DEK" in problem and old in problem
    assert 'version 1 of the record at "a"' in problem
    # Once that DEK is retired the body does not even open.
    server.post(f"{KEYS}/{old}", {"status": "inactive"})
    problems = world.check()
    assert any("is inactive" in p and old in p for p in problems), problems


def test_a_registry_that_lost_a_dek(world):
    """The server would not start over it: the check of the stopped store
    says so, too."""
    server, old = world.server, world.dek()
    server.post(KEYS, {"name": "second"})
    server.stop()
    with Entries(server.directory / "store") as entries:
        entries.remove(f"core/dek/info/{old}")
    problems = world.check(f"-config={server.config}", token="")
    assert any("has a key of DEK" in p and old in p for p in problems)
    assert any(f"under DEK {old}, which is not there" in p and
               p.startswith("secret/: 3 records") for p in problems)
    assert any('version 2 of the record at "a"' in p and old in p
               for p in problems)


def test_writers_and_a_reencryption_beside_it_are_no_findings(world):
    server = world.server
    stopped = threading.Event()

    def write(number):
        client = Server.__new__(Server)
        client.__dict__ = {**server.__dict__, "session": requests.Session()}
        i = 0
        while not stopped.is_set():
            i += 1
            path = f"w/{number}/{i % 7}"
            client.post(f"secret/data/{path}", {"data": {"i": i}})
            if i % 5 == 0:
                client.call("DELETE", f"secret/metadata/{path}")
    writers = [threading.Thread(target=write, args=(n,)) for n in range(3)]
    for writer in writers:
        writer.start()
    try:
        for i in range(4):
            server.post(KEYS, {"name": f"k{i}"})
            assert world.check() == []
            assert server.cli("reencrypt").returncode == 0
            assert world.check() == []
    finally:
        stopped.set()
        for writer in writers:
            writer.join()
    assert world.check() == []
