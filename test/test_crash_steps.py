"""Every lifecycle operation of the real binary, killed (SIGKILL) before each
single call that writes to its store: what is left is the old state or the new
one, it opens, its data are there, and the operation can be repeated.

test_crash.py and others kill at random moments under load; storage_steps.c makes
the moments all there are, one after the other."""

import mmap
import pathlib
import shutil
import struct
import subprocess

import pytest
import requests

from bulla import Server
from test_kek import kek_status
from test_passkeys import PHRASE, env_keks, sealed, set_seals
from test_rekey import begin, give, opens
from test_snapshot import upload

SECRET = b"kept"
STEPS_MAX = 120


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    built = tmp_path_factory.mktemp("steps") / "storage_steps.so"
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-O1", "-o", built,
         pathlib.Path(__file__).parent / "storage_steps.c", "-ldl"], check=True)
    return built


class Stepped(Server):
    """A server that dies before the armed step of its storage."""

    def __init__(self, library, store=None):
        super().__init__()
        self.library = library
        self.steps = self.directory / "steps"
        self.steps.write_bytes(bytes(8))
        if store is not None:
            shutil.copytree(store, self.directory / "store")

    def start(self, preexec=None, env=None):
        return super().start(preexec, {
            "LD_PRELOAD": str(self.library),
            "BULLA_TEST_STEPS": str(self.steps),
            "BULLA_TEST_STORE": str(self.directory / "store"), **(env or {})})

    def arm(self, step):
        with open(self.steps, "r+b") as file:
            with mmap.mmap(file.fileno(), 8) as shared:
                shared[:] = struct.pack("=II", step, 0)

    def steps_taken(self):
        return struct.unpack("=II", self.steps.read_bytes())[1]

    def attempt(self, operation):
        """What `operation` answered; None when the server died before."""
        try:
            return operation()
        except (requests.exceptions.RequestException, RuntimeError):
            assert self.process.wait(20) == -9, self.log.read_text()
            self.session = requests.Session()
            return None

    def died(self):
        """At a step behind the answer, perhaps: give it that long."""
        if self.process.poll() is None:
            self.arm(0)
            return False
        self.session = requests.Session()
        return True


class Life:
    """One installation, and how it is opened; copied for each step."""

    def __init__(self, library, tmp_path):
        self.library = library
        self.store = tmp_path / "template"
        self.seals = ""
        self.env = {}

    def keep(self, server):
        """`server` as it is now is where each step begins."""
        self.shares, self.threshold = server.shares, server.threshold
        self.token = server.token
        if self.token:
            self.ciphertext = server.encrypt("k", SECRET)
        server.stop()
        shutil.copytree(server.directory / "store", self.store)

    def server(self):
        server = Stepped(self.library, self.store)
        set_seals(server, self.seals)
        server.shares, server.threshold = self.shares, self.threshold
        server.token = self.token
        return server

    def open(self, server):
        """Starts it, and gives what shares there are."""
        server.start(env=self.env)
        if self.seals:
            assert not sealed(server), server.log.read_text()
            return
        if server.shares:
            server.unseal()

    def check(self, server):
        assert server.decrypt("k", self.ciphertext) == SECRET
        assert server.get("auth/token/lookup-self")["policies"] == ["root"]
        server.post("cubbyhole/after", {"a": "b"})


@pytest.fixture
def by_shares(library, tmp_path):
    """3 shares, 2 of them open; audit nowhere."""
    life = Life(library, tmp_path)
    with Server() as server:
        server.ready(3, 2).transit("k")
        life.keep(server)
    return life


