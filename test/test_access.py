"""Tokens and policies on the real binary."""

import time

import pytest

from bulla import Server, b64


@pytest.fixture(scope="module")
def server():
    with Server() as fresh:
        fresh.ready()
        fresh.transit("k")
        yield fresh


def policy(server, name, text):
    server.call("PUT", f"sys/policies/acl/{name}", {"policy": text})


def token_for(server, *policies, **extra):
    made = server.request("POST", "auth/token/create",
                          {"policies": list(policies), **extra})
    assert made.status_code == 200, made.text
    return made.json()["auth"]["client_token"]


def status(server, token, method, path, body=None):
    return server.request(method, path, body, token=token).status_code


def test_no_token_and_bad_tokens(server):
    anonymous = server.request("GET", "transit/keys/k", token="")
    assert anonymous.status_code == 403
    assert anonymous.json() == {"errors": ["permission denied"]}
    for bad in ("s.AAAAAAAAAAAAAAAAAAAAAAAA", "x", "b.AAAA", "s." + "A" * 9000):
        assert status(server, bad, "GET", "transit/keys/k") in (400, 403, 431)


def test_operators_of_keys_are_not_users_of_keys(server):
    policy(server, "operator", 'path "transit/keys/*" '
           '{ capabilities = ["create", "read", "update", "list"] }')
    policy(server, "user", 'path "transit/encrypt/k" { capabilities = '
           '["update"] }\npath "transit/rewrap/k" { capabilities = ["update"] }')
    operator, user = token_for(server, "operator"), token_for(server, "user")
    body = {"plaintext": b64(b"x")}
    assert status(server, operator, "POST", "transit/keys/k/rotate", {}) == 200
    assert status(server, operator, "POST", "transit/encrypt/k", body) == 403
    assert status(server, user, "POST", "transit/encrypt/k", body) == 200
    assert status(server, user, "POST", "transit/keys/k/rotate", {}) == 403
    ciphertext = server.encrypt("k", b"x")
    wrapped = {"ciphertext": ciphertext}
    assert status(server, user, "POST", "transit/rewrap/k", wrapped) == 200
    assert status(server, user, "POST", "transit/decrypt/k", wrapped) == 403


def test_upsert_needs_create(server):
    policy(server, "no-create", 'path "transit/encrypt/*" '
           '{ capabilities = ["update"] }')
    policy(server, "creator", 'path "transit/encrypt/*" '
           '{ capabilities = ["create"] }')
    updater, creator = (token_for(server, "no-create"),
                        token_for(server, "creator"))
    body = {"plaintext": b64(b"x")}
    assert status(server, updater, "POST", "transit/encrypt/up1", body) == 403
    assert status(server, creator, "POST", "transit/encrypt/up1", body) == 200
    assert status(server, creator, "POST", "transit/encrypt/up1", body) == 403
    assert status(server, updater, "POST", "transit/encrypt/up1", body) == 200


def test_deny_wins_and_lists_do_not_slip_past(server):
    policy(server, "mixed", '''
path "transit/*" { capabilities = ["read", "list"] }
path "transit/keys/secret" { capabilities = ["deny"] }
path "transit/keys/+/export" { capabilities = ["read"] }
path "transit/keys" { capabilities = ["deny"] }''')
    token = token_for(server, "mixed")
    assert status(server, token, "GET", "transit/keys/k") == 200
    assert status(server, token, "GET", "transit/keys/secret") == 403
    assert status(server, token, "GET", "transit/keys/secret/") in (400, 403)
    for method, path in (("LIST", "transit/keys"), ("LIST", "transit/keys/"),
                         ("GET", "transit/keys?list=true")):
        assert status(server, token, method, path) == 403, (method, path)


