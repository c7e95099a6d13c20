"""A killed process, a full disk, flipped bytes: nothing acknowledged is lost and
nothing wrong is believed."""

import os
import resource
import subprocess
import tempfile
import threading
import time

import pytest
import requests

from bulla import Server, unb64

KILLS = 12


class Writer(threading.Thread):
    """Creates and rotates keys until the server goes; keeps what was
    acknowledged."""

    def __init__(self, server, number, round_number):
        super().__init__()
        self.url = server.address + "/v1/transit/keys/"
        self.headers = {"X-Vault-Token": server.token}
        self.prefix = f"w{number}-r{round_number}-"
        self.versions = {}

    def run(self):
        session = requests.Session()
        for i in range(100_000):
            name = f"{self.prefix}{i}"
            try:
                for path, version in ((name, 1), (name + "/rotate", 2)):
                    answer = session.post(self.url + path, json={},
                                          headers=self.headers, timeout=10)
                    if answer.status_code != 200:
                        return
                    self.versions[name] = version
            except requests.exceptions.RequestException:
                return


def test_kill_9_under_load_loses_nothing_acknowledged():
    with Server() as server:
        server.ready()
        server.transit()
        expected = {}
        for round_number in range(KILLS):
            writers = [Writer(server, n, round_number) for n in range(4)]
            for writer in writers:
                writer.start()
            time.sleep(0.15 + 0.05 * (round_number % 5))
            server.kill()
            for writer in writers:
                writer.join()
                expected.update(writer.versions)
            server.start()
            server.unseal()
        assert len(expected) > KILLS * 4
        for name, version in expected.items():
            key = server.get(f"transit/keys/{name}")
            assert key["latest_version"] >= version, name


def test_kill_9_during_init_leaves_old_or_new():
    for delay in (0.0, 0.002, 0.005, 0.01, 0.02):
        with Server() as server:
            server.start()
            done = {}

            def initialise():
                try:
                    done["answer"] = server.request(
                        "PUT", "sys/init",
                        {"secret_shares": 1, "secret_threshold": 1}).json()
                except requests.exceptions.RequestException:
                    pass

            thread = threading.Thread(target=initialise)
            thread.start()
            time.sleep(delay)
            server.kill()
            thread.join()
            server.start()
            initialised = server.get("sys/init")["initialized"]
            if "answer" in done:
                assert initialised
                server.shares = done["answer"]["keys_base64"]
                server.token = done["answer"]["root_token"]
                server.threshold = 1
                server.unseal()
                server.get("auth/token/lookup-self")
            elif not initialised:
                server.initialise(1, 1)
                server.unseal()


@pytest.fixture
def small_disk(tmp_path):
    """A tmpfs of 8 MiB, where this machine lets us make one."""
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs",
                           str(tmp_path)], capture_output=True)
    if made.returncode != 0:
        pytest.skip("cannot mount a tmpfs here")
    yield tmp_path
    subprocess.run(["umount", "-l", str(tmp_path)], check=True)


def test_full_disk_fails_cleanly_and_recovers(small_disk):
    with Server(directory=small_disk) as server:
        server.ready()
        server.transit("before")
        ciphertext = server.encrypt("before", b"kept")
        ballast = small_disk / "ballast"
        out = os.open(ballast, os.O_WRONLY | os.O_CREAT)
        try:
            while os.write(out, bytes(4096)):
                pass
        except OSError:
            os.close(out)
        acknowledged, refused = [], None
        for i in range(5000):
            answer = server.request("POST", f"transit/keys/k{i}", {})
            if answer.status_code == 200:
                acknowledged.append(f"k{i}")
            else:
                refused = answer
                break
        assert refused is not None, "the disk never filled"
        assert refused.status_code >= 500
        assert "space" in refused.text
        assert server.decrypt("before", ciphertext) == b"kept"
        ballast.unlink()
        server.post("transit/keys/after", {})
        server.restart()
        for name in [*acknowledged, "before", "after"]:
            assert server.get(f"transit/keys/{name}")["name"] == name
        assert server.decrypt("before", ciphertext) == b"kept"


