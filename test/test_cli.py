"""The command line against the real server, as a person types it."""

import json
import os
import re
import shutil
import subprocess

import pytest

from bulla import BINARY, Server, b64


@pytest.fixture(scope="module")
def server():
    with Server() as fresh:
        fresh.ready()
        fresh.transit("k")
        yield fresh


def test_first_day():
    with Server() as server:
        server.start()
        status = server.cli("status")
        assert status.returncode == 2
        assert re.search(r"^Initialized +false$", status.stdout, re.M)
        made = server.cli("operator", "init", "-key-shares=3",
                          "-key-threshold=2", "-format=json")
        assert made.returncode == 0, made.stderr
        keys = json.loads(made.stdout)
        assert len(keys["unseal_keys_b64"]) == 3
        first = server.cli("operator", "unseal", keys["unseal_keys_b64"][0])
        assert first.returncode == 0, first.stderr
        assert re.search(r"^Unseal Progress +1/2$", first.stdout, re.M)
        second = server.cli("operator", "unseal", keys["unseal_keys_hex"][2])
        assert re.search(r"^Sealed +false$", second.stdout, re.M)
        server.token = keys["root_token"]
        assert server.cli("status").returncode == 0
        login = server.cli("login", keys["root_token"], token="")
        assert login.returncode == 0, login.stderr
        saved = server.directory / ".vault-token"
        assert saved.read_text().strip() == keys["root_token"]
        assert saved.stat().st_mode & 0o777 == 0o600
        lookup = server.cli("token", "lookup", "-format=json", token="")
        assert json.loads(lookup.stdout)["data"]["policies"] == ["root"]
        sealed = server.cli("operator", "seal")
        assert sealed.returncode == 0, sealed.stderr
        assert server.cli("status").returncode == 2


def test_read_write_list_delete(server):
    wrote = server.cli("write", "-field=ciphertext", "transit/encrypt/k",
                       f"plaintext={b64(b'hello')}")
    assert wrote.returncode == 0, wrote.stderr
    opened = server.cli("write", "-field=plaintext", "transit/decrypt/k",
                        "ciphertext=-", stdin=wrote.stdout)
    assert opened.stdout == b64(b"hello")
    listed = server.cli("list", "transit/keys")
    assert listed.stdout.split() == ["Keys", "----", "k"]
    read = server.cli("read", "-format=json", "transit/keys/k")
    assert json.loads(read.stdout)["data"]["type"] == "aes256-gcm96"
    yaml = server.cli("read", "-format=yaml", "transit/keys/k")
    assert "type: aes256-gcm96" in yaml.stdout
    server.cli("write", "-force", "transit/keys/gone")
    server.cli("write", "transit/keys/gone/config", "deletion_allowed=true")
    assert server.cli("delete", "transit/keys/gone").returncode == 0
    missing = server.cli("read", "transit/keys/gone")
    assert missing.returncode == 2
    assert "No value found at transit/keys/gone" in missing.stderr


def test_mounts_policies_tokens_audit(server, tmp_path):
    assert server.cli("secrets", "enable", "-path=more",
                      "transit").returncode == 0
    assert "more/" in server.cli("secrets", "list").stdout
    policy = tmp_path / "p.hcl"
    policy.write_text('path "transit/encrypt/k" { capabilities = ["update"] }')
    wrote = server.cli("policy", "write", "enc", str(policy))
    assert wrote.returncode == 0, wrote.stderr
    assert "enc" in server.cli("policy", "list").stdout.split()
    assert "transit/encrypt/k" in server.cli("policy", "read", "enc").stdout
    made = server.cli("token", "create", "-policy=enc", "-ttl=1h",
                      "-format=json")
    token = json.loads(made.stdout)["auth"]["client_token"]
    can = server.cli("token", "capabilities", "transit/encrypt/k", token=token)
    assert can.stdout.strip() == "update"
    refused = server.cli("read", "transit/keys/k", token=token)
    assert refused.returncode == 2
    assert "permission denied" in refused.stderr
    assert token not in refused.stderr
    assert server.cli("token", "revoke", token).returncode == 0
    log = tmp_path / "audit.log"
    enabled = server.cli("audit", "enable", "file", f"file_path={log}")
    assert enabled.returncode == 0, enabled.stderr
    assert "file/" in server.cli("audit", "list").stdout
    assert server.cli("audit", "disable", "file").returncode == 0
    assert server.cli("secrets", "disable", "more").returncode == 0


