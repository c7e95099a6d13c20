"""The procedure of USP Manager's page on encryption key rotation, step by step as
the page has it, on the real binary with records: one store from its first start
to a new KEK."""

import os
import re
import subprocess
import time

import pytest

from bulla import BINARY, Server
from lmdb_store import Entries
from test_passkeys import sealed, set_seals

KEYS = "sys/encryption-keys"
OLD_KEK = "JvQMSVkI33KWimSo7kjqqrp8O7zv9zPbqy5R9jE1Qjs="
NEW_KEK = "nFRxNzeqV06Zjdit/Z1WhxxRzXSgHHwJiAbtlqjDlXE="
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

CONFIGURED = f'''
encryption {{
  kek_source = "config"
  # Must be a Base64-encoded 256-bit key (32 bytes).
  kek = "{OLD_KEK}"
}}
'''
ROTATING = f'''
encryption {{
  kek_source = "config"
  # Current active KEK.
  kek = "{OLD_KEK}"

  rotation {{
    # Currently only "config" is supported.
    kek_source = "config"
    # New KEK that will become active after rotation.
    kek = "{NEW_KEK}"
  }}
}}
'''
PROMOTED = f'''
encryption {{
  kek_source = "config"
  # New KEK moved from the encryption.rotation block.
  kek = "{NEW_KEK}"
}}
'''
JANITOR = '''
deprecated_key_janitor {
  # How often to run a re-encryption cycle (default: "30m").
  interval = "1s"
  # Maximum number of Records to process per rotation cycle (default: 100).
  limit = 4
}
'''


class Records:
    """What is written, and how it must read from then on."""

    def __init__(self, server):
        self.server, self.wanted = server, {}

    def write(self, path, **data):
        done = self.server.cli("kv", "put", f"secret/{path}",
                               *(f"{k}={v}" for k, v in data.items()))
        assert done.returncode == 0, done.stderr
        self.wanted.setdefault(path, []).append(data)

    def check(self):
        for path, versions in self.wanted.items():
            for number, data in enumerate(versions, 1):
                read = self.server.get(f"secret/data/{path}?version={number}")
                assert read["data"] == data, (path, number)


def shown(server, dek):
    return server.get(f"{KEYS}/{dek}")


def add_key(server, *flags):
    """The id of a new DEK; the one of its scope that was active before."""
    before = {i: d["status"] for i, d in server.get(
        KEYS + "?list=true")["key_info"].items()}
    done = server.cli("dek", "add", *flags)
    assert done.returncode == 0, done.stderr
    after = server.get(KEYS + "?list=true")["key_info"]
    (new,) = set(after) - set(before)
    (old,) = [i for i, status in before.items() if status == "active"]
    assert after[new]["status"] == "active"
    assert after[old]["status"] == "deprecated"
    assert [d["status"] for d in after.values()].count("active") == 1
    return new, old


def usage(server, dek):
    return server.get(f"{KEYS}/{dek}/usage?list=true&limit=10000")


def check_store(server, *flags, **more):
    done = server.cli("operator", "check", *flags, **more)
    assert done.returncode == 0, done.stdout + done.stderr


def body_entries(server):
    with Entries(server.directory / "store") as entries:
        return {p: entries.get(p) for p in entries.paths() if "/body/" in p}


def restart(server, config=None):
    server.stop()
    if config is not None:
        set_seals(server, config)
    server.start()


@pytest.fixture
def server():
    with Server() as fresh:
        set_seals(fresh, CONFIGURED)
        fresh.start()
        fresh.token = fresh.call("PUT", "sys/init", {})["root_token"]
        fresh.post("sys/mounts/secret", {"type": "kv-v2"})
        yield fresh


