"""Rate limits and password policies on the real binary."""

import time

import pytest
import requests

from bulla import Server

LOWER = "abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
def server():
    with Server() as fresh:
        fresh.ready()
        fresh.transit("k")
        yield fresh


def encrypts(server, count, key="k"):
    return [server.request("POST", f"transit/encrypt/{key}",
                           {"plaintext": "AAAA"}) for _ in range(count)]


def codes(answers):
    return [answer.status_code for answer in answers]


def test_who_asks_too_often_is_told_when_to_come_again(server):
    server.post("sys/quotas/rate-limit/all", {"rate": 4, "interval": "2s",
                                              "path": "transit/"})
    answers = encrypts(server, 6)
    assert codes(answers) == [200] * 4 + [429] * 2
    last = answers[-1]
    assert last.json() == {"errors": [
        'request path "transit/encrypt/k": rate limit quota exceeded']}
    assert 1 <= int(last.headers["Retry-After"]) <= 2
    assert last.headers["X-Ratelimit-Limit"] == "4"
    # Others' paths are not held back.
    assert server.get("sys/mounts")
    time.sleep(2.1)
    assert codes(encrypts(server, 1)) == [200]


def test_strangers_are_held_back_before_they_cost_anything(server):
    server.post("sys/auth/userpass", {"type": "userpass"})
    server.post("sys/quotas/rate-limit/logins", {
        "rate": 2, "interval": "1h", "path": "auth/userpass/"})
    start = time.monotonic()
    answers = [server.request("POST", "auth/userpass/login/x",
                              {"password": "y"}, token="")
               for _ in range(60)]
    assert codes(answers) == [400] * 2 + [429] * 58
    assert time.monotonic() - start < 5


def test_the_closest_rule_counts_and_blocks(server):
    server.post("sys/quotas/rate-limit/all", {"rate": 1000})
    server.post("sys/quotas/rate-limit/key", {
        "rate": 1, "block_interval": "1h", "path": "transit/encrypt/k"})
    assert codes(encrypts(server, 3)) == [200, 429, 429]
    time.sleep(1.1)
    assert codes(encrypts(server, 1)) == [429]
    assert codes(encrypts(server, 3, "k2")) == [200] * 3


def test_rules_are_written_read_and_kept(server):
    path = "sys/quotas/rate-limit/q"
    server.post(path, {"rate": 5.5, "path": "transit", "interval": "10s",
                       "block_interval": "20s"})
    wanted = {"name": "q", "path": "transit/", "rate": 6, "interval": 10,
              "block_interval": 20, "role": "", "type": "rate-limit",
              "inheritable": False}
    assert server.get(path) == wanted
    assert server.call("LIST", "sys/quotas/rate-limit") == {"keys": ["q"]}
    server.kill()
    server.start()
    server.unseal()
    assert server.get(path) == wanted
    assert 429 in codes(encrypts(server, 8))
    server.call("DELETE", path)
    assert 429 not in codes(encrypts(server, 8))
    for body in ({"rate": 0}, {"rate": -1}, {"rate": "x"}, {},
                 {"rate": 1, "interval": 0}, {"rate": 1, "path": "nope/"},
                 {"rate": 1, "role": "r"}):
        assert server.request("POST", "sys/quotas/rate-limit/bad",
                              body).status_code == 400, body


def test_exempt_paths_are_never_held_back(server):
    server.post("sys/quotas/rate-limit/all", {"rate": 3, "interval": "1h"})
    server.post("sys/quotas/config",
                {"rate_limit_exempt_paths": ["transit/*", "sys/health"]})
    assert codes(encrypts(server, 9)) == [200] * 9
    assert [requests.get(server.url("sys/health")).status_code
            for _ in range(9)] == [200] * 9


def test_passwords_are_made_as_a_policy_says(server):
    text = (f'length = 12\nrule "charset" {{ charset = "{LOWER}" }}\n'
            'rule "charset" { charset = "0123456789" min-chars = 3 }')
    path = "sys/policies/password/p"
    server.post(path, {"policy": text})
    assert server.get(path) == {"policy": text}
    assert server.call("LIST", "sys/policies/password") == {"keys": ["p"]}
    made = {server.get(path + "/generate")["password"] for _ in range(20)}
    assert len(made) == 20
    for password in made:
        assert len(password) == 12
        assert sum(c.isdigit() for c in password) >= 3
        assert set(password) <= set(LOWER + "0123456789")
    for wrong in ("", "length = 8", 'rule "charset" { charset = "a" } x = 1',
                  'length = 2\nrule "charset" { charset = "a" }'):
        assert server.request("POST", path, {"policy": wrong}
                              ).status_code == 400
    assert server.get(path) == {"policy": text}
    server.call("DELETE", path)
    assert server.request("GET", path).status_code == 404
    assert server.request("GET", path + "/generate").status_code == 404
