"""New root keys, unseal shares, recovery keys and root tokens by a quorum of
shares, through clients that others wrote and through kill -9."""

import base64
import functools
import json
import shutil
import subprocess
import threading
import time

import hvac
import pytest
import requests
from hvac import exceptions

import openbao
from bulla import Server, b64

KILLS = 24
OPEN = """  disable_unauthed_rekey_endpoints = false
  disable_unauthed_generate_root_endpoints = false"""
STATIC = f"""seal "static" {{
  current_key_id = "k1"
  current_key = "{b64(bytes(32))}"
}}"""


def api_of(server):
    return hvac.Client(url=server.address, token=server.token)


@pytest.fixture
def three_of_five():
    with Server() as server:
        yield server.ready(5, 3).transit("k")


def opens(server, shares):
    """Whether these shares unseal a server that was started anew."""
    server.request("PUT", "sys/unseal", {"reset": True})
    for share in shares:
        answer = server.request("PUT", "sys/unseal", {"key": share})
        if answer.status_code == 200 and not answer.json()["sealed"]:
            return True
    return False


def give(server, shares, path="sys/rekey/update", nonce=None):
    nonce = nonce or server.get("sys/rekey/init")["nonce"]
    answer = None
    for share in shares:
        answer = server.call("PUT", path, {"key": share, "nonce": nonce})
    return answer


def begin(server, shares=3, threshold=2, path="sys/rekey/init", **more):
    return server.call("PUT", path, {
        "secret_shares": shares, "secret_threshold": threshold, **more})


# -- rekey ------------------------------------------------------------------
def test_hvac_rekeys(three_of_five):
    server = three_of_five
    api = api_of(server)
    ciphertext = server.encrypt("k", b"before")
    begun = api.sys.start_rekey(secret_shares=4, secret_threshold=2)
    begun = begun if isinstance(begun, dict) else begun.json()
    assert begun["started"] and begun["required"] == 3
    progress = api.sys.read_rekey_progress()
    assert (progress["n"], progress["t"]) == (4, 2)
    with pytest.raises(exceptions.InvalidRequest):
        api.sys.start_rekey(secret_shares=4, secret_threshold=2)
    with pytest.raises(exceptions.InvalidRequest, match="nonce"):
        api.sys.cancel_rekey()
    result = api.sys.rekey_multi(server.shares[:3], nonce=begun["nonce"])
    assert result["complete"] and len(result["keys_base64"]) == 4
    assert server.decrypt("k", ciphertext) == b"before"
    old = server.shares
    server.stop()
    server.start()
    assert not opens(server, old)
    assert opens(server, result["keys"][1:3])
    assert server.decrypt("k", ciphertext) == b"before"
    assert server.get("auth/token/lookup-self")["policies"] == ["root"]


def test_verification_before_new_shares_count(three_of_five):
    server = three_of_five
    begin(server, 3, 2, require_verification=True)
    made = give(server, server.shares[:3])
    assert made["verification_required"]
    server.restart()  # drops it: the old shares are the ones
    begin(server, 3, 2, require_verification=True)
    made = give(server, server.shares[2:])
    nonce = made["verification_nonce"]
    assert server.get("sys/rekey/verify")["t"] == 2
    done = give(server, made["keys"][:2], "sys/rekey/verify", nonce)
    assert done == {"nonce": nonce, "complete": True}
    server.stop()
    server.start()
    assert not opens(server, server.shares)
    assert opens(server, made["keys"][1:])


def test_every_share_can_be_proved_by_command(three_of_five):
    server = three_of_five
    shown = server.cli("operator", "rekey", "-init", "-verify-all",
                       "-key-shares=3", "-key-threshold=2", "-format=json")
    assert shown.returncode == 0, shown.stderr
    nonce = server.get("sys/rekey/init")["nonce"]
    for share in server.shares[:3]:
        shown = server.cli("operator", "rekey", f"-nonce={nonce}", "-",
                           stdin=share + "\n")
        assert shown.returncode == 0, shown.stderr
    keys = [line.split(": ", 1)[1] for line in shown.stdout.splitlines()
            if line.startswith("Key ") and ": " in line]
    assert len(keys) == 3 and "-verify-all" in shown.stdout
    nonce = server.get("sys/rekey/verify")["nonce"]
    shown = server.cli("operator", "rekey", "-verify-all", f"-nonce={nonce}",
                       "-", stdin="\n".join(keys[:2]))
    assert shown.returncode == 0 and "2/3" in shown.stdout
    assert server.get("sys/rekey/init")["started"]
    shown = server.cli("operator", "rekey", "-verify-all", f"-nonce={nonce}",
                       "-", stdin=keys[2])
    assert "Success!" in shown.stdout
    server.stop()
    server.start()
    assert opens(server, keys[:2])


