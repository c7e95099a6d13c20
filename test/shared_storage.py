"""What a server does on every storage that it shares with a network: used by
test_storage_postgresql.py and test_storage_etcd.py."""

import signal
import time

import pytest

from bulla import Server
from databases import Proxy, Writers


def prepared(server):
    server.ready()
    server.transit("k")
    server.post("sys/mounts/kv", {"type": "kv", "options": {"version": "2"}})
    return server


def wait_until(check, seconds=30):
    deadline = time.monotonic() + seconds
    while True:
        try:
            if check():
                return
        except Exception:
            if time.monotonic() > deadline:
                raise
        assert time.monotonic() < deadline
        time.sleep(0.1)


def works(server):
    answer = server.request("POST", "kv/data/probe", {"data": {"v": "1"}})
    return answer.status_code < 300


def check_story(database):
    with Server(storage=database.stanza()) as server:
        prepared(server)
        assert server.get("sys/seal-status")["storage_type"] == database.kind
        ciphertext = server.encrypt("k", b"text")
        server.post("transit/keys/k/rotate")
        server.post("kv/data/a/b", {"data": {"x": "y"}})
        large = "v" * 900_000
        server.post("kv/data/large", {"data": {"x": large}})
        server.restart()
        assert server.decrypt("k", ciphertext) == b"text"
        assert server.get("kv/data/a/b")["data"] == {"x": "y"}
        assert server.get("kv/data/large")["data"] == {"x": large}
        listed = server.call("LIST", "kv/metadata")["keys"]
        assert listed == ["a/", "large"]
        snapshot = server.directory / "all.snapshot"
        saved = server.cli("operator", "snapshot", "save", str(snapshot))
        assert saved.returncode == 0, saved.stderr
        server.post("kv/data/a/b", {"data": {"x": "later"}})
        back = server.cli("operator", "snapshot", "restore", "-force",
                          str(snapshot))
        assert back.returncode == 0, back.stderr
        if server.get("sys/seal-status")["sealed"]:
            server.unseal()
        assert server.get("kv/data/a/b")["data"] == {"x": "y"}


def check_second_server_is_refused(database):
    with Server(storage=database.stanza()) as first:
        prepared(first)
        with Server(storage=database.stanza()) as second:
            with pytest.raises(RuntimeError, match="in use by another process"):
                second.start()
        assert works(first)


def check_paused_server(database):
    """One that stood still while another took over writes nothing."""
    with Server(storage=database.stanza()) as first:
        prepared(first)
        first.process.send_signal(signal.SIGSTOP)
        with Server(storage=database.stanza()) as second:
            second.start()  # once the lease has run out
            second.shares, second.threshold = first.shares, first.threshold
            second.token = first.token
            second.unseal()
            second.post("kv/data/probe", {"data": {"v": "second"}})
            first.process.send_signal(signal.SIGCONT)
            answer = first.request("POST", "kv/data/probe",
                                   {"data": {"v": "first"}})
            assert answer.status_code >= 500, answer.text
            assert second.get("kv/data/probe")["data"]["v"] == "second"
            second.post("kv/data/probe", {"data": {"v": "again"}})
            second.stop()
        assert not works(first)


def check_kill_under_load(database, rounds=2):
    with Server(storage=database.stanza()) as server:
        prepared(server)
        ciphertext = server.encrypt("k", b"text")
        for _ in range(rounds):
            with Writers(server) as writers:
                time.sleep(1)
                server.kill()
            server.start()
            server.unseal()
            writers.check()
            assert server.decrypt("k", ciphertext) == b"text"


def check_database_restart(database):
    with Server(storage=database.stanza()) as server:
        prepared(server)
        ciphertext = server.encrypt("k", b"text")
        with Writers(server) as writers:
            time.sleep(0.5)
            database.stop()
            # What is in memory goes on; what needs storage fails, and says so.
            assert server.decrypt("k", ciphertext) == b"text"
            answer = server.request("GET", "kv/data/w0/0")
            assert answer.status_code in (500, 503), answer.text
            assert answer.json()["errors"]
            time.sleep(1)
            database.start()
            wait_until(lambda: works(server))
            time.sleep(0.5)
        assert all(code == 0 or code >= 500 for *_, code in writers.refused)
        assert writers.refused
        writers.check()
        assert server.get("sys/seal-status")["sealed"] is False


def check_lost_answers(database):
    proxy = Proxy(database.port)
    with Server(storage=database.stanza(proxy.port)) as server:
        prepared(server)
        with Writers(server) as writers:
            for _ in range(10):
                time.sleep(0.3)
                proxy.lose_answers(0.05)
            time.sleep(0.5)
        wait_until(lambda: works(server))
        writers.check()
        assert all(code == 0 or code >= 500 for *_, code in writers.refused)
        # Compare-and-set counts each of its writes once, whatever was lost.
        server.post("kv/data/count", {"data": {"v": "0"}})
        for number in range(1, 20):
            if number % 4 == 0:
                proxy.deaf.set()
            answer = server.request(
                "POST", "kv/data/count",
                {"data": {"v": str(number)}, "options": {"cas": number}})
            proxy.deaf.clear()
            if answer.status_code >= 500:
                wait_until(lambda: works(server))
                now = server.get("kv/data/count")
                if now["metadata"]["version"] == number:
                    server.post("kv/data/count", {
                        "data": {"v": str(number)},
                        "options": {"cas": number}})
            assert server.get("kv/data/count")["metadata"]["version"] == (
                number + 1)
    proxy.close()


def check_migration(database):
    """From lmdb and back, through the command."""
    with Server() as server:
        prepared(server)
        ciphertext = server.encrypt("k", b"text")
        for number in range(300):
            server.post(f"kv/data/r{number}", {"data": {"n": number}})
        there = server.directory / "there.hcl"
        lmdb = 'storage_%s "lmdb" {{ path = "{}" }}\n'
        there.write_text(
            lmdb.replace("%s", "source").format(f"{server.directory}/store")
            + database.stanza().replace("storage", "storage_destination", 1))
        served = server.cli("operator", "migrate", f"-config={there}")
        assert served.returncode == 1
        assert "in use by another process" in served.stderr
        server.stop()
        moved = server.cli("operator", "migrate", f"-config={there}",
                           "-format=json")
        assert moved.returncode == 0, moved.stderr
        again = server.cli("operator", "migrate", f"-config={there}")
        assert again.returncode == 1
        assert "not empty" in again.stderr
        check_moved(server, database.stanza(), ciphertext)
        back = server.directory / "back.hcl"
        back.write_text(
            database.stanza().replace("storage", "storage_source", 1) + "\n"
            + lmdb.replace("%s", "destination").format(
                f"{server.directory}/second"))
        moved = server.cli("operator", "migrate", f"-config={back}")
        assert moved.returncode == 0, moved.stderr
        assert "Success!" in moved.stdout
        check_moved(server,
                    f'storage "lmdb" {{ path = "{server.directory}/second" }}',
                    ciphertext)


def check_moved(server, stanza, ciphertext):
    with Server(storage=stanza) as other:
        other.start()
        other.shares, other.threshold = server.shares, server.threshold
        other.token = server.token
        other.unseal()
        assert other.decrypt("k", ciphertext) == b"text"
        for number in range(0, 300, 37):
            assert other.get(f"kv/data/r{number}")["data"]["n"] == number
        other.stop()
