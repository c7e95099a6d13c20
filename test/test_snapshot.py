"""The whole store in one file, and back: on a bare node, over another
installation, through crashes and damage."""

import json
import os
import random
import threading
import time

import pytest
import requests

from bulla import Server, b64

SECRET = b"the secret of orders"


def filled(server, entries=0):
    """Keys, policies and a token to find again; the ciphertext of SECRET."""
    server.transit("orders")
    server.call("PUT", "sys/policies/acl/app", {
        "policy": 'path "transit/decrypt/orders" { capabilities = ["update"] }'})
    server.app = server.post("auth/token/create",
                             {"policies": ["app"], "ttl": "1h"})
    server.app_token = server.request(
        "POST", "auth/token/create",
        {"policies": ["app"], "ttl": "1h"}).json()["auth"]["client_token"]
    for i in range(entries):
        server.post(f"cubbyhole/e{i}", {"value": "x" * 20_000})
    return server.encrypt("orders", SECRET)


def still_there(server, ciphertext, token):
    answer = server.request("POST", "transit/decrypt/orders",
                            {"ciphertext": ciphertext}, token=token)
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["plaintext"] == b64(SECRET)


def save(server, path):
    done = server.cli("operator", "snapshot", "save", str(path))
    assert done.returncode == 0, done.stderr
    assert "Success!" in done.stdout
    return path


def restore(server, path, *flags, token=""):
    return server.cli("operator", "snapshot", "restore", *flags, str(path),
                      token=token)


def as_before(old, new):
    """`new` is to be opened and asked as `old` was."""
    new.shares, new.threshold, new.token = old.shares, old.threshold, old.token
    new.app_token = getattr(old, "app_token", None)


def test_save_and_restore_on_a_bare_node(tmp_path):
    with Server() as old, Server() as new:
        old.ready(3, 2)
        ciphertext = filled(old, entries=20)
        path = save(old, tmp_path / "s")
        assert (path.stat().st_mode & 0o777) == 0o600
        assert not (tmp_path / "s.partial").exists()
        new.start()
        done = restore(new, path)
        assert done.returncode == 0, done.stderr
        assert "any one of these passkeys opens it" in done.stdout
        assert "shamir" in done.stdout
        as_before(old, new)
        assert new.get("sys/seal-status")["initialized"]
        new.unseal()
        still_there(new, ciphertext, old.app_token)
        assert new.get("auth/token/lookup-self")["display_name"] == "root"
        assert list((new.directory / "store").glob("*.snapshot")) == []
        # The old one serves on, and both now refuse another.
        still_there(old, ciphertext, old.app_token)
        refused = restore(new, path, token=new.token)
        assert refused.returncode != 0
        assert "already initialized" in refused.stderr
        assert restore(new, path).returncode != 0  # no token, no force
        new.restart()
        still_there(new, ciphertext, old.app_token)


def test_save_to_standard_output(tmp_path, server):
    import subprocess
    from bulla import BINARY
    with open(tmp_path / "s", "wb") as out:
        subprocess.run([BINARY, "operator", "snapshot", "save", "-"],
                       stdout=out, check=True, timeout=60,
                       env={"BULLA_ADDR": server.address,
                            "BULLA_TOKEN": server.token})
    shown = server.cli("operator", "snapshot", "inspect", "-format=json",
                       str(tmp_path / "s"), token="")
    assert shown.returncode == 0, shown.stderr
    found = json.loads(shown.stdout)
    assert found["bytes"] == (tmp_path / "s").stat().st_size
    assert found["passkeys"][0]["kind"] == "shamir"