def test_wrong_repeated_and_foreign_shares(three_of_five):
    server = three_of_five
    with Server() as other:
        other.ready(5, 3)
        foreign = other.shares
    nonce = begin(server)["nonce"]

    def refused(body, text):
        answer = server.request("PUT", "sys/rekey/update", body)
        assert answer.status_code == 400 and text in answer.text, answer.text

    good = server.shares
    refused({"key": good[0]}, "incorrect nonce")
    refused({"key": good[0], "nonce": "x"}, "incorrect nonce")
    refused({"key": "%", "nonce": nonce}, "hex or base64")
    refused({"nonce": nonce}, "'key' must be specified")
    give(server, good[:2])
    refused({"key": good[1], "nonce": nonce}, "already been provided")
    refused({"key": foreign[2], "nonce": nonce}, "verification failed")
    status = server.get("sys/rekey/init")
    assert status["progress"] == 0 and status["nonce"] == nonce
    give(server, good[:2])
    refused({"key": b64(bytes(33)), "nonce": nonce}, "verification failed")
    give(server, good[:2])
    refused({"key": b64(b"\xff" * 33), "nonce": nonce}, "verification failed")
    assert give(server, good[:3])["complete"]  # no share was spent


def test_pgp_shares_and_their_backup(three_of_five, tmp_path):
    if not shutil.which("gpg"):
        pytest.skip("gpg is not installed")
    home = tmp_path / "gnupg"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--no-tty"]
    files = []
    for who, kind in (("ada", "rsa2048"), ("grace", "future-default")):
        subprocess.run([*gpg, "--passphrase", "", "--quick-generate-key",
                        f"{who}@example.org", kind, "default", "never"],
                       check=True)
        if kind == "rsa2048":
            listed = subprocess.run([*gpg, "--list-keys", "--with-colons"],
                                    check=True, capture_output=True, text=True)
            fingerprint = [line.split(":")[9] for line in
                           listed.stdout.splitlines()
                           if line.startswith("fpr")][0]
            subprocess.run([*gpg, "--passphrase", "", "--quick-add-key",
                            fingerprint, "rsa2048", "encr", "never"],
                           check=True)
        file = tmp_path / who
        armour = ["--armor"] if who == "ada" else []
        exported = subprocess.run([*gpg, *armour, "--export",
                                   f"{who}@example.org"],
                                  check=True, capture_output=True)
        file.write_bytes(exported.stdout)
        files.append(str(file))

    def decrypt(message):
        return subprocess.run([*gpg, "--decrypt"], input=message, check=True,
                              capture_output=True).stdout

    server = three_of_five
    shown = server.cli("operator", "rekey", "-init", "-n=2", "-t=2",
                       "-backup", "-pgp-keys=" + ",".join(files))
    assert shown.returncode == 0, shown.stderr
    made = give(server, server.shares[:3])
    assert len(made["pgp_fingerprints"]) == 2
    shares = [decrypt(bytes.fromhex(key)).decode() for key in made["keys"]]
    backup = server.get("sys/rekey/backup")
    assert backup["nonce"] == made["nonce"]
    for fingerprint, key in zip(made["pgp_fingerprints"], made["keys"]):
        assert backup["keys"][fingerprint] == [key]
        kept = base64.b64decode(backup["keys_base64"][fingerprint][0])
        assert kept == bytes.fromhex(key)
    shown = server.cli("operator", "rekey", "-backup-retrieve")
    assert made["nonce"] in shown.stdout
    server.cli("operator", "rekey", "-backup-delete")
    assert server.request("GET", "sys/rekey/backup").status_code == 400
    server.stop()
    server.start()
    assert opens(server, shares)
    # The root token of generate-root, and everything of init.
    attempt = server.cli("operator", "generate-root", "-init",
                         f"-pgp-key={files[1]}", "-format=json")
    assert attempt.returncode == 0, attempt.stderr
    nonce = server.get("sys/generate-root/attempt")["nonce"]
    done = give(server, shares, "sys/generate-root/update", nonce)
    token = decrypt(base64.b64decode(done["encoded_token"])).decode()
    assert server.get("auth/token/lookup-self", token=token)["path"] == (
        "auth/token/root")
    with Server() as fresh:
        fresh.start()
        shown = fresh.cli("operator", "init", "-n=2", "-t=2", "-format=json",
                          "-pgp-keys=" + ",".join(files),
                          f"-root-token-pgp-key={files[0]}")
        assert shown.returncode == 0, shown.stderr
        init = json.loads(shown.stdout)
        shares = [decrypt(bytes.fromhex(key)).decode()
                  for key in init["unseal_keys_hex"]]
        assert opens(fresh, shares)
        token = decrypt(base64.b64decode(init["root_token"])).decode()
        fresh.get("auth/token/lookup-self", token=token)


