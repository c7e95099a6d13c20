"""Seal, unseal, init and status to the letter of the contract, and what answers
while sealed or without a token: the documented paths and nothing else."""

import re

import pytest

from bulla import Server, b64, unb64

# The paths of reference/sys.md §1 that answer a sealed server's strangers.
WHILE_SEALED = {
    ("sys/health", "get"), ("sys/seal-status", "get"), ("sys/leader", "get"),
    ("sys/init", "get"), ("sys/init", "post"), ("sys/unseal", "post"),
    # Sealing what is sealed is done already; it is no active node, either.
    ("sys/seal", "post"), ("sys/step-down", "post")}
# And those of §13 that need no token once it is open.
WITHOUT_TOKEN = (WHILE_SEALED - {
    ("sys/seal", "post"), ("sys/step-down", "post")}) | {
    ("sys/internal/specs/openapi", "get"), ("sys/internal/ui/mounts", "get"),
    ("sys/internal/ui/mounts/x", "get"),  # judges the token by itself: 403
    ("sys/internal/ui/namespaces", "get"), ("sys/replication/status", "get"),
    ("sys/decode-token", "post")}  # holds nothing: works on what it is given

BY_THEMSELVES = ("sys/rekey", "sys/generate-root")
# These ask for a wrapping token; with one, lookup answers anybody.
WRAPPING = {f"sys/wrapping/{name}" for name in ("lookup", "unwrap", "rewrap")}


def every_operation(server):
    document = server.request("GET", "sys/internal/specs/openapi").json()
    for path, item in document["paths"].items():
        plain = re.sub(r"\{[^}]*\}", "x", path.lstrip("/"))
        for method in ("get", "post", "delete", "patch", "list"):
            if method in item:
                yield plain, method
                if method == "get":
                    yield plain, "list"


def test_only_the_documented_paths_answer_strangers():
    with Server() as server:
        server.ready()
        server.transit("x")
        operations = set(every_operation(server))
        assert len(operations) > 100
        root, server.token = server.token, None
        for path, method in sorted(operations):
            if (path, method) in WITHOUT_TOKEN:
                continue
            answer = server.request(method.upper(), path, token="")
            # 405: the path is known to need no token, but not so asked.
            allowed = {403, 405} if any(
                p == path for p, _ in WITHOUT_TOKEN) else {403}
            assert answer.status_code in allowed, (method, path, answer.text)
            # Of a wrapping token that is judged before its caller is.
            said = ("error validating wrapping token: token is empty"
                    if path in WRAPPING else "permission denied")
            if answer.status_code == 403:
                assert answer.json() == {"errors": [said]}
        server.token = root
        server.call("PUT", "sys/seal")
        for path, method in sorted(operations):
            if (path, method) in WHILE_SEALED:
                continue
            for token in ("", root):
                answer = server.request(method.upper(), path, token=token)
                # 405: so it is never asked; the rekeys judge the seal themselves.
                allowed = {503, 405} if path.startswith(BY_THEMSELVES) or any(
                    p == path for p, _ in WHILE_SEALED) else {503}
                assert answer.status_code in allowed, (method, path)
                if answer.status_code == 503:
                    assert answer.json() == {"errors": ["Vault is sealed"]}
        for path in ("", "nosuch", "transit/keys/x", "auth/token/create",
                     "sys", "sys/", "sys/nosuch", "cubbyhole/x"):
            answer = server.request("GET", path, token=root)
            assert answer.status_code == 503, path
            assert answer.json() == {"errors": ["Vault is sealed"]}
        server.unseal()
        assert server.get("transit/keys/x")["name"] == "x"


@pytest.fixture(scope="module")
def empty():
    with Server() as server:
        yield server.start()