def test_the_page_from_top_to_bottom(server):
    records = Records(server)

    # "During initial startup, USP Manager automatically creates a DEK named
    # Default-encryption-key and sets it as the active encryption key. This DEK
    # uses the AES-GCM-256 algorithm and is used to encrypt all newly created
    # sensitive data."
    (first,) = server.get(KEYS + "?list=true")["keys"]
    assert [shown(server, first)[k] for k in
            ("name", "status", "algorithm", "scope")] == [
        "Default-encryption-key", "active", "AES-GCM-256", "default"]
    server.post("sys/mounts/tls", {"type": "kv-v2", "options": {
        "record_type": "usp_tls_certificate"}})
    server.post("tls/data/www", {"data": {"pem": "x"}})
    for i in range(20):
        records.write(f"r{i}", value=str(i))
    assert shown(server, first)["usage"] == 21

    # "Adding a new DEK creates a new active encryption key and marks the
    # previous active DEK as Deprecated." Name is required, the description is
    # not; the default of the algorithm is AES-GCM-256.
    assert server.cli("dek", "add").returncode == 1
    assert server.request("POST", KEYS, {}).status_code == 400
    second, old = add_key(server, "-name=records 2027",
                          "-description=of the year")
    assert old == first
    assert [shown(server, second)[k] for k in
            ("description", "algorithm", "scope")] == [
        "of the year", "AES-GCM-256", "default"]
    # "Multiple deprecated DEKs can exist simultaneously."
    third, _ = add_key(server, "-name=records 2028", "-algorithm=AES-GCM-128",
                       "-scope=default")

    # "Existing Records remain encrypted with their current DEKs": a deprecated
    # one decrypts, and does not encrypt.
    assert [shown(server, d)["usage"] for d in (first, second, third)] == [
        21, 0, 0]
    records.check()

    # "Only the Name, Description, and Status fields are editable, while
    # Algorithm and Scope are immutable after creation." "Every change increases
    # the number."
    at = shown(server, second)
    assert UUID.fullmatch(at["id"])
    edited = server.cli("dek", "edit", "-name=second", "-description=", second)
    assert edited.returncode == 0, edited.stderr
    changed = shown(server, second)
    assert (changed["name"], changed["description"], changed["version"]) == (
        "second", "", at["version"] + 1)
    assert changed["created_at"] == at["created_at"]
    assert changed["updated_at"] > at["updated_at"]
    for field, value in (("algorithm", "AES-GCM-128"), ("scope", "other")):
        refused = server.request("POST", f"{KEYS}/{second}", {field: value})
        assert refused.status_code == 400
        assert f"{field} is immutable" in refused.text

    # "Click the Usage tab to see a list of all entities currently encrypted":
    # their UUIDs, types, names, versions, when they were created and updated.
    uses = usage(server, first)
    assert uses["total"] == 21 and all(map(UUID.fullmatch, uses["keys"]))
    (www,) = [u for u in uses["key_info"].values() if u["name"] == "tls/www"]
    assert (www["type"], www["version"]) == ("usp_tls_certificate", 1)
    assert www["created_at"] == www["updated_at"] != ""

    # "The Status can only be changed from Deprecated to Inactive, and only when
    # no Records are using the DEK."
    for dek, said in ((first, "in use by 21 records"), (third, "is active")):
        refused = server.cli("dek", "deactivate", dek)
        assert refused.returncode == 2 and said in refused.stderr

    # Option 2: "When you create a new Credential or Configuration Item [...] it
    # is always encrypted with the active DEK. Updating an existing Record also
    # re-encrypts its data with the active DEK."
    records.write("new", value="n")
    server.post("tls/data/www", {"data": {"pem": "y"}})
    names = {u["name"] for u in usage(server, third)["key_info"].values()}
    assert names == {"secret/new", "tls/www"}

    # Option 1: "At each configured interval, USP Manager searches for Records
    # that are still encrypted with a deprecated DEK", `limit` at a time.
    restart(server, CONFIGURED + JANITOR)
    seen = [shown(server, first)["usage"]]
    deadline = time.monotonic() + 30
    while seen[-1] > 9 and time.monotonic() < deadline:
        time.sleep(0.1)
        seen.append(shown(server, first)["usage"])
    steps = [a - b for a, b in zip(seen, seen[1:]) if a != b]
    assert 1 <= seen[-1] <= 9 and max(steps) <= 4, seen
    records.check()

    # Option 3: "This command iterates through all encrypted Records and
    # re-encrypts them using the currently active DEK." `--config` or `-c`.
    restart(server, CONFIGURED)
    left = shown(server, first)["usage"]
    assert left > 0
    server.stop()
    done = server.cli("reencrypt", "--config", str(server.config), token="")
    assert done.returncode == 0, done.stderr
    assert f"Re-encrypted {left} record" in done.stdout
    server.start()
    assert [shown(server, d)["usage"] for d in (first, second)] == [0, 0]
    assert shown(server, third)["usage"] == 22
    records.check()

    # "A DEK that is no longer used by any Records can be manually set to
    # Inactive." For ever: it neither encrypts nor decrypts.
    for dek in (first, second):
        done = server.cli("dek", "deactivate", dek)
        assert done.returncode == 0, done.stderr
        assert shown(server, dek)["status"] == "inactive"
        assert server.cli("dek", "edit", "-status=deprecated", dek
                          ).returncode != 0
    records.check()

    # KEK, step 1: "Update the encryption block to include a rotation block with
    # the new KEK. The existing KEK remains the active key."
    restart(server, ROTATING)
    assert not sealed(server)
    records.check()
    server.stop()
    bodies = body_entries(server)

    # Step 2: "usp-manager rotate", in the folder of the configuration file or
    # with --config (-c). "The database Records do not need to be re-encrypted."
    done = server.cli("rotate", "-c", str(server.config), token="")
    assert done.returncode == 0, done.stderr
    assert body_entries(server) == bodies
    # Before the promotion both are in the file, and it starts.
    server.start()
    assert not sealed(server)
    records.check()

    # Step 3: "update the encryption block to use the new KEK and remove the
    # encryption.rotation block".
    restart(server, PROMOTED)
    assert not sealed(server)
    records.check()
    records.write("after", value="k")
    assert shown(server, third)["usage"] == 23
    check_store(server)
    assert server.get("tls/data/www?version=1")["data"] == {"pem": "x"}

    # A start with the old KEK afterwards says what is wrong, and harms nothing.
    restart(server, CONFIGURED)
    assert sealed(server)
    assert "fingerprint" in server.log.read_text()
    restart(server, PROMOTED)
    records.check()
    server.stop()
    check_store(server, f"-config={server.config}", token="")