# -- who may ----------------------------------------------------------------
LEGACY = [("GET", "sys/rekey/init"), ("PUT", "sys/rekey/init"),
          ("DELETE", "sys/rekey/init"), ("PUT", "sys/rekey/update"),
          ("GET", "sys/rekey/verify"), ("PUT", "sys/rekey/verify"),
          ("DELETE", "sys/rekey/verify"), ("GET", "sys/rekey/backup"),
          ("DELETE", "sys/rekey/backup"),
          ("PUT", "sys/rekey-recovery-key/init"),
          ("DELETE", "sys/rekey-recovery-key/init"),
          ("GET", "sys/generate-root/attempt"),
          ("PUT", "sys/generate-root/attempt"),
          ("DELETE", "sys/generate-root/attempt"),
          ("PUT", "sys/generate-root/update"),
          ("PUT", "sys/rotate/root"), ("PUT", "sys/rotate/root/init"),
          ("DELETE", "sys/rotate/root/init"),
          ("PUT", "sys/rotate/recovery/init"),
          ("POST", "sys/rotate/config"),
          ("PUT", "sys/generate-root-token/attempt")]


def test_nothing_without_a_token(server):
    weak = server.request("POST", "auth/token/create",
                          {"policies": ["default"]}).json()["auth"]
    for token in ("", "s.nonsense", weak["client_token"]):
        for method, path in LEGACY:
            answer = requests.request(
                method, server.url(path), timeout=10,
                headers={"X-Vault-Token": token} if token else {},
                json={"secret_shares": 1, "secret_threshold": 1,
                      "key": server.shares[0], "nonce": "x"})
            assert answer.status_code == 403, (method, path, answer.text)
    assert not server.get("sys/rekey/init")["started"]


def test_strangers_cannot_starve_an_open_endpoint():
    """Where no token is asked for, the nonce keeps others out."""
    with Server(listener=OPEN) as server:
        server.ready(3, 2)
        nonce = begin(server, 3, 2)["nonce"]
        attempt = server.call("PUT", "sys/generate-root/attempt", {})
        stop = threading.Event()
        seen = []

        def attack():
            session = requests.Session()
            calls = [("GET", "sys/rekey/init", None),
                     ("DELETE", "sys/rekey/init", {}),
                     ("DELETE", "sys/rekey/init", {"nonce": "guess"}),
                     ("PUT", "sys/rekey/init", {"secret_shares": 1,
                                                "secret_threshold": 1}),
                     ("PUT", "sys/rekey/update", {"key": b64(bytes(33)),
                                                  "nonce": "guess"}),
                     ("PUT", "sys/rekey/update", {"key": b64(bytes(33))}),
                     ("GET", "sys/generate-root/attempt", None),
                     ("DELETE", "sys/generate-root/attempt", {}),
                     ("PUT", "sys/generate-root/attempt", {}),
                     ("PUT", "sys/generate-root/update",
                      {"key": b64(bytes(33)), "nonce": "guess"})]
            while not stop.is_set():
                for method, path, body in calls:
                    answer = session.request(method, server.url(path),
                                             json=body, timeout=20)
                    seen.append((method, answer.status_code, answer.text))

        attackers = [threading.Thread(target=attack) for _ in range(4)]
        for attacker in attackers:
            attacker.start()
        time.sleep(0.5)
        token, server.token = server.token, ""
        done = give(server, server.shares[:2], "sys/generate-root/update",
                    attempt["nonce"])
        made = give(server, server.shares[:2], "sys/rekey/update", nonce)
        stop.set()
        for attacker in attackers:
            attacker.join()
        server.token = token
        assert done["complete"] and made["complete"]
        assert len(seen) > 40
        for method, code, text in seen:
            assert nonce not in text and attempt["nonce"] not in text
            # The keys were done when the last calls came: DELETE then is 204.
            assert method == "GET" or code >= 400 or code in (200, 204)
        server.stop()
        server.start()
        assert opens(server, made["keys"][:2])


