"""The key-value engine beside OpenBao's: the same requests, the same answers,
but for what docs/compatibility.md lists."""

import pytest

PATCH = {"Content-Type": "application/merge-patch+json"}


@pytest.fixture
def pair(pair):
    """Both with an engine of each version."""
    pair.same("POST", "sys/mounts/kv", {"type": "kv-v2"})
    pair.same("POST", "sys/mounts/old", {"type": "kv"})
    return pair


def test_data(pair):
    for body in [{"data": {"k": "v"}}, {"data": {}}, {}, None, {"data": 1},
                 {"k": 1}, {"data": {"k": 1}, "options": {}},
                 {"data": {"n": 2 ** 53 + 1, "f": 1e21, "g": 1e-7, "z": -0.0}},
                 {"data": {"b": {"y": 1, "x": [1, {"q": None}]}, "a": "<&>"}}]:
        pair.same("POST", "kv/data/a", body)
        pair.same("GET", "kv/data/a")
    for cas in (0, 1, 99, -1, "4", "x", 1.5, True, None, [], {}):
        pair.same("POST", "kv/data/cas", {"data": {}, "options": {"cas": cas}})
    for query in ("?version=1", "?version=0", "?version=-1", "?version=99",
                  "?version=x", "?version="):
        pair.same("GET", "kv/data/a" + query)
    for path in ("kv/data/none", "kv/data/a/b", "kv/data/"):
        pair.same("GET", path)
    for i in range(13):
        pair.same("POST", "kv/data/many", {"data": {"i": i}})
    pair.same("GET", "kv/metadata/many")
    pair.same("GET", "kv/data/many?version=3")


def test_patch(pair):
    pair.same("POST", "kv/data/a", {"data": {"a": 1, "b": {"c": 2, "d": 3}}})
    for body in [{"data": {"a": None, "b": {"c": 4}}}, {"data": {}}, {}, {"x": 1},
                 {"data": {"a": [1], "b": 1}}, {"data": {"b": {"n": None}}},
                 {"data": {"k": 1}, "options": {"cas": 1}},
                 {"data": {"k": 1}, "options": {"cas": 5}}, {"data": 1}]:
        pair.same("PATCH", "kv/data/a", body, headers=PATCH)
        pair.same("GET", "kv/data/a")
    pair.same("DELETE", "kv/data/a")
    pair.same("PATCH", "kv/data/a", {"data": {"x": 1}}, headers=PATCH)
    pair.same("PATCH", "old/a", {"x": 1}, headers=PATCH)


def test_deleting(pair):
    for i in range(4):
        pair.same("POST", "kv/data/a", {"data": {"i": i}})
    for method, path, body in [
            ("DELETE", "kv/data/a", None), ("DELETE", "kv/data/a", None),
            ("DELETE", "kv/data/none", None),
            ("POST", "kv/delete/a", {"versions": [1, 2]}),
            ("POST", "kv/delete/a", {"versions": "1"}),
            ("POST", "kv/delete/a", {}), ("POST", "kv/delete/a", {"versions": []}),
            ("POST", "kv/delete/none", {"versions": [1]}),
            ("POST", "kv/undelete/a", {"versions": [1, 9]}),
            ("POST", "kv/undelete/a", {}),
            ("POST", "kv/destroy/a", {"versions": ["2", 7]}),
            ("POST", "kv/destroy/a", {}),
            ("POST", "kv/undelete/a", {"versions": [2, 4]}),
            ("POST", "kv/destroy/a", {"versions": [4]}),
            ("POST", "kv/destroy/a", {"versions": ["x"]}),
            ("DELETE", "kv/metadata/a", None), ("DELETE", "kv/metadata/a", None)]:
        pair.same(method, path, body)
        for version in range(5):
            pair.same("GET", f"kv/data/a?version={version}")
        pair.same("GET", "kv/metadata/a")
        pair.same("GET", "kv/subkeys/a")


def test_metadata(pair):
    for body in [{}, None, {"x": 1}, {"max_versions": 3}, {"max_versions": "x"},
                 {"cas_required": True}, {"cas_required": False},
                 {"delete_version_after": "3h25m19s"},
                 {"delete_version_after": 90}, {"delete_version_after": "-1s"},
                 {"custom_metadata": {"a": "1", "b": "2"}},
                 {"custom_metadata": {"a": ""}},
                 {"custom_metadata": {"": "a"}}, {"custom_metadata": 1},
                 {"custom_metadata": {"a": "x" * 513}},
                 {"custom_metadata": {"k" * 129: "x"}},
                 {"custom_metadata": {"a": "\u0001"}},
                 {"metadata_cas": 1, "max_versions": 2},
                 {"metadata_cas_required": True}, {"max_versions": 4},
                 {"metadata_cas_required": False, "metadata_cas": 99}]:
        for method, headers in (("POST", {}), ("PATCH", PATCH)):
            pair.same(method, "kv/metadata/a", body, headers=headers)
            pair.same("GET", "kv/metadata/a")
    pair.same("POST", "kv/metadata/a",
              {"custom_metadata": {str(i): "v" for i in range(65)}})
    pair.same("POST", "kv/metadata/b",
              {"custom_metadata": {"b": 2, "c": True, "d": 1.5}})
    pair.same("GET", "kv/metadata/b")
    pair.same("GET", "kv/metadata/none")
    pair.same("GET", "kv/data/a")


