"""seal "awskms" on moto's AWS: what it seals opens by itself, with each kind of
credentials, and not with a key that is disabled or gone."""

import pytest

from bulla import Server
from peers import Moto
from test_kek_transit import initialise, opens, says, sealed

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


@pytest.fixture(scope="module")
def aws():
    with Moto() as running:
        yield running


@pytest.fixture
def key(aws):
    return aws.kms("CreateKey", {})["KeyMetadata"]["Arn"]


def stanza(aws, key, **extra):
    options = {"region": "eu-central-1", "kms_key_id": key,
               "endpoint": aws.address, "sts_endpoint": aws.address, **extra}
    lines = "".join(f'  {name} = "{value}"\n'
                    for name, value in options.items())
    return f'seal "awskms" {{\n{lines}}}\n'


def test_opens_by_itself(aws, key):
    options = {"access_key": "test", "secret_key": "hunter2",
               "encryption_context": "team=core"}
    with Server(extra=stanza(aws, key, **options)) as server:
        server.start()
        assert server.call("GET", "sys/seal-status")["type"] == "awskms"
        kept = initialise(server)
        server.kill()
        server.start()
        assert opens(server)
        assert server.decrypt("proof", kept) == b"kept"
        assert "hunter2" not in server.log.read_text()
        # The context is part of the seal.
        server.stop()
        server.config.write_text(
            server.config.read_text().replace("team=core", "team=other"))
        server.start()
        assert sealed(server)
        assert says(server, "InvalidCiphertextException")


def test_takes_the_environment_and_an_alias(aws, key):
    aws.kms("CreateAlias", {"AliasName": "alias/bulla", "TargetKeyId": key})
    environment = {**KEYS, "VAULT_AWSKMS_SEAL_KEY_ID": "alias/bulla",
                   "AWS_KMS_ENDPOINT": aws.address,
                   "AWS_REGION": "eu-central-1"}
    with Server(extra='seal "awskms" {}') as server:
        server.start(env=environment)
        initialise(server)
        server.stop()
        server.start(env=environment)
        assert opens(server)
        server.stop()
        # Nor is the stanza needed.
        server.config.write_text(
            server.config.read_text().replace('seal "awskms" {}', ""))
        server.start(env={**environment, "BAO_SEAL_TYPE": "awskms"})
        assert opens(server)


def test_takes_a_web_identity_and_a_shared_file(aws, key, tmp_path):
    token = tmp_path / "jwt"
    token.write_text("eyJhbGciOiJub25lIn0.e30.\n")
    shared = tmp_path / "credentials"
    shared.write_text("[kek]\naws_access_key_id = test\n"
                      "aws_secret_access_key = test\n")
    web = stanza(aws, key, web_identity_token_file=token,
                 role_arn="arn:aws:iam::123456789012:role/bulla")
    with Server(extra=web) as server:
        server.start()
        initialise(server)
        server.stop()
        server.start()
        assert opens(server)
        server.stop()
        server.config.write_text(server.config.read_text().replace(
            web, stanza(aws, key, shared_creds_filename=shared,
                        shared_creds_profile="kek")))
        server.start()
        assert opens(server)


def test_another_key_is_another_version(aws, key):
    """An alias that moves: wrapped anew, and the old key can be deleted."""
    aws.kms("CreateAlias", {"AliasName": "alias/moves", "TargetKeyId": key})
    with Server(extra=stanza(aws, "alias/moves")) as server:
        server.start(env=KEYS)
        kept = initialise(server)
        other = aws.kms("CreateKey", {})["KeyMetadata"]["Arn"]
        aws.kms("UpdateAlias", {"AliasName": "alias/moves",
                                "TargetKeyId": other})
        server.stop()
        server.start(env=KEYS)
        assert opens(server)
        rotated = server.cli("kek", "rotate", "-from-version=1",
                             "-to-version=2")
        assert rotated.returncode == 0, rotated.stderr
        assert server.get("sys/passkeys/awskms")["key_id"] == other
        server.stop()
        aws.kms("ScheduleKeyDeletion", {"KeyId": key.split("/")[-1],
                                        "PendingWindowInDays": 7})
        server.start(env=KEYS)
        assert opens(server)
        assert server.decrypt("proof", kept) == b"kept"


def test_an_outage_seals_nothing_and_is_waited_for(key, aws):
    with Server(extra=stanza(aws, key)) as server:
        server.start(env=KEYS)
        kept = initialise(server)
        server.stop()
        server.config.write_text(server.config.read_text().replace(
            aws.address, "http://127.0.0.1:1"))
        server.start(env=KEYS)
        assert sealed(server)
        server.stop()
        server.config.write_text(server.config.read_text().replace(
            "http://127.0.0.1:1", aws.address))
        server.start(env=KEYS)
        assert opens(server)
        assert server.decrypt("proof", kept) == b"kept"


def test_a_key_that_is_not_there_is_named(aws):
    gone = "arn:aws:kms:eu-central-1:123456789012:key/" + "0" * 8
    with Server(extra=stanza(aws, gone)) as server:
        server.start(env=KEYS)
        answer = server.request("PUT", "sys/init", {"recovery_shares": 1,
                                                    "recovery_threshold": 1})
        assert answer.status_code >= 400
        assert "NotFoundException" in answer.text
