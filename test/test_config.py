"""The configuration and `bulla server`'s flags: what starts, and how an error
names file, line and key."""

import json
import os
import pathlib
import re
import resource
import shutil
import signal
import stat
import subprocess
import tempfile
import time

import pytest
import requests

from bulla import BINARY, Server, free_port


def run(directory, *arguments, env=None, seconds=20):
    return subprocess.run(
        [BINARY, "server", *arguments], cwd=directory, capture_output=True,
        text=True, timeout=seconds,
        env={"PATH": os.environ["PATH"], "HOME": str(directory), **(env or {})})


class Running:
    """A server process that was started by its flags alone."""

    def __init__(self, directory, *arguments, port, env=None):
        self.url = f"http://127.0.0.1:{port}/v1/"
        self.out = directory / "out"
        with open(self.out, "wb") as out:
            self.process = subprocess.Popen(
                [BINARY, "server", *arguments], cwd=directory, stdout=out,
                stderr=out, env={"PATH": os.environ["PATH"],
                                 "HOME": str(directory), **(env or {})})

    def __enter__(self):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.said()
            try:
                requests.get(self.url + "sys/seal-status", timeout=2)
                return self
            except requests.exceptions.ConnectionError:
                time.sleep(0.02)
        raise AssertionError(self.said())

    def __exit__(self, *_):
        self.process.terminate()
        assert self.process.wait(20) == 0

    def said(self):
        return self.out.read_text()

    def get(self, path, token=None):
        return requests.get(self.url + path, timeout=10,
                            headers={"X-Vault-Token": token} if token else {})


def base(port):
    return (f'storage "inmem" {{}}\nlistener "tcp" {{\n'
            f'  address = "127.0.0.1:{port}"\n  tls_disable = true\n}}\n'
            "disable_mlock = true\n")


# -- errors -------------------------------------------------------------------

B = base(1)  # seven lines: what is added begins on line 7


@pytest.mark.parametrize("text, said", [
    (B + "foo = 1", "c.hcl:7: foo: unknown key"),
    (B + "\n\nlog_levle = 1",
     'c.hcl:9: log_levle: unknown key; did you mean "log_level"?'),
    (B + "telemetry {\n  foo = 1\n}", "c.hcl:8: foo: unknown key"),
    (B + 'listener "tcp" {\n  telemetry {\n    foo = 1\n  }\n}',
     "c.hcl:9: foo: unknown key"),
    (B + 'listener "tcp" {\n  foo = 1\n}', "c.hcl:8: foo: unknown key"),
    (B + 'listener "unix" {}', 'c.hcl:7: listener "unix"'),
    ('storage "lmdb" {\n  path = "x"\n  foo = 1\n}', "c.hcl:3: foo: unknown key"),
    ('storage "inmem" {\n  path = "x"\n}', "c.hcl:2: path: unknown key"),
    ('storage "lmdb" {}', 'c.hcl:1: storage "lmdb": path: missing'),
    ('storage "raft" {\n path = "x"\n}', 'c.hcl:1: storage "raft": unknown type'),
    (B + 'seal "static" {\n current_key_id = "a"\n current_key = "x"\n'
     ' foo = 1\n}', 'c.hcl:7: seal "static": unknown option "foo"'),
    (B + 'seal "nosuch" {}', 'c.hcl:7: seal "nosuch": unknown kind'),
    (B + 'seal "static" {}', 'c.hcl:7: seal "static": current_key'),
    (B + "ui = maybe", "c.hcl:7:"),
    (B + 'ui = "maybe"', "c.hcl:7: ui: expected true or false"),
    (B + "ui = [true]", "c.hcl:7: ui: expected true or false"),
    (B + 'default_lease_ttl = "soon"', "c.hcl:7: default_lease_ttl: expected a"),
    (B + "max_lease_ttl = 1\ndefault_lease_ttl = 2",
     "c.hcl:8: default_lease_ttl: longer than max_lease_ttl"),
    (B + 'api_addr = "here"', "c.hcl:7: api_addr: expected a URL"),
    (B + 'log_level = "loud"', "c.hcl:7: log_level: expected trace"),
    (B + "disable_mlock = true",
     "c.hcl:7: disable_mlock: given twice, first on line 6"),
    (B + 'listener "tcp" {', "c.hcl:7"),
    (B + 'ui = "a', "c.hcl:7"),
    (B + 'listener "tcp" {\n  address = "127.0.0.1:1"\n  tls_disable = true\n}',
     'c.hcl:7: listener "tcp": address: "127.0.0.1:1": another listener'),
    (B + 'listener "tcp" { address = "x" }', 'c.hcl:7: listener "tcp": address:'),
    (B + 'listener "tcp" { address = "127.0.0.1:2" }',
     'c.hcl:7: listener "tcp": tls_cert_file'),
    ("ui = true", "c.hcl: no storage is configured"),
    ('storage "inmem" {}', "c.hcl: no listener is configured"),
    (B + 'log_file = "/no/such/dir/log"', "log_file: cannot open"),
    (B + 'pid_file = "/no/such/dir/pid"', "pid_file: cannot create"),
    ("\x00", "c.hcl:1: the text holds a NUL character"),
])
def test_hcl_errors(tmp_path, text, said):
    (tmp_path / "c.hcl").write_text(text.replace(":1\"", f":{free_port()}\"")
                                    if "_file" in text else text)
    done = run(tmp_path, "-config=c.hcl")
    assert done.returncode == 1
    assert said in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("Error: ")


