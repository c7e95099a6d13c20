"""Writes what was measured as Markdown."""

from rows import BATCH, ENCRYPT, MANY_KEYS, MIB, SINGLE

# The columns of Bulla's own, each with the echo that is its ceiling.
PLAIN, H2, TLS = "audit off", "audit off, HTTP/2", "audit off, TLS"
AUDIT = "audit on"


def echo_of(heading):
    if "HTTP/2" in heading:
        return "echo, HTTP/2"
    return "echo, TLS" if "TLS" in heading else "echo"


def human(value, unit):
    return f"{value / 1e9:.2f} GB/s" if unit == "B/s" else f"{value:,.0f}"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |",
             "| --- |" + " ---: |" * (len(head) - 1)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def rates(results, rows, headings, peers):
    body = [["echo on the same stack"] + [
        "" if h in peers else
        human(results.median(echo_of(h), "echo"), "req/s") for h in headings]]
    for row in rows:
        body.append([f"{row.name} ({row.unit})"] + [
            human(results.median(h, row.name), row.unit) for h in headings])
    return table([""] + headings, body)


def latencies(results, peers):
    shown = [("echo", "echo")] + [(h, ENCRYPT)
                                  for h in (PLAIN, AUDIT, TLS, *peers)]
    return table(
        ["", "p50 µs", "p99 µs", "CPU µs"],
        [[row if row == "echo" else f"{row}, {column}",
          f"{results.median(column, row, 'p50_us'):.0f}",
          f"{results.median(column, row, 'p99_us'):.0f}",
          f"{results.median(column, row, 'cpu_us'):.1f}"]
         for column, row in shown])


def own_ratios(results):
    """(what, measured, target) within Bulla."""
    of = results.median
    cpu = lambda column, row: of(column, row, "cpu_us")
    rows = [
        ("encrypt ÷ echo", of(PLAIN, ENCRYPT) / of("echo", "echo"), "≥ 0.80"),
        ("encrypt audit on ÷ off", of(AUDIT, ENCRYPT) / of(PLAIN, ENCRYPT),
         "≥ 0.80"),
        ("encrypt over TLS ÷ echo over TLS",
         of(TLS, ENCRYPT) / of("echo, TLS", "echo"), "≥ 0.80"),
        ("encrypt over HTTP/2 ÷ over HTTP/1.1",
         of(H2, ENCRYPT) / of(PLAIN, ENCRYPT), "≥ 2"),
    ]
    rows += [(f"{name} ÷ echo", of(PLAIN, name) / of("echo", "echo"), "≥ 0.75")
             for name in SINGLE[1:]]
    rows += [
        ("10,000 keys ÷ one key", of(PLAIN, MANY_KEYS) / of(PLAIN, ENCRYPT),
         "≥ 0.90"),
        ("CPU of an echo ÷ CPU of an encrypt",
         cpu("echo", "echo") / cpu(PLAIN, ENCRYPT), "≥ 0.80"),
    ]
    rows = [(what, f"{value:.2f}", target) for what, value, target in rows]
    rows += [
        ("encrypt 64 B over HTTP/2", human(of(H2, ENCRYPT), ""), "≥ 200,000"),
        (f"{BATCH}, items/s", human(of(PLAIN, BATCH), ""), "≥ 3,000,000"),
        (MIB, human(of(PLAIN, MIB), "B/s"), "≥ 1 GB/s"),
    ]
    return rows


def peer_ratios(results, peers):
    of = results.median
    rows = []
    for peer in peers:
        ours = AUDIT if peer.endswith("on") else PLAIN
        name = peer.split(",")[0]
        for row, target in ((ENCRYPT, "≥ 15" if ours == AUDIT else "≥ 10"),
                            (BATCH, "≥ 15" if ours == PLAIN else "")):
            rows.append((f"{row}, {ours}: Bulla ÷ {name}",
                         f"{of(ours, row) / of(peer, row):.1f}", target))
        rows.append((
            f"p99 of encrypt, {ours}: Bulla ÷ {name}",
            f"{of(ours, ENCRYPT, 'p99_us') / of(peer, ENCRYPT, 'p99_us'):.3f}",
            "≤ 0.125"))
    return rows


def report(results, rows, headings, peers, rest):
    lines = rates(results, rows, headings, peers)
    lines += ["", "Latency and server CPU a request, HTTP/1.1, 32 connections:",
              ""] + latencies(results, peers)
    lines += ["", f"Answers that were not 2xx: {results.failed()}.", ""]
    ratios = own_ratios(results) + peer_ratios(results, peers) + rest
    lines += table(["", "measured", "target"], [list(r) for r in ratios])
    return "\n".join(lines) + "\n"
