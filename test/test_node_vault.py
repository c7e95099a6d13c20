"""npm's node-vault against the real binary."""

import json
import pathlib
import subprocess

NODE = pathlib.Path(__file__).parent / "node"


def test_story(sealed_server):
    done = subprocess.run(["node", "story.js", sealed_server.address], cwd=NODE,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"ok": True}
