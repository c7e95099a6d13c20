"""The server on etcd, started here and broken on purpose."""

import subprocess

import pytest

import shared_storage
from bulla import Server
from databases import Etcd


@pytest.fixture
def database():
    with Etcd() as server:
        server.kind = "etcd"
        yield server


def test_story(database):
    shared_storage.check_story(database)


def test_second_server_is_refused(database):
    shared_storage.check_second_server_is_refused(database)


def test_paused_server(database):
    shared_storage.check_paused_server(database)


def test_kill_under_load(database):
    shared_storage.check_kill_under_load(database)


def test_database_restart(database):
    shared_storage.check_database_restart(database)


def test_lost_answers(database):
    shared_storage.check_lost_answers(database)


def test_migration(database):
    shared_storage.check_migration(database)


def test_the_first_endpoint_is_down(database):
    address = f"http://127.0.0.1:1,{database.url()}"
    with Server(storage=database.stanza(address=address)) as server:
        shared_storage.prepared(server)
        assert shared_storage.works(server)


def test_users_and_paths(database):
    database.ctl("user", "add", "root:rootpass")
    database.ctl("user", "add", "bulla:CANARY-word")
    database.ctl("role", "add", "bulla")
    database.ctl("role", "grant-permission", "bulla", "--prefix=true",
                 "readwrite", "/mine/")
    database.ctl("user", "grant-role", "bulla", "bulla")
    database.ctl("user", "grant-role", "root", "root")
    database.ctl("auth", "enable")
    database.client = ["--user=root:rootpass"]
    good = 'username = "bulla"\n password_env = "WORD"\n path = "{}"'
    with Server(storage=database.stanza(extra=good.format("/mine"))) as server:
        server.start(env={"WORD": "CANARY-word"})
        server.initialise(1, 1)
        server.unseal()
        # Tokens of etcd end; this one ends all at once.
        database.stop()
        database.start()
        server.post("sys/mounts/kv",
                    {"type": "kv", "options": {"version": "2"}})
        shared_storage.wait_until(lambda: shared_storage.works(server))
    for path, word in (("/mine", "wrong"), ("/other", "CANARY-word")):
        with Server(storage=database.stanza(
                extra=good.format(path))) as server:
            with pytest.raises(RuntimeError) as error:
                server.start(env={"WORD": word})
            assert "CANARY" not in str(error.value)
    database.ctl("--user=root:rootpass", "auth", "disable")


def test_tls(tmp_path):
    certificate, key = tmp_path / "etcd.crt", tmp_path / "etcd.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
         "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
         key, "-out", certificate], check=True, capture_output=True)
    options = [f"--cert-file={certificate}", f"--key-file={key}",
               f"--trusted-ca-file={certificate}", "--client-cert-auth"]
    client = [f"--cacert={certificate}", f"--cert={certificate}",
              f"--key={key}"]
    with Etcd(options, scheme="https", client=client) as database:
        database.kind = "etcd"
        ours = (f'tls_ca_file = "{certificate}"\n'
                f'tls_cert_file = "{certificate}"\n tls_key_file = "{key}"')
        with Server(storage=database.stanza(extra=ours)) as server:
            shared_storage.prepared(server)
            for number in range(20):
                assert shared_storage.works(server), number
            large = "v" * 900_000
            server.post("kv/data/large", {"data": {"x": large}})
            assert server.get("kv/data/large")["data"] == {"x": large}
        with Server(storage=database.stanza()) as server:
            with pytest.raises(RuntimeError, match="etcd"):
                server.start()


def test_history_is_compacted_under_the_server():
    options = ["--auto-compaction-mode=revision",
               "--auto-compaction-retention=5"]
    with Etcd(options) as database:
        database.kind = "etcd"
        with Server(storage=database.stanza()) as server:
            shared_storage.prepared(server)
            with shared_storage.Writers(server) as writers:
                for _ in range(10):
                    shared_storage.time.sleep(0.1)
                    status = database.ctl("endpoint", "status", "-w=fields")
                    revision = [line for line in status.stdout.splitlines()
                                if '"Revision"' in line][0].split(":")[1]
                    database.ctl("compact", revision.strip(), check=False)
            writers.check()
            assert not writers.refused
