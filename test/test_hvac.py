"""Debian's python3-hvac, which nobody here wrote, against the real binary."""

import hvac
import pytest
from hvac import exceptions

from bulla import Server, b64, unb64


@pytest.fixture(scope="module")
def client():
    with Server() as server:
        server.start()
        api = hvac.Client(url=server.address)
        assert not api.sys.is_initialized()
        assert api.sys.is_sealed()
        made = api.sys.initialize(secret_shares=5, secret_threshold=3)
        assert len(made["keys_base64"]) == 5
        api.sys.submit_unseal_key(made["keys"][0])
        status = api.sys.submit_unseal_key(made["keys_base64"][1])
        assert status["progress"] == 2
        api.sys.submit_unseal_key(reset=True)
        assert api.sys.read_seal_status()["progress"] == 0
        api.sys.submit_unseal_keys(made["keys"][:3])
        assert not api.sys.is_sealed()
        api.token = made["root_token"]
        yield api


def test_status(client):
    assert client.is_authenticated()
    health = client.sys.read_health_status(method="GET")
    assert health["initialized"] and not health["sealed"]
    assert client.sys.read_health_status(method="HEAD").status_code == 200
    leader = client.sys.read_leader_status()
    assert leader["ha_enabled"] is False
    key_status = client.sys.get_encryption_key_status()
    assert key_status["data"]["term"] >= 1


def test_mounts(client):
    client.sys.enable_secrets_engine("transit", path="mounted",
                                     description="by hvac")
    listed = client.sys.list_mounted_secrets_engines()["data"]
    assert listed["mounted/"]["description"] == "by hvac"
    client.sys.tune_mount_configuration("mounted", default_lease_ttl="1h",
                                        max_lease_ttl="24h")
    tuned = client.sys.read_mount_configuration("mounted")["data"]
    assert (tuned["default_lease_ttl"], tuned["max_lease_ttl"]) == (3600, 86400)
    client.secrets.transit.create_key("moved", mount_point="mounted")
    client.sys.move_backend("mounted", "elsewhere")
    key = client.secrets.transit.read_key("moved", mount_point="elsewhere")
    assert key["data"]["name"] == "moved"
    client.sys.disable_secrets_engine("elsewhere")
    assert "elsewhere/" not in client.sys.list_mounted_secrets_engines()["data"]


def test_policies_and_tokens(client):
    client.sys.create_or_update_policy(
        "reader", 'path "transit/keys/*" { capabilities = ["read", "list"] }')
    assert "reader" in client.sys.list_policies()["data"]["policies"]
    assert "transit/keys" in client.sys.read_policy("reader")["data"]["rules"]
    made = client.auth.token.create(policies=["reader"], ttl="1h",
                                    meta={"who": "hvac"})
    token = made["auth"]["client_token"]
    assert made["auth"]["policies"] == ["default", "reader"]
    limited = hvac.Client(url=client.url, token=token)
    me = limited.auth.token.lookup_self()["data"]
    assert me["meta"] == {"who": "hvac"}
    with pytest.raises(exceptions.Forbidden):
        limited.sys.list_policies()
    capabilities = limited.sys.get_capabilities(["transit/keys/x"])
    assert capabilities["data"]["transit/keys/x"] == ["list", "read"]
    renewed = limited.auth.token.renew_self(increment="2h")
    assert renewed["auth"]["lease_duration"] == 7200
    accessor = made["auth"]["accessor"]
    assert accessor in client.auth.token.list_accessors()["data"]["keys"]
    found = client.auth.token.lookup_accessor(accessor)["data"]
    assert found["id"] == ""
    client.auth.token.revoke_accessor(accessor)
    assert not limited.is_authenticated()
    client.sys.delete_policy("reader")
    assert "reader" not in client.sys.list_policies()["data"]["policies"]


@pytest.mark.parametrize("key_type", ["aes256-gcm96", "chacha20-poly1305"])
def test_transit(client, key_type):
    mount = "t-" + key_type
    transit = client.secrets.transit
    client.sys.enable_secrets_engine("transit", path=mount)
    transit.create_key("k", key_type=key_type, mount_point=mount)
    assert transit.list_keys(mount_point=mount)["data"]["keys"] == ["k"]
    first = transit.encrypt_data("k", b64(b"hello"), mount_point=mount)
    first = first["data"]["ciphertext"]
    transit.rotate_key("k", mount_point=mount)
    second = transit.rewrap_data("k", first, mount_point=mount)
    second = second["data"]["ciphertext"]
    assert second.startswith("vault:v2:")
    for ciphertext in (first, second):
        opened = transit.decrypt_data("k", ciphertext, mount_point=mount)
        assert unb64(opened["data"]["plaintext"]) == b"hello"
    transit.update_key_configuration("k", min_decryption_version=2,
                                     deletion_allowed=True, mount_point=mount)
    with pytest.raises(exceptions.InvalidRequest):
        transit.decrypt_data("k", first, mount_point=mount)
    batch = transit.encrypt_data("k", None, batch_input=[
        {"plaintext": b64(b"a")}, {"plaintext": b64(b"b")}], mount_point=mount)
    assert len(batch["data"]["batch_results"]) == 2
    transit.delete_key("k", mount_point=mount)
    with pytest.raises(exceptions.InvalidPath):
        transit.read_key("k", mount_point=mount)


def test_transit_tools(client):
    transit = client.secrets.transit
    client.sys.enable_secrets_engine("transit")
    transit.create_key("k")
    data_key = transit.generate_data_key("k", "plaintext", bits=256)["data"]
    opened = transit.decrypt_data("k", data_key["ciphertext"])["data"]
    assert opened["plaintext"] == data_key["plaintext"]
    assert len(unb64(data_key["plaintext"])) == 32
    mac = transit.generate_hmac("k", b64(b"signed"),
                                algorithm="sha2-512")["data"]["hmac"]
    verified = transit.verify_signed_data("k", b64(b"signed"),
                                          hash_algorithm="sha2-512", hmac=mac)
    assert verified["data"]["valid"] is True
    random = transit.generate_random_bytes(16, "hex")["data"]["random_bytes"]
    assert len(random) == 32
    digest = transit.hash_data(b64(b"abc"), "sha2-256", "hex")["data"]["sum"]
    assert digest == ("ba7816bf8f01cfea414140de5dae2223"
                      "b00361a396177a9cb410ff61f20015ad")


def test_derived_and_convergent(client):
    transit = client.secrets.transit
    transit.create_key("c", convergent_encryption=True, derived=True)
    context = b64(b"tenant-1")
    first = transit.encrypt_data("c", b64(b"same"), context=context)
    second = transit.encrypt_data("c", b64(b"same"), context=context)
    assert first["data"]["ciphertext"] == second["data"]["ciphertext"]
    other = transit.encrypt_data("c", b64(b"same"), context=b64(b"tenant-2"))
    assert other["data"]["ciphertext"] != first["data"]["ciphertext"]
    with pytest.raises(exceptions.InvalidRequest, match="missing 'context'"):
        transit.encrypt_data("c", b64(b"same"))


def test_seal_and_audit(client, tmp_path):
    log = tmp_path / "audit.log"
    client.sys.enable_audit_device("file", options={"file_path": str(log)})
    assert "file/" in client.sys.list_enabled_audit_devices()["data"]
    hashed = client.sys.calculate_hash("file", "hello")["data"]["hash"]
    assert hashed.startswith("hmac-sha256:")
    client.sys.disable_audit_device("file")
    assert log.read_text().count("\n") >= 2