@pytest.mark.parametrize("arguments, code, text", [
    (["stauts"], 1, "status"),
    (["operator", "unsael"], 1, "unseal"),
    (["read"], 1, "read -h"),
    (["read", "-formt=json", "x"], 1, "format"),
    (["write", "transit/keys/x"], 1, "-force"),
    (["read", "-format=xml", "x"], 1, "json"),
])
def test_mistakes_name_the_next_thing(server, arguments, code, text):
    done = server.cli(*arguments)
    assert done.returncode == code, done.stdout + done.stderr
    assert text in done.stderr


def test_unreachable_server_names_the_next_thing(server):
    done = server.cli("status", env={"BULLA_ADDR": "http://127.0.0.1:1"})
    assert done.returncode == 1 or done.returncode == 2
    assert "BULLA_ADDR" in done.stderr


@pytest.mark.parametrize("typed, offered, not_offered", [
    ("bulla ", ["read", "operator", "token"], ["init", "man"]),
    ("bulla op", ["operator"], ["read"]),
    ("bulla operator ", ["init", "unseal", "key-status"], ["read"]),
    ("bulla -format=json operator in", ["init"], ["unseal"]),
    ("bulla operator init -key-", ["-key-shares=", "-key-threshold="], ["init"]),
    ("bulla read -form", ["-format="], ["-force"]),
    ("bulla write -f", ["-force", "-field=", "-format="], ["-path="]),
    ("bulla token create -", ["-policy=", "-ttl=", "-address="], []),
])
def test_bash_completes(server, typed, offered, not_offered):
    script = (f'source <("{BINARY}" completion bash)\n'
              f'COMP_LINE="{typed}"; COMP_POINT=${{#COMP_LINE}}\n'
              'read -r -a COMP_WORDS <<< "$COMP_LINE"\n'
              '[[ "$COMP_LINE" == *" " ]] && COMP_WORDS+=("")\n'
              'COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n'
              '$(complete -p bulla | sed "s/.*-F \\([^ ]*\\).*/\\1/") 2>&1\n'
              'printf "%s\\n" "${COMPREPLY[@]}"\n')
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True,
                          timeout=30)
    words = [line for line in done.stdout.split("\n") if "compopt" not in line]
    for word in offered:
        assert word in words, done
    for word in not_offered:
        assert word not in words, done


@pytest.mark.parametrize("page", [[], ["read"], ["operator", "init"]])
def test_manual_pages_are_well_formed(server, page):
    text = server.cli("man", *page).stdout
    assert text.startswith(".TH ")
    for section in (".SH NAME", ".SH SYNOPSIS", ".SH DESCRIPTION"):
        assert section in text
    if shutil.which("man"):
        laid = subprocess.run(["man", "-l", "-"], input=text, text=True,
                              capture_output=True, env={
                                  **os.environ, "MANPAGER": "cat",
                                  "MAN_KEEP_STDERR": "1"})
        assert laid.returncode == 0 and not laid.stderr, laid.stderr


def test_precedence_of_flags_and_variables(server):
    nowhere = "http://127.0.0.1:1"
    for arguments, env, code in (
            ([], {"BULLA_ADDR": nowhere, "VAULT_ADDR": server.address}, 1),
            ([], {"BULLA_ADDR": server.address, "VAULT_ADDR": nowhere}, 0),
            ([], {"BULLA_ADDR": "", "VAULT_ADDR": server.address}, 0),
            ([f"-address={server.address}"],
             {"BULLA_ADDR": nowhere, "VAULT_ADDR": nowhere}, 0)):
        done = server.cli("status", *arguments,
                          env={**env, "VAULT_MAX_RETRIES": "0"})
        assert done.returncode == code, (arguments, env, done)
    for env, code in (({"BULLA_TOKEN": "bad", "VAULT_TOKEN": server.token}, 2),
                      ({"BULLA_TOKEN": "", "VAULT_TOKEN": server.token}, 0),
                      ({"BULLA_TOKEN": "", "VAULT_TOKEN": ""}, 2)):
        done = server.cli("token", "lookup", env=env)
        assert done.returncode == code, (env, done)
    for env, mark in (({"VAULT_FORMAT": "json"}, "{"),
                      ({"BULLA_FORMAT": "yaml", "VAULT_FORMAT": "json"}, "data:")):
        assert server.cli("token", "lookup", env=env).stdout.startswith(mark)


def test_help_and_completion(server):
    assert "operator" in server.cli("-h").stdout + server.cli("-h").stderr
    for shell in ("bash", "zsh", "fish"):
        assert "bulla" in server.cli("completion", shell).stdout
    path_help = server.cli("path-help", "transit/keys/k")
    assert path_help.returncode == 0, path_help.stderr
    version = server.cli("version").stdout
    assert re.match(r"Bulla v\d+\.\d+\.\d+", version)
