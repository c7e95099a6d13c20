"""Response wrapping on the real binary: what is wrapped is got once, by whoever
has the wrapping token, and by nobody who has not."""

import concurrent.futures
import json
import os
import subprocess
import time

import hvac
import pytest
from hvac import exceptions

from bulla import BINARY, Server, b64

NOT_VALID = {"errors": ["wrapping token is not valid or does not exist"]}


def wrapping(ttl):
    return {"X-Vault-Wrap-TTL": str(ttl)}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server() as fresh:
        fresh.ready()
        fresh.transit("k")
        fresh.audit_log = tmp_path_factory.mktemp("audit") / "audit.log"
        fresh.call("PUT", "sys/audit/file", {
            "type": "file", "options": {"file_path": str(fresh.audit_log)}})
        yield fresh


def wrap(server, body=None, ttl=60, **more):
    answer = server.request("POST", "sys/wrapping/wrap", body or {"a": 1},
                            headers=wrapping(ttl), **more)
    assert answer.status_code == 200, answer.text
    return answer.json()["wrap_info"]


def unwrap(server, wrapped, **more):
    return server.request("POST", "sys/wrapping/unwrap", {"token": wrapped},
                          **more)


def token_of(server, text, **more):
    server.call("PUT", "sys/policies/acl/wrapped", {"policy": text})
    made = server.request("POST", "auth/token/create",
                          {"policies": ["wrapped"], **more})
    return made.json()["auth"]["client_token"]


def test_hvac_wraps_and_unwraps(server):
    client = hvac.Client(url=server.address, token=server.token)
    kept = client.auth.token.create(policies=["default"], wrap_ttl="60s")
    info = kept["wrap_info"]
    assert kept["auth"] is None and info["ttl"] == 60
    assert info["creation_path"] == "auth/token/create"
    told = client.write("sys/wrapping/lookup", token=info["token"])["data"]
    assert told == {"creation_path": info["creation_path"], "creation_ttl": 60,
                    "creation_time": info["creation_time"]}
    inside = client.sys.unwrap(info["token"])["auth"]
    assert inside["accessor"] == info["wrapped_accessor"]
    assert hvac.Client(url=server.address,
                       token=inside["client_token"]).is_authenticated()
    with pytest.raises(exceptions.InvalidRequest):
        client.sys.unwrap(info["token"])
    # A client without a token of its own comes with the wrapping token.
    nobody = hvac.Client(url=server.address, token=wrap(server)["token"])
    assert nobody.sys.unwrap()["data"] == {"a": 1}


def test_only_one_of_many_gets_it(server):
    for ways in (("unwrap",), ("unwrap", "rewrap"), ("own", "unwrap")):
        token = wrap(server)["token"]

        def ask(i):
            way = ways[i % len(ways)]
            if way == "own":
                return server.request("POST", "sys/wrapping/unwrap", token=token)
            return server.request("POST", f"sys/wrapping/{way}", {"token": token})

        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            answers = [a.status_code for a in pool.map(ask, range(16))]
        assert answers.count(200) == 1, answers
        assert set(answers) <= {200, 400, 403}


def test_a_wrapping_token_is_good_for_nothing_else(server):
    for method, path, body in [
            ("GET", "auth/token/lookup-self", None),
            ("POST", "transit/encrypt/k", {"plaintext": ""}),
            ("POST", "sys/wrapping/rewrap", None),
            ("GET", "cubbyhole/other", None),
            ("POST", "auth/token/create", {})]:
        token = wrap(server)["token"]
        refused = server.request(method, path, body, token=token)
        assert refused.status_code == 403, (path, refused.text)
        # Trying is seen: whoever it was made for finds it used.
        assert unwrap(server, token).json() == NOT_VALID


def test_neither_its_wrapper_nor_a_stranger_sees_inside(server):
    info = wrap(server, {"secret": "canary-inside"})
    for path in ("cubbyhole/response", "cubbyhole"):
        for method in ("GET", "LIST"):
            assert "canary" not in server.request(method, path).text
    looked = server.request("POST", "auth/token/lookup", {"token": info["token"]})
    assert looked.json()["data"]["policies"] == ["response-wrapping"]
    assert looked.json()["data"]["num_uses"] == 1
    assert "canary" not in looked.text
    assert unwrap(server, info["token"]).json()["data"] == {
        "secret": "canary-inside"}


