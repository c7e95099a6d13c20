"""HTTP/2, TLS, pipelining, limits, metrics, OpenAPI, stop: from outside."""

import json
import re
import signal
import socket
import subprocess
import threading
import time

import pytest
import requests

import raw_http2 as h2
from bulla import Server, b64


@pytest.fixture(scope="module")
def server():
    with Server(listener="http_read_header_timeout = \"1s\"\n"
                "http_read_timeout = \"1s\"\nmax_connections = 64") as fresh:
        fresh.ready()
        fresh.transit("k")
        yield fresh


def curl(*arguments):
    done = subprocess.run(["curl", "-sS", "-m", "20", *arguments],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def make_certificate(directory, name):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
         f"/CN={name}", "-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1",
         "-keyout", directory / "key.pem", "-out", directory / "cert.pem"],
        check=True, capture_output=True)


def test_http2_by_prior_knowledge(server):
    out = curl("--http2-prior-knowledge", "-w", "\n%{http_version} %{http_code}",
               "-H", f"X-Vault-Token: {server.token}", "-d",
               json.dumps({"plaintext": b64(b"x")}),
               server.url("transit/encrypt/k"))
    assert out.endswith("\n2 200")
    assert "vault:v1:" in out


def test_tls_http2_and_reload(tmp_path):
    make_certificate(tmp_path, "first.test")
    listener = (f'tls_cert_file = "{tmp_path}/cert.pem"\n'
                f'tls_key_file = "{tmp_path}/key.pem"')

    def subject(port):
        shown = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{port}"],
            input="", capture_output=True, text=True).stdout
        return re.search(r"subject=CN = (\S+)", shown)[1]

    with Server(listener=listener) as server:
        server.ready()
        out = curl("-k", "-w", "\n%{http_version} %{http_code}",
                   server.url("sys/health"))
        assert out.endswith("\n2 200")
        out = curl("-k", "--http1.1", "--tls-max", "1.2", "-w",
                   "\n%{http_version} %{http_code}", server.url("sys/health"))
        assert out.endswith("\n1.1 200")
        assert subject(server.port) == "first.test"
        make_certificate(tmp_path, "second.test")
        server.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 5
        while subject(server.port) != "second.test":
            assert time.monotonic() < deadline
            time.sleep(0.1)
        (tmp_path / "cert.pem").write_text("broken")
        server.process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        assert subject(server.port) == "second.test"


def test_pipelined_requests_are_answered_in_order(server):
    one = (f"POST /v1/transit/hash/sha2-256 HTTP/1.1\r\nHost: x\r\n"
           f"X-Vault-Token: {server.token}\r\nContent-Length: %d\r\n\r\n%s")
    requests = b""
    bodies = [json.dumps({"input": b64(bytes([i]))}) for i in range(20)]
    for body in bodies:
        requests += (one % (len(body), body)).encode()
    with socket.create_connection(("127.0.0.1", server.port), 5) as sock:
        sock.sendall(requests)
        answers = b""
        while answers.count(b'"sum"') < 20:
            answers += sock.recv(65536)
    sums = re.findall(rb'"sum":"([0-9a-f]+)"', answers)
    import hashlib
    assert [s.decode() for s in sums] == [
        hashlib.sha256(bytes([i])).hexdigest() for i in range(20)]


def test_slow_headers_and_bodies_are_cut(server):
    for start in (b"GET /v1/sys/hea",
                  b"POST /v1/sys/init HTTP/1.1\r\nHost: x\r\n"
                  b"Content-Length: 100\r\n\r\n{"):
        with socket.create_connection(("127.0.0.1", server.port), 10) as sock:
            sock.sendall(start)
            began = time.monotonic()
            answer = sock.recv(4096)
            assert answer == b"" or b" 408 " in answer.split(b"\r\n")[0]
            assert time.monotonic() - began < 8


def test_many_connections_do_not_shut_out_those_there(server):
    held = []
    try:
        for _ in range(200):
            held.append(socket.create_connection(("127.0.0.1", server.port), 5))
    except OSError:
        pass
    try:
        assert server.request("GET", "sys/health").status_code == 200
    finally:
        for sock in held:
            sock.close()


def test_metrics(server):
    server.encrypt("k", b"x")
    text = server.request("GET", "sys/metrics?format=prometheus")
    assert text.headers["content-type"].startswith("text/plain")
    body = text.text
    for name in ("bulla_requests_total", "bulla_request_duration_seconds_bucket",
                 "bulla_unsealed 1", "vault_core_unsealed 1",
                 "bulla_storage_duration_seconds_count", "bulla_keyring_term",
                 "bulla_keyring_encryptions", "bulla_transit_operations_total",
                 "process_resident_memory_bytes", "process_cpu_seconds_total"):
        assert name in body, name
    assert server.token not in body
    plain = server.request("GET", "sys/metrics").json()
    assert {"Gauges", "Counters", "Samples"} <= set(plain)
    assert server.request("GET", "sys/metrics", token="").status_code == 403


