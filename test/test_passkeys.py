"""Passkeys on the real binary: any number of any kinds on one root key, moved
online, opened by whichever is left, and never half there after a kill -9."""

import json
import re
import threading
import time

import pytest
import requests

from bulla import Server

KEKS = {n: f"{n:02x}" * 32 for n in range(1, 10)}
PHRASE = "correct-horse-battery-canary"


def env_keks(*versions):
    return {f"BULLA_ENCRYPTION_ENV_KEK_V{n}": KEKS[n] for n in versions}


def set_seals(server, text):
    """Puts `text` in place of the seal stanzas of the configuration."""
    config = re.sub(r"(?s)# seals\n.*", "", server.config.read_text())
    server.config.write_text(config + "# seals\n" + text + "\n")


def sealed(server):
    return server.get("sys/seal-status")["sealed"]


def audited(server):
    path = server.directory / "audit.log"
    server.post("sys/audit/file", {
        "type": "file", "options": {"file_path": str(path)}})
    return path


def test_an_installation_moves_from_shares_to_a_kek_online():
    with Server() as server:
        set_seals(server, 'seal "env" {}')
        # Initialised before there was a stanza; then it is a candidate.
        set_seals(server, "")
        server.ready(3, 2)
        server.post("sys/mounts/transit", {"type": "transit"})
        server.post("transit/keys/k")
        ciphertext = server.encrypt("k", b"kept")
        server.stop()
        set_seals(server, 'seal "env" {}')
        server.start(env=env_keks(1))
        assert sealed(server)
        server.unseal()
        added = server.cli("passkey", "add", "-kind=env", "-name=kek")
        assert added.returncode == 0, added.stderr
        assert "KEK Version" in added.stdout
        assert server.cli("passkey", "verify", "kek").returncode == 0
        assert server.cli("passkey", "delete", "shamir").returncode == 0
        listed = json.loads(
            server.cli("passkey", "list", "-format=json").stdout)
        assert listed["keys"] == ["kek"]
        last = server.cli("passkey", "delete", "kek")
        assert last.returncode == 2
        assert "the last one that opens" in last.stderr

        server.stop()
        server.start(env=env_keks(1))
        assert not sealed(server)
        assert server.decrypt("k", ciphertext) == b"kept"
        server.stop()
        # The record follows: the old way is gone, and the new one is needed.
        set_seals(server, "")
        with pytest.raises(RuntimeError) as refused:
            server.start()
        text = str(refused.value)
        assert "this installation is sealed with env" in text
        assert "the configuration says shamir" in text
        assert 'configure seal "env" again as it was' in text


def test_people_open_it_while_the_kek_is_gone():
    with Server() as server:
        set_seals(server, 'seal "env" { health_check_interval = 1 }')
        server.start(env=env_keks(1))
        made = server.call("PUT", "sys/init", {
            "recovery_shares": 1, "recovery_threshold": 1})
        server.token = made["root_token"]
        assert not sealed(server)
        shown = server.cli("passkey", "add", "-kind=shamir",
                           "-name=break-glass", "-shares=3", "-threshold=2",
                           "-format=json")
        assert shown.returncode == 0, shown.stderr
        server.shares = json.loads(shown.stdout)["keys_base64"]
        server.threshold = 2
        phrase = server.directory / "phrase"
        phrase.write_text(PHRASE + "\n")
        assert server.cli("passkey", "add", "-kind=passphrase",
                          "-name=office",
                          f"-passphrase-file={phrase}").returncode == 0
        server.stop()

        server.start(env=env_keks(2))  # the KEK is lost
        assert sealed(server)
        server.unseal()
        assert server.get("sys/passkeys")["keys"] == [
            "break-glass", "env", "office"]
        time.sleep(6)  # another try of the seal that does not open
        assert not sealed(server)
        answer = server.request("POST", "sys/passkeys/env/verify", {})
        assert answer.status_code >= 400
        server.stop()

        server.start(env=env_keks(2))
        wrong = server.request("PUT", "sys/unseal",
                               {"passphrase": "not it, really"})
        assert wrong.status_code == 400
        assert "does not open passkey" in wrong.text
        opened = server.cli("operator", "unseal", "-passphrase-file=-",
                            "-passkey=office", stdin=PHRASE + "\n")
        assert opened.returncode == 0, opened.stderr
        assert not sealed(server)
        # The KEK that is gone for good goes from the record.
        assert server.cli("passkey", "delete", "env").returncode == 0
        server.stop()
        set_seals(server, "")
        server.start()
        server.unseal()
        for path in server.directory.rglob("*"):
            if path.is_file() and path != phrase:
                assert PHRASE.encode() not in path.read_bytes(), path