@pytest.mark.parametrize("body, said", [
    ({}, "shares must be at least one"),
    ({"secret_shares": 0, "secret_threshold": 0}, "shares must be at least one"),
    ({"secret_shares": -1, "secret_threshold": 1}, "shares must be at least one"),
    ({"secret_shares": 1, "secret_threshold": 0},
     "threshold must be at least one"),
    ({"secret_shares": 5, "secret_threshold": 1},
     "threshold must be greater than one for multiple shares"),
    ({"secret_shares": 256, "secret_threshold": 2},
     "shares must be less than 256"),
    ({"secret_shares": 2, "secret_threshold": 3},
     "threshold cannot be larger than shares"),
    ({"secret_shares": 2, "secret_threshold": 2, "pgp_keys": ["a"]},
     "count mismatch between number of provided PGP keys and number of shares"),
])
def test_init_refuses(empty, body, said):
    answer = empty.request("PUT", "sys/init", body)
    assert answer.status_code == 400
    assert answer.json() == {
        "errors": ["invalid seal configuration: " + said]}
    assert empty.get("sys/init") == {"initialized": False}


def test_init_refuses_what_belongs_to_another_seal(empty):
    answer = empty.request("PUT", "sys/init", {
        "secret_shares": 1, "secret_threshold": 1, "recovery_shares": 1})
    assert answer.status_code == 400
    assert re.match(r"parameters recovery_shares\S* not applicable to seal type "
                    "shamir", answer.json()["errors"][0])


@pytest.mark.parametrize("shares, threshold", [
    (1, 1), (2, 2), (5, 3), (255, 2), (255, 255)])
def test_init_answers_and_opens(shares, threshold):
    with Server() as server:
        server.start()
        made = server.initialise(shares, threshold)
        assert set(made) == {"keys", "keys_base64", "root_token"}
        assert len(made["keys"]) == len(set(made["keys"])) == shares
        for as_hex, as_base64 in zip(made["keys"], made["keys_base64"]):
            assert bytes.fromhex(as_hex) == unb64(as_base64)
            assert len(as_hex) == (64 if shares == 1 else 66)
        assert re.fullmatch(r"s\.[0-9A-Za-z]{24}", made["root_token"])
        assert server.get("sys/seal-status")["sealed"] is True
        again = server.request("PUT", "sys/init", {
            "secret_shares": 1, "secret_threshold": 1})
        assert again.status_code == 400
        assert again.json() == {"errors": ["Vault is already initialized"]}
        server.unseal()


def bare_status(server):
    status = server.get("sys/seal-status")
    return status["t"], status["n"], status["progress"], bool(status["nonce"])


def test_unseal_progress_nonce_reset_and_duplicates():
    with Server() as server:
        server.start()
        before = server.request("PUT", "sys/unseal", {"key": "00" * 33})
        assert before.status_code == 400
        assert before.json() == {"errors": ["Vault is not initialized"]}
        assert bare_status(server) == (0, 0, 0, False)
        server.initialise(5, 3)
        assert bare_status(server) == (3, 5, 0, False)

        def give(key, **more):
            return server.call("PUT", "sys/unseal", {"key": key, **more})

        first = give(server.shares[0])
        assert (first["sealed"], first["progress"]) == (True, 1)
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
                            first["nonce"])
        twice = give(server.shares[0])  # ignored, not refused
        assert (twice["progress"], twice["nonce"]) == (1, first["nonce"])
        as_hex = unb64(server.shares[0]).hex()
        assert give(as_hex)["progress"] == 1  # the same one in other words
        assert give(unb64(server.shares[1]).hex().upper())["progress"] == 2
        dropped = give(server.shares[2], reset=True)  # reset wins over key
        assert (dropped["progress"], dropped["nonce"]) == (0, "")
        second = give(server.shares[0])
        assert second["nonce"] != first["nonce"]
        give(b64(b"?" * 33))
        wrong = server.request("PUT", "sys/unseal", {"key": server.shares[1]})
        assert wrong.status_code == 400
        assert wrong.json() == {"errors": [
            "unable to retrieve stored keys: invalid key: failed to decrypt "
            "keys from storage: cipher: message authentication failed"]}
        assert bare_status(server) == (3, 5, 0, False)
        server.unseal()
        open_ = give(server.shares[0])  # of no use any more, and no error
        assert (open_["sealed"], open_["progress"]) == (False, 0)
        reset = server.request("PUT", "sys/unseal", {"reset": True})
        assert reset.status_code == 400
        assert reset.json() == {"errors": ["vault is unsealed"]}