def test_full_file_fails_cleanly_and_recovers():
    # The same where no file system may be mounted: a limit on the file's size
    # that is lifted again.
    with Server() as server:
        server.ready()
        server.transit("before")
        ciphertext = server.encrypt("before", b"kept")
        size = (server.directory / "store" / "data.mdb").stat().st_size
        lifted = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE,
                         (size + 100_001, lifted[1]))
        acknowledged, refused = [], None
        for i in range(5000):
            answer = server.request("POST", f"transit/keys/k{i}", {})
            if answer.status_code != 200:
                refused = answer
                break
            acknowledged.append(f"k{i}")
        assert refused is not None
        assert refused.status_code == 507
        assert "no space left" in refused.json()["errors"][0]
        assert "no space left" in server.log.read_text()
        assert server.decrypt("before", ciphertext) == b"kept"
        assert server.request("GET", "sys/health").status_code == 200
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, lifted)
        server.post("transit/keys/after", {})
        server.restart()
        for name in [*acknowledged, "before", "after"]:
            assert server.get(f"transit/keys/{name}")["name"] == name
        assert server.decrypt("before", ciphertext) == b"kept"


SEALED_AT_ROOT = ["core/keyring", "core/cluster/local/info", "core/mounts/",
                  "sys/policy/default", "sys/token/salt"]


@pytest.mark.parametrize("path", SEALED_AT_ROOT)
def test_a_flipped_byte_of_what_all_needs_is_named(path):
    with Server() as server:
        server.ready()
        server.transit("k")
        ciphertext = server.encrypt("k", b"kept")
        server.stop()
        file = server.directory / "store" / "data.mdb"
        whole = file.read_bytes()
        damaged = bytearray(whole)
        found = 0
        at = whole.find(path.encode())
        while at >= 0:
            end = at
            while 0x21 <= whole[end] < 0x7f:
                end += 1
            if whole[end + 8:end + 13] in (b"\x00\x00\x00\x01\x02",):
                damaged[end + 8 + 20] ^= 1
                found += 1
            at = whole.find(path.encode(), at + 1)
        assert found
        file.write_bytes(bytes(damaged))
        server.start()
        refused = server.request("PUT", "sys/unseal", {"key": server.shares[0]})
        assert refused.status_code == 500
        assert path in refused.json()["errors"][0]
        assert path in server.log.read_text()
        assert server.get("sys/seal-status")["sealed"] is True
        server.stop()
        file.write_bytes(whole)
        server.start()
        server.unseal()
        assert server.decrypt("k", ciphertext) == b"kept"


def test_flipped_bytes_never_give_wrong_plaintext():
    with Server() as server:
        server.ready()
        server.transit()
        for i in range(40):
            server.post(f"transit/keys/k{i}", {})
        plain = {f"k{i}": server.encrypt(f"k{i}", f"text {i}".encode())
                 for i in range(40)}
        server.stop()
        data = server.directory / "store" / "data.mdb"
        damaged = bytearray(data.read_bytes())
        # One byte inside the sealed value behind every path of every other key.
        for i in range(0, 40, 2):
            name = f"/k{i}".encode()
            at = damaged.find(name)
            while at >= 0:
                value = at + len(name) + 8  # behind the stored version
                if damaged[value:value + 5] == b"\x00\x00\x00\x01\x02":
                    damaged[value + 30] ^= 0x01
                at = damaged.find(name, at + 1)
        data.write_bytes(bytes(damaged))
        server.start()
        server.unseal()
        refused = 0
        for i, (name, ciphertext) in enumerate(plain.items()):
            answer = server.request("POST", f"transit/decrypt/{name}",
                                    {"ciphertext": ciphertext})
            if answer.status_code == 200:
                opened = unb64(answer.json()["data"]["plaintext"])
                assert opened == f"text {i}".encode()
                continue
            refused += 1
            assert answer.status_code == 500
            assert "logical/" in answer.text and name in answer.text
        assert 10 <= refused <= 20


