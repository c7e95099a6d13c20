"""approle on the real binary: roles, secret ids, logins, wrapped delivery."""

import base64
import concurrent.futures
import json
import subprocess
import time

import hvac
import pytest
import requests
from hvac import exceptions

from bulla import BINARY, Server

REFUSED = {"errors": ["invalid role or secret ID"]}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server() as fresh:
        fresh.ready()
        fresh.audit_log = tmp_path_factory.mktemp("audit") / "audit.log"
        fresh.call("PUT", "sys/audit/file", {
            "type": "file", "options": {"file_path": str(fresh.audit_log)}})
        fresh.post("sys/auth/approle", {
            "type": "approle", "config": {
                "user_lockout_config": {"lockout_disable": True}}})
        yield fresh


@pytest.fixture(scope="module")
def client(server):
    return hvac.Client(url=server.address, token=server.token)


def path(name, rest=""):
    return f"auth/approle/role/{name}{rest}"


def role(server, name, **fields):
    server.post(path(name), fields)
    return server.get(path(name, "/role-id"))["role_id"]


def secret_id(server, name, **fields):
    return server.post(path(name, "/secret-id"), fields)


def login(server, role_id, secret=None, **more):
    body = {"role_id": role_id}
    if secret is not None:
        body["secret_id"] = secret
    return server.request("POST", "auth/approle/login", body, token="", **more)


def told(answer):
    return answer.status_code, answer.json()["errors"]


def test_hvac_makes_roles_and_logs_in(server, client):
    approle = client.auth.approle
    approle.create_or_update_approle(
        "Web", token_policies=["web"], token_ttl="20m", token_max_ttl="1h",
        secret_id_num_uses=3, secret_id_ttl="10m")
    assert approle.list_roles()["data"]["keys"] == ["web"]
    read = approle.read_role("WEB")["data"]
    assert read["bind_secret_id"] is True
    assert read["secret_id_bound_cidrs"] is None
    assert (read["secret_id_num_uses"], read["secret_id_ttl"]) == (3, 600)
    assert (read["token_ttl"], read["token_max_ttl"]) == (1200, 3600)
    role_id = approle.read_role_id("web")["data"]["role_id"]
    made = approle.generate_secret_id("web", metadata={"host": "a"})["data"]
    assert made["secret_id_ttl"] == 600 and made["secret_id_num_uses"] == 3
    other = hvac.Client(url=server.address)
    auth = other.auth.approle.login(role_id, made["secret_id"])["auth"]
    assert auth["policies"] == ["default", "web"]
    assert auth["metadata"] == {"host": "a", "role_name": "web"}
    assert auth["lease_duration"] == 1200 and auth["entity_id"]
    assert other.auth.token.lookup_self()["data"]["display_name"] == "approle"
    read = approle.read_secret_id("web", made["secret_id"])["data"]
    assert read["secret_id_num_uses"] == 2 and read["metadata"] == {"host": "a"}
    by_accessor = approle.read_secret_id_accessor(
        "web", made["secret_id_accessor"])["data"]
    assert by_accessor == read
    assert approle.list_secret_id_accessors("web")["data"]["keys"] == [
        made["secret_id_accessor"]]
    approle.destroy_secret_id("web", made["secret_id"])
    with pytest.raises(exceptions.InvalidRequest):
        other.auth.approle.login(role_id, made["secret_id"])
    made = approle.generate_secret_id("web")["data"]
    approle.destroy_secret_id_accessor("web", made["secret_id_accessor"])
    assert told(login(server, role_id, made["secret_id"])) == (
        400, REFUSED["errors"])
    approle.update_role_id("web", "chosen/id")
    custom = approle.create_custom_secret_id("web", "chosen secret")["data"]
    assert custom["secret_id"] == "chosen secret"
    assert login(server, "chosen/id", "chosen secret").status_code == 200
    assert login(server, role_id, "chosen secret").status_code == 400
    approle.delete_role("web")
    assert login(server, "chosen/id", "chosen secret").status_code == 400


def test_uses_are_counted_exactly_also_of_many_at_once(server):
    role_id = role(server, "counted", secret_id_num_uses=5)
    secret = secret_id(server, "counted")["secret_id"]

    def attempt(_):
        return requests.post(server.url("auth/approle/login"), json={
            "role_id": role_id, "secret_id": secret}, timeout=60).status_code
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        codes = list(pool.map(attempt, range(24)))
    assert codes.count(200) == 5 and codes.count(400) == 19
    assert server.request("LIST", path("counted", "/secret-id")
                          ).status_code == 404


def test_secret_ids_end(server):
    role_id = role(server, "ending", secret_id_ttl="1h")
    made = secret_id(server, "ending", ttl="1s")
    assert login(server, role_id, made["secret_id"]).status_code == 200
    time.sleep(1.2)
    assert login(server, role_id, made["secret_id"]).json() == REFUSED
    assert server.request("POST", path("ending", "/secret-id/lookup"), {
        "secret_id": made["secret_id"]}).status_code == 204
    assert server.request("POST", "auth/approle/tidy/secret-id"
                          ).status_code == 202
    assert server.request("LIST", path("ending", "/secret-id")
                          ).status_code == 404