def test_inspect_and_verify_need_no_server(tmp_path):
    kek = tmp_path / "kek"
    kek.write_text(b64(os.urandom(32)))
    seal = ('seal "static" {\n  name = "box"\n  current_key_id = "k1"\n'
            f'  current_key = "file://{kek}"\n}}')
    with Server(extra=seal) as server:
        server.start()
        made = server.call("PUT", "sys/init", {"recovery_shares": 1,
                                               "recovery_threshold": 1})
        server.token = made["root_token"]
        ciphertext = filled(server)
        phrase = tmp_path / "phrase"
        phrase.write_text("correct horse battery\n")
        added = server.cli("passkey", "add", "-kind=shamir", "-name=glass",
                           "-shares=3", "-threshold=2", "-format=json")
        assert added.returncode == 0, added.stderr
        shares = json.loads(added.stdout)["keys_base64"]
        assert server.cli("passkey", "add", "-kind=passphrase", "-name=office",
                          f"-passphrase-file={phrase}").returncode == 0
        path = save(server, tmp_path / "s")
        server.stop()

        shown = server.cli("operator", "snapshot", "inspect", str(path))
        assert shown.returncode == 0, shown.stderr
        for word in ("glass", "office", "2 of 3 shares", "box", "k1"):
            assert word in shown.stdout, shown.stdout
        by_name = json.loads(server.cli("operator", "snapshot", "inspect",
                                        "-format=json", str(path)).stdout)
        automatic = [p["name"] for p in by_name["passkeys"]
                     if p["kind"] == "static"][0]

        def verify(*arguments, stdin=None):
            return server.cli("operator", "snapshot", "verify", *arguments,
                              str(path), stdin=stdin, token="")

        file_of_shares = tmp_path / "shares"
        file_of_shares.write_text("\n".join(shares[:2]) + "\n")
        for arguments in (
                (f"-config={server.config}", f"-passkey={automatic}"),
                ("-passkey=glass", f"-shares-file={file_of_shares}"),
                ("-passkey=office", f"-passphrase-file={phrase}")):
            done = verify(*arguments)
            assert done.returncode == 0, (arguments, done.stderr)
            assert "opens it, and each of its" in done.stdout
        done = verify("-passkey=glass", "-shares-file=-",
                      stdin="\n".join(shares[1:]))
        assert done.returncode == 0, done.stderr
        # What does not open it.
        assert "name passkeys" in verify().stderr
        assert "-config" in verify(f"-passkey={automatic}").stderr
        one = verify("-passkey=glass", "-shares-file=-", stdin=shares[0])
        assert one.returncode != 0 and "2 different shares" in one.stderr
        wrong = verify("-passkey=office", "-passphrase-file=-",
                       stdin="wrong horse battery\n")
        assert wrong.returncode != 0
        assert shares[0] not in one.stderr and "wrong horse" not in wrong.stderr

        # A bare node with the same seal opens what was restored by itself.
        with Server(extra=seal) as new:
            new.start()
            done = restore(new, path)
            assert done.returncode == 0, done.stderr
            assert "unsealed" in done.stdout
            still_there(new, ciphertext, server.app_token)


def test_force_replaces_another_installation(tmp_path):
    with Server() as old, Server() as other:
        old.ready(1, 1)
        ciphertext = filled(old)
        path = save(old, tmp_path / "s")
        other.ready(1, 1)
        other.transit("gone")
        root = other.token
        other.post("sys/audit/file", {
            "type": "file",
            "options": {"file_path": str(other.directory / "audit.log")}})
        other.call("PUT", "sys/policies/acl/weak", {
            "policy": 'path "sys/storage/*" '
                      '{ capabilities = ["create","update","delete"] }'})
        weak = other.request("POST", "auth/token/create", {
            "policies": ["weak"]}).json()["auth"]["client_token"]
        denied = restore(other, path, "-force", token=weak)
        assert denied.returncode != 0 and "denied" in denied.stderr
        assert restore(other, path, "-force").returncode != 0
        other.get("transit/keys/gone")
        done = restore(other, path, "-force", token=root)
        assert done.returncode == 0, done.stderr
        audit = (other.directory / "audit.log").read_text()
        assert "sys/storage/restore/" in audit and "/apply" in audit
        as_before(old, other)
        assert other.get("sys/seal-status")["sealed"]
        other.unseal()
        still_there(other, ciphertext, old.app_token)
        assert other.request("GET", "auth/token/lookup-self",
                             token=root).status_code == 403
        assert other.request("GET", "transit/keys/gone").status_code == 404


