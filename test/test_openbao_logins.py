"""userpass and approle beside OpenBao's, request by request."""

TOKEN_FIELDS = [
    {}, {"token_ttl": "1h"}, {"token_ttl": -1}, {"token_max_ttl": "-1s"},
    {"token_ttl": "2h", "token_max_ttl": "1h"}, {"token_period": "30m"},
    {"token_period": -5}, {"token_num_uses": 3}, {"token_num_uses": -1},
    {"token_type": "batch"}, {"token_type": "service"}, {"token_type": ""},
    {"token_type": "default"}, {"token_type": "x"},
    {"token_type": "batch", "token_period": "1m"},
    {"token_explicit_max_ttl": "3h"}, {"token_no_default_policy": True},
    {"token_policies": ["a", "b"]}, {"token_policies": "x, y"},
    {"policies": ["old"]}, {"ttl": "5m"}, {"max_ttl": 900},
    {"bound_cidrs": "127.0.0.1"}, {"token_bound_cidrs": ["127.0.0.0/8"]},
    {"token_bound_cidrs": ["10.0.0.0/8"]}, {"foo": "bar"}]


def test_users_are_alike(pair):
    pair.same("POST", "sys/auth/userpass", {"type": "userpass"})
    pair.same("POST", "sys/auth/u2", {"type": "userpass", "config": {
        "default_lease_ttl": "20m", "token_type": "batch"}})
    pair.same("GET", "sys/auth/userpass/tune")
    pair.same("LIST", "auth/userpass/users")
    for mount in ("userpass", "u2"):
        for number, fields in enumerate(TOKEN_FIELDS):
            # What batch tokens cannot have: docs/compatibility.md.
            if mount == "u2" and fields.keys() & {
                    "token_period", "token_num_uses", "token_explicit_max_ttl"}:
                continue
            user = f"auth/{mount}/users/U{number}"
            pair.same("POST", user, {"password": "p", **fields})
            pair.same("GET", user)
            pair.same("POST", f"auth/{mount}/login/u{number}",
                      {"password": "p"}, token="", keep={
                          "t": "auth.client_token", "e": "auth.entity_id"})
            pair.same("GET", "auth/token/lookup-self", token="t")
            if "token_num_uses" in fields:
                continue
            pair.same("POST", "auth/token/renew-self", {}, token="t",
                      without=["warnings"])
            pair.same("POST", "auth/token/renew-self", {"increment": "10m"},
                      token="t")
        pair.same("LIST", f"auth/{mount}/users")
    for body in ({}, {"password": ""}, {"password": "x"}, {"password": None}):
        pair.same("POST", "auth/userpass/login/u0", body, token="")
        pair.same("POST", "auth/userpass/login/nobody", body, token="")
        pair.same("POST", "auth/userpass/users/nobody/password", body)
        pair.same("POST", "auth/userpass/users/new", body)
        pair.same("POST", "auth/userpass/users/u0/password", body)
        pair.same("DELETE", "auth/userpass/users/new")
    pair.same("POST", "auth/userpass/users/nobody/policies",
              {"token_policies": "a"})
    pair.same("POST", "auth/userpass/users/u1/policies", {"policies": "a,b"})
    pair.same("GET", "auth/userpass/users/u1")
    pair.same("GET", "auth/userpass/users/nobody")
    pair.same("GET", "auth/userpass/nothing")
    pair.same("POST", "auth/userpass/users/r", {
        "password": "p", "token_policies": "root"})
    pair.same("POST", "auth/userpass/login/r", {"password": "p"}, token="")
    pair.same("DELETE", "sys/auth/u2")
    pair.same("POST", "auth/u2/login/u0", {"password": "p"}, token="")


