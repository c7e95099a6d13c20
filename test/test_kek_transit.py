"""seal "transit" on a second Bulla and on OpenBao's own binary: what it seals
opens by itself, through rotation, loss of the token and loss of the server."""

import socket
import subprocess
import time

import pytest

from bulla import Server
from peers import OpenBao

POLICY = """
path "transit/encrypt/kek" { capabilities = ["update"] }
path "transit/decrypt/kek" { capabilities = ["update"] }
"""


class BullaPeer(Server):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.ready()


def prepared(peer):
    """A transit key, and a policy that may use it and nothing else."""
    peer.call("POST", "sys/mounts/transit", {"type": "transit"})
    peer.call("POST", "transit/keys/kek", {})
    peer.call("PUT", "sys/policies/acl/kek", {"policy": POLICY})
    return peer


def new_token(peer, **extra):
    body = {"policies": ["kek"], "no_parent": True, **extra}
    answer = peer.call("POST", "auth/token/create", body)
    return answer["auth"]["client_token"]


@pytest.fixture(scope="module", params=[BullaPeer, OpenBao],
                ids=["bulla", "openbao"])
def peer(request):
    with request.param() as running:
        yield prepared(running)


def stanza(peer, **extra):
    options = {"address": peer.address, "mount_path": "transit/",
               "key_name": "kek", **extra}
    lines = "".join(f'  {key} = "{value}"\n' for key, value in options.items())
    return f'seal "transit" {{\n{lines}}}\n'


def initialise(server):
    answer = server.call("PUT", "sys/init", {
        "recovery_shares": 1, "recovery_threshold": 1})
    server.token = answer["root_token"]
    server.transit("proof")
    return server.encrypt("proof", b"kept")


def sealed(server):
    return server.call("GET", "sys/seal-status")["sealed"]