@pytest.fixture
def by_env(library, tmp_path):
    """Under version 1 of an environment that has 1 and 2; people's passkeys
    beside it, and recovery shares."""
    life = Life(library, tmp_path)
    life.seals, life.env = 'seal "env" {}', env_keks(1)
    with Server() as server:
        set_seals(server, life.seals)
        server.start(env=life.env)
        made = server.call("PUT", "sys/init", {
            "recovery_shares": 3, "recovery_threshold": 2})
        server.token = made["root_token"]
        life.recovery = made["recovery_keys"]
        server.transit("k")
        server.post("sys/passkeys/second", {"kind": "env"})
        server.post("sys/passkeys/glass", {
            "kind": "shamir", "secret_shares": 1, "secret_threshold": 1})
        server.post("sys/passkeys/office", {
            "kind": "passphrase", "passphrase": PHRASE})
        life.keep(server)
    life.env = env_keks(1, 2)
    return life


def passkeys(server):
    """Names, kinds and versions; not times."""
    info = server.get("sys/passkeys")["key_info"]
    return {(name, p["kind"], p["kek_version"]) for name, p in info.items()}


def each_step(life, operation, state, prepare=None):
    """Dies at every step of `operation`. `state` before and after are the only
    two that may be found; where it is the old one the operation is repeated."""
    with life.server() as server:
        life.open(server)
        if prepare:
            prepare(server)
        old = state(server)
        operation(server)
        new = state(server)
        assert old != new
    deaths = found_old = 0
    for step in range(1, STEPS_MAX):
        with life.server() as server:
            life.open(server)
            if prepare:
                prepare(server)
            server.arm(step)
            heard = server.attempt(lambda: operation(server) or True)
            died = server.died()
            if died:
                deaths += 1
                life.open(server)
            found = state(server)
            assert found in (old, new), step
            assert not heard or found == new, step
            life.check(server)
            if found == old:
                found_old += 1
                operation(server)
                assert state(server) == new, step
                server.stop()
                life.open(server)
                life.check(server)
            if not died:
                assert deaths >= 3 and found_old >= 1
                return
    raise AssertionError(f"more than {STEPS_MAX} steps")


# -- init -------------------------------------------------------------------
@pytest.mark.parametrize("seals", ["", 'seal "env" {}'])
def test_init(library, seals):
    body = {} if seals else {"secret_shares": 3, "secret_threshold": 2}
    deaths = fresh = whole = 0
    for step in range(1, STEPS_MAX):
        with Stepped(library) as server:
            set_seals(server, seals)
            server.start(env=env_keks(1))
            server.arm(step)
            made = server.attempt(lambda: server.call("PUT", "sys/init", body))
            died = server.died()
            if died:
                deaths += 1
                server.start(env=env_keks(1))
            if not server.get("sys/init")["initialized"]:
                assert made is None
                fresh += 1
                made = server.call("PUT", "sys/init", body)
            else:
                whole += 1
            status = server.get("sys/seal-status")
            if made is None:
                # Stored, and nobody heard the shares or the token: whole all
                # the same.
                assert status["sealed"] is (not seals)
                assert (status["n"], status["t"]) == (
                    (0, 0) if seals else (3, 2))
                continue
            server.token = made["root_token"]
            if not seals:
                server.shares, server.threshold = made["keys"], 2
                server.unseal()
            server.transit("k")
            assert server.decrypt("k", server.encrypt("k", SECRET)) == SECRET
            if not died:
                assert deaths >= 3 and fresh >= 2 and whole >= 1
                return
    raise AssertionError(f"more than {STEPS_MAX} steps")


# -- unseal -----------------------------------------------------------------
def test_unseal_by_shares(by_shares):
    deaths = 0
    for step in range(1, STEPS_MAX):
        with by_shares.server() as server:
            server.start()
            server.call("PUT", "sys/unseal", {"key": server.shares[0]})
            server.arm(step)
            server.attempt(lambda: server.call(
                "PUT", "sys/unseal", {"key": server.shares[1]}))
            died = server.died()
            if died:
                deaths += 1
                by_shares.open(server)
            by_shares.check(server)
            if not died:
                assert deaths >= 3
                return
    raise AssertionError(f"more than {STEPS_MAX} steps")