def test_parameter_rules(server):
    policy(server, "params", '''
path "transit/keys/+" {
  capabilities = ["create", "update"]
  allowed_parameters = { "type" = ["aes128-gcm96", "aes256-gcm96"] "derived" = [] }
  denied_parameters = { "exportable" = [] }
}
path "transit/encrypt/k" {
  capabilities = ["update"]
  required_parameters = ["associated_data"]
}''')
    token = token_for(server, "params")
    for body, code in (({"type": "aes128-gcm96"}, 200), ({"derived": True}, 200),
                       ({"type": "chacha20-poly1305"}, 403),
                       ({"exportable": True}, 403), ({"other": 1}, 403)):
        assert status(server, token, "POST", "transit/keys/p1", body) == code
    bare = {"plaintext": b64(b"x")}
    full = {**bare, "associated_data": b64(b"y")}
    assert status(server, token, "POST", "transit/encrypt/k", bare) == 403
    assert status(server, token, "POST", "transit/encrypt/k", full) == 200


@pytest.mark.parametrize("name", ["root", "ROOT", "Root", " root ", "rOOt"])
def test_no_name_folds_to_root(server, name):
    policy(server, "maker", 'path "auth/token/*" { capabilities = ["update", '
           '"create"] }\npath "sys/policies/acl/*" { capabilities = ["update"] }')
    maker = token_for(server, "maker")
    made = server.request("POST", "auth/token/create", {"policies": [name]},
                          token=maker)
    assert made.status_code == 400, made.text
    wrote = server.request("PUT", f"sys/policies/acl/{name.strip()}",
                           {"policy": 'path "*" { capabilities = ["sudo"] }'})
    assert wrote.status_code == 400


def test_expiry_is_checked_at_use(server):
    token = token_for(server, "default", ttl="1s")
    assert status(server, token, "GET", "auth/token/lookup-self") == 200
    time.sleep(1.2)
    assert status(server, token, "GET", "auth/token/lookup-self") == 403


def test_uses_are_counted(server):
    token = token_for(server, "default", num_uses=3)
    codes = [status(server, token, "GET", "auth/token/lookup-self")
             for _ in range(5)]
    assert codes == [200, 200, 200, 403, 403]


def test_what_is_denied_takes_a_use_too(server):
    token = token_for(server, "default", num_uses=3)
    codes = [status(server, token, "GET", "sys/mounts") for _ in range(3)]
    assert codes == [403, 403, 403]
    assert status(server, token, "GET", "auth/token/lookup-self") == 403
    told = server.request("GET", "auth/token/lookup-self", token=token)
    assert told.json() == {"errors": ["permission denied"]}


def test_tokens_are_bound_to_their_addresses(server):
    for name, cidrs in (("away", "10.0.0.0/8"), ("home", "127.0.0.0/8")):
        server.call("POST", f"auth/token/roles/{name}",
                    {"token_bound_cidrs": [cidrs]})
        made = server.request("POST", f"auth/token/create/{name}",
                              {"policies": ["default"]}).json()["auth"]
        expected = 200 if name == "home" else 403
        assert status(server, made["client_token"], "GET",
                      "auth/token/lookup-self") == expected, name


def test_a_policy_ends_at_its_time(server):
    server.call("PUT", "sys/policies/acl/brief", {
        "ttl": "1s", "policy": 'path "transit/keys/k" '
                               '{ capabilities = ["read"] }'})
    token = token_for(server, "brief")
    assert status(server, token, "GET", "transit/keys/k") == 200
    time.sleep(1.2)
    assert status(server, token, "GET", "transit/keys/k") == 403
    assert status(server, server.token, "GET", "sys/policies/acl/brief") == 404


def test_policies_are_checked_and_set(server):
    rule = {"policy": 'path "a" { capabilities = ["read"] }'}
    path = "sys/policies/acl/checked"
    server.call("PUT", path, {**rule, "cas": -1})
    stale = server.request("PUT", path, {**rule, "cas": 0})
    assert stale.status_code == 400
    assert "did not match the current version 1" in stale.text
    server.call("PUT", path, {**rule, "cas": 1})
    assert server.get(path)["version"] == 2


