"""The main story, on LMDB, with real files as input."""

import pathlib

from bulla import ROOT, Server, b64, unb64

BATCH = 200


def real_files():
    """Every licence text of the system and the project's own sources."""
    paths = [p for p in pathlib.Path("/usr/share/common-licenses").iterdir()]
    paths += [p for p in (ROOT / "src").rglob("*") if p.suffix in (".cc", ".h")]
    return [p.read_bytes() for p in sorted(paths) if p.is_file()]


def encrypt_all(server, files):
    ciphertexts = []
    for start in range(0, len(files), BATCH):
        items = [{"plaintext": b64(f)} for f in files[start:start + BATCH]]
        results = server.post("transit/encrypt/files", {"batch_input": items})
        ciphertexts += [r["ciphertext"] for r in results["batch_results"]]
    return ciphertexts


def decrypt_all(server, ciphertexts):
    files = []
    for start in range(0, len(ciphertexts), BATCH):
        items = [{"ciphertext": c} for c in ciphertexts[start:start + BATCH]]
        results = server.post("transit/decrypt/files", {"batch_input": items})
        files += [unb64(r["plaintext"]) for r in results["batch_results"]]
    return files


def rewrap_all(server, ciphertexts):
    rewrapped = []
    for start in range(0, len(ciphertexts), BATCH):
        items = [{"ciphertext": c} for c in ciphertexts[start:start + BATCH]]
        results = server.post("transit/rewrap/files", {"batch_input": items})
        rewrapped += [r["ciphertext"] for r in results["batch_results"]]
    return rewrapped


def test_whole_story():
    files = real_files()
    assert len(files) > 100
    with Server() as server:
        server.start()
        status = server.get("sys/seal-status")
        assert (status["initialized"], status["sealed"]) == (False, True)
        server.initialise(5, 3)
        assert server.get("sys/seal-status")["sealed"] is True
        server.unseal()
        server.transit("files")

        first = encrypt_all(server, files)
        assert all(c.startswith("vault:v1:") for c in first)
        server.kill()
        server.start()
        refused = server.request("POST", "transit/decrypt/files",
                                 {"ciphertext": first[0]})
        assert refused.status_code == 503
        assert refused.json() == {"errors": ["Vault is sealed"]}
        server.unseal()
        assert decrypt_all(server, first) == files

        server.post("transit/keys/files/rotate")
        server.kill()
        server.start()
        server.unseal()
        second = rewrap_all(server, first)
        assert all(c.startswith("vault:v2:") for c in second)
        server.post("transit/keys/files/config", {"min_decryption_version": 2})
        server.kill()
        server.start()
        server.unseal()
        assert decrypt_all(server, second) == files
        too_old = server.request("POST", "transit/decrypt/files",
                                 {"ciphertext": first[0]})
        assert too_old.status_code == 400
        assert too_old.json()["errors"] == [
            "ciphertext or signature version is disallowed by policy (too old)"]


def test_any_three_of_five_shares_open():
    with Server() as server:
        server.start()
        server.initialise(5, 3)
        shares = server.shares
        for chosen in ([0, 1, 2], [4, 2, 0], [1, 3, 4]):
            for i, index in enumerate(chosen):
                status = server.call("PUT", "sys/unseal",
                                     {"key": shares[index]})
                assert status["sealed"] is (i < 2)
                assert status["progress"] == (i + 1 if i < 2 else 0)
            assert server.request("PUT", "sys/seal").status_code == 204


def test_wrong_shares_do_not_open():
    with Server() as server, Server() as other:
        server.start()
        server.initialise(3, 2)
        other.start()
        other.initialise(3, 2)
        server.call("PUT", "sys/unseal", {"key": server.shares[0]})
        refused = server.request("PUT", "sys/unseal", {"key": other.shares[1]})
        assert refused.status_code == 400
        assert server.get("sys/seal-status")["progress"] == 0
        server.unseal()


def test_rotate_keyring_keeps_everything_readable(server):
    server.transit("k")
    ciphertext = server.encrypt("k", b"before")
    before = server.get("sys/key-status")["term"]
    assert server.request("PUT", "sys/rotate").status_code == 204
    assert server.get("sys/key-status")["term"] == before + 1
    server.post("transit/keys/after")
    server.restart()
    assert server.decrypt("k", ciphertext) == b"before"
    assert server.get("transit/keys/after")["latest_version"] == 1