@pytest.mark.parametrize("seed", range(6))
def test_random_damage_never_gives_wrong_plaintext(seed):
    import random
    rng = random.Random(seed)
    with Server() as server:
        server.ready()
        server.transit("k")
        ciphertext = server.encrypt("k", b"the truth")
        server.stop()
        data = server.directory / "store" / "data.mdb"
        damaged = bytearray(data.read_bytes())
        for _ in range(200):
            damaged[rng.randrange(8192, len(damaged))] ^= 1 << rng.randrange(8)
        data.write_bytes(bytes(damaged))
        try:
            server.start()
            for share in server.shares:
                server.request("PUT", "sys/unseal", {"key": share})
            answer = server.request("POST", "transit/decrypt/k",
                                    {"ciphertext": ciphertext})
        except (RuntimeError, requests.exceptions.ConnectionError):
            return
        if answer.status_code == 200:
            assert unb64(answer.json()["data"]["plaintext"]) == b"the truth"
        else:
            assert answer.json()["errors"]


def test_the_map_grows_to_its_limit_and_says_so():
    def storage(server_directory, most):
        return (f'storage "lmdb" {{\n  path = "{server_directory}/store"\n'
                f'  map_size = 65536\n  map_size_max = {most}\n}}')

    with tempfile.TemporaryDirectory() as directory:
        with Server(directory, storage=storage(directory, 640 << 10)) as server:
            server.ready()
            server.transit()
            acknowledged, refused = [], None
            for i in range(5000):
                answer = server.request("POST", f"transit/keys/k{i}", {})
                if answer.status_code != 200:
                    refused = answer
                    break
                acknowledged.append(f"k{i}")
            assert len(acknowledged) > 50  # 64 KiB hold a fraction of these
            assert refused is not None and refused.status_code == 507
            assert "raise its map_size_max" in refused.json()["errors"][0]
            shares, token = server.shares, server.token
            server.stop()
        with Server(directory, storage=storage(directory, 1 << 30)) as server:
            server.shares, server.threshold, server.token = shares, 1, token
            server.start()
            server.unseal()
            for i in range(50):
                server.post(f"transit/keys/after{i}", {})
            names = set(server.call("LIST", "transit/keys")["keys"])
            assert set(acknowledged) <= names


def test_sealing_under_load_refuses_and_loses_nothing():
    with Server() as server:
        server.ready(3, 2)
        server.transit("k")
        ciphertext = server.encrypt("k", b"the truth")
        stop, odd, opened = threading.Event(), [], [0]

        def use():
            session = requests.Session()
            headers = {"X-Vault-Token": server.token}
            while not stop.is_set():
                answer = session.post(server.url("transit/decrypt/k"), timeout=20,
                                      json={"ciphertext": ciphertext},
                                      headers=headers)
                if answer.status_code == 200:
                    opened[0] += 1
                    if unb64(answer.json()["data"]["plaintext"]) != b"the truth":
                        odd.append(answer.text)
                elif (answer.status_code, answer.json()) != (
                        503, {"errors": ["Vault is sealed"]}):
                    odd.append(answer.text)

        users = [threading.Thread(target=use) for _ in range(6)]
        for user in users:
            user.start()
        for _ in range(25):
            assert server.request("PUT", "sys/seal").status_code == 204
            time.sleep(0.01)
            server.unseal()
            time.sleep(0.02)
        stop.set()
        for user in users:
            user.join()
        assert not odd, odd[:3]
        assert opened[0] > 25


def test_second_process_on_the_same_store_is_refused():
    with Server() as server:
        server.ready()
        with Server(directory=server.directory) as second:
            with pytest.raises(RuntimeError, match="another process"):
                second.start()