J = ('{\n "storage": {"inmem": {}},\n "listener": [{"tcp": {\n'
     '  "address": "127.0.0.1:1",\n  "tls_disable": true%s}}]%s\n}')


@pytest.mark.parametrize("text, said", [
    (J % ("", ',\n "foo": 1'), "c.json:6: foo: unknown key"),
    (J % (',\n  "adress": 1', ""),
     'c.json:6: adress: unknown key; did you mean "address"?'),
    (J % (',\n  "telemetry": {\n   "foo": 1}', ""), "c.json:7: foo: unknown key"),
    (J % ("", ',\n "telemetry": {"foo": 1}'), "c.json:6: foo: unknown key"),
    (J % ("", ',\n "ui": []'), "c.json:6: ui: expected true or false"),
    (J % ("", ',\n "ui": true,\n "ui": true'),
     "c.json:7: ui: given twice, first on line 6"),
    (J % ("", ',\n "seal": {"static": {"foo": "1"}}'),
     'c.json:6: seal "static": unknown option "foo"'),
    ('{\n "storage": {"lmdb": {\n  "path": "x", "foo": 1}}}',
     "c.json:3: foo: unknown key"),
    ("[1]", "c.json:1"), ("{\n\n", "c.json:"), ('{"ui": true}', "no storage"),
])
def test_json_errors(tmp_path, text, said):
    (tmp_path / "c.json").write_text(text)
    done = run(tmp_path, "-config=c.json")
    assert done.returncode == 1
    assert said in done.stderr


def test_a_secret_under_a_wrong_key_is_not_repeated(tmp_path):
    (tmp_path / "c.hcl").write_text(
        'seal "static" {\n  current_kye = "hunter2"\n}\nstorage "inmem" {}\n'
        'listener "tcp" {\n  tls_disable = true\n}\ndisable_mlock = true')
    done = run(tmp_path, "-config=c.hcl")
    assert done.returncode == 1 and "current_kye" in done.stderr
    assert "hunter2" not in done.stderr + done.stdout


@pytest.mark.parametrize("arguments, said", [
    ([], "-config=FILE"), (["-config=none.hcl"], "none.hcl: no such file"),
    (["-config=empty"], "empty: holds no *.hcl or *.json file"),
    (["-config=c.hcl", "-nosuch"], "unknown flag -nosuch"),
    (["-config=c.hcl", "extra"], "too many arguments"),
    (["-config=c.hcl", "-log-level=loud"], "unknown log level"),
    (["-config=c.hcl", "-log-format=xml"], "unknown log format"),
    (["-dev", "-dev-listen-address=8200"], 'address: "8200": expected HOST:PORT'),
    (["-dev", "-config=none.hcl"], "none.hcl: no such file"),
    (["-dev", "-config=c.hcl"], "take storage and seal out"),
    (["-dev", "-dev-data=/proc/none"], "/proc/none"),
    (["-dev", "-dev-listen-address=127.0.0.1:1", "-dev-root-token-id=b.x"],
     "token ID"),
])
def test_flag_errors(tmp_path, arguments, said):
    (tmp_path / "empty").mkdir()
    (tmp_path / "c.hcl").write_text(base(free_port()))
    port = free_port()
    done = run(tmp_path, *[a.replace(":1", f":{port}") for a in arguments])
    assert done.returncode == 1
    assert said in done.stderr


# -- what starts -----------------------------------------------------------------