def test_openapi_and_help(server):
    document = server.request("GET", "sys/internal/specs/openapi").json()
    assert document["openapi"].startswith("3.")
    paths = document["paths"]
    assert "/transit/encrypt/{name}" in paths or any(
        "encrypt/{name}" in path for path in paths)
    assert "/sys/seal-status" in paths
    shown = server.request("GET", "transit/keys/k?help=1").json()
    assert {"help", "see_also", "openapi"} <= set(shown)


def test_health_codes(sealed_server):
    server = sealed_server
    assert server.request("GET", "sys/health").status_code == 501
    query = "uninitcode=299&sealedcode=299&standbycode=299"
    assert server.request("GET", f"sys/health?{query}").status_code == 299
    server.initialise(1, 1)
    assert server.request("GET", "sys/health").status_code == 503
    assert server.request("HEAD", "sys/health").status_code == 503
    server.unseal()
    health = server.request("GET", "sys/health")
    assert health.status_code == 200
    assert health.json()["performance_standby"] is False
    assert server.request("GET", "sys/health?activecode=204").status_code == 204


def test_sigterm_answers_what_is_in_flight(tmp_path):
    with Server() as server:
        server.ready()
        server.transit("k")
        body = json.dumps({"plaintext": b64(b"x")}).encode()
        with socket.create_connection(("127.0.0.1", server.port), 5) as sock:
            head = (f"POST /v1/transit/encrypt/k HTTP/1.1\r\nHost: x\r\n"
                    f"X-Vault-Token: {server.token}\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n").encode()
            sock.sendall(head + body[:5])
            time.sleep(0.2)
            server.process.terminate()
            time.sleep(0.3)
            sock.sendall(body[5:])
            assert b"vault:v1:" in sock.recv(65536)
        assert server.process.wait(15) == 0


def test_sigterm_under_load_drops_no_answer(tmp_path):
    # Writes that are in flight, on the pool and on connections that stay: each
    # is answered, or was refused before anything of it was done.
    with Server() as server:
        server.ready()
        server.transit()
        stop = threading.Event()
        acknowledged, broken = [], []

        def write(number):
            session = requests.Session()
            for i in range(100_000):
                name = f"w{number}-{i}"
                try:
                    answer = session.post(server.url(f"transit/keys/{name}"),
                                          json={}, timeout=20, headers={
                                              "X-Vault-Token": server.token})
                except requests.exceptions.ConnectionError as error:
                    if not stop.is_set():
                        broken.append(error)
                    return
                if answer.status_code != 200:
                    broken.append(answer.text)
                    return
                acknowledged.append(name)

        writers = [threading.Thread(target=write, args=(n,)) for n in range(8)]
        for writer in writers:
            writer.start()
        time.sleep(0.5)
        stop.set()
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 8
        for writer in writers:
            writer.join()
        assert not broken
        assert len(acknowledged) > 8
        server.start()
        server.unseal()
        names = set(server.call("LIST", "transit/keys")["keys"])
        assert set(acknowledged) <= names


def test_stopping_waits_for_no_one_for_ever():
    for how in (signal.SIGTERM, signal.SIGINT):
        with Server() as server:
            server.ready()
            with socket.create_connection(("127.0.0.1", server.port), 5) as half, \
                    socket.create_connection(("127.0.0.1", server.port), 5) as idle, \
                    h2.Peer(server.port) as peer:
                if how == signal.SIGTERM:
                    half.sendall(b"PUT /v1/sys/unseal HTTP/1.1\r\nHost: x\r\n"
                                 b"Content-Length: 100\r\n\r\n{")
                peer.request(1, "PUT", "/v1/sys/unseal", end=False)
                peer.receive(0.3)
                server.process.send_signal(how)
                assert idle.recv(10) == b""  # at once
                peer.receive(5, lambda kind, *_: kind == h2.GOAWAY)
                assert peer.goaway_error() == 0
                time.sleep(0.3)  # each loop has a socket of its own to close
                with pytest.raises(OSError):
                    socket.create_connection(("127.0.0.1", server.port), 1)
                peer.data(1, b'{"reset":true}', end=True)
                assert b"vault is unsealed" in peer.answer(1)
                began = time.monotonic()
                assert server.process.wait(15) == 0
                # A grace of ten seconds, for who still has something to say.
                assert time.monotonic() - began < (
                    12 if how == signal.SIGTERM else 3)
            assert server.log.read_text().splitlines()[-1].endswith("stopped")


@pytest.mark.parametrize("text, said", [
    ('storage "lmdb" { path = "x" }\nlisener "tcp" {}', "lisener"),
    ('storage "lmdb" { path = "x" pth = "y" }', "pth"),
    ('listener "tcp" { address = "127.0.0.1:0" tls_disable = true }', "storage"),
    ('storage "lmdb" {', "wrong.hcl:1"),
    ('storage "raft" { path = "x" }', "lmdb"),
])
def test_configuration_errors_name_file_line_and_key(tmp_path, text, said):
    from bulla import BINARY
    file = tmp_path / "wrong.hcl"
    file.write_text(text)
    done = subprocess.run([BINARY, "server", f"-config={file}"],
                          capture_output=True, text=True, timeout=20)
    assert done.returncode == 1
    assert said in done.stderr
    if said != "storage":
        assert "wrong.hcl" in done.stderr