@pytest.mark.parametrize("body, said", [
    ({}, "'key' must be specified in request body as JSON, or 'reset' set to "
     "true"),
    ({"key": ""}, "'key' must be specified in request body as JSON, or 'reset' "
     "set to true"),
    ({"key": "%%%"}, "'key' must be a valid hex or base64 string"),
    ({"key": b64(b"a" * 15)},
     "invalid key: key is shorter than minimum 16 bytes"),
    ({"key": b64(b"a" * 34)}, "invalid key: key is longer than maximum 33 bytes"),
])
def test_unseal_refuses(body, said):
    with Server() as server:
        server.start()
        server.initialise(3, 2)
        answer = server.request("PUT", "sys/unseal", body)
        assert answer.status_code == 400
        assert answer.json() == {"errors": [said]}
        assert bare_status(server) == (2, 3, 0, False)


STATUS = {"type", "initialized", "sealed", "t", "n", "progress", "nonce",
          "version", "build_date", "commit_date", "migration", "recovery_seal",
          "storage_type"}
CLUSTER = {"cluster_name", "cluster_id"}
HEALTH = {"initialized", "sealed", "standby", "performance_standby",
          "replication_performance_mode", "replication_dr_mode",
          "server_time_utc", "version"}


def test_status_health_and_leader_fields():
    with Server() as server:
        server.start()

        def check(code, open_):
            status = server.get("sys/seal-status")
            assert STATUS <= set(status)
            assert (CLUSTER <= set(status)) is open_
            assert status["type"] == "shamir"
            assert status["storage_type"] == "lmdb"
            health = server.request("GET", "sys/health")
            assert health.status_code == code
            assert HEALTH <= set(health.json())
            assert (CLUSTER <= set(health.json())) is open_
            assert (status["initialized"], status["sealed"]) == (
                health.json()["initialized"], health.json()["sealed"])
            head = server.request("HEAD", "sys/health")
            assert (head.status_code, head.content) == (code, b"")
            leader = server.get("sys/leader")
            assert (leader["ha_enabled"], leader["leader_address"]) == (False, "")

        check(501, False)
        server.initialise(3, 2)
        check(503, False)
        server.unseal()
        check(200, True)
        for query, code in (("activecode=299", 299), ("activecode=999", 999),
                            ("activecode=abc", 400), ("standbycode=x", 400),
                            ("standbyok", 200), ("standbyok=", 200),
                            ("standbyok=true", 200), ("standbyok=maybe", 400)):
            assert server.request("GET", f"sys/health?{query}").status_code == code
        for method in ("POST", "DELETE"):
            assert server.request(method, "sys/health").status_code == 405


def test_seal_needs_a_token_and_drops_everything(server):
    server.transit("k")
    for token in ("", "wrong"):
        assert server.request("PUT", "sys/seal", token=token).status_code == 403
    user = server.request("POST", "auth/token/create", {"policies": ["default"]}
                          ).json()["auth"]["client_token"]
    assert server.request("PUT", "sys/seal", token=user).status_code == 403
    assert server.get("sys/seal-status")["sealed"] is False
    for _ in range(2):
        assert server.request("PUT", "sys/seal").status_code == 204
        assert server.request("PUT", "sys/step-down").status_code == 204
        assert server.get("sys/seal-status")["sealed"] is True
    assert server.request("GET", "transit/keys/k").status_code == 503
    server.unseal()
    assert server.get("transit/keys/k")["name"] == "k"


def test_key_status_and_rotate(server):
    status = server.request("GET", "sys/key-status").json()
    assert set(status["data"]) == {"term", "install_time", "encryptions"}
    assert all(status[k] == status["data"][k] for k in status["data"])
    assert status["data"]["term"] == 1
    for path, method in (("sys/rotate", "PUT"), ("sys/rotate", "POST"),
                         ("sys/rotate/keyring", "POST")):
        assert server.request(method, path).status_code == 204
    assert server.get("sys/key-status")["term"] == 4
    nobody = server.request("POST", "auth/token/create", {
        "policies": ["default"]}).json()["auth"]["client_token"]
    assert server.request("PUT", "sys/rotate", token=nobody).status_code == 403
    # The count is of this term, and never less than what was written.
    before = server.get("sys/key-status")["encryptions"]
    for i in range(20):
        server.post(f"cubbyhole/{i}", {"a": "b"})
    assert server.get("sys/key-status")["encryptions"] >= before + 20
    server.restart()
    assert server.get("sys/key-status")["term"] == 4