def test_a_generated_kek_is_taken(server):
    """The page's tip: openssl rand -base64 32."""
    made = subprocess.run(["openssl", "rand", "-base64", "32"],
                          capture_output=True, text=True, check=True)
    with Server() as other:
        set_seals(other, CONFIGURED.replace(OLD_KEK, made.stdout.strip()))
        other.start()
        other.call("PUT", "sys/init", {})
        assert not sealed(other)


@pytest.mark.parametrize("kek", ["", "c2hvcnQ=", "not base64 at all!"])
def test_a_kek_that_cannot_be_is_refused_at_start(kek):
    with Server() as server:
        set_seals(server, CONFIGURED.replace(OLD_KEK, kek))
        with pytest.raises(RuntimeError, match="kek"):
            server.start()


def test_rotate_looks_in_the_folder_that_it_is_run_in(server):
    """"If the Configuration File is not located in the current working
    directory, specify its path": a name alone is one in that folder."""
    restart(server, ROTATING)
    server.stop()
    done = subprocess.run(
        [BINARY, "rotate", "-config", server.config.name], cwd=server.directory,
        capture_output=True, text=True, timeout=60,
        env={"PATH": os.environ["PATH"], "HOME": str(server.directory)})
    assert done.returncode == 0, done.stderr
    set_seals(server, PROMOTED)
    server.start()
    assert not sealed(server)