def test_force_goes_back_in_time_under_load(tmp_path):
    with Server() as server:
        server.ready(1, 1)
        ciphertext = filled(server)
        path = save(server, tmp_path / "s")
        stop = threading.Event()

        def write():
            session = requests.Session()
            for i in range(100_000):
                if stop.is_set():
                    return
                try:
                    session.post(server.url(f"cubbyhole/w{i}"),
                                 json={"v": "later"}, timeout=10,
                                 headers={"X-Vault-Token": server.token})
                except requests.exceptions.RequestException:
                    return

        writers = [threading.Thread(target=write) for _ in range(3)]
        for writer in writers:
            writer.start()
        time.sleep(0.3)
        done = restore(server, path, "-force", token=server.token)
        stop.set()
        for writer in writers:
            writer.join()
        assert done.returncode == 0, done.stderr
        server.unseal()
        still_there(server, ciphertext, server.app_token)
        listed = server.request("LIST", "cubbyhole/")
        assert listed.status_code == 404, listed.text
        # Nothing of the later writes came in behind it.
        again = save(server, tmp_path / "again")
        shares = tmp_path / "shares"
        shares.write_text(server.shares[0])
        verified = server.cli("operator", "snapshot", "verify",
                              f"-shares-file={shares}", str(again))
        assert verified.returncode == 0, verified.stderr


