"""How often a key version encrypts, on the real binary: counted, shown,
exported, bounded; and through crashes."""

import json
import re

import pytest

from bulla import Server, b64

LIMIT = 16  # the least that max_operations may be
PLAIN = {"plaintext": b64(b"x")}


@pytest.fixture
def server(tmp_path):
    with Server() as fresh:
        fresh.ready().transit()
        fresh.audit = tmp_path / "audit.log"
        fresh.post("sys/audit/file", {
            "type": "file", "options": {"file_path": str(fresh.audit)}})
        yield fresh


def counts(server, name="k"):
    return server.get(f"transit/keys/{name}")["operations"]


def metric(server, name):
    text = server.request("GET", "sys/metrics?format=prometheus").text
    found = re.search(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.M)
    return float(found[1]) if found else None


def own_rotations(server):
    lines = [json.loads(line) for line in
             server.audit.read_text().splitlines()]
    return [line for line in lines
            if line["request"]["path"] == "transit/keys/k/rotate"]


def test_the_limit_rotates_the_key(server):
    server.post("transit/keys/k", {"max_operations": LIMIT})
    versions = [server.post("transit/encrypt/k", PLAIN)["key_version"]
                for _ in range(LIMIT)]
    assert set(versions) == {1} and counts(server) == {"1": LIMIT}
    assert own_rotations(server) == []
    assert server.post("transit/encrypt/k", PLAIN)["key_version"] == 2
    assert counts(server) == {"1": LIMIT, "2": 1}
    (line,) = own_rotations(server)
    assert line["request"]["data"] == {
        "automatic": True, "max_operations": LIMIT, "from_version": 1}
    assert server.get("transit/keys/k")["max_operations"] == LIMIT


def test_a_batch_goes_on_under_the_next_version(server):
    server.post("transit/keys/k", {"max_operations": LIMIT})
    results = server.post("transit/encrypt/k", {
        "batch_input": [PLAIN] * (2 * LIMIT + 1)})["batch_results"]
    assert [r["key_version"] for r in results] == (
        [1] * LIMIT + [2] * LIMIT + [3])
    for result in results:
        assert server.decrypt("k", result["ciphertext"]) == b"x"


def test_who_names_a_version_is_refused_at_its_limit(server):
    server.post("transit/keys/k", {"max_operations": LIMIT})
    for _ in range(LIMIT):
        server.post("transit/encrypt/k", {**PLAIN, "key_version": 1})
    answer = server.request("POST", "transit/encrypt/k",
                            {**PLAIN, "key_version": 1})
    assert answer.status_code == 400, answer.text
    assert counts(server) == {"1": LIMIT}


def test_gcm_keys_are_bounded_without_a_word(server):
    server.post("transit/keys/k")
    limit = server.get("transit/keys/k")["max_operations"]
    assert 2 ** 31 < limit < 2 ** 32
    for least in (1, LIMIT - 1, 2 ** 33):
        answer = server.request("POST", "transit/keys/k/config",
                                {"max_operations": least})
        assert answer.status_code == 400, answer.text


def test_rewraps_and_data_keys_count(server):
    server.post("transit/keys/k")
    sealed = server.encrypt("k", b"x")
    server.post("transit/rewrap/k", {"ciphertext": sealed})
    server.post("transit/datakey/wrapped/k")
    server.decrypt("k", sealed)
    assert counts(server) == {"1": 3}


def test_a_stop_counts_exactly_and_a_crash_never_too_little(server):
    server.post("transit/keys/k")
    for _ in range(5):
        server.encrypt("k", b"x")
    server.restart()
    assert counts(server) == {"1": 5}
    for _ in range(5):
        server.encrypt("k", b"x")
    server.kill()
    server.start()
    server.unseal()
    assert counts(server)["1"] >= 10


def test_metrics_show_rotations_and_the_highest_count(server):
    server.post("transit/keys/k", {"max_operations": LIMIT})
    for _ in range(LIMIT + 1):
        server.encrypt("k", b"x")
    assert metric(server, "bulla_transit_limit_rotations_total") == 1
    # As of the last tick of the minute.
    assert metric(server, "bulla_transit_version_operations_max") is not None