def test_ceremonies_are_audited_without_their_secrets(server, tmp_path):
    log = tmp_path / "audit.log"
    server.post("sys/audit/file", {"type": "file", "options": {
        "file_path": str(log)}})
    nonce = begin(server, 2, 2)["nonce"]
    made = give(server, server.shares, nonce=nonce)
    attempt = server.call("PUT", "sys/generate-root/attempt", {})
    done = give(server, made["keys_base64"], "sys/generate-root/update",
                attempt["nonce"])
    text = log.read_text() + server.log.read_text()
    for path in ("sys/rekey/init", "sys/rekey/update",
                 "sys/generate-root/attempt", "sys/generate-root/update"):
        assert text.count(f'"path":"{path}"') >= 2, path  # and the answers
    for secret in [*server.shares, *made["keys"], *made["keys_base64"],
                   attempt["otp"], done["encoded_token"]]:
        assert secret not in text


# -- generate-root ----------------------------------------------------------
def test_hvac_generates_a_root_token(three_of_five):
    server = three_of_five
    api = api_of(server)
    otp = server.cli("operator", "generate-root", "-generate-otp").stdout
    assert len(otp) == 26
    started = api.sys.start_root_token_generation(otp=otp)
    assert started["started"] and started["otp"] == ""
    assert api.sys.read_root_generation_progress()["required"] == 3
    for share in server.shares[1:4]:
        last = api.sys.generate_root(key=share, nonce=started["nonce"])
    assert last["complete"] and last["encoded_token"] == (
        last["encoded_root_token"])
    shown = server.cli("operator", "generate-root",
                       f"-decode={last['encoded_token']}", f"-otp={otp}")
    token = shown.stdout
    assert token.startswith("s.")
    decoded = server.post("sys/decode-token", {
        "encoded_token": last["encoded_token"], "otp": otp}, token="")
    assert decoded["token"] == token
    assert server.get("auth/token/lookup-self", token=token)["policies"] == [
        "root"]
    api.sys.start_root_token_generation(otp=otp)
    api.sys.cancel_root_generation()
    assert not api.sys.read_root_generation_progress()["started"]


def test_generate_root_by_command(three_of_five):
    server = three_of_five
    begun = json.loads(server.cli("operator", "generate-root", "-init",
                                  "-format=json").stdout)
    for share in server.shares[:3]:
        shown = server.cli("operator", "generate-root",
                           f"-nonce={begun['nonce']}", "-format=json", "-",
                           stdin=share)
        assert shown.returncode == 0, shown.stderr
        assert share not in shown.stdout + shown.stderr
    encoded = json.loads(shown.stdout)["encoded_token"]
    token = server.cli("operator", "generate-root", f"-decode={encoded}",
                       "-otp=-", stdin=begun["otp"]).stdout
    server.get("auth/token/lookup-self", token=token)
    assert server.cli("operator", "generate-root", "-cancel").returncode == 0
    assert server.cli("operator", "generate-root", "-status").returncode == 0


