"""What goes wrong under records, on the real binary: full disks and kill -9 during
a re-encryption, orders that meet, DEKs that are retired; each says what it is, and
nothing is lost."""

import os
import pty
import re
import resource
import subprocess
import threading
import time

import pytest
import requests

from bulla import BINARY, Server, b64
from lmdb_store import Entries
from test_crash import small_disk  # noqa: F401

KEYS = "sys/encryption-keys"
CONFIG = f"""encryption {{ kek_source = "config" kek = "{b64(bytes(32))}" }}"""


def opened(server):
    """Started with an automatic seal, with a mount of records."""
    server.start()
    server.token = server.call("PUT", "sys/init", {})["root_token"]
    server.post("sys/mounts/secret", {"type": "kv-v2"})
    return server


@pytest.fixture
def server():
    with Server(extra=CONFIG) as fresh:
        yield opened(fresh)


def active(server):
    (dek,) = [d for d in server.get(KEYS + "?list=true")["key_info"].values()
              if d["status"] == "active"]
    return dek["id"]


def usage(server, dek):
    return server.get(f"{KEYS}/{dek}")["usage"]


def write_many(server, count, size=20):
    for i in range(count):
        server.post(f"secret/data/r{i}", {"data": {"i": i, "x": "x" * size}})


def check_many(server, count):
    for i in range(count):
        assert server.get(f"secret/data/r{i}")["data"]["i"] == i
    done = server.cli("operator", "check")
    assert done.returncode == 0, done.stdout + done.stderr