def test_what_is_wrong_is_told(server):
    role_id = role(server, "strict", secret_id_num_uses=2, secret_id_ttl=60,
                   secret_id_bound_cidrs=["127.0.0.0/8"],
                   token_bound_cidrs=["127.0.0.0/8"])
    for body, status, text in (
            ({"num_uses": -1}, 400, "num_uses cannot be negative"),
            ({"num_uses": 3}, 400, "num_uses cannot be higher than the role's "
                                   "secret_id_num_uses"),
            ({"num_uses": 0}, 400, "num_uses cannot be higher than the role's "
                                   "secret_id_num_uses"),
            ({"ttl": 61}, 400,
             "ttl cannot be longer than the role's secret_id_ttl"),
            ({"cidr_list": ["x"]}, 500, "failed to validate CIDR blocks"),
            ({"cidr_list": ["10.0.0.0/8"]}, 500,
             "failed to verify subset relationship"),
            ({"token_bound_cidrs": ["126.0.0.0/7"]}, 500,
             "failed to verify subset relationship"),
            ({"metadata": "what"}, 400, "failed to parse metadata: ")):
        answer = server.request("POST", path("strict", "/secret-id"), body)
        assert answer.status_code == status and text in answer.text, (
            body, answer.text)
    for body, text in (
            ({"role_id": role_id}, "missing secret_id"),
            ({"role_id": "x", "secret_id": "y"}, REFUSED["errors"][0]),
            ({"role_id": role_id, "secret_id": "y"}, REFUSED["errors"][0]),
            ({"role_id": role_id, "secret_id": "y" * 5000},
             REFUSED["errors"][0])):
        assert told(server.request("POST", "auth/approle/login", body,
                                   token="")) == (400, [text])
    for rest, body in (("/secret-id", {}),
                       ("/custom-secret-id", {"secret_id": "x"})):
        answer = server.request("POST", path("none", rest), body)
        assert answer.status_code == 404
        assert 'role \\"none\\" does not exist' in answer.text
    answer = server.request("POST", path("loose"), {"bind_secret_id": False})
    assert answer.status_code == 500
    assert "at least one constraint should be enabled" in answer.text
    assert told(server.request("POST", path("strict"), {
        "local_secret_ids": True})) == (400, [
            "local_secret_ids can only be modified during role creation"])
    assert server.request("POST", path("thief"), {
        "role_id": role_id}).status_code == 500
    accessor = path("strict", "/secret-id-accessor")
    for verb, status in (("lookup", 404), ("destroy", 500)):
        answer = server.request("POST", f"{accessor}/{verb}",
                                {"secret_id_accessor": "x"})
        assert answer.status_code == status
        assert "failed to find accessor entry" in answer.text
    made = secret_id(server, "strict")
    role(server, "neighbour")
    assert server.request(
        "POST", path("neighbour", "/secret-id-accessor/destroy"), {
            "secret_id_accessor": made["secret_id_accessor"]
        }).status_code == 403
    assert login(server, role_id, made["secret_id"]).status_code == 200


def test_addresses_bind(server):
    away = role(server, "away", secret_id_bound_cidrs=["10.0.0.0/8"])
    made = secret_id(server, "away")
    answer = login(server, away, made["secret_id"])
    assert answer.status_code == 400
    assert "unauthorized by CIDR restrictions on the role" in answer.text
    near = role(server, "near")
    made = secret_id(server, "near", cidr_list=["10.0.0.0/8"], num_uses=1)
    answer = login(server, near, made["secret_id"])
    assert "through CIDR restrictions on the secret ID" in answer.text
    # It took no use.
    assert server.post(path("near", "/secret-id/lookup"), {
        "secret_id": made["secret_id"]})["secret_id_num_uses"] == 1
    open_role = role(server, "open", bind_secret_id=False,
                     token_bound_cidrs=["127.0.0.1"])
    auth = login(server, open_role).json()["auth"]
    assert server.get("auth/token/lookup-self", token=auth["client_token"])[
        "bound_cidrs"] == ["127.0.0.1"]
    assert server.request("POST", path("open", "/secret-id"), {}).json() == {
        "errors": ["bind_secret_id is not set on the role"]}


def test_each_field_of_a_role_by_itself(server):
    role(server, "fields")
    for rest, field, value, reset in (
            ("policies", "token_policies", ["a", "b"], []),
            ("bound-cidr-list", "bound_cidr_list", ["127.0.0.1/32"], None),
            ("secret-id-bound-cidrs", "secret_id_bound_cidrs",
             ["127.0.0.1/32"], None),
            ("token-bound-cidrs", "token_bound_cidrs", ["127.0.0.1/32"], None),
            ("secret-id-num-uses", "secret_id_num_uses", 7, 0),
            ("secret-id-ttl", "secret_id_ttl", 70, 0),
            ("period", "token_period", 50, 0),
            ("token-num-uses", "token_num_uses", 4, 0),
            ("token-ttl", "token_ttl", 30, 0),
            ("token-max-ttl", "token_max_ttl", 40, 0)):
        server.post(path("fields", "/" + rest), {field: value})
        assert server.get(path("fields", "/" + rest))[field] == value
        server.call("DELETE", path("fields", "/" + rest))
        assert server.get(path("fields", "/" + rest))[field] == reset
        assert server.request("GET", path("none", "/" + rest)
                              ).status_code == 404
    assert server.get(path("fields", "/local-secret-ids")) == {
        "local_secret_ids": False}
    assert server.get(path("fields", "/bind-secret-id")) == {
        "bind_secret_id": True}