def test_damaged_snapshots_are_refused_and_nothing_is_touched(tmp_path):
    with Server() as old, Server() as new:
        old.ready(1, 1)
        filled(old, entries=10)
        whole = save(old, tmp_path / "s").read_bytes()
        new.start()
        rng = random.Random(7)
        broken = [whole[:-1], whole[:len(whole) // 2], whole[:200], whole + b"x",
                  b"hello", whole[:16]]
        for _ in range(6):
            altered = bytearray(whole)
            altered[rng.randrange(len(altered))] ^= 1 << rng.randrange(8)
            broken.append(bytes(altered))
        for i, data in enumerate(broken):
            path = tmp_path / f"broken{i}"
            path.write_bytes(data)
            refused = restore(new, path)
            assert refused.returncode != 0, i
            assert "snapshot" in refused.stderr, refused.stderr
            shown = new.cli("operator", "snapshot", "inspect", str(path))
            assert shown.returncode == 1, i
            assert new.get("sys/init")["initialized"] is False
        assert list((new.directory / "store").glob("*.snapshot")) == []
        # An altered snapshot over a living one: the living one lives on.
        refused = restore(old, tmp_path / "broken6", "-force", token=old.token)
        assert refused.returncode != 0
        assert old.get("sys/seal-status")["sealed"] is False
        new.initialise(1, 1)


def test_endpoints_guard_what_is_there(tmp_path, server):
    for token in ("", "nonsense"):
        for method, path in (("POST", "sys/storage/snapshot"),
                             ("POST", "sys/storage/restore"),
                             ("GET", "sys/storage/snapshot/x/part/0"),
                             ("POST", "sys/storage/restore/x/part/0"),
                             ("POST", "sys/storage/restore/x/apply")):
            answer = server.request(method, path, {"bytes": 5}, token=token or "x")
            assert answer.status_code == 403, (method, path)
    begun = server.post("sys/storage/restore", {"bytes": 5})
    part = f"sys/storage/restore/{begun['id']}/part"
    for offset, data in (("9", b"abc"), ("0", b"abcdef"), ("-1", b"a"),
                         ("x", b"a")):
        answer = server.request("POST", f"{part}/{offset}", data=data)
        assert answer.status_code in (400, 404), (offset, answer.text)
    answer = server.request("POST", f"sys/storage/restore/{begun['id']}/apply",
                            {"force": True})
    assert answer.status_code == 400 and "0 of 5 bytes" in answer.text
    server.call("DELETE", f"sys/storage/restore/{begun['id']}")
    assert server.request("POST", f"{part}/0", data=b"a").status_code == 404
    huge = server.request("POST", "sys/storage/restore", {"bytes": 1 << 50})
    assert huge.status_code == 413 and "max_snapshot_size" in huge.text
    server.post("sys/seal")
    sealed = server.request("POST", "sys/storage/restore", {"bytes": 5})
    assert sealed.status_code == 503


def test_parts_fit_the_listeners_limit(tmp_path):
    with Server(listener="max_request_size = 65536") as old, \
            Server(listener="max_request_size = 65536") as new:
        old.ready(1, 1)
        ciphertext = filled(old, entries=20)
        path = save(old, tmp_path / "s")
        assert path.stat().st_size > 300_000
        new.start()
        done = restore(new, path)
        assert done.returncode == 0, done.stderr
        as_before(old, new)
        new.unseal()
        still_there(new, ciphertext, old.app_token)


def upload(server, data):
    begun = server.call("POST", "sys/storage/restore", {"bytes": len(data)})
    for at in range(0, len(data), begun["part_bytes"]):
        server.call("POST", f"sys/storage/restore/{begun['id']}/part/{at}",
                    data=data[at:at + begun["part_bytes"]])
    return begun["id"]


def start_apply(server, upload_id):
    def apply():
        try:
            server.request("POST", f"sys/storage/restore/{upload_id}/apply",
                           {"force": True})
        except requests.exceptions.RequestException:
            pass

    thread = threading.Thread(target=apply)
    thread.start()
    return thread


@pytest.mark.parametrize("bare", [True, False])
def test_kill_9_during_restore(tmp_path, bare):
    """A large one; test_crash_steps.py dies at each step of a small one."""
    with Server() as old:
        old.ready(1, 1)
        ciphertext = filled(old, entries=150)
        data = save(old, tmp_path / "s").read_bytes()
    for delay in (0.0, 0.01, 0.03, 0.06, 0.1, 0.15, 0.25, 0.4):
        with Server() as new:
            new.start()
            if not bare:
                new.initialise(1, 1)
                new.unseal()
                new.transit("other")
            upload_id = upload(new, data)
            before = (list(new.shares), new.token)

            thread = start_apply(new, upload_id)
            time.sleep(delay)
            new.kill()
            thread.join()
            new.start()
            assert list((new.directory / "store").glob("*.snapshot")) == []
            if not new.get("sys/init")["initialized"]:
                assert bare
                new.token = None
                answer = new.request("POST", f"sys/storage/restore/{upload(new, data)}/apply", {})
                assert answer.status_code == 200, answer.text
            new.shares, new.threshold = old.shares, 1
            new.token = old.token
            status = new.request("PUT", "sys/unseal", {"key": old.shares[0]})
            if status.status_code == 200 and not status.json()["sealed"]:
                still_there(new, ciphertext, old.app_token)
                continue
            # The old one, whole.
            assert not bare
            new.shares, new.token = before
            new.unseal()
            new.get("transit/keys/other")


def test_memory_stays_small(tmp_path):
    """A store of some 60 MB passes through a server that grows by far less."""
    with Server() as old, Server() as new:
        old.ready(1, 1)
        value = "x" * 700_000
        for i in range(90):
            old.post(f"cubbyhole/big{i}", {"value": value})
        path = save(old, tmp_path / "s")
        size = path.stat().st_size
        assert size > 60_000_000

        def resident(server):
            for line in open(f"/proc/{server.process.pid}/status"):
                if line.startswith("VmHWM"):
                    return int(line.split()[1]) * 1024
        new.start()
        done = restore(new, path)
        assert done.returncode == 0, done.stderr
        # The map of the store is counted where its pages were touched.
        for line in open(f"/proc/{new.process.pid}/status"):
            if line.startswith("RssAnon"):
                assert int(line.split()[1]) * 1024 < size, line
        as_before(old, new)
        new.unseal()
        assert new.get("cubbyhole/big89")["value"] == value
        assert resident(new)
