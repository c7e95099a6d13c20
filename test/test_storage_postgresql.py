"""The server on PostgreSQL, started here and broken on purpose."""

import os
import subprocess

import pytest

import shared_storage
from bulla import Server
from databases import Postgres


@pytest.fixture
def database():
    with Postgres() as server:
        server.kind = "postgresql"
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


def test_url_of_the_environment(database):
    with Server(storage='storage "postgresql" { table = "other" }') as server:
        server.start(env={"VAULT_PG_CONNECTION_URL": database.url()})
        server.initialise(1, 1)
    assert database.run("SELECT count(*) > 5 FROM other").stdout == "t\n"


def test_a_database_that_is_not_there():
    stanza = ('storage "postgresql" { connection_url = '
              '"postgres://bulla:CANARY@127.0.0.1:1/x" }')
    with Server(storage=stanza) as server:
        with pytest.raises(RuntimeError) as error:
            server.start()
        assert "postgresql" in str(error.value)
        assert "CANARY" not in str(error.value)


def test_acknowledged_means_flushed(database):
    database.run("ALTER DATABASE postgres SET synchronous_commit = off")
    with Server(storage=database.stanza()) as server:
        shared_storage.prepared(server)
        with shared_storage.Writers(server) as writers:
            shared_storage.time.sleep(0.5)
            database.stop()  # at once, as a crash
        database.start()
        shared_storage.wait_until(lambda: shared_storage.works(server))
        writers.check()


def test_tls(database, tmp_path):
    certificate, key = tmp_path / "server.crt", tmp_path / "server.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
         "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
         key, "-out", certificate], check=True, capture_output=True)
    database.stop()
    for file in (certificate, key):
        inside = database.data / file.name
        inside.write_bytes(file.read_bytes())
        inside.chmod(0o600)
        if database.user:
            os.chown(inside, database.user["user"], database.user["group"])
    database.options = ["-c", "ssl=on"]
    database.start()
    url = database.url().replace("sslmode=disable", "sslmode=verify-full")
    stanza = ('storage "postgresql" {{ connection_url = "{}&sslrootcert={}" }}')
    with Server(storage=stanza.format(url, certificate)) as server:
        server.ready()
        used = database.run("SELECT bool_and(ssl) FROM pg_stat_ssl JOIN "
                            "pg_stat_activity USING (pid) WHERE "
                            "application_name = 'bulla'")
        assert used.stdout == "t\n"
    other = tmp_path / "other.crt"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=x",
         "-keyout", tmp_path / "other.key", "-out", other], check=True,
        capture_output=True)
    with Server(storage=stanza.format(url, other)) as server:
        with pytest.raises(RuntimeError, match="certificate"):
            server.start()
