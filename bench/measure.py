"""One measurement: the load generator on one core against a server on another."""

import json
import os
import pathlib
import statistics
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
LOADGEN = ROOT / "build" / "loadgen"
SERVER_CORE = 0
LOAD_CORE = (os.cpu_count() or 1) - 1
WARMUP = 0.2


def pinned(core):
    """For subprocess: what it starts runs on that core only."""
    return lambda: os.sched_setaffinity(0, {core})


class Target:
    """A server under load: where it listens and the token it takes."""

    def __init__(self, name, port, token="", tls_port=None, pid=None):
        self.name, self.port, self.token = name, port, token
        self.tls_port, self.pid = tls_port, pid


class Row:
    """One request, or a file of many, sent again and again.

    `items`: how many messages a request carries, for rates by message.
    """

    def __init__(self, name, path="/", body="", templates=None, items=1,
                 connections=32, unit="req/s", method="POST"):
        self.name, self.path, self.body = name, path, body
        self.method = method
        self.templates, self.items = templates, items
        self.connections, self.unit = connections, unit


def cpu_seconds(pid):
    """CPU time of a whole process: the sum over its threads."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except (OSError, IndexError):
            pass  # a thread that has just ended
    return total / 1e9


def command(row, target, seconds, tls, h2):
    words = [str(LOADGEN), "--port",
             str(target.tls_port if tls else target.port), "-s", str(seconds),
             "--warmup", str(WARMUP), "--path", row.path, "--method",
             row.method]
    if h2:
        # 8 × 16 streams; large bodies one at a time, or none ends in time.
        words += ["--h2"] + (["-c", "8", "-d", "16"] if row.connections > 8
                             else ["-c", str(row.connections), "-d", "1"])
    else:
        words += ["-c", str(row.connections)]
    words += ["--tls"] if tls else []
    if target.token:
        words += ["-H", f"X-Vault-Token: {target.token}"]
    words += (["--templates", row.templates, "--random"] if row.templates
              else ["--body", row.body])
    return words


def load(row, target, seconds, tls=False, h2=False):
    """Runs one row; the generator's figures and the server's CPU a request."""
    before = cpu_seconds(target.pid) if target.pid else 0
    done = subprocess.run(command(row, target, seconds, tls, h2),
                          capture_output=True, text=True,
                          preexec_fn=pinned(LOAD_CORE), timeout=120)
    if done.returncode != 0:
        raise RuntimeError(f"{row.name} on {target.name}: {done.stderr}")
    result = json.loads(done.stdout)
    result["items"] = result["rps"] * row.items
    result["cpu_us"] = 0.0
    if target.pid and result["requests"]:
        # The warm-up's requests are in the CPU time too: scale them out.
        share = seconds / (seconds + WARMUP)
        result["cpu_us"] = ((cpu_seconds(target.pid) - before) * share * 1e6
                            / result["requests"])
    return result


class Results:
    """Results by (column, row), one a round."""

    def __init__(self):
        self.all = {}

    def add(self, column, row, result):
        self.all.setdefault((column, row), []).append(result)

    def has(self, column, row):
        return (column, row) in self.all

    def median(self, column, row, field="items"):
        return statistics.median(r[field] for r in self.all[(column, row)])

    def failed(self):
        return sum(r["non_2xx"] for rounds in self.all.values()
                   for r in rounds)