def test_config(pair):
    for body in [{}, {"max_versions": 2}, {"cas_required": True},
                 {"delete_version_after": "1h"}, {"delete_version_after": "-5s"},
                 {"delete_version_after": "0s"}, {"metadata_cas_required": True},
                 {"x": 1}, {"max_versions": "x"}]:
        pair.same("POST", "kv/config", body)
        pair.same("GET", "kv/config")
        pair.same("POST", "kv/metadata/a", {"cas_required": False})
        pair.same("POST", "kv/data/a", {"data": {}, "options": {"cas": 0}})
    pair.same("DELETE", "kv/config")
    pair.same("LIST", "kv/config", without=["warnings"])


def test_lists_and_subkeys(pair):
    for path in ("a", "f/a", "f/b", "f/b/c", "g/h/i"):
        pair.same("POST", f"kv/data/{path}", {"data": {"a": {"b": {"c": 1}, "e": {}},
                                                       "l": [1], "n": None}})
        pair.same("POST", f"old/{path}", {"k": path})
    for path in ("", "f", "f/", "g", "none", "a", "f/b"):
        pair.same("LIST", f"kv/metadata/{path}")
        pair.same("LIST", f"old/{path}")
    for query in ("?after=a", "?limit=1", "?after=a&limit=1", "?limit=-1",
                  "?limit=x"):
        pair.same("LIST", f"kv/metadata/f{query}")
    for query in ("", "?depth=1", "?depth=2", "?depth=0", "?depth=-1",
                  "?version=1", "?version=9"):
        pair.same("GET", f"kv/subkeys/a{query}")


def test_roots_and_wrong_paths(pair):
    for root in ("data", "metadata", "delete", "undelete", "destroy"):
        for end in ("", "/"):
            pair.same("GET", f"kv/{root}{end}")
            pair.same("DELETE", f"kv/{root}{end}")
        pair.same("POST", f"kv/{root}", {})
        pair.same("PATCH", f"kv/{root}", {}, headers=PATCH)
        pair.same("GET", f"kv/{root}/a")
    pair.same("LIST", "kv/data")
    pair.same("LIST", "kv/delete")
    pair.same("PATCH", "kv/data", {"data": {"k": 1}}, headers=PATCH)


def test_version_1(pair):
    for body in [{"k": "v"}, {"n": 2 ** 53 + 1, "f": 1.5}, {}, None,
                 {"ttl": "1h"}, {"ttl": 60}, {"lease": "2h"}, {"ttl": "x"},
                 {"path": "x", "after": 1, "limit": "x"}]:
        pair.same("POST", "old/a/b", body)
        pair.same("GET", "old/a/b")
    pair.same("GET", "old/none")
    pair.same("DELETE", "old/a/b")
    pair.same("DELETE", "old/a/b")
    pair.same("GET", "old/a/b")


def test_differences_are_the_documented_ones(pair):
    for path in ("kv/data/f/a", "kv/data/f/b/c"):
        pair.both("POST", path, {"data": {"k": 1}})
    for path in ("old/a", "old/b"):
        pair.both("POST", path, {"k": 1})
    pair.both("POST", "kv/metadata/f/a", {"delete_version_after": "1h"})
    for method, path, body, mine, theirs in [
            ("POST", "kv/data/a", {"data": None}, 400, 200),
            ("POST", "kv/data/a", {"data": []}, 400, 200),
            ("POST", "kv/metadata/a", {"max_versions": -1}, 400, 204),
            ("PATCH", "kv/metadata/f/a", {"custom_metadata": {"n": 1}}, 204, 500),
            ("PATCH", "kv/metadata/f/a", {"delete_version_after": None}, 204, 204)]:
        answers = pair.both(method, path, body,
                            headers=PATCH if method == "PATCH" else None)
        assert [status for status, _ in answers] == [mine, theirs], answers

    def bodies(*sent, **more):
        return [body for _, body in pair.both(*sent, **more)]

    assert [body["data"]["delete_version_after"]
            for body in bodies("GET", "kv/metadata/f/a")] == ["0s", "1h0m0s"]
    assert [sorted(body["data"]["key_info"])
            for body in bodies("LIST", "kv/detailed-metadata/f")] == [
                ["a"], ["a", "b/"]]
    assert [body["data"]["keys"]
            for body in bodies("LIST", "old/?limit=1")] == [["a"], ["a", "b"]]
    assert bodies("PATCH", "kv/data/none", {"data": {}}, headers=PATCH) == [
        {"errors": []}, ""]
    assert [len(body["warnings"]) for body in bodies(
        "POST", "kv/metadata", {"max_versions": 1})] == [2, 1]
    mine, theirs = bodies("GET", "kv/foo")
    assert mine["warnings"][0] == theirs["warnings"][0].replace(
        "OpenBao", "Bulla").replace("bao kv", "bulla kv")
