"""The file audit device: exact lines, no secrets, fails closed."""

import json
import os
import pathlib
import re
import signal
import socket
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


@pytest.fixture(scope="module")
def audited_once(tmp_path_factory):
    """One audited server for tests that do not disturb each other."""
    log = tmp_path_factory.mktemp("audit") / "audit.log"
    with Server() as server:
        server.ready().transit("k")
        server.call("PUT", "sys/audit/file", {
            "type": "file", "options": {"file_path": str(log)}})
        yield server, log


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


def test_lines_say_which_policy_allowed_it(audited):
    server, log = audited
    token = server.request("POST", "auth/token/create", {
        "policies": ["default"], "num_uses": 5}).json()["auth"]["client_token"]
    before = len(lines(log))
    server.request("GET", "auth/token/lookup-self", token=token)
    server.request("LIST", "sys/policies/acl", token=token)
    found = lines(log)[before:]
    assert found[0]["auth"]["policy_results"] == {
        "allowed": True, "granting_policies": [
            {"name": "default", "namespace_id": "root", "type": "acl"}]}
    assert found[0]["auth"]["remaining_uses"] == 5
    assert found[2]["auth"]["policy_results"] == {"allowed": False}
    assert found[2]["error"] == "1 error occurred:\n\t* permission denied\n\n"
    assert found[2]["request"]["path"] == "sys/policies/acl/"


def test_what_is_wrong_with_the_input_is_told_hashed(audited):
    server, log = audited
    server.transit("k")
    before = len(lines(log))
    answer = server.request("POST", "transit/keys/new", {"type": "CANARYtype"})
    assert answer.json() == {"errors": ["unknown key type CANARYtype"]}
    request, response = lines(log)[before:]
    assert "error" not in request
    assert response["error"] == "1 error occurred:\n\t* invalid request\n\n"
    hashed = server.post("sys/audit-hash/file",
                         {"input": "unknown key type CANARYtype"})["hash"]
    assert response["response"]["data"] == {"error": hashed}
    assert "CANARY" not in log.read_text()


# Bodies of every wrong shape, with a canary wherever a value can stand.
@pytest.mark.parametrize("path", [
    "auth/token/create", "auth/token/lookup", "auth/token/renew",
    "auth/token/revoke", "auth/token/roles/r", "sys/policies/acl/p",
    "sys/policy/p", "sys/mounts/m", "sys/mounts/transit/tune", "sys/remount",
    "sys/auth/x", "sys/audit/x", "sys/audit-hash/file", "sys/capabilities",
    "sys/capabilities-accessor", "sys/tools/random", "sys/tools/hash",
    "sys/config/auditing/request-headers/x-y", "cubbyhole/x", "sys/unseal",
    "transit/keys/c", "transit/keys/k/config", "transit/keys/k/trim",
    "transit/encrypt/k", "transit/decrypt/k", "transit/rewrap/k",
    "transit/datakey/plaintext/k", "transit/hmac/k", "transit/verify/k",
    "transit/sign/k", "transit/cmac/k", "transit/keys/c/import",
    "transit/keys/k/import_version", "transit/keys/k/csr",
    "transit/keys/k/set-certificate", "transit/keys/k/soft-delete-restore",
    "transit/restore", "transit/restore/c", "transit/derive-key/c",
    "transit/config/keys", "transit/random", "transit/hash",
    "transit/cache-config", "nomount/x"])
def test_canaries_in_every_field(audited_once, path):
    server, log = audited_once
    # Not among them: policies, meta and display_name, which say who it was and
    # are shown (reference/sys.md).
    fields = ["type", "token", "accessor", "policy", "rules",
              "ttl", "period", "num_uses", "id", "entity_alias",
              "config", "options", "description", "from", "to", "path", "paths",
              "input", "algorithm", "format", "source", "bytes", "key", "reset",
              "plaintext", "ciphertext", "context", "associated_data",
              "key_version", "batch_input", "hmac", "signature", "bits", "size",
              "hash_algorithm", "min_decryption_version", "listing_visibility",
              "default_lease_ttl", "cas", "expiration", "token_type",
              "token_bound_cidrs", "path_suffix", "backup", "public_key",
              "peer_public_key", "base_key_name", "certificate_chain", "csr",
              "hash_function", "cmac", "version", "unknown"]
    canary = "CANARYc0ffee"
    start = log.stat().st_size
    for shape in (canary, [canary], {canary: canary}, [[canary]],
                  [{"plaintext": canary, "ciphertext": canary, "input": canary}],
                  {"a": [canary]}):
        # Keys of objects are shown, as in Vault: only values are secret.
        body = {field: shape for field in fields}
        server.request("POST", path, body)
        for field in fields:
            server.request("POST", path, {field: shape})
    for raw in (f'{{"a":"{canary}"', f'"{canary}"', f'[{{"a":"{canary}"}}]',
                f'{{"a":"{canary}"}} {canary}', canary):
        server.request("POST", path, data=raw)
    values = re.sub(r'"CANARYc0ffee":', "", log.read_text()[start:])
    at = values.find(canary)
    assert at < 0, values[max(at - 300, 0):at + 100]
    assert canary not in server.log.read_text()


def test_headers_that_lines_are_to_show(audited):
    server, log = audited
    path = "sys/config/auditing/request-headers"
    server.call("POST", f"{path}/X-Trace", {"hmac": False})
    server.call("POST", f"{path}/X-Secret", {"hmac": True})
    server.request("GET", "sys/mounts", headers={
        "X-TRACE": "t1", "x-secret": "CANARYheader", "x-other": "o"})
    line = lines(log)[-2]
    assert line["request"]["headers"]["x-trace"] == ["t1"]
    assert line["request"]["headers"]["x-secret"][0].startswith("hmac-sha256:")
    assert set(line["request"]["headers"]) == {"x-trace", "x-secret"}
    assert "CANARY" not in log.read_text()
    for name in ("X-Vault-Token", "Authorization"):
        assert server.request("POST", f"{path}/{name}", {}).status_code == 400


def test_documents_are_hashed_whole(audited):
    server, log = audited
    for path in ("sys/metrics?format=prometheus", "sys/internal/specs/openapi"):
        server.request("GET", path)
        data = lines(log)[-1]["response"]["data"]
        assert set(data) == {"http_content_type", "http_raw_body",
                             "http_status_code"}, path


def test_a_turn_is_one_write(tmp_path):
    """A hundred requests that come together cost a few writes of lines."""
    with Server(extra="event_loops = 1") as server:
        server.ready().transit("k")
        log = tmp_path / "audit.log"
        server.call("PUT", "sys/audit/file", {
            "type": "file", "options": {"file_path": str(log)}})
        server.encrypt("k", b"x")

        def writes():
            io = pathlib.Path(f"/proc/{server.process.pid}/io").read_text()
            return int(re.search(r"syscw: (\d+)", io)[1])

        body = json.dumps({"plaintext": b64(b"hello")})
        request = (f"POST /v1/transit/encrypt/k HTTP/1.1\r\nHost: x\r\n"
                   f"X-Vault-Token: {server.token}\r\n"
                   f"Content-Length: {len(body)}\r\n\r\n{body}").encode()
        lines_before, before = len(lines(log)), writes()
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(request * 100)
            answers = b""
            while answers.count(b"HTTP/1.1 200") < 100:
                answers += client.recv(65536)
        assert len(lines(log)) == lines_before + 200
        assert writes() - before < 40


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