def test_metadata_in_every_form(server):
    role_id = role(server, "meta")
    wanted = {"a": "1", "b": "2"}
    for text in (json.dumps(wanted), "a=1,b=2",
                 base64.b64encode(json.dumps(wanted).encode()).decode(),
                 base64.b64encode(b"a=1,b=2").decode()):
        made = secret_id(server, "meta", metadata=text)
        auth = login(server, role_id, made["secret_id"]).json()["auth"]
        assert auth["metadata"] == {**wanted, "role_name": "meta"}


def test_a_secret_id_is_delivered_wrapped(server):
    role_id = role(server, "courier", secret_id_num_uses=1)
    info = server.request("POST", path("courier", "/secret-id"), {}, headers={
        "X-Vault-Wrap-TTL": "60"}).json()["wrap_info"]
    opened = server.request("POST", "sys/wrapping/unwrap",
                            token=info["token"]).json()["data"]
    assert server.request("POST", "sys/wrapping/unwrap", token=info["token"]
                          ).status_code == 400
    assert login(server, role_id, opened["secret_id"]).status_code == 200


def test_failures_lock_the_role_id(server):
    server.post("sys/auth/locky", {"type": "approle"})
    server.post("auth/locky/role/r", {})
    role_id = server.get("auth/locky/role/r/role-id")["role_id"]
    secret = server.post("auth/locky/role/r/secret-id", {})["secret_id"]

    def attempt(text):
        return server.request("POST", "auth/locky/login", {
            "role_id": role_id, "secret_id": text}, token="").status_code
    assert [attempt("no") for _ in range(5)] == [400] * 5
    assert attempt(secret) == 403
    accessor = server.get("sys/auth")["locky/"]["accessor"]
    server.post(f"sys/locked-users/{accessor}/unlock/{role_id}")
    assert attempt(secret) == 200


def test_a_role_made_again_has_none_of_the_old_secret_ids(server):
    role(server, "again", role_id="again-id")
    made = secret_id(server, "again")
    server.call("DELETE", path("again"))
    role(server, "again", role_id="again-id")
    assert login(server, "again-id", made["secret_id"]).json() == REFUSED
    assert server.request("LIST", path("again", "/secret-id")
                          ).status_code == 404
    assert server.request("POST", path("again", "/secret-id-accessor/lookup"), {
        "secret_id_accessor": made["secret_id_accessor"]}).status_code == 404


def test_secret_ids_outlive_a_restart_and_are_not_stored():
    with Server() as server:
        server.ready()
        server.post("sys/auth/approle", {"type": "approle"})
        role_id = role(server, "kept", token_period="1h")
        made = secret_id(server, "kept", num_uses=2)
        server.kill()
        for file in (server.directory / "store").rglob("*"):
            if file.is_file():
                assert made["secret_id"].encode() not in file.read_bytes()
        server.start()
        server.unseal()
        auth = login(server, role_id, made["secret_id"]).json()["auth"]
        renewed = server.request("POST", "auth/token/renew-self", {},
                                 token=auth["client_token"]).json()["auth"]
        assert renewed["lease_duration"] == 3600
        assert login(server, role_id, made["secret_id"]).status_code == 200
        assert login(server, role_id, made["secret_id"]).status_code == 400


def test_no_secret_id_is_in_audit_or_log(server):
    role_id = role(server, "quiet")
    canary = "canary-secret-id"
    server.post(path("quiet", "/custom-secret-id"), {"secret_id": canary})
    assert login(server, role_id, canary).status_code == 200
    login(server, role_id, canary + "x")
    for body in ({"secret_id": {"a": canary}}, {"secret_id": [canary]}):
        for where in ("auth/approle/login",
                      path("quiet", "/secret-id/lookup"),
                      path("quiet", "/secret-id/destroy")):
            server.request("POST", where, {"role_id": role_id, **body})
    assert canary not in server.audit_log.read_text()
    assert canary not in server.log.read_text()


def test_the_command_line_logs_in(server, tmp_path):
    role_id = role(server, "cli")
    secret = tmp_path / "secret"
    secret.write_text(secret_id(server, "cli")["secret_id"])
    env = {"BULLA_ADDR": server.address, "HOME": str(tmp_path),
           "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [BINARY, "login", "-method=approle", f"role_id={role_id}",
         f"secret_id=@{secret}"], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    token = (tmp_path / ".vault-token").read_text()
    assert server.get("auth/token/lookup-self",
                      token=token)["meta"]["role_name"] == "cli"
