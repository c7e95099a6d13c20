"""userpass on the real binary: users, logins, lockout, entities, templates."""

import concurrent.futures
import json
import statistics
import subprocess
import time

import hvac
import pytest
import requests
from hvac import exceptions

from bulla import BINARY, Server

REFUSED = {"errors": ["invalid username or password"]}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server() as fresh:
        fresh.ready()
        fresh.audit_log = tmp_path_factory.mktemp("audit") / "audit.log"
        fresh.call("PUT", "sys/audit/file", {
            "type": "file", "options": {"file_path": str(fresh.audit_log)}})
        fresh.post("sys/auth/userpass", {"type": "userpass"})
        fresh.call("PUT", "sys/mounts/secret", {
            "type": "kv", "options": {"version": "1"}})
        yield fresh


@pytest.fixture(scope="module")
def client(server):
    return hvac.Client(url=server.address, token=server.token)


def user(server, name, password="right horse", mount="userpass", **more):
    server.post(f"auth/{mount}/users/{name}", {"password": password, **more})


def login(server, name, password="right horse", mount="userpass", **more):
    return server.request("POST", f"auth/{mount}/login/{name}",
                          {"password": password}, token="", **more)


def token_of(server, name, **more):
    answer = login(server, name, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()["auth"]["client_token"]


def accessor(server, mount="userpass"):
    return server.get("sys/auth")[f"{mount}/"]["accessor"]


def test_hvac_writes_users_and_logs_in(server, client):
    users = client.auth.userpass
    users.create_or_update_user("Ada", password="one", policies="dev, ops")
    assert users.list_user()["data"]["keys"] == ["ada"]
    read = users.read_user("ADA")["data"]
    assert read["token_policies"] == ["dev", "ops"]
    assert "password" not in json.dumps(read)
    other = hvac.Client(url=server.address)
    answer = other.auth.userpass.login("aDa", "one")
    auth = answer["auth"]
    assert auth["policies"] == ["default", "dev", "ops"]
    assert auth["metadata"] == {"username": "ada"}
    assert auth["orphan"] is True and auth["renewable"] is True
    assert auth["entity_id"]
    assert other.is_authenticated()
    looked = other.auth.token.lookup_self()["data"]
    assert looked["display_name"] == "userpass-ada"
    assert looked["path"] == "auth/userpass/login/aDa"
    assert looked["entity_id"] == auth["entity_id"]
    users.update_password_on_user("ada", "two")
    assert login(server, "ada", "one").json() == REFUSED
    assert login(server, "ada", "two").status_code == 200
    users.delete_user("ada")
    assert login(server, "ada", "two").json() == REFUSED


def test_what_is_wrong_is_told(server):
    def told(method, path, body, status, text, token=None):
        answer = server.request(method, path, body, token=token)
        assert (answer.status_code, answer.json()["errors"]) == (
            status, [text]), answer.text

    both = "must provide either password or password_hash"
    told("POST", "auth/userpass/users/x", {}, 400, both)
    told("POST", "auth/userpass/login/x", {}, 500, "missing password", "")
    for path in ("password", "policies"):
        answer = server.request("POST", f"auth/userpass/users/none/{path}",
                                {"password": "x", "policies": "y"})
        assert answer.status_code == 500
        assert "username does not exist" in answer.text
    for body, text in (
            ({"token_ttl": "2h", "token_max_ttl": "1h"},
             "'token_ttl' cannot be greater than 'token_max_ttl'"),
            ({"token_type": "nope"}, "invalid 'token_type' value \"nope\""),
            ({"token_num_uses": -1}, "'token_num_uses' cannot be negative"),
            ({"token_type": "batch", "token_num_uses": 1},
             "'token_type' cannot be 'batch' or 'default_batch' when set to "
             "generate tokens with limited use count")):
        told("POST", "auth/userpass/users/x", {"password": "p", **body}, 400,
             text)
    assert server.request("GET", "auth/userpass/users/x").status_code == 404
    user(server, "rooty", token_policies=["Root"])
    told("POST", "auth/userpass/login/rooty", {"password": "right horse"}, 400,
         "auth methods cannot create root tokens", "")


def test_names_that_are_nobodys_answer_alike_and_take_as_long(server):
    server.post("sys/auth/timed", {
        "type": "userpass", "config": {
            "user_lockout_config": {"lockout_disable": True}}})
    user(server, "somebody", mount="timed")
    times = {"somebody": [], "nobody": []}
    for _ in range(15):
        for name, taken in times.items():
            start = time.monotonic()
            answer = login(server, name, "wrong", mount="timed")
            taken.append(time.monotonic() - start)
            assert (answer.status_code, answer.json()) == (400, REFUSED)
    known, unknown = (statistics.median(times[n]) for n in times)
    assert 0.5 < known / unknown < 2, times


def test_failures_lock_one_name_however_it_is_written(server):
    server.post("sys/auth/locky", {"type": "userpass"})
    server.post("sys/auth/locky/tune", {"user_lockout_config": {
        "lockout_threshold": "3", "lockout_duration": "20s",
        "lockout_counter_reset_duration": "1h"}})
    tuned = server.get("sys/auth/locky/tune")
    assert tuned["user_lockout_threshold"] == 3
    assert tuned["user_lockout_duration"] == 20
    user(server, "bob", mount="locky")
    denied = {"errors": ["permission denied"]}
    for name in ("bob", "BOB", "bOb"):
        assert login(server, name, "no", mount="locky").status_code == 400
    for name in ("bob", "Bob"):
        answer = login(server, name, mount="locky")
        assert (answer.status_code, answer.json()) == (403, denied)
    # Being locked tells nothing: nobody's names are, too.
    for _ in range(3):
        login(server, "ghost", "no", mount="locky")
    assert login(server, "ghost", mount="locky").json() == denied
    told = server.get("sys/locked-users")
    assert told["total"] == 2
    assert told["by_namespace"][0]["mount_accessors"][0][
        "alias_identifiers"] == ["bob", "ghost"]
    time.sleep(20.5)
    assert login(server, "bob", mount="locky").status_code == 200
    assert server.get("sys/locked-users")["total"] == 0
    for _ in range(3):
        login(server, "bob", "no", mount="locky")
    assert login(server, "bob", mount="locky").status_code == 403
    server.post(f"sys/locked-users/{accessor(server, 'locky')}/unlock/bob")
    assert login(server, "bob", mount="locky").status_code == 200


def test_a_login_that_works_forgets_the_failures(server):
    user(server, "carol")
    for _ in range(3):
        for _ in range(4):
            assert login(server, "carol", "no").status_code == 400
        assert login(server, "carol").status_code == 200


def test_tokens_are_as_the_user_says(server):
    user(server, "few", token_num_uses=2, token_ttl="1h", token_max_ttl="2h",
         token_no_default_policy=True, token_policies=["a"],
         token_bound_cidrs=["127.0.0.0/8"])
    auth = login(server, "few").json()["auth"]
    assert auth["policies"] == ["a"] and auth["num_uses"] == 2
    assert auth["lease_duration"] == 3600
    user(server, "batch", token_type="batch")
    auth = login(server, "batch").json()["auth"]
    assert auth["token_type"] == "batch" and auth["renewable"] is False
    assert auth["client_token"].startswith("b.")
    user(server, "away", token_bound_cidrs=["10.0.0.0/8"])
    assert login(server, "away").status_code == 403
    user(server, "here", token_strictly_bind_ip=True)
    looked = server.get("auth/token/lookup-self", token=token_of(server, "here"))
    assert looked["bound_cidrs"] == ["127.0.0.1"]


def test_renewals_go_by_the_user_of_now(server):
    user(server, "ren", token_ttl="1h", token_policies=["a"])
    token = token_of(server, "ren")

    def renewed():
        return server.request("POST", "auth/token/renew-self", {}, token=token)
    assert renewed().json()["auth"]["lease_duration"] == 3600
    server.post("auth/userpass/users/ren", {"token_ttl": "30m"})
    assert renewed().json()["auth"]["lease_duration"] == 1800
    server.post("auth/userpass/users/ren/policies", {"token_policies": ["b"]})
    answer = renewed()
    assert answer.status_code == 500
    assert "policies have changed, not renewing" in answer.text
    server.call("DELETE", "auth/userpass/users/ren")
    assert renewed().status_code == 500


def test_disabling_revokes_what_was_given(server):
    server.post("sys/auth/gone", {"type": "userpass"})
    user(server, "dan", mount="gone")
    token = token_of(server, "dan", mount="gone")
    assert server.get("auth/token/lookup-self", token=token)
    server.call("DELETE", "sys/auth/gone")
    assert server.request("GET", "auth/token/lookup-self",
                          token=token).status_code == 403
    assert login(server, "dan", mount="gone").status_code == 403


def test_users_outlive_a_restart():
    with Server() as server:
        server.ready()
        server.post("sys/auth/userpass", {"type": "userpass"})
        server.post("sys/auth/userpass/tune", {"user_lockout_config": {
            "lockout_threshold": 7}})
        user(server, "eve")
        first = login(server, "eve").json()["auth"]["entity_id"]
        server.kill()
        server.start()
        server.unseal()
        assert login(server, "eve").json()["auth"]["entity_id"] == first
        assert server.get("sys/auth/userpass/tune")[
            "user_lockout_threshold"] == 7


def test_a_login_is_wrapped_for_strangers(server):
    user(server, "wrapped")
    info = login(server, "wrapped", headers={"X-Vault-Wrap-TTL": "60"}).json()[
        "wrap_info"]
    opened = server.request("POST", "sys/wrapping/unwrap",
                            token=info["token"]).json()
    assert opened["auth"]["accessor"] == info["wrapped_accessor"]


def test_many_wrong_logins_leave_others_alone(server):
    server.post("sys/auth/flood", {
        "type": "userpass", "config": {
            "user_lockout_config": {"lockout_disable": True}}})
    server.transit("k")

    def attempt(number):
        return requests.post(server.url(f"auth/flood/login/u{number}"),
                             json={"password": "x"}, timeout=60).status_code
    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        attempts = [pool.submit(attempt, n) for n in range(120)]
        slowest = 0
        while not all(a.done() for a in attempts):
            start = time.monotonic()
            server.post("transit/encrypt/k", {"plaintext": "AAAA"})
            slowest = max(slowest, time.monotonic() - start)
        codes = {a.result() for a in attempts}
    assert codes <= {400, 503}, codes
    assert slowest < 2


def test_no_password_is_in_audit_log_or_store(server):
    canary = "canary-battery-staple"
    user(server, "canary", canary)
    assert login(server, "canary", canary).status_code == 200
    assert login(server, "canary", canary + "x").status_code == 400
    for body in ({"password": {"a": canary}}, {"password": [canary]}):
        server.request("POST", "auth/userpass/login/canary", body, token="")
        server.request("POST", "auth/userpass/users/canary", body)
    assert canary not in server.audit_log.read_text()
    assert canary not in server.log.read_text()
    for file in (server.directory / "store").rglob("*"):
        if file.is_file():
            assert canary.encode() not in file.read_bytes()


def test_audit_names_the_entity(server):
    user(server, "named")
    auth = login(server, "named").json()["auth"]
    server.get("auth/token/lookup-self", token=auth["client_token"])
    lines = [json.loads(line) for line in
             server.audit_log.read_text().splitlines()]
    own = [line for line in lines if line["type"] == "request" and
           line["request"]["path"] == "auth/token/lookup-self"][-1]
    assert own["auth"]["entity_id"] == auth["entity_id"]
    assert own["auth"]["display_name"] == "userpass-named"


def test_entities_are_kept_by_hvac(server, client):
    identity = client.secrets.identity
    user(server, "ida")
    auth = login(server, "ida").json()["auth"]
    entity = identity.read_entity(auth["entity_id"])["data"]
    assert entity["aliases"][0]["name"] == "ida"
    assert entity["aliases"][0]["mount_path"] == "auth/userpass/"
    identity.update_entity(auth["entity_id"], name="Ida L",
                           metadata={"team": "blue"})
    assert identity.read_entity_by_name("Ida L")["data"]["metadata"] == {
        "team": "blue"}
    assert auth["entity_id"] in identity.list_entities()["data"]["keys"]
    looked = identity.lookup_entity(
        alias_name="ida", alias_mount_accessor=accessor(server))
    assert looked["data"]["id"] == auth["entity_id"]
    made = identity.create_or_update_entity("by-hand")["data"]["id"]
    identity.create_or_update_entity_alias(
        name="later", canonical_id=made, mount_accessor=accessor(server))
    user(server, "later")
    assert login(server, "later").json()["auth"]["entity_id"] == made


def test_a_disabled_entity_is_refused(server, client):
    user(server, "off")
    auth = login(server, "off").json()["auth"]
    token = auth["client_token"]
    assert server.get("auth/token/lookup-self", token=token)
    client.secrets.identity.update_entity(auth["entity_id"], disabled=True)
    assert server.request("GET", "auth/token/lookup-self",
                          token=token).status_code == 403
    assert login(server, "off").status_code == 403
    client.secrets.identity.update_entity(auth["entity_id"], disabled=False)
    assert server.get("auth/token/lookup-self", token=token)


def status(server, path, token):
    return server.request("GET", path, token=token).status_code


def test_templates_are_filled_from_the_entity(server, client):
    server.call("PUT", "sys/policies/acl/own", {"policy": f"""
        path "secret/by-name/{{{{identity.entity.aliases.{accessor(server)}.name}}}}/*" {{
          capabilities = ["read"] }}
        path "secret/by-id/{{{{identity.entity.id}}}}" {{
          capabilities = ["read"] }}
        path "secret/team/{{{{identity.entity.metadata.team}}}}/x" {{
          capabilities = ["read"] }}"""})
    user(server, "tim", token_policies=["own"])
    auth = login(server, "tim").json()["auth"]
    token, entity = auth["client_token"], auth["entity_id"]
    assert status(server, "secret/by-name/tim/a", token) == 404
    assert status(server, "secret/by-name/tom/a", token) == 403
    assert status(server, f"secret/by-id/{entity}", token) == 404
    assert status(server, "secret/team/red/x", token) == 403
    assert status(server, "secret/team//x", token) != 404
    for value, granted in (("red", True), ("+", False), ("*", False),
                           ("a/b", False), ("red*", False), ("", False)):
        client.secrets.identity.update_entity(entity,
                                              metadata={"team": value})
        assert (status(server, "secret/team/red/x", token) == 404) == granted
        assert status(server, "secret/team/blue/x", token) == 403
        assert server.post("sys/capabilities", {
            "token": token, "path": "secret/team/red/x"})["capabilities"] == (
                ["read"] if granted else ["deny"])
    # Its own policies count, too, and root is not among them.
    server.call("PUT", "sys/policies/acl/more", {
        "policy": 'path "secret/more" { capabilities = ["read"] }'})
    client.secrets.identity.update_entity(entity, policies=["more"])
    assert status(server, "secret/more", token) == 404
    with pytest.raises(exceptions.InvalidRequest):
        client.secrets.identity.update_entity(entity, policies=["ROOT"])
    # One's own entity, by the default policy.
    assert status(server, f"identity/entity/id/{entity}", token) == 200
    client.secrets.identity.delete_entity(entity)
    assert status(server, f"secret/by-id/{entity}", token) == 403


def test_the_command_line_logs_in(server, tmp_path):
    user(server, "cli", "pw")
    env = {"BULLA_ADDR": server.address, "HOME": str(tmp_path),
           "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [BINARY, "login", "-method=userpass", "username=cli", "password=pw"],
        env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    token = (tmp_path / ".vault-token").read_text()
    assert server.get("auth/token/lookup-self",
                      token=token)["display_name"] == "userpass-cli"
    wrong = subprocess.run(
        [BINARY, "login", "-method=userpass", "username=cli",
         "password=canary-x"], env=env, capture_output=True, text=True)
    assert wrong.returncode != 0
    assert "canary-x" not in wrong.stdout + wrong.stderr
