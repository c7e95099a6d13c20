"""The file audit device: exact lines, no secrets, fails closed."""

import json
import os
import signal
import time

import pytest

from bulla import Server, b64


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def audited(server, tmp_path):
    log = tmp_path / "audit.log"
    server.call("PUT", "sys/audit/file", {
        "type": "file", "options": {"file_path": str(log)}})
    return server, log


def test_every_request_has_its_two_lines(audited):
    server, log = audited
    server.transit("k")
    before = len(lines(log))
    ciphertext = server.encrypt("k", b"canary plaintext")
    server.request("GET", "transit/keys/missing")
    server.request("POST", "nomount/x", {"a": "b"})
    found = lines(log)[before:]
    assert [line["type"] for line in found] == ["request", "response"] * 3
    request, response = found[0], found[1]
    assert request["request"]["path"] == "transit/encrypt/k"
    assert request["request"]["operation"] == "update"
    assert request["request"]["id"] == response["request"]["id"]
    assert request["request"]["data"]["plaintext"].startswith("hmac-sha256:")
    assert request["auth"]["policies"] == ["root"]
    assert response["response"]["data"]["key_version"] == 1
    hashed = server.post("sys/audit-hash/file", {"input": ciphertext})["hash"]
    assert response["response"]["data"]["ciphertext"] == hashed
    assert request["request"]["mount_type"] == "transit"
    assert request["request"]["remote_address"] == "127.0.0.1"


def test_no_secret_reaches_the_log(audited):
    server, log = audited
    server.transit("k")
    canary = "CANARYcanary1234"
    for body in ({"plaintext": canary}, {"plaintext": [canary]},
                 {"batch_input": [{"plaintext": canary, "x": {"y": canary}}]},
                 {"plaintext": b64(canary.encode())}, {"context": canary}):
        server.request("POST", "transit/encrypt/k", body)
    server.request("POST", "auth/token/create", {"meta": {"k": "v"}})
    server.request("POST", "cubbyhole/x", {"password": canary})
    server.request("GET", "transit/keys/k", token="s." + canary)
    text = log.read_text() + server.log.read_text()
    assert canary not in text
    assert b64(canary.encode()) not in text
    assert server.token not in text


def test_denied_requests_are_on_the_record(audited):
    server, log = audited
    token = server.request("POST", "auth/token/create",
                           {"policies": ["default"]}).json()["auth"]
    before = len(lines(log))
    refused = server.request("GET", "sys/mounts", token=token["client_token"])
    assert refused.status_code == 403
    found = lines(log)[before:]
    assert "permission denied" in found[0]["error"]
    assert found[0]["auth"]["accessor"].startswith("hmac-sha256:")


def test_fails_closed(server):
    refused = server.request("PUT", "sys/audit/full", {
        "type": "file", "options": {"file_path": "/dev/full"}})
    assert refused.status_code == 400


def test_a_device_that_cannot_write_refuses_everything(tmp_path):
    import resource

    def limit_files():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    with Server() as server:
        server.start(preexec=limit_files)
        server.initialise(1, 1)
        server.unseal()
        server.transit("k")
        log = tmp_path / "audit.log"
        server.call("PUT", "sys/audit/file", {
            "type": "file", "options": {"file_path": str(log)}})
        # From here on the process may not write past what the log holds now:
        # the store's own file is longer, but its pages are mapped and in place.
        pid = server.process.pid
        resource.prlimit(pid, resource.RLIMIT_FSIZE,
                         (log.stat().st_size, resource.RLIM_INFINITY))
        refused = server.request("POST", "transit/encrypt/k",
                                 {"plaintext": b64(b"x")})
        assert refused.status_code == 500
        assert refused.json() == {"errors": ["internal error"]}
        before = log.read_text()
        effect = server.request("POST", "transit/keys/unaudited", {})
        assert effect.status_code == 500
        resource.prlimit(pid, resource.RLIMIT_FSIZE,
                         (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        missing = server.request("GET", "transit/keys/unaudited")
        assert missing.status_code == 404, "an effect without an audit line"
        assert server.encrypt("k", b"x")
        for line in log.read_text()[len(before):].splitlines():
            if line:
                json.loads(line)


def test_rotation_by_sighup(audited, tmp_path):
    server, log = audited
    rotated = tmp_path / "audit.log.1"
    os.rename(log, rotated)
    server.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + 5
    while not log.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    server.get("sys/mounts")
    assert lines(log)[-1]["request"]["path"] == "sys/mounts"


def test_devices_come_back_after_a_restart(audited):
    server, log = audited
    server.restart()
    before = len(lines(log))
    server.get("sys/mounts")
    assert len(lines(log)) == before + 2