# -- recovery keys ----------------------------------------------------------
def test_recovery_keys_of_a_seal_that_opens_by_itself():
    with Server(extra=STATIC) as server:
        server.start()
        made = server.call("PUT", "sys/init", {
            "recovery_shares": 3, "recovery_threshold": 2})
        server.token = made["root_token"]
        recovery = made["recovery_keys"]
        server.transit("k")
        ciphertext = server.encrypt("k", b"kept")
        # The root key, by recovery shares: no shares come back.
        nonce = begin(server, 1, 1)["nonce"]
        done = give(server, recovery[:2], nonce=nonce)
        assert done["complete"] and done["keys"] == []
        # The recovery key itself.
        begun = begin(server, 4, 3, "sys/rekey-recovery-key/init")
        done = give(server, recovery[1:], "sys/rekey-recovery-key/update",
                    begun["nonce"])
        assert len(done["keys"]) == 4
        assert server.get("sys/seal-status")["t"] == 3
        attempt = server.call("PUT", "sys/generate-root/attempt", {})
        for share in recovery[:2]:
            server.call("PUT", "sys/generate-root/update",
                        {"key": share, "nonce": attempt["nonce"]})
        refused = server.request("PUT", "sys/generate-root/update", {
            "key": recovery[2], "nonce": attempt["nonce"]})
        assert "recovery key does not match submitted values" in refused.text
        last = give(server, done["keys"][:3], "sys/generate-root/update",
                    attempt["nonce"])
        assert last["complete"]
        # Without shares, with sudo.
        assert server.request("POST", "sys/rotate/root").status_code == 204
        server.stop()
        server.start()
        assert not server.get("sys/seal-status")["sealed"]
        assert server.decrypt("k", ciphertext) == b"kept"


def test_first_recovery_keys_are_made_by_root_alone():
    with Server(extra=STATIC) as server:
        server.start()
        made = server.call("PUT", "sys/init", {})
        server.token = made["root_token"]
        server.post("sys/policies/acl/rotator", {"policy": (
            'path "sys/rotate/recovery/*" { capabilities = ["update"] }')})
        weak = server.request("POST", "auth/token/create", {
            "policies": ["rotator"]}).json()["auth"]["client_token"]
        body = {"secret_shares": 3, "secret_threshold": 2}
        refused = server.request("POST", "sys/rotate/recovery/init", body,
                                 token=weak)
        assert refused.status_code == 403
        first = server.post("sys/rotate/recovery/init", body)
        assert first["complete"] and len(first["keys"]) == 3
        attempt = server.call("PUT", "sys/generate-root/attempt", {})
        assert give(server, first["keys"][:2], "sys/generate-root/update",
                    attempt["nonce"])["complete"]


# -- OpenBao's own command --------------------------------------------------
def run_bao(program, server, *arguments):
    return openbao.bao_cli(program, server.address, *arguments,
                           token=server.token, home=server.directory)


def keys_of(text):
    lines = [line for line in text.splitlines() if line.startswith("Key ")]
    return [line.rsplit(": ", 1)[1].strip() for line in lines if ": " in line]


@pytest.mark.parametrize("command", ["rekey", "rotate-keys"])
def test_bao_replaces_keys(bao, three_of_five, command):
    server = three_of_five
    bao = functools.partial(run_bao, bao)
    shown = bao(server, "operator", command, "-init", "-key-shares=3",
                "-key-threshold=2", "-verify")
    assert shown.returncode == 0, shown.stderr
    nonce = server.get("sys/rekey/init")["nonce"]
    assert nonce in shown.stdout
    for share in server.shares[:3]:
        shown = bao(server, "operator", command, f"-nonce={nonce}", share)
        assert shown.returncode == 0, shown.stderr
    keys = keys_of(shown.stdout)
    assert len(keys) == 3, shown.stdout
    nonce = server.get("sys/rekey/verify")["nonce"]
    for key in keys[:2]:
        shown = bao(server, "operator", command, "-verify", f"-nonce={nonce}",
                    key)
        assert shown.returncode == 0, shown.stderr
    shown = bao(server, "operator", command, "-status")
    assert shown.returncode == 0, shown.stderr
    assert bao(server, "operator", "rotate").returncode == 0
    server.stop()
    server.start()
    assert opens(server, keys[:2])