def job_until(server, job_id, wanted, seconds=40):
    """The job once `wanted` holds for it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        job = server.get(f"sys/jobs/{job_id}")
        if wanted(job):
            return job
        time.sleep(0.05)
    raise AssertionError(job)


def is_complete(job):
    return job["state"] == "complete"


# -- orders that meet -------------------------------------------------------
def test_a_job_is_paused_resumed_joined_and_cancelled(server):
    write_many(server, 40)
    first = active(server)
    server.post(KEYS, {"name": "second"})
    order = {"rate": 8}
    job = server.post(f"{KEYS}/reencrypt", order)
    assert (job["state"], job["total"], job["rate"]) == ("running", 40, 8)
    # The same order again is the same job; another one is refused and says
    # which one is under way.
    assert server.post(f"{KEYS}/reencrypt", order)["id"] == job["id"]
    for path, body in ((f"{KEYS}/reencrypt", {}),
                       (f"{KEYS}/{first}/reencrypt", order)):
        refused = server.request("POST", path, body)
        assert refused.status_code == 400
        assert f"job {job['id']} is running" in refused.text
    path = f"sys/jobs/{job['id']}"
    under_way = job_until(server, job["id"], lambda j: j["reencrypted"] >= 4)
    assert 0 < under_way["eta_seconds"] <= 10
    assert 4 <= under_way["records_per_second"] <= 12

    paused = server.post(path + "/pause")
    assert paused["state"] == "paused"
    done = usage(server, first)
    time.sleep(1)
    assert usage(server, first) == done
    # A command that meets a paused job says how to go on.
    met = server.cli("reencrypt", "-rate=8")
    assert met.returncode == 2 and f"{path}/resume" in met.stderr
    # It is still paused after a restart, and goes on from where it was.
    server.stop()
    server.start()
    assert server.get(path)["state"] == "paused"
    assert server.post(path + "/resume")["state"] == "running"
    job_until(server, job["id"], lambda j: j["reencrypted"] > 40 - done)
    assert server.post(path + "/cancel")["state"] == "cancelled"
    left = usage(server, first)
    assert 0 < left < done
    refused = server.request("POST", path + "/resume", {})
    assert refused.status_code == 400 and "is cancelled" in refused.text

    finished = server.cli("reencrypt", "-limit=3")
    assert "Re-encrypted 3 records" in finished.stdout
    assert usage(server, first) == left - 3
    finished = server.cli("reencrypt")
    assert f"Re-encrypted {left - 3} record" in finished.stdout
    check_many(server, 40)


def test_the_command_shows_lines_in_a_log(server):
    write_many(server, 12)
    server.post(KEYS, {"name": "second"})
    done = server.cli("reencrypt", "-rate=8")
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert lines and all(line.startswith("[") and "/12] " in line and
                         "s left" in line for line in lines), lines


def test_the_command_draws_a_bar_on_a_terminal(server):
    write_many(server, 12)
    server.post(KEYS, {"name": "second"})
    ours, theirs = pty.openpty()
    done = subprocess.Popen(
        [BINARY, "reencrypt", "-rate=8"], stdout=theirs, stderr=theirs,
        env={"PATH": os.environ["PATH"], "HOME": str(server.directory),
             "BULLA_ADDR": server.address, "BULLA_TOKEN": server.token})
    os.close(theirs)
    shown = b""
    while True:
        try:
            shown += os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
    os.close(ours)
    assert done.wait(30) == 0
    text = shown.decode()
    assert re.search(r"\r\x1b\[2K\[#+ +\] \d+/12 \d+/s, \d+s left", text), text
    # The bar is gone before the last word.
    assert text.endswith("\r\x1b[2KSuccess! Re-encrypted 12 records.\r\n"), text


class Reader(threading.Thread):
    """Reads all of what write_many() wrote, over and over."""

    def __init__(self, server, count):
        super().__init__()
        self.server, self.count = server, count
        self.stopped = threading.Event()
        self.reads, self.wrong = 0, []

    def run(self):
        session = requests.Session()
        while not self.stopped.is_set():
            i = self.reads % self.count
            answer = session.get(
                self.server.url(f"secret/data/r{i}"), timeout=10,
                headers={"X-Vault-Token": self.server.token})
            self.reads += 1
            if (answer.status_code != 200 or
                    answer.json()["data"]["data"]["i"] != i):
                self.wrong.append((i, answer.status_code, answer.text))


def test_readers_never_miss_a_record(server):
    count = 300
    write_many(server, count)
    readers = [Reader(server, count) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        for i in range(5):
            old = active(server)
            server.post(KEYS, {"name": f"k{i}"})
            assert server.cli("reencrypt").returncode == 0
            server.post(f"{KEYS}/{old}", {"status": "inactive"})
    finally:
        for reader in readers:
            reader.stopped.set()
            reader.join()
    for reader in readers:
        assert reader.reads > 100 and reader.wrong == []


# -- a full disk --------------------------------------------------------------
def reencrypts_through_a_full_disk(server, fill, free):
    """Records move until `fill` leaves no space; the job waits and says why,
    reads go on; after `free` it goes on by itself."""
    count = 60
    write_many(server, count, 4000)
    old = active(server)
    server.post(KEYS, {"name": "second"})
    fill()
    job = server.post(f"{KEYS}/reencrypt", {})
    waiting = job_until(server, job["id"], lambda j: j["error"] != "")
    assert waiting["state"] == "running"
    assert "space" in waiting["error"], waiting
    assert usage(server, old) > 0
    for i in range(count):
        assert server.get(f"secret/data/r{i}")["data"]["i"] == i
    assert "does not get on" in server.log.read_text()
    free()
    done = job_until(server, job["id"], is_complete)
    assert done["error"] == ""
    assert usage(server, old) == 0
    server.post(f"{KEYS}/{old}", {"status": "inactive"})
    check_many(server, count)
    server.stop()
    server.start()
    check_many(server, count)


def test_a_full_file_pauses_a_reencryption(server):
    lifted = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)

    def fill():
        size = (server.directory / "store" / "data.mdb").stat().st_size
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE,
                         (size, lifted[1]))
    reencrypts_through_a_full_disk(
        server, fill, lambda: resource.prlimit(
            server.process.pid, resource.RLIMIT_FSIZE, lifted))


def test_a_full_disk_pauses_a_reencryption(small_disk):  # noqa: F811
    ballast = small_disk / "ballast"

    def fill():
        out = os.open(ballast, os.O_WRONLY | os.O_CREAT)
        try:
            while os.write(out, bytes(4096)):
                pass
        except OSError:
            os.close(out)
    with Server(directory=small_disk, extra=CONFIG) as server:
        reencrypts_through_a_full_disk(opened(server), fill, ballast.unlink)


# -- kill -9 ------------------------------------------------------------------
class Writer(threading.Thread):
    """Writes records until the server goes; keeps what was acknowledged."""

    def __init__(self, server, number):
        super().__init__()
        self.server, self.number = server, number
        self.acknowledged = {}

    def run(self):
        session = requests.Session()
        i = 0
        while True:
            i += 1
            path = f"w/{self.number}/{i % 5}"
            try:
                answer = session.post(
                    self.server.url(f"secret/data/{path}"),
                    json={"data": {"i": i}}, timeout=10,
                    headers={"X-Vault-Token": self.server.token})
            except requests.exceptions.RequestException:
                return
            if answer.status_code != 200:
                return
            self.acknowledged[path] = (answer.json()["data"]["version"], i)


def test_kill_9_during_a_reencryption_with_writers(server):
    write_many(server, 150)
    for round_number in range(4):
        old = active(server)
        server.post(KEYS, {"name": f"k{round_number}"})
        writers = [Writer(server, f"{round_number}{n}") for n in range(3)]
        for writer in writers:
            writer.start()
        job = server.post(f"{KEYS}/reencrypt", {"rate": 400})
        time.sleep(0.1 + 0.07 * round_number)
        server.kill()
        for writer in writers:
            writer.join()
        server.start()
        # The job goes on by itself.
        job_until(server, job["id"], is_complete)
        assert usage(server, old) == 0
        for writer in writers:
            for path, (version, i) in writer.acknowledged.items():
                read = server.get(f"secret/data/{path}?version={version}")
                assert read["data"] == {"i": i}
        check_many(server, 150)


# -- retired DEKs -------------------------------------------------------------
def test_a_retired_dek_opens_nothing_and_is_named(server):
    """A body from before its re-encryption, put back behind the server."""
    server.post("secret/data/a", {"data": {"k": 1}})
    old = active(server)
    server.stop()
    with Entries(server.directory / "store") as entries:
        (body,) = [p for p in entries.paths()
                   if "/body/" in p and not p.endswith("/deks")]
        before = entries.get(body)
    server.start()
    server.post(KEYS, {"name": "second"})
    assert server.cli("reencrypt").returncode == 0
    server.post(f"{KEYS}/{old}", {"status": "inactive"})
    assert server.get("secret/data/a")["data"] == {"k": 1}
    server.stop()
    with Entries(server.directory / "store") as entries:
        entries.put(body, before)
    server.start()
    for method, path, sent in (("GET", "secret/data/a", None),
                               ("GET", "secret/subkeys/a", None)):
        refused = server.request(method, path, sent)
        assert refused.status_code >= 400
        (error,) = refused.json()["errors"]
        assert old in error and "Default-encryption-key" in error, error
        assert "inactive" in error
        assert 'version 1 of the record at "a"' in error
    server.post("secret/data/a", {"data": {"k": 2}})
    assert server.get("secret/data/a")["data"] == {"k": 2}


# -- derived keys ---------------------------------------------------------------
def test_a_derived_key_is_read_by_its_very_path_alone(server):
    server.post("sys/mounts/derive", {"type": "derive"})
    path = "derive/key/policy/nightly"
    wanted = server.get(path)
    for rules, allowed in (('"read"', True), ('"list"', False),
                           ('"update", "create", "patch"', False)):
        server.post("sys/policies/acl/d", {
            "policy": f'path "{path}" {{ capabilities = [{rules}] }}'})
        token = server.request("POST", "auth/token/create", {
            "policies": ["d"]}).json()["auth"]["client_token"]
        answer = server.request("GET", path, token=token)
        assert answer.status_code == (200 if allowed else 403), rules
        if allowed:
            assert answer.json()["data"] == wanted
        for other in ("derive/key/policy/nightl", "derive/key/policy/nightly2",
                      "derive/key/namespace/nightly"):
            assert server.request("GET", other, token=token
                                  ).status_code == 403
    # "." and ".." are no way to another path, nor is another spelling.
    for wrong in ("derive/key/policy//nightly", "derive/key/policy/nightly/"):
        assert server.request("GET", wrong).json().get("data") != wanted
    for method in ("POST", "PUT", "DELETE"):
        assert server.request(method, path, {}).status_code == 405
    server.call("DELETE", "sys/mounts/derive")
    server.post("sys/mounts/derive", {"type": "derive"})
    assert server.get(path)["key"] != wanted["key"]


def test_a_derived_key_survives_a_new_kek():
    old, new = (b64(bytes([n]) * 32) for n in (1, 2))
    with Server(extra=f'encryption {{ kek = "{old}" '
                      f'rotation {{ kek = "{new}" }} }}') as server:
        opened(server)
        server.post("sys/mounts/derive", {"type": "derive"})
        wanted = server.get("derive/key/namespace/one")
        assert server.cli("rotate").returncode == 0
        server.stop()
        text = server.config.read_text()
        server.config.write_text(text[:text.index("encryption {")] +
                                 f'encryption {{ kek = "{new}" }}\n')
        server.start()
        assert server.get("derive/key/namespace/one") == wanted


def test_records_and_derived_keys_come_wrapped(server):
    server.post("sys/mounts/derive", {"type": "derive"})
    server.post("secret/data/a", {"data": {"k": "v"}})
    for path in ("derive/key/policy/nightly", "secret/data/a",
                 "secret/metadata/a"):
        wanted = server.get(path)
        answer = server.request("GET", path,
                                headers={"X-Vault-Wrap-TTL": "60s"}).json()
        assert answer["data"] is None
        token = answer["wrap_info"]["token"]
        assert server.post("sys/wrapping/unwrap", token=token) == wanted
        again = server.request("POST", "sys/wrapping/unwrap", {}, token=token)
        assert again.status_code == 400
    wrapped = server.cli("read", "-wrap-ttl=60s", "-field=wrapping_token",
                         "derive/key/policy/nightly")
    opened = server.cli("unwrap", "-field=key", wrapped.stdout)
    assert opened.stdout == server.get("derive/key/policy/nightly")["key"]