def test_it_needs_a_caller_who_may(server):
    info = wrap(server)
    assert unwrap(server, info["token"], token="s.bad").status_code == 403
    without = server.session.post(server.url("sys/wrapping/unwrap"),
                                  json={"token": info["token"]})
    assert without.status_code == 403
    nothing = token_of(server, 'path "x" { capabilities = ["read"] }',
                       no_default_policy=True)
    assert unwrap(server, info["token"], token=nothing).status_code == 403
    # None of these took it.
    assert unwrap(server, info["token"]).status_code == 200


def test_it_can_be_taken_back_and_it_ends(server):
    info = wrap(server)
    server.post("auth/token/revoke-accessor", {"accessor": info["accessor"]})
    assert unwrap(server, info["token"]).json() == NOT_VALID
    info = wrap(server, ttl=1)
    time.sleep(1.1)
    assert unwrap(server, info["token"]).json() == NOT_VALID


def test_policies_bound_the_time(server):
    token = token_of(server, 'path "transit/encrypt/k" { capabilities = '
                     '["update"] min_wrapping_ttl = "30s" '
                     'max_wrapping_ttl = "90s" }')
    for ttl, status in (("", 403), ("10", 403), ("30", 200), ("90s", 200),
                        ("91", 403), ("0", 403)):
        answer = server.request("POST", "transit/encrypt/k", {"plaintext": ""},
                                token=token, headers=wrapping(ttl))
        assert answer.status_code == status, ttl
        assert "ciphertext" not in answer.text


def test_no_time_at_all_is_no_way_around_a_bound(server):
    token = token_of(server, 'path "transit/encrypt/k" { capabilities = '
                     '["update"] max_wrapping_ttl = "90s" }')
    for ttl in ("", "0", "0s", "0h"):
        answer = server.request("POST", "transit/encrypt/k", {"plaintext": ""},
                                token=token, headers=wrapping(ttl))
        assert answer.status_code == 403, ttl


def test_what_is_wrapped_is_what_would_have_been_sent(server):
    server.post("cubbyhole/x", {"n": 9007199254740993, "l": [None, {"a": "é<"}]})
    plain = server.request("GET", "cubbyhole/x").json()
    for method, path, body in [("GET", "cubbyhole/x", None),
                               ("LIST", "transit/keys", None),
                               ("POST", "transit/encrypt/k", {"plaintext": "!!"}),
                               ("GET", "sys/internal/specs/openapi", None)]:
        kept = server.request(method, path, body, headers=wrapping(60))
        if kept.status_code == 200:
            outer = kept.json()
            assert outer["request_id"] == "" and outer["data"] is None
            inner = unwrap(server, outer["wrap_info"]["token"]).json()
            if path == "cubbyhole/x":
                assert inner["data"] == plain["data"] and inner["request_id"]
        else:
            # What fails is told as it is.
            assert "errors" in kept.json()
    # Half a batch failed: its status is kept, too.
    batch = {"batch_input": [{"plaintext": "!!"}, {"plaintext": b64(b"x")}]}
    kept = server.request("POST", "transit/encrypt/k", batch,
                          headers=wrapping(60)).json()
    inner = unwrap(server, kept["wrap_info"]["token"])
    assert inner.status_code == 400
    assert len(inner.json()["data"]["batch_results"]) == 2
    # Nothing is nothing.
    assert server.request("POST", "cubbyhole/y", {"a": 1},
                          headers=wrapping(60)).status_code == 204
    assert server.request("GET", "cubbyhole/nope",
                          headers=wrapping(60)).status_code == 404


