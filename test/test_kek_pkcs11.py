"""seal "pkcs11" on a token of SoftHSM2: from an empty token through rotation, the
loss of the HSM and a wrong PIN, on the real binary."""

import pytest

from bulla import Server
from softhsm import PIN, SoftHsm
from test_kek import kek_status
from test_kek_transit import initialise, opens, says, sealed
from test_passkeys import set_seals


@pytest.fixture
def hsm(tmp_path):
    return SoftHsm(tmp_path)


@pytest.fixture
def server(hsm):
    """Initialised under version 1, and open."""
    with Server() as server:
        set_seals(server, hsm.stanza(generate_key="true"))
        server.start(env=hsm.env)
        server.kept = initialise(server)
        yield server


def refused_init(server):
    answer = server.request("PUT", "sys/init", {"recovery_shares": 1,
                                                "recovery_threshold": 1})
    assert answer.status_code >= 400
    assert server.get("sys/init") == {"initialized": False}
    return answer.text


def test_the_first_key_is_made_by_command(hsm):
    with Server() as server:
        set_seals(server, hsm.stanza())
        server.start(env=hsm.env)
        said = refused_init(server)
        assert 'no AES key with label \\"kek\\"' in said
        server.stop()
        for expected in (0, 2):
            made = server.cli("kek", "pkcs11-init", f"-config={server.config}",
                              "-version=1", env=hsm.env)
            assert made.returncode == expected, made.stderr
        assert "has a key with label" in made.stderr
        server.start(env=hsm.env)
        kept = initialise(server)
        server.kill()
        server.start(env=hsm.env)
        assert not sealed(server)
        assert server.get("sys/seal-status")["type"] == "pkcs11"
        assert server.decrypt("proof", kept) == b"kept"


def test_rotation_and_removal(server, hsm):
    early = server.cli("kek", "rotate", "-to-version=2")
    assert early.returncode == 2 and "not loaded (loaded: 1)" in early.stderr
    made = server.cli("kek", "pkcs11-init", "-version=2")
    assert made.returncode == 0, made.stderr
    assert server.cli("kek", "verify", "-target=2").returncode == 0
    rotated = server.cli("kek", "rotate", "-from-version=1", "-to-version=2")
    assert rotated.returncode == 0, rotated.stderr
    assert server.cli("kek", "remove", "-version=1").returncode == 0
    server.stop()
    server.start(env=hsm.env)
    assert not sealed(server)
    status = kek_status(server)
    assert status["active_version"] == 2 and status["removed_versions"] == [1]
    assert server.get("sys/passkeys/pkcs11")["key_id"].startswith("kek-v2:")
    again = server.cli("kek", "pkcs11-init", "-version=1")
    assert again.returncode == 2 and "was removed" in again.stderr


def test_an_hsm_that_was_away_is_found_when_it_is_back(server, hsm):
    server.stop()
    hsm.unplug()
    server.start(env=hsm.env)
    assert sealed(server)
    assert says(server, 'has no token with token_label \\"bulla\\"')
    hsm.plug_in()
    assert opens(server)
    assert server.decrypt("proof", server.kept) == b"kept"


def test_a_wrong_pin_is_told_and_not_shown(server, hsm):
    server.stop()
    hsm.pin.write_text("1111-canary")
    server.start(env=hsm.env)
    assert sealed(server)
    assert says(server, "CKR_PIN_INCORRECT")
    log = server.log.read_text()
    assert "1111-canary" not in log and PIN not in log


def test_another_key_under_the_same_label_is_told(server, hsm, tmp_path):
    server.stop()
    other = tmp_path / "other"
    other.mkdir()
    stranger = SoftHsm(other)
    with Server() as another:
        set_seals(another, stranger.stanza(generate_key="true"))
        another.start(env=stranger.env)
        initialise(another)
    server.start(env=stranger.env)
    assert sealed(server)
    assert says(server, "does not open")
    server.stop()
    server.start(env=hsm.env)
    assert opens(server)


@pytest.mark.parametrize("options, said", [
    ({"lib": "/no/such.so"}, "/no/such.so"),
    ({"lib": None}, "lib"),
    ({"token_label": "absent"}, "absent"),
    ({"token_label": None}, "token_label"),
    ({"key_label": None}, "key_label"),
    ({"pin": "file:///no/such"}, "/no/such"),
    ({"mechanism": "CKM_DES_ECB"}, "mechanism: expected CKM_AES_GCM"),
    ({"slot": "x"}, "slot"),
    ({"colour": "red"}, "colour"),
])
def test_what_the_stanza_says_wrongly_is_named(hsm, options, said):
    with Server() as server:
        set_seals(server, hsm.stanza(**options))
        try:
            server.start(env=hsm.env)
        except RuntimeError as error:
            assert said in str(error)
        else:
            assert said in refused_init(server)


def test_people_open_it_when_the_hsm_burned_down(server, hsm):
    glass = server.post("sys/passkeys/glass", {
        "kind": "shamir", "secret_shares": 5, "secret_threshold": 3})
    server.stop()
    hsm.unplug()
    server.start(env=hsm.env)
    assert sealed(server)
    server.shares, server.threshold = glass["keys_base64"][2:], 3
    server.unseal()
    assert server.decrypt("proof", server.kept) == b"kept"
    # To other means for good.
    assert server.cli("passkey", "delete", "pkcs11").returncode == 0
    server.stop()
    set_seals(server, "")
    server.start()
    server.unseal()


def test_options_of_the_environment(hsm):
    env = {**hsm.env, "VAULT_HSM_LIB": "/usr/lib/softhsm/libsofthsm2.so",
           "BAO_HSM_TOKEN_LABEL": "bulla", "VAULT_HSM_PIN": PIN,
           "BULLA_HSM_KEY_LABEL": "from-{version}",
           "VAULT_HSM_GENERATE_KEY": "true"}
    with Server() as server:
        set_seals(server, 'seal "pkcs11" {}')
        server.start(env=env)
        initialise(server)
        assert "from-1" in server.get("sys/passkeys/pkcs11")["key_id"]
        server.stop()
        server.start(env=env)
        assert opens(server)
