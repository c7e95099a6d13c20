"""What handles secrets neither branches on them nor looks things up by them:
memcheck follows the bytes (test/constant_time/constant_time.cc)."""

import subprocess

import pytest

from bulla import BINARY

PROGRAM = BINARY.parent / "constant_time"


def memcheck(case):
    return subprocess.run(
        ["valgrind", "--quiet", "--error-exitcode=99", "--track-origins=no",
         PROGRAM, case], capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("case", ["shamir", "field", "equality", "token_hash"])
def test_nothing_depends_on_the_secret(case):
    done = memcheck(case)
    assert done.returncode == 0, done.stderr


def test_a_leak_would_be_seen():
    done = memcheck("leak")
    assert done.returncode == 99
    assert "depends on uninitialised value" in done.stderr
