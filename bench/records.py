#!/usr/bin/env python3
"""Key-value records under DEKs: rates, re-encryption, rotations, memory.

On its own: records.py [--records N]. The server is not pinned: it has both
cores, as the re-encryption beside its requests does.
"""

import argparse
import json
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import threading
import time

from measure import LOAD_CORE, LOADGEN, Row, Target, load, pinned
from rows import template
from servers import Server, b64

RECORDS = 1_000_000
FEW = 10
BYTES = 512
FOLDERS = 1000
KEKS = {f"BULLA_ENCRYPTION_ENV_KEK_V{n}": f"{n:064x}" for n in (1, 2, 3)}
BODY = json.dumps({"data": {"value": "x" * BYTES}})


def path_of(number, records):
    """Spread over folders, as applications write: not in order of the path."""
    folder = number % min(FOLDERS, records)
    return f"folder-{folder:04d}/record-{number:07d}"


def started(directory):
    server = Server(directory=directory, extra='seal "env" {}\n'
                    'deprecated_key_janitor { interval = "0" }\n'
                    'log_level = "warn"\n')
    server.start(env=KEKS)
    made = server.call("PUT", "sys/init", {"recovery_shares": 1,
                                           "recovery_threshold": 1})
    server.token = made["root_token"]
    server.post("sys/mounts/kv", {"type": "kv", "options": {"version": "2"}})
    return server


def target_of(server):
    return Target("records", server.port, server.token,
                  pid=server.process.pid)


def fill(server, directory, records):
    """Writes them, each durable; records a second."""
    lines = template(directory, "fill", [
        (f"/v1/kv/data/{path_of(i, records)}", BODY) for i in range(records)])
    done = subprocess.run(
        [LOADGEN, "--port", str(server.port), "--h2", "-c", "8", "-d", "32",
         "--templates", lines, "--requests", str(records),
         "-H", f"X-Vault-Token: {server.token}"],
        capture_output=True, text=True, check=True)
    result = json.loads(done.stdout)
    assert result["non_2xx"] == 0, result
    return result["rps"]


def milliseconds(action, times=1):
    took = []
    for _ in range(times):
        begin = time.monotonic()
        action()
        took.append((time.monotonic() - begin) * 1e3)
    return statistics.median(took)


def memory_mib(pid):
    """What is the process's own: a map of the store's file is the kernel's
    cache, and goes when memory is wanted."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines())
    return sum(int(fields.get(f, "0").split()[0])
               for f in ("RssAnon", "RssShmem")) / 1024


class Watch(threading.Thread):
    """The most memory that a process had of its own."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.most, self.over = pid, 0.0, threading.Event()

    def run(self):
        while not self.over.wait(0.02):
            self.most = max(self.most, memory_mib(self.pid))


def rotations(server):
    """Milliseconds of each, by name. A passkey's are two: add, and delete."""
    def passkey():
        server.post("sys/passkeys/new", {
            "kind": "shamir", "shares": 1, "threshold": 1})
        server.call("DELETE", "sys/passkeys/new")
    versions = iter((2, 3, 1))
    return {
        "KEK rotation": milliseconds(lambda: server.post(
            "sys/kek/rotate", {"to_version": next(versions)}), 2),
        "passkey rotation": milliseconds(passkey, 3),
        "keyring rotation": milliseconds(
            lambda: server.post("sys/rotate"), 3),
    }


def active(server):
    listed = server.call("LIST", "sys/encryption-keys")["key_info"]
    return next(id for id, info in listed.items()
                if info["status"] == "active")


def reads(server, directory, records, seconds):
    lines = template(directory, "reads", [
        (f"/v1/kv/data/{path_of(i * 97 % records, records)}", "")
        for i in range(min(records, 100_000))])
    row = Row("kv read", templates=lines, connections=8, method="GET")
    return load(row, target_of(server), seconds)


def reencrypt(server, directory, records):
    """(records a second, p99 of reads beside it in µs)."""
    old = active(server)
    server.post("sys/encryption-keys", {"name": f"new-{time.time_ns()}"})
    job = server.post(f"sys/encryption-keys/{old}/reencrypt")["id"]
    begin = time.monotonic()
    beside = []
    while True:
        beside.append(reads(server, directory, records, 1.0)["p99_us"])
        state = server.get(f"sys/jobs/{job}")
        if state["state"] != "running":
            break
    assert state["state"] == "complete", state
    assert state["reencrypted"] == records, state
    took = time.monotonic() - begin
    return state["records_per_second"] or records / took, \
        statistics.median(beside)


def measure(directory, records):
    server = started(directory)
    watch = Watch(server.process.pid)
    watch.start()
    try:
        few = directory / "few"
        few.mkdir()
        written = fill(server, directory, records)
        dek = active(server)
        server.get(f"sys/encryption-keys/{dek}")  # counts once after a start
        found = {
            "records": records,
            "written": written,
            "usage count": milliseconds(
                lambda: server.get(f"sys/encryption-keys/{dek}"), 50),
            "list page": milliseconds(lambda: server.call(
                "LIST", "kv/metadata/folder-0000?limit=1000"), 20),
            "usage page": milliseconds(lambda: server.call(
                "LIST", f"sys/encryption-keys/{dek}/usage?limit=100"), 20),
            **rotations(server),
            "kv reads": reads(server, directory, records, 2.0)["rps"],
        }
        found["re-encryption"], found["p99 beside"] = reencrypt(
            server, directory, records)
        found["memory"] = watch.most
        return found
    finally:
        watch.over.set()
        server.close()


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--records", type=int, default=RECORDS)
    chosen = options.parse_args()
    for records in (FEW, chosen.records):
        work = pathlib.Path(tempfile.mkdtemp())
        try:
            for name, value in measure(work, records).items():
                print(f"{name}: {value:,.2f}")
        finally:
            shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
