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

from measure import LOADGEN, Results, Row, Target, load
from report import table
from rows import template
from servers import Server, caller
from signing import cells

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


def reads(server, directory, records, seconds, connections):
    lines = template(directory, "reads", [
        (f"/v1/kv/data/{path_of(i * 97 % records, records)}", "")
        for i in range(min(records, 100_000))])
    row = Row("kv read", templates=lines, connections=connections,
              method="GET")
    return load(row, target_of(server), seconds)


def reencrypt(server, directory, records):
    """(records a second, p99 of reads beside it in µs)."""
    old = active(server)
    server.post("sys/encryption-keys", {"name": f"new-{time.time_ns()}"})
    begin = time.monotonic()
    job = server.post(f"sys/encryption-keys/{old}/reencrypt")["id"]
    beside = []
    while True:
        # Readers that leave the machine something to work with.
        beside.append(reads(server, directory, records, 1.0, 1)["p99_us"])
        state = server.get(f"sys/jobs/{job}")
        if state["state"] != "running":
            break
    took = time.monotonic() - begin
    assert state["state"] == "complete", state
    assert state["reencrypted"] == records, state
    # A short job ends long before the next look at it.
    return (max(records / took, state["records_per_second"]),
            statistics.median(beside))


def measure(directory, records):
    """Everything over one store of so many records, by name."""
    server = started(directory)
    watch = Watch(server.process.pid)
    watch.start()
    try:
        written = fill(server, directory, records)
        dek = active(server)
        server.get(f"sys/encryption-keys/{dek}")  # counts once after a start
        found = {
            "written": written,
            "usage count": milliseconds(
                lambda: server.get(f"sys/encryption-keys/{dek}"), 50),
            "list page": milliseconds(lambda: server.call(
                "LIST", "kv/metadata/folder-0000?limit=1000"), 20),
            "usage page": milliseconds(lambda: server.call(
                "LIST", f"sys/encryption-keys/{dek}/usage?limit=100"), 20),
            "rotations": rotations(server),
            "read": reads(server, directory, records, 2.0, 8)["rps"],
        }
        found["re-encryption"], found["beside"] = reencrypt(
            server, directory, records)
        found["memory"] = watch.most
        return found
    finally:
        watch.over.set()
        server.close()
        shutil.rmtree(directory, ignore_errors=True)


def table_of(few, many, records):
    """Rows of Markdown cells: what, with few, with many, target."""
    rows = [[name, f"{took:.1f} ms", f"{many['rotations'][name]:.1f} ms",
             "≤ 100 ms" if name == "KEK rotation" else "the same"]
            for name, took in few["rotations"].items()]
    for name, target in (("usage count", "≤ 1 ms"), ("list page", "≤ 5 ms"),
                         ("usage page", "≤ 5 ms")):
        rows.append([name, f"{few[name]:.2f} ms", f"{many[name]:.2f} ms",
                     target])
    rows += [
        ["records written, each durable", "", f"{many['written']:,.0f}/s", ""],
        ["records read, 8 connections", "", f"{many['read']:,.0f}/s", ""],
        ["re-encryption", "", f"{many['re-encryption']:,.0f} records/s",
         "≥ 100,000"],
        ["p99 of reads beside it", "", f"{many['beside'] / 1e3:.2f} ms",
         "≤ 5 ms"],
        ["memory of the server's own, at most", f"{few['memory']:.1f} MiB",
         f"{many['memory']:.1f} MiB", "≤ 200 MB"]]
    return ["", f"{FEW} records", f"{records:,} records", "target"], rows


def measured(work, records):
    """(head, rows) of the table."""
    stores = []
    for number in (FEW, records):
        directory = work / f"records-{number}"
        directory.mkdir()
        stores.append(measure(directory, number))
    return table_of(*stores, records)


POLICY = 'path "kvbench/*" { capabilities = ["create", "read", "update"] }'


def beside_peer(options, bulla, peer, work):
    """Reads and writes of one version-2 mount, as signing.measure() has it."""
    results = Results()
    columns = []
    for heading, side in (("Bulla", bulla), ("peer", peer)):
        if side is None:
            continue
        target, address, root = side
        call = caller(address, root)
        call("sys/mounts/kvbench", {"type": "kv", "options": {"version": "2"}})
        call("sys/policies/acl/kvbench", {"policy": POLICY})
        target.token = call("auth/token/create", {
            "policies": ["kvbench"]})["auth"]["client_token"]
        paths = [f"/v1/kvbench/data/{i}" for i in range(1000)]
        for path in paths:
            call(path.removeprefix("/v1/"), json.loads(BODY))
        columns.append((heading, target, [
            Row("kv read", templates=template(
                work, f"kv-read-{heading}", [(p, "") for p in paths]),
                method="GET"),
            Row("kv write", templates=template(
                work, f"kv-write-{heading}", [(p, BODY) for p in paths]))]))
    for _ in range(options.rounds):
        for index in range(2):
            for heading, target, rows in columns:
                results.add(heading, rows[index].name,
                            load(rows[index], target, options.seconds))
    return [cells(results, name, peer is not None)
            for name in ("kv read", "kv write")]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=RECORDS)
    chosen = parser.parse_args()
    work = pathlib.Path(tempfile.mkdtemp())
    try:
        print("\n".join(table(*measured(work, chosen.records))))
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