def test_revocation_reaches_children_at_once(server):
    parent = token_for(server, "root")
    child = server.request("POST", "auth/token/create", {"policies": ["default"]},
                           token=parent).json()["auth"]["client_token"]
    orphan = server.request("POST", "auth/token/create-orphan",
                            {"policies": ["default"]},
                            token=parent).json()["auth"]["client_token"]
    for token in (parent, child, orphan):
        assert status(server, token, "GET", "auth/token/lookup-self") == 200
    server.call("POST", "auth/token/revoke", {"token": parent})
    assert status(server, parent, "GET", "auth/token/lookup-self") == 403
    assert status(server, child, "GET", "auth/token/lookup-self") == 403
    assert status(server, orphan, "GET", "auth/token/lookup-self") == 200


def test_policy_change_is_seen_at_once(server):
    policy(server, "shifting", 'path "transit/keys/k" { capabilities = ["read"] }')
    token = token_for(server, "shifting")
    assert status(server, token, "GET", "transit/keys/k") == 200
    policy(server, "shifting", 'path "transit/keys/k" { capabilities = ["deny"] }')
    assert status(server, token, "GET", "transit/keys/k") == 403


def test_batch_tokens(server):
    policy(server, "enc", 'path "transit/encrypt/k" { capabilities = ["update"] }')
    token = token_for(server, "enc", type="batch", ttl="1h")
    assert token.startswith("b.")
    body = {"plaintext": b64(b"x")}
    assert status(server, token, "POST", "transit/encrypt/k", body) == 200
    assert status(server, token, "POST", "auth/token/revoke-self", {}) == 400
    assert status(server, token, "POST", "cubbyhole/x", {"a": "b"}) == 400


def test_cubbyhole_is_private_and_dies_with_its_token(server):
    one, two = token_for(server, "default"), token_for(server, "default")
    assert status(server, one, "POST", "cubbyhole/a", {"v": "secret"}) == 204
    assert server.get("cubbyhole/a", token=one) == {"v": "secret"}
    assert status(server, two, "GET", "cubbyhole/a") == 404
    assert status(server, server.token, "GET", "cubbyhole/a") == 404


def test_tokens_survive_a_restart_and_are_not_in_the_store(server):
    token = token_for(server, "default")
    server.restart()
    assert status(server, token, "GET", "auth/token/lookup-self") == 200
    stored = b"".join(p.read_bytes()
                      for p in (server.directory / "store").iterdir())
    for secret in (token, server.token):
        assert secret.encode() not in stored
        assert secret[2:].encode() not in stored
    assert token not in server.log.read_text()


def test_unauthenticated_paths_are_the_documented_ones(sealed_server):
    server = sealed_server
    for path, code in (("sys/health", 501), ("sys/seal-status", 200),
                       ("sys/init", 200), ("sys/leader", 200)):
        assert server.request("GET", path).status_code == code
    server.initialise(1, 1)
    for method, path in (("GET", "sys/mounts"), ("GET", "sys/policies/acl"),
                         ("POST", "transit/encrypt/k"), ("PUT", "sys/rotate"),
                         ("GET", "sys/metrics"), ("POST", "auth/token/create"),
                         ("GET", "sys/internal/ui/mounts"), ("PUT", "sys/seal")):
        answer = server.request(method, path)
        # Sealing a sealed server is already done (reference/sys.md).
        expected = (204, 503) if path == "sys/seal" else (503,)
        assert answer.status_code in expected, (path, answer.text)


def test_tuning_token_shapes_the_tokens_made_next(server):
    server.post("sys/auth/token/tune", {"default_lease_ttl": "70s"})
    made = server.request("POST", "auth/token/create", {"policies": ["default"]})
    assert made.json()["auth"]["lease_duration"] == 70
    server.post("sys/auth/token/tune", {"default_lease_ttl": "system"})
    made = server.request("POST", "auth/token/create", {"policies": ["default"]})
    assert made.json()["auth"]["lease_duration"] == 768 * 3600


def test_a_bad_token_is_worse_than_none(server):
    for path in ("sys/internal/ui/mounts",):
        assert server.request("GET", path, token="").status_code == 200
        assert status(server, "s.bogus", "GET", path) == 403


def test_what_is_tuned_on_a_fixed_mount_survives_a_restart(server):
    server.post("sys/auth/token/tune", {"description": "tuned"})
    server.restart()
    assert server.get("sys/auth")["token/"]["description"] == "tuned"
