"""npm's node-vault against the real binary."""

import json
import pathlib
import subprocess

NODE = pathlib.Path(__file__).parent / "node"


def run(script, *arguments):
    done = subprocess.run(["node", script, *arguments], cwd=NODE,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"ok": True}


def test_story(sealed_server):
    run("story.js", sealed_server.address)


def test_records(server):
    run("kv.js", server.address, server.token)
