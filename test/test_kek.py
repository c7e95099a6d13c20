"""KEK rotation on the real binary, running and stopped."""

import base64
import json
import threading
import time

import requests

from bulla import Server, free_port
from test_passkeys import audited, env_keks, sealed, set_seals


def started(server, seals, env=None):
    set_seals(server, seals)
    server.start(env=env)
    server.token = server.call("PUT", "sys/init", {})["root_token"]
    return server


def kek_status(server, *flags):
    shown = server.cli("kek", "status", "-format=json", *flags)
    assert shown.returncode == 0, shown.stderr
    return json.loads(shown.stdout)["seals"][0]


def test_rotation_on_a_running_server():
    with Server() as server:
        started(server, 'seal "env" {}', env_keks(1))
        log = audited(server)
        for name in ("second", "third"):
            server.post(f"sys/passkeys/{name}", {"kind": "env"})
        early = server.cli("kek", "verify", "-target=2")
        assert early.returncode == 2
        assert "version 2 is not loaded (loaded: 1)" in early.stderr
        server.stop()
        server.start(env=env_keks(1, 2))
        assert not sealed(server)
        assert server.cli("kek", "verify", "-target=2").returncode == 0
        dry = server.cli("kek", "rotate", "-to-version=2", "-dry-run")
        assert dry.returncode == 0 and "Nothing was changed" in dry.stdout
        assert kek_status(server)["active_version"] == 1
        wrong = server.cli("kek", "rotate", "-from-version=5",
                           "-to-version=2")
        assert wrong.returncode == 2 and "is active, not 5" in wrong.stderr
        early = server.cli("kek", "remove", "-version=1")
        assert early.returncode == 2 and "active one" in early.stderr
        done = server.cli("kek", "rotate", "-from-version=1",
                          "-to-version=2")
        assert done.returncode == 0, done.stderr
        status = kek_status(server)
        assert status["active_version"] == 2
        assert status["envelopes"] == {"2": 3}
        assert server.cli("kek", "remove", "-version=1").returncode == 0
        assert kek_status(server)["removed_versions"] == [1]
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        rotations = [line["response"]["data"] for line in lines
                     if line["type"] == "response"
                     and line["request"]["path"] == "sys/kek/rotate"
                     and not line.get("error")]
        assert [r["from_version"] for r in rotations] == [1, 1]
        assert [r["to_version"] for r in rotations] == [2, 2]
        assert rotations[-1]["rewrapped"] == 3
        server.stop()
        server.start(env=env_keks(2))
        assert not sealed(server)


def test_rotation_of_a_stopped_servers_store():
    with Server() as server:
        started(server, 'seal "env" {}', env_keks(1))
        log = audited(server)
        config = f"-config={server.config}"
        busy = server.cli("kek", "status", config, env=env_keks(1, 2))
        assert busy.returncode == 1
        assert "stop the server" in busy.stderr
        server.stop()
        done = server.cli("kek", "rotate", config, "-to-version=2",
                          env=env_keks(1, 2))
        assert done.returncode == 0, done.stderr
        assert "Rewrapped" in done.stdout
        shown = server.cli("kek", "status", config, env=env_keks(1, 2))
        assert "1 under version 2" in shown.stdout
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        rotation = [line for line in lines
                    if line["request"]["path"] == "sys/kek/rotate"]
        assert [line["type"] for line in rotation] == ["request", "response"]
        assert rotation[1]["response"]["data"]["from_version"] == 1
        assert rotation[1]["response"]["data"]["to_version"] == 2
        server.start(env=env_keks(2))
        assert not sealed(server)


def test_the_procedure_of_the_configuration_file():
    old, new = (base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2))
    with Server() as server:
        started(server, f'encryption {{ kek = "{old}" }}')
        config = f"-config={server.config}"
        server.stop()
        nothing = server.cli("rotate", config)
        assert nothing.returncode == 1
        assert "add rotation" in nothing.stderr
        set_seals(server, f'''encryption {{
            kek_source = "config"
            kek = "{old}"
            rotation {{ kek = "{new}" }}
        }}''')
        done = server.cli("rotate", config)
        assert done.returncode == 0, done.stderr
        assert "put the new KEK in place of the old one" in done.stdout
        set_seals(server, f'encryption {{ kek = "{new}" }}')
        server.start()
        assert not sealed(server)
        assert kek_status(server)["active_version"] == 2
        server.stop()
        set_seals(server, f'encryption {{ kek = "{old}" }}')
        server.start()
        assert sealed(server)
        assert "fingerprint" in server.log.read_text()


def test_the_same_on_a_running_server():
    old, new = (base64.b64encode(bytes([n]) * 32).decode() for n in (3, 4))
    with Server() as server:
        started(server, f'''encryption {{
            kek = "{old}"
            rotation {{ kek = "{new}" }}
        }}''')
        assert server.cli("rotate").returncode == 0
        server.stop()
        set_seals(server, f'encryption {{ kek = "{new}" }}')
        server.start()
        assert not sealed(server)