def test_bao_generates_a_root_token(bao, three_of_five):
    server = three_of_five
    bao = functools.partial(run_bao, bao)
    otp = bao(server, "operator", "generate-root", "-generate-otp").stdout
    otp = otp.strip()
    shown = bao(server, "operator", "generate-root", "-init", f"-otp={otp}")
    assert shown.returncode == 0, shown.stderr
    nonce = server.get("sys/generate-root/attempt")["nonce"]
    for share in server.shares[:3]:
        shown = bao(server, "operator", "generate-root", f"-nonce={nonce}",
                    "-format=json", share)
        assert shown.returncode == 0, shown.stderr
    encoded = json.loads(shown.stdout)["encoded_token"]
    token = bao(server, "operator", "generate-root", f"-decode={encoded}",
                f"-otp={otp}").stdout.strip()
    server.get("auth/token/lookup-self", token=token)


# -- crashes ----------------------------------------------------------------
def test_kill_9_during_rekey_leaves_shares_that_open():
    """Whoever heard the new shares holds good ones; else the old ones are."""
    with Server() as server:
        server.ready(3, 2).transit("k")
        ciphertext = server.encrypt("k", b"kept")
        heard = unheard = 0
        for round_number in range(KILLS):
            nonce = begin(server, 3, 2)["nonce"]
            give(server, server.shares[:1], nonce=nonce)
            answer = {}

            def last_share():
                try:
                    answer.update(give(server, server.shares[1:2],
                                       nonce=nonce))
                except (requests.exceptions.RequestException, AssertionError):
                    pass

            thread = threading.Thread(target=last_share)
            thread.start()
            time.sleep(0.0008 * (round_number % 12))
            server.kill()
            thread.join()
            if answer.get("complete"):
                heard += 1
                server.shares = answer["keys_base64"]
            else:
                unheard += 1
            server.start()
            assert opens(server, server.shares[:2]), round_number
            assert server.decrypt("k", ciphertext) == b"kept"
            assert server.get("sys/seal-status")["t"] == 2
        assert heard + unheard == KILLS


def test_old_shares_end_soon_after_the_answer(three_of_five):
    server = three_of_five
    begin(server, 3, 2)
    made = give(server, server.shares[:3])
    attempt = server.call("PUT", "sys/generate-root/attempt", {})
    for share in server.shares[:1]:
        server.call("PUT", "sys/generate-root/update",
                    {"key": share, "nonce": attempt["nonce"]})
    refused = server.request("PUT", "sys/generate-root/update", {
        "key": server.shares[1], "nonce": attempt["nonce"]})
    assert "root generation aborted" in refused.text  # at once
    time.sleep(16)
    server.kill()
    server.start()
    assert not opens(server, server.shares)
    assert opens(server, made["keys"][:2])


def test_a_copy_from_before_opens_with_the_shares_of_then(three_of_five):
    server = three_of_five
    server.stop()
    copy = server.directory / "copy"
    shutil.copytree(server.directory / "store", copy)
    server.start()
    server.unseal()
    begin(server, 3, 2)
    made = give(server, server.shares[:3])
    begin(server, 3, 2)  # and another one is under way
    server.stop()
    shutil.rmtree(server.directory / "store")
    shutil.copytree(copy, server.directory / "store")
    server.start()
    assert not opens(server, made["keys"])
    assert opens(server, server.shares)
    assert not server.get("sys/rekey/init")["started"]


# -- rotation ---------------------------------------------------------------
def test_rotation_is_configured(server):
    shown = server.cli("operator", "rotate-config", "-format=json",
                       "-interval=720h", "-max-operations=2000000")
    assert shown.returncode == 0, shown.stderr
    server.restart()
    assert server.get("sys/rotate/config") == {
        "enabled": True, "interval": "720h0m0s", "max_operations": 2000000}
    shown = server.cli("operator", "rotate-config", "-interval=1h")
    assert shown.returncode == 2 and "24h0m0s" in shown.stderr
    shown = server.cli("operator", "rotate-config", "-enabled=false")
    assert server.get("sys/rotate/keyring/config")["enabled"] is False