def opens(server, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not sealed(server):
            return True
        time.sleep(0.2)
    return False


def says(server, words, seconds=20):
    """Whether the server's log comes to hold `words`."""
    deadline = time.monotonic() + seconds
    while words not in server.log.read_text():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def test_opens_by_itself_and_through_rotation(peer):
    token = new_token(peer)
    with Server(extra=stanza(peer, token=token)) as server:
        server.start()
        status = server.call("GET", "sys/seal-status")
        assert (status["type"], status["initialized"]) == ("transit", False)
        kept = initialise(server)
        server.stop()
        server.start()
        assert opens(server)
        assert server.decrypt("proof", kept) == b"kept"
        peer.call("POST", "transit/keys/kek/rotate", {})
        server.kill()
        server.start()
        assert opens(server)
        assert server.decrypt("proof", kept) == b"kept"
        assert token not in server.log.read_text()


def test_its_versions_are_the_keks(peer):
    """Rotated there, wrapped anew here, and the old one disallowed there."""
    peer.call("POST", "transit/keys/kek/rotate", {})
    with Server(extra=stanza(peer, token=peer.token)) as server:
        server.start()
        kept = initialise(server)
        peer.call("POST", "transit/keys/kek/rotate", {})
        answer = peer.call("GET", "transit/keys/kek")
        newest = answer.get("data", answer)["latest_version"]
        rotated = server.cli("kek", "rotate", f"-from-version={newest - 1}",
                             f"-to-version={newest}")
        assert rotated.returncode == 0, rotated.stderr
        server.stop()
        peer.call("POST", "transit/keys/kek/config",
                  {"min_decryption_version": newest})
        server.start()
        assert opens(server)
        assert server.decrypt("proof", kept) == b"kept"
        gone = server.cli("kek", "rotate", f"-to-version={newest - 1}")
        assert gone.returncode == 2
        # For the tests that follow.
        peer.call("POST", "transit/keys/kek/config",
                  {"min_decryption_version": 1})


def test_a_new_token_in_the_file_is_taken(peer, tmp_path):
    file = tmp_path / "token"
    file.write_text(new_token(peer) + "\n")
    with Server(extra=stanza(peer, token_file=file)) as server:
        server.start()
        initialise(server)
        server.stop()
        file.write_text("s.nobodys")
        server.start()
        assert sealed(server)
        assert says(server, "the token was refused")
        file.unlink()
        assert says(server, "No such file")
        file.write_text(new_token(peer))
        assert opens(server)


def test_the_token_is_kept_alive(peer):
    token = new_token(peer, period="4s")
    with Server(extra=stanza(peer, token=token)) as server:
        server.start()
        initialise(server)
        time.sleep(7)
        server.stop(seconds=8)
        server.start()
        assert opens(server)


def test_a_version_that_is_disallowed_is_named(peer):
    with Server(extra=stanza(peer, token=new_token(peer))) as server:
        server.start()
        initialise(server)
        server.stop()
        peer.call("POST", "transit/keys/kek/rotate", {})
        latest = peer.call("GET", "transit/keys/kek")
        latest = latest.get("data", latest)["latest_version"]
        peer.call("POST", "transit/keys/kek/config",
                  {"min_decryption_version": latest})
        server.start()
        assert sealed(server)
        assert says(server, "disallowed")
        peer.call("POST", "transit/keys/kek/config",
                  {"min_decryption_version": 1})
        assert opens(server)


def test_a_key_that_is_not_there_is_not_made(peer):
    options = {"token": peer.token, "key_name": "typo"}
    with Server(extra=stanza(peer, **options)) as server:
        server.start()
        answer = server.request("PUT", "sys/init", {"recovery_shares": 1,
                                                    "recovery_threshold": 1})
        assert answer.status_code >= 400
        assert "no such key" in answer.text
        assert server.call("GET", "sys/seal-status")["initialized"] is False


def test_an_outage_of_the_peer_seals_nothing():
    with BullaPeer() as peer:
        prepared(peer)
        with Server(extra=stanza(peer, token=new_token(peer))) as server:
            server.start()
            kept = initialise(server)
            peer.stop()
            assert server.decrypt("proof", kept) == b"kept"
            server.stop()
            server.start()
            assert sealed(server)
            peer.start()
            assert says(server, "sealed or standing by")
            peer.unseal()
            assert opens(server)
            assert server.decrypt("proof", kept) == b"kept"


def test_people_are_let_in_while_the_peer_hangs():
    """It takes connections, and says nothing."""
    with BullaPeer() as peer, socket.socket() as mute:
        prepared(peer)
        with Server(extra=stanza(peer, token=new_token(peer))) as server:
            server.start()
            kept = initialise(server)
            glass = server.post("sys/passkeys/glass", {
                "kind": "shamir", "secret_shares": 1, "secret_threshold": 1})
            server.stop()
            peer.stop()
            mute.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            mute.bind(("127.0.0.1", peer.port))
            mute.listen(64)
            began = time.monotonic()
            server.start(patience=8)
            assert sealed(server)
            server.shares, server.threshold = glass["keys"], 1
            server.unseal()
            assert time.monotonic() - began < 10
            assert server.decrypt("proof", kept) == b"kept"
            server.kill()


def test_tls_is_verified(tmp_path):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
         "/CN=peer.test", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", key, "-out", certificate], check=True, capture_output=True)
    listener = (f'tls_cert_file = "{certificate}"\n'
                f'tls_key_file = "{key}"')
    with BullaPeer(listener=listener) as peer:
        prepared(peer)
        token = new_token(peer)
        with Server(extra=stanza(peer, token=token)) as server:
            server.start()
            answer = server.request("PUT", "sys/init", {
                "recovery_shares": 1, "recovery_threshold": 1})
            assert answer.status_code >= 400
            assert "certificate" in answer.text
        trusted = stanza(peer, token=token, tls_ca_cert=certificate)
        with Server(extra=trusted) as server:
            server.start()
            initialise(server)
