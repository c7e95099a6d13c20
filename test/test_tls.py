"""TLS on the real binary: versions, reload, and peers that mean no good."""

import concurrent.futures
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time

import pytest
import requests

import raw_http2 as h2
from bulla import Server


def make_certificate(directory, name):
    """key.pem and cert.pem, replaced as a whole, as a renewal would."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
         f"/CN={name}", "-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1",
         "-keyout", directory / "key.new", "-out", directory / "cert.new"],
        check=True, capture_output=True)
    shutil.move(directory / "key.new", directory / "key.pem")
    shutil.move(directory / "cert.new", directory / "cert.pem")


def listener(directory, more=""):
    return (f'tls_cert_file = "{directory}/cert.pem"\n'
            f'tls_key_file = "{directory}/key.pem"\n{more}')


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory):
    directory = tmp_path_factory.mktemp("tls")
    make_certificate(directory, "bulla.test")
    with Server(listener=listener(
            directory, 'http_read_header_timeout = "1s"')) as server:
        yield server.ready()


def connect(server, minimum=None, maximum=None, alpn=()):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if minimum:
        context.minimum_version = minimum
    if maximum:
        context.maximum_version = maximum
    if alpn:
        context.set_alpn_protocols(list(alpn))
    plain = socket.create_connection(("127.0.0.1", server.port), 5)
    return context.wrap_socket(plain)


def common_name(server):
    with connect(server) as sock:
        der = sock.getpeercert(binary_form=True)
    text = subprocess.run(["openssl", "x509", "-inform", "der", "-noout",
                           "-subject"], input=der, capture_output=True).stdout
    return re.search(rb"CN = (\S+)", text)[1].decode()


V = ssl.TLSVersion


@pytest.mark.parametrize("config, offered, spoken", [
    ("", (V.TLSv1_2, V.TLSv1_3), "TLSv1.3"),
    ("", (V.TLSv1_2, V.TLSv1_2), "TLSv1.2"),
    ("", (V.TLSv1_1, V.TLSv1_1), None),
    ('tls_min_version = "tls13"', (V.TLSv1_2, V.TLSv1_2), None),
    ('tls_min_version = "tls13"', (V.TLSv1_3, V.TLSv1_3), "TLSv1.3"),
    ('tls_max_version = "tls12"', (V.TLSv1_2, V.TLSv1_3), "TLSv1.2"),
    ('tls_max_version = "tls12"', (V.TLSv1_3, V.TLSv1_3), None),
])
def test_versions(tmp_path, config, offered, spoken):
    make_certificate(tmp_path, "bulla.test")
    with Server(listener=listener(tmp_path, config)) as server:
        server.start()
        if spoken is None:
            with pytest.raises(OSError), connect(server, *offered):
                pass
        else:
            with connect(server, *offered) as sock:
                assert sock.version() == spoken


def test_alpn_chooses_http2_or_http1(tls_server):
    for offered, chosen in ((["h2", "http/1.1"], "h2"), (["http/1.1"], "http/1.1"),
                            (["http/1.1", "h2"], "h2"), (["spdy/3"], None),
                            ([], None)):
        with connect(tls_server, alpn=offered) as sock:
            assert sock.selected_alpn_protocol() == chosen
            if chosen == "h2":
                peer = h2.Peer(0, sock=sock)
                peer.request(1, "GET", "/v1/sys/seal-status")
                assert b'"sealed":false' in peer.answer(1)
            else:
                sock.sendall(b"GET /v1/sys/seal-status HTTP/1.1\r\n"
                             b"Host: x\r\nConnection: close\r\n\r\n")
                assert sock.recv(4096).startswith(b"HTTP/1.1 200 ")


def hang_up(server):
    said = server.log.read_text().count("SIGHUP")
    server.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + 10
    while server.log.read_text().count("SIGHUP") == said:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.2)  # said first, done then


def test_reload_takes_whole_pairs_only(tmp_path):
    make_certificate(tmp_path, "first.test")
    with Server(listener=listener(tmp_path)) as server:
        server.ready()
        held = connect(server)  # from before all of it
        make_certificate(tmp_path, "second.test")
        hang_up(server)
        assert common_name(server) == "second.test"
        good = {name: (tmp_path / name).read_bytes()
                for name in ("cert.pem", "key.pem")}
        other = tmp_path / "other"
        other.mkdir()
        make_certificate(other, "third.test")
        for name, content in (
                ("cert.pem", b"broken"), ("cert.pem", b""), ("key.pem", b""),
                ("key.pem", b"broken"), ("cert.pem", None), ("key.pem", None),
                ("key.pem", (other / "key.pem").read_bytes()),  # of another
                ("cert.pem", (other / "cert.pem").read_bytes()),
                ("cert.pem", good["cert.pem"][:200])):
            if content is None:
                (tmp_path / name).unlink()
            else:
                (tmp_path / name).write_bytes(content)
            hang_up(server)
            assert common_name(server) == "second.test", (name, content)
            last = server.log.read_text().splitlines()
            # A pair that is none is told of its key.
            assert any("certificates kept" in line and
                       (name in line or "key.pem" in line)
                       for line in last[-3:]), last[-3:]
            (tmp_path / name).write_bytes(good[name])
        held.sendall(b"GET /v1/sys/health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert held.recv(4096).startswith(b"HTTP/1.1 200 ")
        held.close()
        (tmp_path / "cert.pem").write_bytes((other / "cert.pem").read_bytes())
        (tmp_path / "key.pem").write_bytes((other / "key.pem").read_bytes())
        hang_up(server)
        assert common_name(server) == "third.test"


GARBAGE = [
    b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"\x01" * 5000,
    b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", b"\x00" * 1000,
    b"\x80\x2e\x01\x03\x01" + b"\xff" * 64, b"\x15\x03\x01\x00\x02\x02\x28",
    b"\x17\x03\x03\x40\x00" + b"x" * 0x4000, h2.PREFACE]


@pytest.mark.parametrize("after_client_hello", [False, True])
@pytest.mark.parametrize("garbage", GARBAGE)
def test_garbage_ends_its_own_connection_only(tls_server, garbage,
                                              after_client_hello):
    with socket.create_connection(("127.0.0.1", tls_server.port), 5) as sock:
        if after_client_hello:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            out = ssl.MemoryBIO()
            half = context.wrap_bio(ssl.MemoryBIO(), out)
            with pytest.raises(ssl.SSLWantReadError):
                half.do_handshake()
            sock.sendall(out.read())
        sock.sendall(garbage)
        try:
            while sock.recv(65536):
                pass
        except ConnectionResetError:
            pass
    assert tls_server.request("GET", "sys/health").status_code == 200


def test_half_open_and_reset_peers(tls_server):
    held = []
    for _ in range(60):
        sock = socket.create_connection(("127.0.0.1", tls_server.port), 5)
        sock.sendall(b"\x16\x03\x01")  # and never more
        held.append(sock)
    for _ in range(60):
        sock = socket.create_connection(("127.0.0.1", tls_server.port), 5)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                        b"\x01\x00\x00\x00\x00\x00\x00\x00")
        sock.close()  # a reset
    assert tls_server.request("GET", "sys/health").status_code == 200
    time.sleep(2.5)  # http_read_header_timeout, for a handshake too
    for sock in held:
        sock.settimeout(1)
        assert sock.recv(10) == b""
        sock.close()
    assert tls_server.request("GET", "sys/health").status_code == 200


def test_client_certificates(tmp_path):
    make_certificate(tmp_path, "bulla.test")
    ca, stranger = tmp_path / "ca", tmp_path / "stranger"
    for directory in (ca, stranger):
        directory.mkdir()
        make_certificate(directory, directory.name)
    more = (f'tls_client_ca_file = "{ca}/cert.pem"\n'
            "tls_require_and_verify_client_cert = true")
    with Server(listener=listener(tmp_path, more)) as server:
        pair = (str(ca / "cert.pem"), str(ca / "key.pem"))
        server.session.cert = pair
        server.start()
        url = server.url("sys/seal-status")
        assert requests.get(url, cert=pair, verify=False).status_code == 200
        for wrong in (None, (str(stranger / "cert.pem"),
                             str(stranger / "key.pem"))):
            with pytest.raises(requests.exceptions.ConnectionError):
                requests.get(url, cert=wrong, verify=False)


def test_many_handshakes_at_once(tls_server):
    def one(_):
        with connect(tls_server) as sock:
            return sock.version()
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert set(pool.map(one, range(100))) == {"TLSv1.3"}