def test_start_and_unseal_by_a_seal(by_env):
    deaths = 0
    for step in range(1, STEPS_MAX):
        with by_env.server() as server:
            server.arm(step)
            server.attempt(lambda: server.start(env=by_env.env))
            died = server.died()
            if died:
                deaths += 1
                by_env.open(server)
            by_env.check(server)
            if not died:
                assert deaths >= 3
                return
    raise AssertionError(f"more than {STEPS_MAX} steps")


# -- passkeys ---------------------------------------------------------------
@pytest.mark.parametrize("body", [
    {"kind": "env"},
    {"kind": "passphrase", "passphrase": PHRASE + "2"},
    {"kind": "shamir", "secret_shares": 3, "secret_threshold": 2}],
    ids=["env", "passphrase", "shamir"])
def test_passkey_add(by_env, body):
    each_step(by_env, lambda s: s.post("sys/passkeys/new", body), passkeys)


@pytest.mark.parametrize("name", ["second", "glass", "office"])
def test_passkey_delete(by_env, name):
    each_step(by_env, lambda s: s.call("DELETE", f"sys/passkeys/{name}"),
              passkeys)


def test_passkey_rename(by_env):
    each_step(by_env, lambda s: s.post("sys/passkeys/glass/rename",
                                       {"new_name": "break-glass"}), passkeys)


# -- KEKs -------------------------------------------------------------------
def test_kek_rotate(by_env):
    """In phases: each state between opens, and the pointer moves last."""
    deaths = between = 0
    for step in range(1, STEPS_MAX):
        with by_env.server() as server:
            by_env.open(server)
            server.arm(step)
            server.attempt(lambda: server.post("sys/kek/rotate",
                                               {"to_version": 2}))
            died = server.died()
            if died:
                deaths += 1
                by_env.open(server)
            status = kek_status(server)
            envelopes = status["envelopes"]
            assert sum(envelopes.values()) == 2
            if status["active_version"] == 2:
                assert envelopes == {"2": 2}
            else:
                between += status["target_version"] == 2
            by_env.check(server)
            for name in ("env", "second"):
                server.post(f"sys/passkeys/{name}/verify")
            done = server.post("sys/kek/rotate", {"to_version": 2})
            assert done["to_version"] == 2
            status = kek_status(server)
            assert (status["active_version"], status["target_version"]) == (2, 0)
            assert status["envelopes"] == {"2": 2}
            if not died:
                assert deaths >= 9 and between >= 3
                return
    raise AssertionError(f"more than {STEPS_MAX} steps")


def test_kek_remove(by_env):
    each_step(by_env, lambda s: s.post("sys/kek/remove", {"version": 1}),
              lambda s: kek_status(s)["removed_versions"],
              prepare=lambda s: s.post("sys/kek/rotate", {"to_version": 2}))


def test_kek_rotate_on_a_stopped_servers_store(by_env):
    """The command itself dies; so does a command over what it left."""
    deaths = 0
    for step in range(1, STEPS_MAX):
        with by_env.server() as server:
            def rotate(library=None):
                env = {**by_env.env, "BULLA_TEST_STEPS": str(server.steps),
                       "BULLA_TEST_STORE": str(server.directory / "store")}
                if library:
                    env["LD_PRELOAD"] = str(library)
                return server.cli("kek", "rotate", f"-config={server.config}",
                                  "-to-version=2", env=env)

            server.arm(step)
            done = rotate(by_env.library)
            died = done.returncode == -9
            server.arm(0)
            assert died or done.returncode == 0, done.stderr
            deaths += died
            if step % 2:
                by_env.open(server)
                by_env.check(server)
                server.stop()
            assert rotate().returncode == 0
            by_env.open(server)
            assert kek_status(server)["envelopes"] == {"2": 2}
            by_env.check(server)
            if not died:
                assert deaths >= 9
                return
    raise AssertionError(f"more than {STEPS_MAX} steps")


# -- keyring ----------------------------------------------------------------
def term(server):
    return server.get("sys/key-status")["term"]


def test_rotate(by_shares):
    each_step(by_shares, lambda s: s.post("sys/rotate"), term)