def test_an_answer_is_never_sent_unwrapped(server):
    for path, body in [("sys/unseal", {"key": "x"}), ("sys/init", {}),
                       ("sys/decode-token", {"otp": "aa", "encoded_token": "AA"})]:
        answer = server.session.post(server.url(path), json=body,
                                     headers=wrapping(60))
        assert answer.status_code == 400 and "errors" in answer.json(), path
    for path in ("sys/health", "sys/seal-status"):
        assert server.request("GET", path, headers=wrapping(60)).json()[
            "initialized"]
    text = server.request("GET", "sys/metrics?format=prometheus",
                          headers=wrapping(60))
    assert text.status_code == 400 and "errors" in text.json()
    jwt = server.request("GET", "cubbyhole/x", headers={
        **wrapping(60), "X-Vault-Wrap-Format": "jwt"})
    assert jwt.status_code == 400


def test_strangers_make_no_tokens(server):
    before = server.request("LIST", "auth/token/accessors").json()["data"]["keys"]
    for path in ("sys/internal/ui/mounts", "sys/internal/specs/openapi"):
        answer = server.session.get(server.url(path), headers=wrapping(60))
        assert answer.status_code == 400, answer.text
    after = server.request("LIST", "auth/token/accessors").json()["data"]["keys"]
    assert sorted(before) == sorted(after)


def test_audit_tells_of_it_and_not_what_it_is(server):
    info = wrap(server, {"secret": "canary-audited"}, ttl=77)
    unwrap(server, info["token"])
    text = server.audit_log.read_text()
    assert info["token"] not in text and "canary-audited" not in text
    lines = [json.loads(line) for line in text.splitlines()]
    hashed = server.post("sys/audit-hash/file", {"input": info["token"]})["hash"]
    made = [line for line in lines if line["type"] == "response" and
            line["response"].get("wrap_info", {}).get("token") == hashed]
    assert len(made) == 1 and made[0]["request"]["wrap_ttl"] == 77
    told = made[0]["response"]["wrap_info"]
    assert told["ttl"] == 77 and told["creation_path"] == "sys/wrapping/wrap"
    assert told["creation_time"] == info["creation_time"]
    assert "data" not in made[0]["response"]
    used = [line for line in lines if
            line["request"].get("data", {}).get("token") == hashed]
    assert {line["type"] for line in used} == {"request", "response"}
    assert {line["request"]["path"] for line in used} == {"sys/wrapping/unwrap"}
    # Who comes with a token that is no more is on the record, too.
    unwrap(server, info["token"])
    last = [json.loads(line) for line in
            server.audit_log.read_text().splitlines()][-1]
    assert last["request"]["path"] == "sys/wrapping/unwrap"
    assert last["error"]


def test_it_outlives_a_crash_and_is_used_once(tmp_path):
    with Server(tmp_path) as server:
        server.ready()
        kept, used = wrap(server), wrap(server)
        assert unwrap(server, used["token"]).status_code == 200
        server.kill()
        server.start()
        server.unseal()
        assert unwrap(server, used["token"]).json() == NOT_VALID
        assert unwrap(server, kept["token"]).json()["data"] == {"a": 1}


def bulla(server, *arguments, token=None, stdin=None):
    return subprocess.run(
        [BINARY, *arguments], input=stdin, capture_output=True, text=True,
        timeout=60, env={**os.environ, "BULLA_ADDR": server.address,
                         "BULLA_TOKEN": token or server.token})


def test_the_command_line(server):
    made = bulla(server, "token", "create", "-policy=default", "-wrap-ttl=5m",
                 "-field=wrapping_token")
    assert made.returncode == 0, made.stderr
    opened = bulla(server, "unwrap", "-field=token", "-", stdin=made.stdout)
    assert opened.stdout.startswith("s."), opened.stderr
    again = bulla(server, "unwrap", made.stdout)
    assert again.returncode == 2 and "not valid" in again.stderr
    assert made.stdout not in again.stderr
    kept = bulla(server, "policy", "read", "default", "-wrap-ttl=60",
                 "-format=json")
    token = json.loads(kept.stdout)["wrap_info"]["token"]
    assert "capabilities" in bulla(server, "unwrap", token=token).stdout
    assert bulla(server, "status", "-wrap-ttl=60").returncode == 0
