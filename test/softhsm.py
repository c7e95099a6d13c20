"""A token of SoftHSM2 for the tests that need an HSM."""

import os
import pathlib
import shutil
import subprocess

import pytest

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
PIN = "4711-canary"


class SoftHsm:
    """One token called "bulla", in a directory of its own."""

    def __init__(self, directory):
        if not os.path.exists(MODULE) or not shutil.which("softhsm2-util"):
            pytest.skip("softhsm2 is not installed")
        self.directory = pathlib.Path(directory)
        self.tokens = self.directory / "tokens"
        self.tokens.mkdir()
        config = self.directory / "softhsm2.conf"
        config.write_text(f"directories.tokendir = {self.tokens}\n"
                          "objectstore.backend = file\nlog.level = ERROR\n")
        self.env = {"SOFTHSM2_CONF": str(config)}
        self.pin = self.directory / "pin"
        self.pin.write_text(PIN + "\n")
        self.make_token("bulla")

    def make_token(self, label):
        subprocess.run(
            ["softhsm2-util", "--init-token", "--free", "--label", label,
             "--so-pin", "5678", "--pin", PIN], check=True, capture_output=True,
            env={**os.environ, **self.env})

    def unplug(self):
        self.tokens.rename(self.directory / "away")
        self.tokens.mkdir()

    def plug_in(self):
        shutil.rmtree(self.tokens)
        (self.directory / "away").rename(self.tokens)

    def stanza(self, **extra):
        options = {"lib": MODULE, "token_label": "bulla",
                   "pin": f"file://{self.pin}", "key_label": "kek", **extra}
        lines = "".join(f'  {name} = "{value}"\n'
                        for name, value in options.items() if value is not None)
        return f'seal "pkcs11" {{\n{lines}}}\n'
