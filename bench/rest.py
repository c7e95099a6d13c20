"""The server at rest and as it grows: memory, start, unseal, many keys."""

import json
import os
import pathlib
import statistics
import subprocess
import time

from measure import LOAD_CORE, LOADGEN, Row, load, pinned
from servers import b64, bulla, bulla_target

MANY = 100_000
ROTATIONS = 10_000


def resident_mib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmRSS")


def many(target, directory, count, path, body, name):
    """`count` writes, each once, by 32 connections that share commits."""
    lines = directory / name
    lines.write_text("".join(f"{path.format(i)}\t{body}\n"
                             for i in range(count)))
    done = subprocess.run(
        [LOADGEN, "--port", str(target.port), "-c", "32", "--templates", lines,
         "--requests", str(count), "-H", f"X-Vault-Token: {target.token}"],
        capture_output=True, text=True, preexec_fn=pinned(LOAD_CORE))
    result = json.loads(done.stdout)
    assert result["non_2xx"] == 0, result
    return result["rps"]


def start_and_unseal(server):
    """Milliseconds to the first answer, and for the last share."""
    server.stop()
    begin = time.monotonic()
    server.start()
    started = time.monotonic()
    server.unseal()
    return (started - begin) * 1e3, (time.monotonic() - started) * 1e3


def at_rest(directory, seconds, rounds):
    """[(what, measured, target)] of one server of its own."""
    server = bulla(directory)
    try:
        rows = [("resident memory, unsealed, nothing asked of it",
                 f"{resident_mib(server.process.pid):.1f} MiB", "≤ 30 MB")]
        target, _ = bulla_target("at rest", server)
        row = Row("encrypt", "/v1/transit/encrypt/k",
                  json.dumps({"plaintext": b64(bytes(64))}))

        def rate():
            return statistics.median(load(row, target, seconds)["rps"]
                                     for _ in range(rounds))
        few = rate()
        root = type(target)("root", server.port, server.token)
        created = many(root, directory, MANY, "/v1/transit/keys/m{}", "{}",
                       "keys")
        rows.append((f"keys created, each durable ({MANY:,})",
                     f"{created:,.0f}/s", ""))
        made = many(root, directory, MANY, "/v1/auth/token/create",
                    '{"policies":["bench"],"ttl":"24h"}', "tokens")
        rows.append((f"tokens created, each durable ({MANY:,})",
                     f"{made:,.0f}/s", ""))
        rows.append((f"encrypt with {MANY:,} more keys and tokens ÷ without",
                     f"{rate() / few:.2f}", "flat"))
        before = rate()
        many(root, directory, ROTATIONS, "/v1/transit/keys/k/rotate", "{}",
             "rotations")
        rows.append((f"encrypt after {ROTATIONS:,} rotations of the key ÷ "
                     "before", f"{rate() / before:.2f}", "flat"))
        starts = [start_and_unseal(server) for _ in range(rounds)]
        rows.append((f"start to answering, {MANY:,} keys and tokens stored",
                     f"{statistics.median(s[0] for s in starts):.0f} ms",
                     "≤ 100 ms"))
        rows.append((f"unseal to serving, {MANY:,} keys and tokens stored",
                     f"{statistics.median(s[1] for s in starts):.0f} ms",
                     "≤ 100 ms"))
        return rows
    finally:
        server.close()
        subprocess.run(["rm", "-rf", directory], check=False)


def micro(pattern):
    """Google Benchmark's results, by name."""
    done = subprocess.run(
        [LOADGEN.parent / "bench_micro", f"--benchmark_filter={pattern}",
         "--benchmark_format=json", "--benchmark_repetitions=5",
         "--benchmark_report_aggregates_only=true"],
        capture_output=True, text=True, env=os.environ, check=True)
    return {b["run_name"]: b for b in json.loads(done.stdout)["benchmarks"]
            if b["aggregate_name"] == "median"}


def in_process():
    """The pieces that HTTP hides, from bench_micro."""
    found = micro("^(request_encrypt|admit_request)/")
    one = found["request_encrypt/real_time/threads:1"]
    two = found["request_encrypt/real_time/threads:2"]
    admit = found["admit_request/real_time/threads:1"]
    return [
        ("a whole encrypt in user space, without the network",
         f"{one['real_time']:.0f} ns", ""),
        ("token look-up + policy + route", f"{admit['real_time']:.0f} ns",
         "≤ 1,500 ns"),
        ("allocations an encrypt", f"{one['allocations']:.1f}",
         "single digits"),
        ("encrypts on two cores ÷ on one",
         f"{two['items_per_second'] / one['items_per_second']:.2f}",
         "≥ 1.8"),
    ]
