"""Every limit of a listener, on the real binary, over HTTP/1.1 and HTTP/2."""

import concurrent.futures
import json
import re
import socket
import time

import pytest
import requests

import raw_http2 as h2
from bulla import Server, free_port

LISTENER = """
  max_request_size              = 1048576
  max_header_bytes              = 8192
  max_connections               = 40
  max_request_duration          = "4s"
  http_read_header_timeout      = "1s"
  http_read_timeout             = "2s"
  http_idle_timeout             = "3s"
  max_json_depth                = 20
  max_json_string_value_length  = 1000
  max_json_object_entry_count   = 50
  max_json_array_element_count  = 100
  max_request_json_memory       = 20000
  max_request_json_strings      = 120
"""


@pytest.fixture(scope="module")
def server():
    with Server(listener=LISTENER) as fresh:
        fresh.ready()
        fresh.transit("k")
        yield fresh
        assert fresh.request("GET", "sys/health").status_code == 200


def connect(server):
    return socket.create_connection(("127.0.0.1", server.port), 10)


def read_all(sock, seconds=15):
    sock.settimeout(seconds)
    received = b""
    try:
        while chunk := sock.recv(65536):
            received += chunk
    except ConnectionResetError:
        pass
    return received


def resident_mib(server):
    status = open(f"/proc/{server.process.pid}/status").read()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


# -- sizes --------------------------------------------------------------------

def test_body_size_by_length_and_by_chunks(server):
    for kwargs in ({"data": b"x" * 1048577},
                   {"data": iter([b"x" * 65536] * 17)}):
        answer = requests.put(server.url("sys/unseal"), timeout=20, **kwargs)
        assert answer.status_code == 413
        assert answer.json() == {"errors": ["http: request body too large"]}
    exact = b'{"key":"' + b"A" * (1048576 - 10) + b'"}'
    answer = requests.put(server.url("sys/unseal"), data=exact, timeout=20)
    assert answer.status_code == 400  # of the JSON's limits


def test_body_size_on_http2(server):
    with h2.Peer(server.port) as peer:
        peer.request(1, "PUT", "/v1/sys/unseal", end=False)
        for _ in range(16 * 5):
            peer.data(1, b"x" * 16384)
            peer.receive(0.01)
            if peer.answer(1, 0.01):
                break
        assert peer.answer(1) == b'{"errors":["http: request body too large"]}\n'
        peer.request(3, "GET", "/v1/sys/seal-status")
        assert b'"sealed":false' in peer.answer(3)


@pytest.mark.parametrize("head", [
    "X: " + "x" * 9000, "\r\n".join(f"X{i}: y" for i in range(200))])
def test_header_size(server, head):
    with connect(server) as sock:
        sock.sendall(f"GET /v1/sys/health HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n"
                     .encode())
        assert read_all(sock).startswith(b"HTTP/1.1 431 ")


def test_header_lists_on_http2(server):
    with h2.Peer(server.port) as peer:
        peer.request(1, "GET", "/v1/sys/health", ("x", "y" * 9000))
        assert b"headers too large" in peer.answer(1)
        peer.request(3, "GET", "/v1/sys/health",
                     *[(f"x{i}", "y") for i in range(200)])
        assert b"too many headers" in peer.answer(3)
        peer.request(5, "GET", "/v1/sys/health")
        assert b'"sealed":false' in peer.answer(5)
    # Headers without end, in CONTINUATION frames.
    with h2.Peer(server.port) as peer:
        peer.send(h2.frame(h2.HEADERS, 0, 1, h2.header("a", "b")))
        for _ in range(2000):
            peer.send(h2.frame(9, 0, 1, h2.header("a", "b" * 1000)))
            if peer.closed:
                break
        peer.receive(5, lambda kind, *_: kind == h2.GOAWAY)
        assert peer.closed or peer.goaway_error()


# -- times ----------------------------------------------------------------------

def cut_after(sock, seconds=12):
    began = time.monotonic()
    answer = read_all(sock, seconds)
    return time.monotonic() - began, answer


