"""Starts and drives the real binary for the tests: real ports, real stores."""

import base64
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import requests

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = pathlib.Path(os.environ.get("BULLA_BINARY", ROOT / "build" / "bulla"))
START_SECONDS = 20


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def unb64(text: str) -> bytes:
    return base64.b64decode(text)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Server:
    """One bulla server on an LMDB store in a directory of its own."""

    def __init__(self, directory=None, listener="", extra="", storage=None):
        self.directory = pathlib.Path(directory or tempfile.mkdtemp())
        self.owns_directory = directory is None
        self.port = free_port()
        self.scheme = "https" if "tls_cert_file" in listener else "http"
        self.address = f"{self.scheme}://127.0.0.1:{self.port}"
        self.process = None
        self.shares = []
        self.threshold = 0
        self.token = None
        self.session = requests.Session()
        self.log = self.directory / "server.log"
        storage = storage or (
            f'storage "lmdb" {{ path = "{self.directory}/store" }}')
        tls = "" if self.scheme == "https" else "tls_disable = true"
        self.config = self.directory / "bulla.hcl"
        self.config.write_text(
            f'{storage}\n'
            f'listener "tcp" {{\n  address = "127.0.0.1:{self.port}"\n'
            f'  {tls}\n{listener}\n}}\n'
            f'disable_mlock = true\n{extra}\n')

    # -- life ---------------------------------------------------------------
    def start(self, preexec=None, env=None, patience=2):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [BINARY, "server", f"-config={self.config}"], stdout=log,
                stderr=log, preexec_fn=preexec,
                env={**os.environ, **(env or {})})
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError("server ended: " + self.log.read_text())
            try:
                self.session.get(self.url("sys/seal-status"), timeout=patience,
                                 verify=False)
                return self
            except requests.exceptions.ConnectionError:
                time.sleep(0.02)
        raise RuntimeError("server does not answer: " + self.log.read_text())

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.session = requests.Session()

    def stop(self, seconds=20):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(seconds)
        self.session = requests.Session()
        return self.process.returncode if self.process else None

    def close_process(self):
        if self.process and self.process.poll() is None:
            self.kill()

    def close(self):
        if self.process and self.process.poll() is None:
            self.kill()
        if self.owns_directory:
            shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # -- requests -----------------------------------------------------------
    def url(self, path):
        return f"{self.address}/v1/{path}"

    def request(self, method, path, body=None, token=None, **kwargs):
        headers = kwargs.pop("headers", {})
        token = self.token if token is None else token
        if token:
            headers = {"X-Vault-Token": token, **headers}
        data = json.dumps(body) if body is not None else kwargs.pop("data", None)
        return self.session.request(method, self.url(path), data=data,
                                    headers=headers, timeout=60, verify=False,
                                    **kwargs)

    def call(self, method, path, body=None, **kwargs):
        """The `data` (or the bare body) of a request that must succeed."""
        answer = self.request(method, path, body, **kwargs)
        assert answer.status_code < 300, (
            f"{method} {path}: {answer.status_code} {answer.text}")
        if not answer.content:
            return None
        parsed = answer.json()
        return parsed["data"] if parsed.get("data") is not None else parsed

    def get(self, path, **kwargs):
        return self.call("GET", path, **kwargs)

    def post(self, path, body=None, **kwargs):
        return self.call("POST", path, body or {}, **kwargs)

    # -- seal ---------------------------------------------------------------
    def initialise(self, shares=5, threshold=3):
        answer = self.call("PUT", "sys/init", {
            "secret_shares": shares, "secret_threshold": threshold})
        self.shares = answer["keys_base64"]
        self.threshold = threshold
        self.token = answer["root_token"]
        return answer

    def unseal(self):
        status = None
        for share in self.shares[:self.threshold]:
            status = self.call("PUT", "sys/unseal", {"key": share})
        assert status["sealed"] is False, status
        return status

    def ready(self, shares=1, threshold=1):
        """Started, initialised and unsealed."""
        self.start()
        self.initialise(shares, threshold)
        self.unseal()
        return self

    def restart(self):
        self.stop()
        self.start()
        self.unseal()

    # -- transit --------------------------------------------------------------
    def transit(self, *keys, **parameters):
        self.post("sys/mounts/transit", {"type": "transit"})
        for key in keys:
            self.post(f"transit/keys/{key}", parameters)
        return self

    def encrypt(self, key, plaintext, **extra):
        return self.post(f"transit/encrypt/{key}",
                         {"plaintext": b64(plaintext), **extra})["ciphertext"]

    def decrypt(self, key, ciphertext, **extra):
        return unb64(self.post(f"transit/decrypt/{key}",
                               {"ciphertext": ciphertext, **extra})["plaintext"])

    # -- command line ---------------------------------------------------------
    def cli(self, *arguments, stdin=None, token=None, env=None):
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.directory),
            "BULLA_ADDR": self.address}
        token = self.token if token is None else token
        if token:
            environment["BULLA_TOKEN"] = token
        return subprocess.run(
            [BINARY, *arguments], input=stdin, capture_output=True, text=True,
            timeout=60, env={**environment, **(env or {})})