def test_rotate_config(by_shares):
    each_step(by_shares, lambda s: s.post("sys/rotate/config",
                                          {"interval": "48h"}),
              lambda s: s.get("sys/rotate/config"))


# -- root key, shares, recovery keys -----------------------------------------
def opened_by(server, *sets):
    """Which of the sets of shares opens a server that was started anew."""
    for shares in sets:
        if opens(server, shares[:2]):
            server.shares = shares
            return shares
    raise AssertionError("neither the old shares nor the new ones open it")


def test_rekey(by_shares):
    deaths = silent = 0
    for step in range(1, STEPS_MAX):
        with by_shares.server() as server:
            by_shares.open(server)
            nonce = begin(server, 3, 2)["nonce"]
            give(server, server.shares[:1], nonce=nonce)
            server.arm(step)
            made = server.attempt(lambda: give(
                server, by_shares.shares[1:2], nonce=nonce))
            died = server.died()
            if died:
                deaths += 1
                server.start()
                # Who heard new shares holds good ones; else the old ones are.
                good = made["keys"] if made else by_shares.shares
                silent += made is None
                opened_by(server, good)
            else:
                server.shares = made["keys"]
            by_shares.check(server)
            begin(server, 3, 2)
            again = give(server, server.shares[:2])
            server.stop()
            server.start()
            opened_by(server, again["keys"])
            by_shares.check(server)
            if not died:
                assert deaths >= 3 and silent >= 2
                return
    raise AssertionError(f"more than {STEPS_MAX} steps")


def test_rekey_with_verification(by_shares):
    deaths = olds = news = 0
    for step in range(1, STEPS_MAX):
        with by_shares.server() as server:
            by_shares.open(server)
            begin(server, 3, 2, require_verification=True)
            made = give(server, server.shares[:2])
            nonce = made["verification_nonce"]
            give(server, made["keys"][:1], "sys/rekey/verify", nonce)
            server.arm(step)
            done = server.attempt(lambda: give(
                server, made["keys"][1:2], "sys/rekey/verify", nonce))
            died = server.died()
            if died:
                deaths += 1
                server.start()
                sets = [] if done else [by_shares.shares]
                found = opened_by(server, *sets, made["keys"])
                olds += found is by_shares.shares
                news += found is made["keys"]
                if found is made["keys"]:
                    server.stop()
                    server.start()
                    assert not opens(server, by_shares.shares[:2])
                    opened_by(server, made["keys"])
            by_shares.check(server)
            if not died:
                assert deaths >= 3 and olds >= 2
                return
    raise AssertionError(f"more than {STEPS_MAX} steps")


def test_rekey_of_the_recovery_key(by_env):
    deaths = 0
    for step in range(1, STEPS_MAX):
        with by_env.server() as server:
            by_env.open(server)
            path = "sys/rekey-recovery-key"
            nonce = begin(server, 3, 2, path + "/init")["nonce"]
            give(server, by_env.recovery[:1], path + "/update", nonce)
            server.arm(step)
            made = server.attempt(lambda: give(
                server, by_env.recovery[1:2], path + "/update", nonce))
            died = server.died()
            if died:
                deaths += 1
                by_env.open(server)
            good = made["keys"] if made else by_env.recovery
            attempt = server.call("PUT", "sys/generate-root/attempt", {})
            assert give(server, good[:2], "sys/generate-root/update",
                        attempt["nonce"])["complete"], step
            by_env.check(server)
            if not died:
                assert deaths >= 3
                return
    raise AssertionError(f"more than {STEPS_MAX} steps")