def test_header_body_and_idle_time_outs(server):
    with connect(server) as silent, connect(server) as head, \
            connect(server) as body, connect(server) as idle:
        head.sendall(b"GET /v1/sys/hea")
        body.sendall(b"PUT /v1/sys/unseal HTTP/1.1\r\nHost: x\r\n"
                     b"Content-Length: 100\r\n\r\n{")
        idle.sendall(b"GET /v1/sys/health HTTP/1.1\r\nHost: x\r\n\r\n")
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            silent, head, body, idle = pool.map(cut_after,
                                                (silent, head, body, idle))
    assert silent[1] == b"" and silent[0] < 2.5
    assert b" 408 " in head[1].split(b"\r\n")[0] and head[0] < 4
    assert b" 408 " in body[1].split(b"\r\n")[0] and 1.5 < body[0] < 5
    assert idle[1].startswith(b"HTTP/1.1 200 ") and 2.5 < idle[0] < 5


def trickle(sock, byte=b"x"):
    began = time.monotonic()
    sock.settimeout(0.2)
    while time.monotonic() - began < 12:
        try:
            sock.sendall(byte)
            if answer := sock.recv(4096):
                return time.monotonic() - began, answer
        except socket.timeout:
            continue
        except OSError:
            return time.monotonic() - began, b""
    return None, b""


@pytest.mark.parametrize("rest", [
    b"Content-Length: 500\r\n\r\n", b"Content-Length: 500000\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\nfff\r\n"])
def test_a_body_that_trickles_is_cut(server, rest):
    with connect(server) as sock:
        sock.sendall(b"PUT /v1/sys/unseal HTTP/1.1\r\nHost: x\r\n" + rest)
        seconds, answer = trickle(sock)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert 3 < seconds < 8


def test_a_head_that_trickles_is_cut(server):
    with connect(server) as sock:
        sock.sendall(b"GET /v1/sys/health HTTP/1.1\r\nX: ")
        seconds, answer = trickle(sock)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert seconds < 4


def test_pings_keep_no_stream_alive(server):
    with h2.Peer(server.port) as peer:
        peer.request(1, "PUT", "/v1/sys/unseal", end=False)
        peer.request(3, "PUT", "/v1/sys/unseal", end=False)
        began = time.monotonic()
        while time.monotonic() - began < 6.5:
            peer.ping()
            peer.data(3, b"x")  # one stands still, one trickles
            peer.receive(0.25)
        assert b"request timed out" in peer.answer(1, 0.1)
        assert b"request timed out" in peer.answer(3, 0.1)
        peer.request(5, "GET", "/v1/sys/seal-status")
        assert b'"sealed":false' in peer.answer(5)


def test_idle_http2_connections_are_closed(server):
    with h2.Peer(server.port) as idle, h2.Peer(server.port) as in_head:
        in_head.send(h2.frame(h2.HEADERS, 0, 1, h2.header("a", "b")))
        in_head.receive(4)
        assert in_head.closed
        idle.receive(4)
        assert idle.closed


# -- numbers ----------------------------------------------------------------------

def test_connections_over_the_limit_are_closed(server):
    server.request("GET", "sys/health")  # one that stays
    held = [connect(server) for _ in range(60)]
    try:
        time.sleep(0.3)
        closed = 0
        for sock in held:
            sock.setblocking(False)
            try:
                closed += sock.recv(1) == b""
            except BlockingIOError:
                pass
            except ConnectionResetError:
                closed += 1
        assert 20 <= closed < 60
        assert server.request("GET", "sys/health").status_code == 200
    finally:
        for sock in held:
            sock.close()
    time.sleep(0.3)
    assert requests.get(server.url("sys/health"), timeout=5).status_code == 200