def test_roles_are_alike(pair):
    pair.same("POST", "sys/auth/approle", {"type": "approle"})
    pair.same("LIST", "auth/approle/role")
    more = [{"secret_id_num_uses": 4}, {"secret_id_num_uses": -4},
            {"secret_id_ttl": "10m"}, {"bind_secret_id": False},
            {"bind_secret_id": False, "token_bound_cidrs": "127.0.0.1"},
            {"secret_id_bound_cidrs": ["127.0.0.0/8"]},
            {"secret_id_bound_cidrs": ["x"]}, {"bound_cidr_list": "10.0.0.0/8"},
            {"period": "1h"}, {"local_secret_ids": True}, {"role_id": "mine"},
            {"role_id": ""}]
    for number, fields in enumerate(TOKEN_FIELDS + more):
        # OpenBao gives tokens that are good nowhere near.
        if "10.0.0.0/8" in str(fields):
            continue
        path = f"auth/approle/role/R{number}"
        pair.same("POST", path, fields)
        pair.same("GET", path)
        pair.same("GET", f"{path}/role-id",
                  keep={"role": "data.role_id"})
        pair.same("POST", f"{path}/secret-id", {"metadata": "k=v"}, keep={
            "secret": "data.secret_id", "acc": "data.secret_id_accessor"})
        pair.same("POST", f"{path}/secret-id/lookup",
                  {"secret_id": "{{secret}}"})
        pair.same("POST", f"{path}/secret-id-accessor/lookup",
                  {"secret_id_accessor": "{{acc}}"})
        pair.same("POST", "auth/approle/login", {
            "role_id": "{{role}}", "secret_id": "{{secret}}"}, token="",
            keep={"t": "auth.client_token", "e": "auth.entity_id"})
        pair.same("GET", "auth/token/lookup-self", token="t")
        if "token_num_uses" not in fields:
            pair.same("POST", "auth/token/renew-self", {}, token="t",
                      without=["warnings"])
        for rest in ("policies", "secret-id-bound-cidrs", "token-bound-cidrs",
                     "secret-id-num-uses", "secret-id-ttl", "period",
                     "token-num-uses", "token-ttl", "token-max-ttl",
                     "local-secret-ids"):
            pair.same("GET", f"{path}/{rest}")
    pair.same("LIST", "auth/approle/role")


def test_secret_ids_are_alike(pair):
    pair.same("POST", "sys/auth/approle", {"type": "approle"})
    path = "auth/approle/role/r"
    pair.same("POST", path, {
        "secret_id_num_uses": 3, "secret_id_ttl": 600, "role_id": "rid",
        "secret_id_bound_cidrs": "127.0.0.0/8"})
    for body in ({}, {"num_uses": 2}, {"num_uses": 4}, {"num_uses": 0},
                 {"num_uses": -1}, {"ttl": 60}, {"ttl": "20m"}, {"ttl": 0},
                 {"cidr_list": ["127.0.0.1/32"]}, {"cidr_list": ["x"]},
                 {"metadata": "{\"a\":\"b\"}"}, {"metadata": "a=b,c=d"},
                 {"metadata": {"a": "b"}}, {"token_bound_cidrs": "127.0.0.1/32"}):
        for kind in ("secret-id", "custom-secret-id"):
            pair.same("POST", f"{path}/{kind}", {
                **({"secret_id": f"own {body}"} if "custom" in kind else {}),
                **body}, keep={"s": "data.secret_id",
                               "acc": "data.secret_id_accessor"})
        pair.same("POST", f"{path}/secret-id/lookup", {"secret_id": "{{s}}"})
    pair.same("POST", f"{path}/custom-secret-id", {})
    pair.same("POST", f"{path}/custom-secret-id", {"secret_id": "twice"})
    pair.same("POST", f"{path}/custom-secret-id", {"secret_id": "twice"})
    for _ in range(4):
        pair.same("POST", "auth/approle/login", {
            "role_id": "rid", "secret_id": "twice"}, token="",
            keep={"e": "auth.entity_id"})
    for body in ({}, {"role_id": "rid"}, {"secret_id": "x"},
                 {"role_id": "rid", "secret_id": ""},
                 {"role_id": "rid", "secret_id": "x"},
                 {"role_id": "no", "secret_id": "x"}):
        pair.same("POST", "auth/approle/login", body, token="")
    for verb in ("lookup", "destroy"):
        for body in ({}, {"secret_id": ""}, {"secret_id": "x"}):
            pair.same("POST", f"{path}/secret-id/{verb}", body)
            pair.same("POST", f"auth/approle/role/none/secret-id/{verb}", body)
        for body in ({}, {"secret_id_accessor": "x"}):
            pair.same("POST", f"{path}/secret-id-accessor/{verb}", body)
            pair.same("POST", f"auth/approle/role/none/secret-id-accessor/{verb}",
                      body)
    for rest in ("secret-id", "custom-secret-id", "policies", "role-id",
                 "token-ttl"):
        pair.same("POST", f"auth/approle/role/none/{rest}",
                  {"token_policies": "a", "role_id": "x", "token_ttl": 5})
        pair.same("POST", f"{path}/{rest}", {"secret_id": "new"},
                  without=["data.secret_id", "data.secret_id_accessor"])
        if rest == "secret-id":
            pair.same("LIST", f"auth/approle/role/none/{rest}")
        pair.same("DELETE", f"{path}/{rest}")
    pair.same("POST", "auth/approle/tidy/secret-id")
    pair.same("DELETE", path)
    pair.same("DELETE", path)
    pair.same("LIST", f"{path}/secret-id")
