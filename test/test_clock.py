"""A clock that jumps ahead and back while the server runs: what has expired is
refused, nothing else changes, nothing crashes."""

import datetime
import json
import pathlib
import time

import pytest

from bulla import Server

LIBRARIES = sorted(pathlib.Path("/usr/lib").glob(
    "*/faketime/libfaketimeMT.so.1"))
HOUR, YEAR = 3600, 365 * 86400


class Clock:
    """The server's wall clock, off by what a file says. Its steady clock, by
    which time-outs and ticks go, is left alone, as a kernel's is."""

    def __init__(self, directory):
        self.file = directory / "offset"
        self.jump(0)
        self.env = {"LD_PRELOAD": str(LIBRARIES[0]),
                    "FAKETIME_TIMESTAMP_FILE": str(self.file),
                    "FAKETIME_NO_CACHE": "1",
                    "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                    "DONT_FAKE_MONOTONIC": "1"}

    def jump(self, seconds):
        new = self.file.with_suffix(".new")
        new.write_text(f"{seconds:+d}\n")
        new.rename(self.file)
        self.offset = seconds

    def now(self):
        return time.time() + self.offset


@pytest.fixture
def clock(tmp_path):
    assert LIBRARIES, "libfaketime is not there: apt-get install faketime"
    return Clock(tmp_path)


def token(server, **wanted):
    made = server.request("POST", "auth/token/create",
                          {"policies": ["default"], **wanted})
    assert made.status_code == 200, made.text
    return made.json()["auth"]["client_token"]


def lives(server, of):
    return server.request("GET", "auth/token/lookup-self",
                          token=of).status_code == 200


def stamp(text):
    return datetime.datetime.fromisoformat(
        text[:19] + "+00:00").timestamp()


def test_the_clock_that_the_server_sees_jumps(clock):
    with Server() as server:
        server.start(env=clock.env)
        for offset in (0, YEAR, -YEAR, 0):
            clock.jump(offset)
            seen = server.request("GET", "sys/health").json()[
                "server_time_utc"]
            assert abs(seen - clock.now()) < 3


def test_expiry_is_honoured_at_every_jump(clock):
    with Server() as server:
        server.start(env=clock.env)
        server.initialise(1, 1)
        server.unseal()
        service = token(server, ttl="1h")
        batch = token(server, ttl="1h", type="batch")
        periodic = token(server, period="1h")
        child = server.request("POST", "auth/token/create", {
            "policies": ["default"], "ttl": "30m"}).json()["auth"]
        tokens = [service, batch, periodic, child["client_token"]]
        assert all(lives(server, t) for t in tokens)
        # Every thread has them in its cache now.
        for _ in range(20):
            assert lives(server, service)
        clock.jump(59 * 60)
        assert [lives(server, t) for t in tokens] == [True, True, True, False]
        renewed = server.request("POST", "auth/token/renew-self", {},
                                 token=periodic)
        assert renewed.json()["auth"]["lease_duration"] == HOUR
        clock.jump(61 * 60)
        assert [lives(server, t) for t in tokens] == [False, False, True, False]
        assert server.request("POST", "auth/token/renew-self", {},
                              token=service).status_code == 403
        clock.jump(4 * HOUR)
        assert not any(lives(server, t) for t in tokens)
        assert lives(server, server.token)  # root has no end
        # Back: nobody lives longer than was granted.
        clock.jump(-YEAR)
        early = token(server, ttl="1h")
        shown = server.get("auth/token/lookup-self", token=early)
        assert HOUR - 5 <= shown["ttl"] <= HOUR
        clock.jump(-YEAR + 2 * HOUR)
        assert not lives(server, early)
        clock.jump(0)
        assert not lives(server, early)


def test_ttl_never_exceeds_what_was_granted_nor_is_negative(clock):
    with Server() as server:
        server.start(env=clock.env)
        server.initialise(1, 1)
        server.unseal()
        held = token(server, ttl="1h")
        for offset in (0, -10 * YEAR, 59 * 60, -HOUR, 30 * 60, 0):
            clock.jump(offset)
            answer = server.request("GET", "auth/token/lookup-self", token=held)
            assert answer.status_code == 200
            assert answer.json()["data"]["ttl"] >= 0


def test_audit_and_log_times_follow_and_parse(clock):
    with Server() as server:
        server.start(env=clock.env)
        server.initialise(1, 1)
        server.unseal()
        lines = server.directory / "audit.log"
        server.post("sys/audit/file", {"type": "file", "options": {
            "file_path": str(lines)}})
        for offset in (0, 20 * YEAR, -50 * YEAR, -HOUR, 60 * YEAR, 1):
            clock.jump(offset)
            began = clock.now()
            server.get("sys/key-status")
            entry = json.loads(lines.read_text().splitlines()[-1])
            assert abs(stamp(entry["time"]) - began) < 3, offset
            assert entry["time"].endswith("Z")
        server.call("PUT", "sys/rotate")
        clock.jump(-30 * YEAR)
        server.call("PUT", "sys/rotate")
        installed = server.get("sys/key-status")["install_time"]
        assert abs(stamp(installed) - clock.now()) < 3


def test_keys_ticks_and_restarts_survive_jumps(clock):
    with Server() as server:
        server.start(env=clock.env)
        server.initialise(1, 1)
        server.unseal()
        server.transit("k")
        server.post("transit/keys/turns", {"auto_rotate_period": "1h"})
        ciphertext = server.encrypt("k", b"before")
        doomed = token(server, ttl="1h")
        for offset in (10 * YEAR, -10 * YEAR, 0):
            clock.jump(offset)
            server.stop()
            server.start(env=clock.env)
            server.unseal()
            assert server.decrypt("k", ciphertext) == b"before"
            server.post("transit/keys/k/rotate")
            assert lives(server, doomed) == (offset <= 0)
        began = time.monotonic()
        # Ahead: at the next tick keys turn and tokens that expired are gone.
        clock.jump(3 * HOUR)
        while server.get("transit/keys/turns")["latest_version"] == 1:
            assert time.monotonic() - began < 100, "no key turned"
            time.sleep(1)
        clock.jump(0)
        assert not lives(server, doomed)
        assert server.decrypt("k", ciphertext) == b"before"
        assert server.get("transit/keys/k")["latest_version"] == 4