def test_seals_are_probed_and_told():
    with Server() as server:
        started(server, 'seal "env" { health_check_interval = "1s" }',
                env_keks(1))
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            text = server.request(
                "GET", "sys/metrics?format=prometheus").text
            if 'bulla_kek_probes_total{kind="env",name="env"} 2' in text:
                break
            time.sleep(0.2)
        assert 'bulla_kek_up{kind="env",name="env"} 1' in text
        assert 'bulla_kek_probe_failures_total{kind="env",name="env"} 0' in text
        assert 'bulla_kek_probe_duration_seconds{kind="env"' in text


def test_several_seals_are_tried_in_order_of_priority(tmp_path):
    key = tmp_path / "key"
    key.write_text("ab" * 32)
    with Server() as server:
        started(server, f'''seal "env" {{ priority = 2 }}
            seal "static" {{
              name = "file"
              priority = 1
              current_key_id = "k"
              current_key = "file://{key}"
            }}''', env_keks(1))
        assert server.get("sys/seal-status")["type"] == "static"
        assert server.get("sys/passkeys")["keys"] == ["env", "file"]
        server.stop()
        key.write_text("cd" * 32)  # the first one fails; the second opens
        server.start(env=env_keks(1))
        assert not sealed(server)
        assert "does not open: wrong key or altered" in server.log.read_text()


def test_a_slip_of_the_hand_bars_no_version_to_come():
    with Server() as server:
        started(server, 'seal "env" {}', env_keks(1))
        slip = server.cli("kek", "remove", "-version=2")
        assert slip.returncode == 2
        assert "there is no version 2 (loaded: 1)" in slip.stderr
        server.stop()
        server.start(env=env_keks(1, 2))
        assert server.cli("kek", "rotate", "-to-version=2").returncode == 0


def test_a_node_says_that_it_is_there_and_that_it_goes(tmp_path):
    """Outside the barrier, so that nodes that are sealed are counted, too."""
    def beats(server, path):
        saved = server.cli("operator", "snapshot", "save", str(path))
        assert saved.returncode == 0, saved.stderr
        return path.read_bytes().count(b"core/nodes/")

    with Server() as server:
        started(server, 'seal "env" {}', env_keks(1))
        server.stop()
        server.start(env=env_keks(1))
        assert beats(server, tmp_path / "s") == 1
        text = (tmp_path / "s").read_bytes()
        assert f"/127.0.0.1:{server.port}".encode() in text
        server.stop()
        # On another address it is another node; the one before said goodbye.
        config = server.config.read_text()
        before, server.port = server.port, free_port()
        server.address = f"http://127.0.0.1:{server.port}"
        server.config.write_text(config.replace(str(before), str(server.port)))
        server.start(env=env_keks(1))
        assert beats(server, tmp_path / "t") == 1
        assert f":{before}".encode() not in (tmp_path / "t").read_bytes()


def test_kill_9_amid_rotation_opens_and_can_be_repeated():
    with Server() as server:
        started(server, 'seal "env" {}', env_keks(1, 2, 3))
        for i in range(20):
            server.post(f"sys/passkeys/p{i}", {"kind": "env"})
        stop = threading.Event()

        def rotate():
            session = requests.Session()
            session.headers["X-Vault-Token"] = server.token
            url = server.address + "/v1/sys/kek/rotate"
            try:
                for i in range(10_000):
                    if stop.is_set():
                        return
                    answer = session.post(
                        url, json={"to_version": i % 3 + 1}, timeout=10)
                    assert answer.status_code == 200, answer.text
            except requests.exceptions.RequestException:
                pass

        for round_number in range(8):
            stop.clear()
            thread = threading.Thread(target=rotate)
            thread.start()
            time.sleep(0.1 + 0.03 * round_number)
            server.kill()
            stop.set()
            thread.join()
            server.start(env=env_keks(1, 2, 3))
            assert not sealed(server)
            status = kek_status(server)
            assert sum(status["envelopes"].values()) == 21
            done = server.post("sys/kek/rotate", {"to_version": 2})
            assert done["to_version"] == 2
            status = kek_status(server)
            assert status["envelopes"] == {"2": 21}
            assert status["target_version"] == 0


def test_versions_are_made_only_where_they_can_be():
    with Server() as server:
        started(server, 'seal "env" {}', env_keks(1))
        refused = server.request("POST", "sys/kek/pkcs11-init",
                                 {"seal": "env", "version": 2})
        assert refused.status_code == 405
        assert "not made by Bulla" in refused.text
        for body in ({}, {"version": 0}, {"version": -1},
                     {"version": 2 ** 40}):
            assert server.request("POST", "sys/kek/remove",
                                  body).status_code == 400