def test_a_new_root_key_without_shares(by_env):
    def check_values(server):
        info = server.get("sys/passkeys")["key_info"]
        values = {p["check_value"] for p in info.values()}
        assert len(values) == 1  # every passkey, or none
        return values.pop()

    deaths = moved = 0
    for step in range(1, STEPS_MAX):
        with by_env.server() as server:
            by_env.open(server)
            before = check_values(server)
            server.arm(step)
            heard = server.attempt(lambda: server.request(
                "POST", "sys/rotate/root"))
            died = server.died()
            if died:
                deaths += 1
                by_env.open(server)
            assert heard is None or check_values(server) != before
            moved += check_values(server) != before
            by_env.check(server)
            assert server.request("POST", "sys/rotate/root").status_code == 204
            for name in ("env", "second", "glass", "office"):
                server.post(f"sys/passkeys/{name}/verify")
            server.stop()
            by_env.open(server)
            by_env.check(server)
            if not died:
                assert deaths >= 3 and moved >= 1
                return
    raise AssertionError(f"more than {STEPS_MAX} steps")


# -- restore ----------------------------------------------------------------
@pytest.mark.parametrize("bare", [True, False], ids=["bare", "over another"])
def test_restore(library, tmp_path, by_shares, bare):
    with by_shares.server() as old:
        by_shares.open(old)
        path = tmp_path / "s"
        saved = old.cli("operator", "snapshot", "save", str(path))
        assert saved.returncode == 0, saved.stderr
        data = path.read_bytes()
    other = Life(library, tmp_path / "other")
    with Server() as server:
        server.start()
        if not bare:
            server.initialise(1, 1)
            server.unseal()
            server.transit("k")
        other.keep(server)
    deaths = finished = 0
    for step in range(1, STEPS_MAX):
        with other.server() as server:
            other.open(server)
            upload_id = upload(server, data)
            server.arm(step)
            answer = server.attempt(lambda: server.request(
                "POST", f"sys/storage/restore/{upload_id}/apply",
                {"force": True}))
            died = server.died()
            if died:
                deaths += 1
                server.start()
            left = list((server.directory / "store").glob("*.snapshot"))
            assert left == [], step
            status = server.get("sys/seal-status")
            if answer is not None:
                assert answer.status_code == 200, answer.text
            if (status["n"], status["t"]) == (3, 2):
                server.shares, server.threshold = by_shares.shares, 2
                server.token = by_shares.token
                server.unseal()
                by_shares.check(server)
                finished += 1
            elif bare:
                assert answer is None and not status["initialized"], step
                again = server.request(
                    "POST", f"sys/storage/restore/{upload(server, data)}/apply",
                    {})
                assert again.status_code == 200, again.text
            else:
                assert answer is None, step
                server.unseal()
                other.check(server)
            if not died:
                assert deaths >= 6 and finished >= 4
                return
    raise AssertionError(f"more than {STEPS_MAX} steps")


def test_restore_whose_file_is_lost(library, tmp_path, by_shares):
    """Half of it is there and the rest is gone: it is said, nothing is served,
    and a snapshot can be restored again."""
    with by_shares.server() as old:
        by_shares.open(old)
        path = tmp_path / "s"
        saved = old.cli("operator", "snapshot", "save", str(path))
        assert saved.returncode == 0, saved.stderr
    halves = 0
    for step in range(1, STEPS_MAX):
        with Stepped(library) as server:
            server.start()
            upload_id = upload(server, path.read_bytes())
            server.arm(step)
            server.attempt(lambda: server.request(
                "POST", f"sys/storage/restore/{upload_id}/apply", {}))
            if not server.died():
                assert halves >= 3
                return
            for file in (server.directory / "store").glob("restore-*"):
                file.unlink()
            server.start()
            if "half of a restore" not in server.log.read_text():
                continue
            halves += 1
            assert "restore a snapshot again" in server.log.read_text()
            refused = server.request("PUT", "sys/init", {
                "secret_shares": 1, "secret_threshold": 1})
            assert refused.status_code == 400, refused.text
            assert "not finished" in refused.text
            done = server.cli("operator", "snapshot", "restore", str(path))
            assert done.returncode == 0, done.stderr
            server.shares, server.threshold = by_shares.shares, 2
            server.token = by_shares.token
            server.unseal()
            by_shares.check(server)
    raise AssertionError(f"more than {STEPS_MAX} steps")