def test_directories_and_repeated_files(tmp_path):
    port = free_port()
    parts = tmp_path / "conf.d"
    parts.mkdir()
    (parts / "a.hcl").write_text(base(port))
    (parts / "b.json").write_text('{"cluster_name": "of-b"}')
    (parts / "ignored.txt").write_text("nonsense {")
    (parts / ".#a.hcl").symlink_to("nobody@nowhere.1234")  # an editor's lock
    later = tmp_path / "later.hcl"
    later.write_text('cluster_name = "of-later"\nlog_format = "json"\n')
    with Running(tmp_path, "-config=conf.d", f"-config={later}", port=port) as s:
        made = requests.put(s.url + "sys/init", json={
            "secret_shares": 1, "secret_threshold": 1}).json()
        requests.put(s.url + "sys/unseal", json={"key": made["keys"][0]})
        status = s.get("sys/seal-status").json()
        assert status["cluster_name"] == "of-later"
        assert json.loads(s.said().splitlines()[0])["@level"] == "info"


def test_a_wrong_file_of_a_directory_is_named(tmp_path):
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "a.hcl").write_text(base(1))
    (tmp_path / "conf.d" / "b.hcl").write_text("\nzebra = 1\n")
    done = run(tmp_path, "-config=conf.d")
    assert "b.hcl:2: zebra: unknown key" in done.stderr


def test_json_logs_are_json_and_levels_hold(tmp_path):
    for level, least in (("info", 3), ("error", 0)):
        with Server(extra=f'log_format = "json"\nlog_level = "{level}"\n'
                    f'pid_file = "{tmp_path}/pid"\n'
                    f'log_file = "{tmp_path}/{level}.log"') as server:
            server.ready()
            assert int((tmp_path / "pid").read_text()) == server.process.pid
            server.process.send_signal(signal.SIGHUP)
            time.sleep(0.2)
            server.stop()
            assert server.log.read_text() == ""  # nothing beside the file
        assert not (tmp_path / "pid").exists()
        file = tmp_path / f"{level}.log"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        assert len(lines) >= least
        for line in lines:
            assert {"@level", "@message", "@timestamp"} <= set(line)
        messages = [line["@message"] for line in lines]
        assert len(messages) == len(set(messages)), "something is said twice"


def test_hangup_reopens_the_log(tmp_path):
    log = tmp_path / "bulla.log"
    with Server(extra=f'log_file = "{log}"') as server:
        server.start()
        old = log.rename(tmp_path / "bulla.log.1")
        server.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 5
        while not log.exists() or "SIGHUP" not in log.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        server.initialise(1, 1)
        assert "initialised: seal=shamir" in log.read_text()
        assert "initialised: seal=shamir" not in old.read_text()


def test_a_seal_that_is_not_the_store_s_stops_the_start():
    static = ('seal "static" {\n  current_key_id = "a"\n  current_key = "'
              + "ab" * 32 + '"\n}')
    with Server(extra=static) as server:
        server.start()
        assert server.request("PUT", "sys/init", {}).status_code == 200
        server.stop()
        store = server.directory / "store" / "data.mdb"
        before = store.read_bytes()
        with_seal = server.config.read_text()
        server.config.write_text(with_seal.replace(static, ""))
        said = "sealed with static, but the configuration says shamir"
        with pytest.raises(RuntimeError, match=said):
            server.start()
        assert store.read_bytes() == before
        server.config.write_text(with_seal)
        server.start()


def unlockable():
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (65536, 65536))
    if os.getuid() == 0:
        os.setgid(65534)
        os.setuid(65534)


def test_memory_that_cannot_be_locked_is_an_error(tmp_path):
    place = pathlib.Path(tempfile.mkdtemp())
    place.chmod(0o777)
    shutil.copy(BINARY, place / "bulla")
    text = base(free_port()).replace("disable_mlock = true", "")
    (place / "c.hcl").write_text(text)
    done = subprocess.run([place / "bulla", "server", "-config=c.hcl"], cwd=place,
                          capture_output=True, text=True, timeout=20,
                          preexec_fn=unlockable)
    shutil.rmtree(place)
    assert done.returncode == 1
    for word in ("cannot lock", "ulimit -l", "disable_mlock"):
        assert word in done.stderr


def test_secrets_are_locked_and_never_dumped(server):
    server.transit("k")
    of = pathlib.Path(f"/proc/{server.process.pid}")
    locked = re.search(r"VmLck:\s+(\d+) kB", (of / "status").read_text())
    assert int(locked[1]) >= 64
    limit = re.search(r"Max core file size\s+(\d+)\s+(\d+)",
                      (of / "limits").read_text())
    assert limit.groups() == ("0", "0")
    for file in ("cmdline", "environ"):
        content = (of / file).read_bytes()
        assert server.token.encode() not in content
        assert server.shares[0].encode() not in content


# -- -dev -----------------------------------------------------------------------

def banner_value(said, name):
    return next(line.split(": ", 1)[1] for line in said.splitlines()
                if line.startswith(name + ": "))