def test_a_flood_of_streams_and_of_resets(server):
    with h2.Peer(server.port) as peer:
        for i in range(600):
            peer.request(1 + 2 * i, "PUT", "/v1/sys/unseal", end=False)
        peer.receive(1)
        refused = sum(peer.error_of(1 + 2 * i) == h2.REFUSED_STREAM
                      for i in range(600))
        assert refused >= 300 or peer.closed
    with h2.Peer(server.port) as peer:
        for i in range(3000):
            peer.request(1 + 2 * i, "GET", "/v1/sys/health")
            peer.reset(1 + 2 * i)
            if peer.closed:
                break
        peer.receive(5, lambda kind, *_: kind == h2.GOAWAY)
        assert peer.closed or peer.goaway_error() == h2.ENHANCE_YOUR_CALM


def test_a_peer_that_takes_no_answers_holds_little(server):
    before = resident_mib(server)
    peers = [h2.Peer(server.port, h2.NO_WINDOW) for _ in range(20)]
    began = time.monotonic()
    for peer in peers:
        for i in range(250):
            peer.request(1 + 2 * i, "GET", "/v1/sys/internal/specs/openapi")
    most = 0
    while time.monotonic() - began < 6:
        for peer in peers:
            peer.ping()
            peer.receive(0.01)
        most = max(most, resident_mib(server))
    dropped = sum(peer.error_of(1) == h2.CANCEL for peer in peers)
    for peer in peers:
        peer.sock.close()
    assert dropped == 20  # after http_read_timeout, pings or not
    assert most - before < 600  # the listener's 512 MiB, and some
    assert server.request("GET", "sys/health").status_code == 200


# -- JSON ---------------------------------------------------------------------

@pytest.mark.parametrize("body, said", [
    ("[" * 30 + "]" * 30, "failed to decode JSON input"),
    ('{"a":"' + "x" * 1001 + '"}', "a string is longer than 1000 bytes"),
    ('{"' + "x" * 1001 + '":1}', "a string is longer than 1000 bytes"),
    (json.dumps({f"k{i}": 1 for i in range(51)}),
     "an object has more than 50 entries"),
    (json.dumps({"a": [1] * 101}), "an array has more than 100 elements"),
    (json.dumps({"a": [[{}, {}, {}]] * 75}), "exceeded maximum memory of 20000"),
    (json.dumps({"a": [["", ""]] * 60}),
     "exceeded maximum number of strings of 120"),
])
def test_json_limits(server, body, said):
    for path in ("sys/unseal", "transit/encrypt/k"):  # without a token, and with
        answer = server.request("PUT", path, data=body)
        assert answer.status_code == 400
        assert said in answer.json()["errors"][0]