def test_a_seal_that_is_disabled_is_not_missed():
    with Server() as server:
        set_seals(server, 'seal "env" {}')
        server.start(env=env_keks(1))
        server.token = server.call("PUT", "sys/init", {})["root_token"]
        added = server.post("sys/passkeys/glass", {
            "kind": "shamir", "secret_shares": 1, "secret_threshold": 1})
        server.shares, server.threshold = added["keys_base64"], 1
        server.stop()
        set_seals(server, "")
        with pytest.raises(RuntimeError, match="disabled = true"):
            server.start()
        set_seals(server, 'seal "env" { disabled = true }')
        server.start()
        assert sealed(server)
        server.unseal()


def test_adding_needs_sudo_and_is_audited_without_secrets(server):
    log = audited(server)
    server.post("sys/policies/acl/looker", {"policy": '''
        path "sys/passkeys" { capabilities = ["read", "list"] }
        path "sys/passkeys/*" {
          capabilities = ["create", "read", "update", "delete"]
        }'''})
    looker = server.call("POST", "auth/token/create",
                         {"policies": ["looker"]})["auth"]["client_token"]
    body = {"kind": "passphrase", "passphrase": PHRASE}
    for method, path in (("POST", "sys/passkeys/p"),
                         ("DELETE", "sys/passkeys/shamir"),
                         ("POST", "sys/passkeys/shamir/rename")):
        refused = server.request(method, path, body, token=looker)
        assert refused.status_code == 403, path
    assert server.request("GET", "sys/passkeys/shamir",
                          token=looker).status_code == 200
    assert server.request("LIST", "sys/passkeys",
                          token=looker).status_code == 200
    server.post("sys/passkeys/p", body)
    shares = server.post("sys/passkeys/s", {
        "kind": "shamir", "secret_shares": 1,
        "secret_threshold": 1})["keys"]
    server.post("sys/passkeys/p/verify", {"passphrase": PHRASE})
    server.post("sys/passkeys/s/verify", {"keys": shares})
    server.post("sys/passkeys/p/rename", {"new_name": "q"})
    lines = log.read_text()
    assert PHRASE not in lines
    assert shares[0] not in lines
    for path in ("sys/passkeys/p", "sys/passkeys/p/verify",
                 "sys/passkeys/p/rename"):
        assert f'"{path}"' in lines


def test_shares_and_passphrases_are_proved_by_command(server):
    added = server.cli("passkey", "add", "-kind=shamir", "-name=glass",
                       "-shares=3", "-threshold=2", "-format=json")
    shares = json.loads(added.stdout)["keys_base64"]
    assert server.cli("passkey", "add", "-kind=passphrase", "-name=office",
                      "-", stdin=PHRASE).returncode == 0

    def proved(name, *given, text):
        shown = server.cli("passkey", "verify", name, *given, stdin=text)
        assert not any(word in shown.stdout + shown.stderr
                       for word in text.split())
        return shown.returncode == 0

    for pair in (shares[:2], shares[1:], [shares[2], shares[0]]):
        assert proved("glass", "-shares-file=-", text="\n".join(pair))
    assert not proved("glass", "-shares-file=-", text=shares[0])
    assert not proved("shamir", "-shares-file=-", text="\n".join(shares[:2]))
    assert proved("office", "-", text=PHRASE)
    assert not proved("office", "-", text="another-phrase-canary")


def test_kill_9_amid_passkey_changes_leaves_a_store_that_opens():
    with Server() as server:
        set_seals(server, 'seal "env" {}')
        server.start(env=env_keks(1))
        server.token = server.call("PUT", "sys/init", {})["root_token"]
        server.post("sys/mounts/transit", {"type": "transit"})
        server.post("transit/keys/k")
        ciphertext = server.encrypt("k", b"kept")
        for round_number in range(8):
            known = {}

            def change():
                url = server.address + "/v1/sys/passkeys/"
                session = requests.Session()
                session.headers["X-Vault-Token"] = server.token
                try:
                    for i in range(1000):
                        name = f"r{round_number}-{i}"
                        answer = session.post(
                            url + name, json={"kind": "env"}, timeout=10)
                        assert answer.status_code == 200, answer.text
                        known[name] = True
                        session.post(url + name + "/rename",
                                     json={"new_name": name + "-x"},
                                     timeout=10)
                        known[name] = None
                        session.delete(url + name + "-x", timeout=10)
                except requests.exceptions.RequestException:
                    pass

            thread = threading.Thread(target=change)
            thread.start()
            time.sleep(0.1 + 0.03 * round_number)
            server.kill()
            thread.join()
            server.start(env=env_keks(1))
            assert not sealed(server)
            keys = server.get("sys/passkeys")["keys"]
            for name, there in known.items():
                if there:
                    assert name in keys or name + "-x" in keys
            for key in keys:
                server.post(f"sys/passkeys/{key}/verify")
                if key != "env":
                    server.call("DELETE", f"sys/passkeys/{key}")
            assert server.decrypt("k", ciphertext) == b"kept"