def test_dev_in_memory(tmp_path):
    port = free_port()
    address = f"-dev-listen-address=127.0.0.1:{port}"
    with Running(tmp_path, "-dev", address, port=port) as server:
        said = server.said()
        assert f"export BULLA_ADDR='http://127.0.0.1:{port}'" in said
        token = banner_value(said, "Root Token")
        assert (tmp_path / ".vault-token").read_text() == token
        assert stat.S_IMODE((tmp_path / ".vault-token").stat().st_mode) == 0o600
        status = server.get("sys/seal-status").json()
        assert (status["sealed"], status["storage_type"]) == (False, "inmem")
        assert (status["t"], status["n"]) == (1, 1)
        mounts = server.get("sys/mounts", token).json()["data"]
        assert (mounts["secret/"]["type"], mounts["secret/"]["options"]) == (
            "kv", {"version": "2"})
        # The share that it printed opens it again.
        requests.put(server.url + "sys/seal", headers={"X-Vault-Token": token})
        share = banner_value(said, "Unseal Key")
        opened = requests.put(server.url + "sys/unseal", json={"key": share})
        assert opened.json()["sealed"] is False


@pytest.mark.parametrize("flags, env", [
    (["-dev-root-token-id=hush"], {}),
    ([], {"VAULT_DEV_ROOT_TOKEN_ID": "hush"}),
    ([], {"BULLA_DEV_ROOT_TOKEN_ID": "hush"})])
def test_dev_root_token_id_and_no_store_token(tmp_path, flags, env):
    port = free_port()
    env = {"VAULT_DEV_LISTEN_ADDRESS": f"127.0.0.1:{port}", **env}
    with Running(tmp_path, "-dev", "-dev-no-store-token", *flags, port=port,
                 env=env) as server:
        assert banner_value(server.said(), "Root Token") == "hush"
        shown = server.get("auth/token/lookup-self", "hush")
        assert shown.json()["data"]["policies"] == ["root"]
    assert not (tmp_path / ".vault-token").exists()


def test_dev_data_is_there_again(tmp_path):
    port = free_port()
    flags = ["-dev", "-dev-data=data", "-dev-no-store-token",
             f"-dev-listen-address=127.0.0.1:{port}"]
    with Running(tmp_path, *flags, port=port) as server:
        token = banner_value(server.said(), "Root Token")
        headers = {"X-Vault-Token": token}
        requests.post(server.url + "sys/mounts/transit", headers=headers,
                      json={"type": "transit"})
        requests.post(server.url + "transit/keys/k", headers=headers, json={})
        second = run(tmp_path, *[f if "listen" not in f else
                                 f"-dev-listen-address=127.0.0.1:{free_port()}"
                                 for f in flags])
        assert second.returncode == 1
        assert "in use by another process" in second.stderr
    for file in ("dev-kek", "dev-root-token"):
        mode = (tmp_path / "data" / file).stat().st_mode
        assert stat.S_IMODE(mode) == 0o600
    with Running(tmp_path, *flags, f"-dev-root-token-id={token}",
                 port=port) as server:
        assert server.get("transit/keys/k", token).status_code == 200
    other = run(tmp_path, *flags, "-dev-root-token-id=other")
    assert other.returncode == 1
    assert "made with another root token" in other.stderr
    (tmp_path / "data" / "dev-root-token").unlink()
    lost = run(tmp_path, *flags)
    assert lost.returncode == 1
    assert "remove the directory to start anew" in lost.stderr


def test_dev_killed_while_it_initialises_starts_again(tmp_path):
    port = free_port()
    flags = ["-dev", "-dev-data=data", "-dev-no-store-token",
             f"-dev-listen-address=127.0.0.1:{port}"]
    for delay in range(0, 24, 2):
        subprocess.run(["rm", "-rf", tmp_path / "data"], check=True)
        process = subprocess.Popen(
            [BINARY, "server", *flags], cwd=tmp_path, env={"HOME": "/none"},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(delay / 1000)
        process.kill()
        process.wait()
        with Running(tmp_path, *flags, port=port) as server:
            token = banner_value(server.said(), "Root Token")
            assert server.get("sys/mounts", token).status_code == 200


def test_dev_beside_a_configuration(tmp_path):
    port, other = free_port(), free_port()
    (tmp_path / "c.hcl").write_text(
        f'listener "tcp" {{\n  address = "127.0.0.1:{other}"\n'
        '  tls_disable = true\n}\ncluster_name = "mine"\n')
    with Running(tmp_path, "-dev", "-config=c.hcl", "-dev-no-store-token",
                 f"-dev-listen-address=127.0.0.1:{port}", port=port) as server:
        assert server.get("sys/seal-status").json()["cluster_name"] == "mine"
        assert requests.get(
            f"http://127.0.0.1:{other}/v1/sys/health").status_code == 200
