"""OpenBao's command line as a client of Bulla, and Bulla's as one of OpenBao.

Each command is run by both command lines against both servers. Against either
server the two must come to the same exit code, and `bao` must not be able to
tell the servers apart.
"""

import json
import os
import re
import subprocess

import openbao
import pytest

from bulla import BINARY, Server, free_port

PATTERNS = [
    (r"s\.[A-Za-z0-9]{24}|b\.[A-Za-z0-9_-]{60,}", "<token>"),
    (r"vault:v\d+:[A-Za-z0-9+/=]+", "<ciphertext>"),
    (r'"?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"?', "<uuid>"),
    (r"\b[A-Za-z0-9]{24}\b", "<accessor>"),
    (r'("?ttl"?:?) +\d[\dhms]*', r"\1 <time left>"),
    (r"_[0-9a-f]{8}\b", "_<x>"), (r"\b1[789]\d{8}\b", "<unix>"),
    (r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "<time>"),
    (r"\d\d \w{3} \d\d \d\d:\d\d UTC", "<time>"),
    (r"v\d+\.\d+\.\d+\+builtin\.\w+", "<version>"),
    (r"(Key Term|Encryption Count|Install Time) +\S+.*", r"\1"),
    (r"127\.0\.0\.1:\d+", "<address>"), (r"-{3,}", "---"), (r" {2,}", "  ")]


# What Bulla alone counts of a key, in a table, as JSON and as YAML.
COUNTS_OF_KEYS = re.compile(
    r'^ *"?(max_)?operations"?( +\S+|: (\{[^}]*\}|\d+),?|:(\n +"\d+": \d+)+)\n',
    re.MULTILINE)


def normal(text):
    for pattern, word in PATTERNS:
        text = re.sub(pattern, word, text)
    text = COUNTS_OF_KEYS.sub("", text)
    # A mount that only OpenBao has, and a line only a slow move has.
    return "\n".join(line.rstrip() for line in text.splitlines()
                     if not line.startswith(("identity/", "Waiting for")))


@pytest.fixture(scope="module")
def both(bao, tmp_path_factory):
    """Runs one command by a command line ("bao", "bulla") against a server."""
    directory = tmp_path_factory.mktemp("bao")
    other = openbao.OpenBao(directory, free_port(), bao)
    (directory / "p.hcl").write_text('path "a/*" { capabilities = ["read"] }\n')
    (directory / "bad.hcl").write_text('path "a" {')
    (directory / "input").write_text("aGk=")
    (directory / "input.json").write_text('{"plaintext":"aGk="}')
    try:
        other.start()
        with Server() as server:
            server.ready()
            servers = {"bao": other, "bulla": server}

            def run(client, at, *arguments, stdin=None, token=None, env=None):
                target = servers[at]
                token = target.token if token is None else token
                arguments = [
                    token if a == "TOKEN" else a.replace("DIR", str(directory))
                    for a in arguments]
                if client == "bao":
                    return openbao.bao_cli(bao, target.address, *arguments,
                                           token=token, stdin=stdin,
                                           home=directory, env=env)
                environment = {"PATH": os.environ["PATH"],
                               "HOME": str(directory),
                               "VAULT_ADDR": target.address,
                               "VAULT_MAX_RETRIES": "0", **(env or {})}
                if token:
                    environment["VAULT_TOKEN"] = token
                return subprocess.run([BINARY, *arguments], input=stdin,
                                      capture_output=True, text=True,
                                      timeout=60, env=environment)
            yield run
    finally:
        other.stop()