BOMB_BYTES = 32 << 20
BOMBS = {
    "numbers": b'{"a":[' + b"0," * (BOMB_BYTES // 2 - 8) + b"0]}",
    "arrays": b'{"a":[' + b"[]," * (BOMB_BYTES // 3 - 8) + b"0]}",
    "objects": b'{"a":[' + b"{}," * (BOMB_BYTES // 3 - 8) + b"0]}",
    "entries": b"{" + b'"":0,' * (BOMB_BYTES // 5 - 8) + b'"a":0}',
    "strings": b'{"a":[' + b'"",' * (BOMB_BYTES // 3 - 8) + b"0]}",
    "depth": b"[" * (BOMB_BYTES - 8),
    "escapes": b'{"a":"' + b"\\n" * (BOMB_BYTES // 2 - 8) + b'"}',
    "string": b'{"a":"' + b"x" * (BOMB_BYTES - 16) + b'"}',
    "space": b" " * (BOMB_BYTES - 16) + b"{}",
}


def test_json_bombs_before_any_token_are_bounded_and_given_back():
    with Server() as server:
        server.start()
        server.initialise(1, 1)
        before = resident_mib(server)
        most = 0
        for body in BOMBS.values():
            def send(path):
                return requests.put(server.url(path), data=body, timeout=60)
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                answers = list(pool.map(send, ["sys/unseal", "sys/init"] * 4))
            assert all(a.status_code == 400 for a in answers)
            status = open(f"/proc/{server.process.pid}/status").read()
            most = max(most, int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024)
        # Eight bodies of 32 MiB, and no more than twice as much made of them.
        assert most - before < 8 * 32 * 3
        assert resident_mib(server) - before < 100
        server.unseal()


def test_forms_and_queries_cost_linear_time():
    with Server() as server:
        server.start()
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        body = "&".join(f"k{i}" for i in range(1_000_000))
        began = time.monotonic()
        answer = requests.put(server.url("sys/unseal"), data=body, headers=form)
        assert answer.json() == {"errors": ["more than 10000 parameters"]}
        body = "&".join(f"k{i}" for i in range(10_000))
        answer = requests.put(server.url("sys/unseal"), data=body, headers=form)
        assert "'key' must be specified" in answer.text
        query = "&".join(f"k{i}" for i in range(5000))
        answer = requests.get(server.url("sys/health?" + query))
        assert answer.status_code == 400
        assert time.monotonic() - began < 5


def test_many_slow_bodies_are_bounded():
    # Each claims 32 MiB and sends it but for the last byte.
    with Server() as server:
        server.start()
        before = resident_mib(server)
        head = (b"PUT /v1/sys/unseal HTTP/1.1\r\nHost: x\r\n"
                b"Content-Length: %d\r\n\r\n" % (32 << 20))
        held, refused = [], 0
        for _ in range(24):
            sock = connect(server)
            try:
                sock.sendall(head + b" " * ((32 << 20) - 1))
            except OSError:
                refused += 1
            held.append(sock)
        time.sleep(0.5)
        most = resident_mib(server)
        small = requests.get(server.url("sys/seal-status"), timeout=5)
        for sock in held:
            sock.close()
        assert refused >= 4
        assert most - before < 640
        assert small.status_code == 200
        deadline = time.monotonic() + 10
        while resident_mib(server) - before > 100:
            assert time.monotonic() < deadline, "the bodies' memory is kept"
            time.sleep(0.2)


# -- several listeners ------------------------------------------------------------

def test_each_listener_has_its_own_limits():
    with Server(extra="") as server:
        other = free_port()
        config = server.config.read_text().replace(
            "disable_mlock", f"""listener "tcp" {{
  address        = "127.0.0.1:{other}"
  tls_disable    = true
  max_json_depth = 5
  max_json_object_entry_count = 3
  telemetry {{ unauthenticated_metrics_access = true }}
}}
disable_mlock""")
        server.config.write_text(config)
        server.ready()
        body = json.dumps({"a": {"b": {"c": {"d": {"e": {"f": 1}}}}}})
        first = requests.put(server.url("sys/unseal"), data=body)
        assert "'key' must be specified" in first.text
        second = requests.put(f"http://127.0.0.1:{other}/v1/sys/unseal",
                              data=body)
        assert "failed to decode JSON input" in second.text
        assert requests.get(server.url("sys/metrics")).status_code == 403
        open_metrics = requests.get(f"http://127.0.0.1:{other}/v1/sys/metrics")
        assert open_metrics.status_code == 200
        nobody = server.request("POST", "auth/token/create",
                                {"policies": ["default"]}).json()["auth"]
        headers = {"X-Vault-Token": nobody["client_token"]}
        assert requests.get(server.url("sys/metrics"),
                            headers=headers).status_code == 403
        server.call("PUT", "sys/seal")
        assert requests.get(server.url("sys/metrics")).status_code == 503
        sealed = requests.get(f"http://127.0.0.1:{other}/v1/sys/metrics")
        assert sealed.status_code == 200


def test_zero_asks_for_the_default():
    with Server(listener="max_request_size = 0\nhttp_read_timeout = 0\n"
                "http_idle_timeout = 0\nhttp_read_header_timeout = \"0\"\n"
                "max_request_duration = 0\nmax_json_depth = 0") as server:
        server.ready()
        server.transit("k")
        assert server.decrypt("k", server.encrypt("k", b"x")) == b"x"