# Each row changes what it changes once at each server for each client, so paths
# carry the client's name: CLIENT.
COMMANDS = """
operator key-status
operator rotate
secrets enable -path=CLIENT transit
secrets enable -path=CLIENT transit
secrets enable -path=CLIENT2 -description=hello -default-lease-ttl=1h -max-lease-ttl=2h transit
secrets enable nope
secrets enable
secrets tune -default-lease-ttl=30m -description=x CLIENT2
secrets tune -max-lease-ttl=1h CLIENT2
secrets tune -max-lease-ttl=1m CLIENT2
secrets move CLIENT2 CLIENT3
secrets move nope t4
secrets disable CLIENT3
secrets disable CLIENT3
auth list
auth enable nope
auth disable token
auth disable nope
write -f CLIENT/keys/k
write CLIENT/keys/k
write -force CLIENT/keys/k2 type=aes128-gcm96
read CLIENT/keys/k
read -format=json CLIENT/keys/k
read -format=yaml CLIENT/keys/k
read -field=type CLIENT/keys/k
read -format=json -field=type CLIENT/keys/k
read -format=nope CLIENT/keys/k
read -field=nope CLIENT/keys/k
read -field=keys CLIENT/keys/k
read CLIENT/keys/nope
read nope/x
read
list CLIENT/keys
list -format=json CLIENT/keys
list -format=yaml CLIENT/keys
list CLIENT/nope
list cubbyhole
list
write CLIENT/encrypt/k plaintext=aGk=
write -field=ciphertext CLIENT/encrypt/k plaintext=aGk=
write -format=json CLIENT/encrypt/k plaintext=aGk=
write CLIENT/encrypt/k plaintext=@DIR/input
write CLIENT/encrypt/k @DIR/input.json
write CLIENT/encrypt/k @DIR/nofile
write CLIENT/encrypt/k plaintext
write CLIENT/encrypt/k
write CLIENT/encrypt/k plaintext=!!
write cubbyhole/CLIENT a=b c=d
read cubbyhole/CLIENT
read -format=json cubbyhole/CLIENT
write cubbyhole/CLIENT a=1 a=2
read cubbyhole/CLIENT
delete cubbyhole/CLIENT
delete cubbyhole/CLIENT
delete
delete -format=json cubbyhole/CLIENT
write
write -format=table cubbyhole/CLIENT a=1
read cubbyhole/CLIENT extra
list cubbyhole/ extra
operator nope
policy write CLIENT DIR/p.hcl
policy write UP-CLIENT DIR/p.hcl
policy write CLIENT DIR/nofile
policy write CLIENT
policy write CLIENT DIR/bad.hcl
policy read CLIENT
policy read -format=json CLIENT
policy list
policy list -format=json
policy nope
policy fmt DIR/p.hcl
policy read nope
policy delete CLIENT
policy delete root
policy delete nope
token create -policy=a -ttl=1h
token create -field=token -policy=a
token create -id=fixed-CLIENT -policy=a -policy=default -period=10m -metadata=a=b -display-name=x
token create -orphan
token create -type=batch -policy=a
token create -explicit-max-ttl=1h -renewable=false
token create -role=nope
token lookup fixed-CLIENT
token lookup -format=json fixed-CLIENT
token lookup -field=policies fixed-CLIENT
token lookup nope
token lookup -accessor nope
token renew fixed-CLIENT
token renew -increment=5m fixed-CLIENT
token renew nope
token capabilities CLIENT/keys/k
token capabilities fixed-CLIENT a/b
token capabilities -format=json fixed-CLIENT a
token revoke
token revoke nope
token revoke -self -accessor x
token revoke fixed-CLIENT
token revoke -accessor nope
token lookup fixed-CLIENT
audit list
audit disable nope
audit enable
audit enable -path=CLIENT file file_path=discard
audit list
audit list -detailed
audit disable CLIENT
path-help nope
login -no-store -no-print TOKEN
login -no-print TOKEN
login -no-store bad
login -token-only TOKEN
read -output-policy CLIENT/keys/k
write -output-policy CLIENT/encrypt/k a=b
list -output-policy auth/token/accessors
""".strip().splitlines()

# What is printed differs although both are right: the words around it.
OTHER_WORDS = {"token create -type=batch", "token create -id=", "auth list"}


@pytest.fixture(scope="module")
def results(both):
    """(command, client, server) → the finished process."""
    done = {}
    for command in COMMANDS:
        for at in ("bao", "bulla"):
            for client in ("bao", "bulla"):
                words = [w.replace("CLIENT", client) for w in command.split()]
                done[command, client, at] = both(client, at, *words)
    return done


def tell(result):
    return f"exit {result.returncode}\n{result.stdout}{result.stderr}"


@pytest.mark.parametrize("command", dict.fromkeys(COMMANDS))
def test_bao_cannot_tell_the_servers_apart(results, command):
    theirs, ours = (results[command, "bao", at] for at in ("bao", "bulla"))
    assert ours.returncode == theirs.returncode, tell(theirs) + tell(ours)
    assert normal(ours.stdout) == normal(theirs.stdout), tell(ours)


@pytest.mark.parametrize("command", dict.fromkeys(COMMANDS))
@pytest.mark.parametrize("at", ["bao", "bulla"])
def test_the_command_lines_agree(results, command, at):
    theirs = results[command, "bao", at]
    ours = results[command, "bulla", at]
    assert ours.returncode == theirs.returncode, tell(theirs) + tell(ours)
    if any(command.startswith(start) for start in OTHER_WORDS):
        return
    mine, other = (normal(one.stdout).replace("bulla", "bao")
                   for one in (ours, theirs))
    assert mine == other, tell(ours)


def test_a_first_day_with_bao(bao, tmp_path):
    """init, unseal, status and seal of a Bulla server, by `bao`."""
    with Server() as server:
        server.start()

        def run(*arguments, token=None):
            return openbao.bao_cli(bao, server.address, *arguments, token=token,
                                   home=tmp_path)

        assert run("status").returncode == 2
        assert run("operator", "init", "-status").returncode == 2
        made = run("operator", "init", "-key-shares=3", "-key-threshold=2",
                   "-format=json")
        assert made.returncode == 0, tell(made)
        keys = json.loads(made.stdout)
        first = run("operator", "unseal", keys["unseal_keys_b64"][0])
        assert re.search(r"Unseal Progress +1/2", first.stdout), tell(first)
        last = run("operator", "unseal", keys["unseal_keys_hex"][2])
        assert re.search(r"Sealed +false", last.stdout), tell(last)
        assert run("status").returncode == 0
        token = keys["root_token"]
        for arguments in (["secrets", "enable", "transit"],
                          ["write", "-f", "transit/keys/k"],
                          ["write", "transit/encrypt/k", "plaintext=aGk="],
                          ["operator", "seal"]):
            done = run(*arguments, token=token)
            assert done.returncode == 0, tell(done)
        assert run("status").returncode == 2
        refused = run("read", "transit/keys/k", token=token)
        assert refused.returncode == 2 and "Vault is sealed" in refused.stderr
