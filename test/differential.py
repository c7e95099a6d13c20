"""Sends the same request to Bulla and to OpenBao and compares the answers.

What must differ (tokens, ids, times, ciphertexts) is replaced before comparing.
A request may refer to what either side answered before: "{{name}}" stands for
the side's own value, kept by `keep={"name": "data.path"}`.
"""

import json
import re

import requests

TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
UUID = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
SEALED = re.compile(r"vault:v(\d+):[A-Za-z0-9+/=_-]+")
REFERENCE = re.compile(r"\{\{(\w+)\}\}")

# Values that are each server's own, by their key.
OWN = {"request_id", "client_token", "accessor", "uuid", "creation_time",
       "expire_time", "issue_time", "cluster_id", "cluster_name", "nonce",
       "server_time_utc", "random_bytes", "install_time", "migration_id",
       "running_plugin_version", "last_renewal", "last_renewal_time",
       "encryptions", "modified", "storage_type"}
# Members that only one of the two has (docs/compatibility.md).
EXTRA = {"mount_type", "build_date", "removed_from_cluster", "enterprise",
         "performance_standby", "performance_standby_last_remote_wal",
         "echo_duration_ms", "clock_skew_ms", "replication_primary_canary_age_ms",
         "active_time", "is_self", "leader_address", "leader_cluster_address"}
EXTRA_OF_KEYS = {"operations", "max_operations"}
# What is left of a limit, which a second may shorten between the two answers.
LEFT = re.compile(r'(?<=max_ttl of ")(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?=")')
NO_DURATION = re.compile(
    r"^time: (invalid|missing|unknown) .*duration|"
    r"^unable to parse (default|max) TTL of \S+: |"
    r'^(Field validation failed: )?error converting input for field '
    r'"(ttl|lease|period|explicit_max_ttl)": ')
# Where the words after the prefix are each parser's own.
PREFIXES = [
    re.compile(p) for p in (
        r'^(Field validation failed: )?error converting input for field "\w+": ',
        r"^failed to decode JSON input: ", r"^failed to parse policy: ",
        r"^1 error occurred:\n\t\* failed to parse batch input: ",
        r"^invalid seal configuration: error \w+ given PGP key: ",
        r"^Tidy operation successfully started\. ", r"^Mount move has been queued\.",
        r'^error parsing role fields: error parsing address "\w*": ',
        r"^unknown backend type: ",
    )]


def short_error(text):
    if NO_DURATION.match(text):
        return "no duration"
    for prefix in PREFIXES:
        found = prefix.match(text)
        if found:
            return found[0].replace("Field validation failed: ", "") + "…"
    return text


class BrokenOff(Exception):
    """OpenBao broke off: some input makes it panic, and nothing is to compare."""


class Side:
    """One of the two servers, and what it answered so far."""

    def __init__(self, name, address, token):
        self.name, self.address = name, address
        self.session = requests.Session()
        self.values = {"root": token}

    def fill(self, what):
        if isinstance(what, str):
            return REFERENCE.sub(
                lambda m: str(self.values.get(m[1], "none-" + m[1])), what)
        if isinstance(what, list):
            return [self.fill(item) for item in what]
        if isinstance(what, dict):
            return {self.fill(k): self.fill(v) for k, v in what.items()}
        return what

    def send(self, method, path, body=None, token="root", headers=None, raw=None):
        sent = dict(headers or {})
        if token:
            sent["X-Vault-Token"] = self.values.get(token, token)
        data = raw
        if data is None and body is not None:
            data = json.dumps(self.fill(body))
        try:
            answer = self.session.request(
                method, f"{self.address}/v1/{self.fill(path)}", data=data,
                headers=sent, timeout=60)
        except requests.ConnectionError:
            if self.name == "openbao":
                raise BrokenOff from None
            raise
        try:
            return answer.status_code, answer.json()
        except ValueError:
            return answer.status_code, answer.text

    def hide(self, text):
        for name, value in self.values.items():
            if isinstance(value, str) and len(value) > 8:
                text = text.replace(value, f"<{name}>")
        return text


def minutes(found):
    hours, left, seconds = (int(part or 0) for part in found.groups())
    return f"{round(hours * 60 + left + seconds / 60)}m"


def at(body, path):
    for part in path.split("."):
        if isinstance(body, list) and part.isdigit() and int(part) < len(body):
            body = body[int(part)]
        elif isinstance(body, dict):
            body = body.get(part)
        else:
            return None
    return body


def normal(what, side, key=""):
    if isinstance(what, dict):
        out = {}
        for name, value in what.items():
            if name in EXTRA or ("latest_version" in what
                                 and name in EXTRA_OF_KEYS):
                continue
            if name in ("meta", "metadata", "policies", "token_policies"):
                value = value or None
            if name in OWN or (name in ("id", "version") and
                               isinstance(value, str)):
                out[side.hide(name)] = f"<{name}>" if value else value
            else:
                out[side.hide(name)] = normal(value, side, name)
        return out
    if isinstance(what, list):
        out = [normal(item, side, key) for item in what]
        return sorted(out) if key == "capabilities" else out
    if isinstance(what, str):
        what = side.hide(what)
        if TIME.match(what):
            return "<time>"
        what = SEALED.sub(lambda m: f"vault:v{m[1]}:<{len(m[0])}>", what)
        what = UUID.sub("<uuid>", what)
        what = LEFT.sub(minutes, what)
        return short_error(what)
    if isinstance(what, int) and what > 1_700_000_000:
        return "<unix time>"
    return what


def leaves(mine, theirs, path=""):
    """Where the two differ: "place: one != other" each."""
    if isinstance(mine, dict) and isinstance(theirs, dict):
        return [line for name in sorted(mine.keys() | theirs.keys())
                for line in leaves(mine.get(name, "(absent)"),
                                   theirs.get(name, "(absent)"),
                                   f"{path}.{name}")]
    if mine == theirs:
        return []
    # A second or two may pass between the answers.
    if path.endswith(("ttl", "lease_duration")):
        if isinstance(mine, int) and isinstance(theirs, int):
            if abs(mine - theirs) <= 2 < mine:
                return []
    shown = [json.dumps(what)[:300] for what in (mine, theirs)]
    return [f"{path or 'body'}: {shown[0]} != {shown[1]}"]


class Pair:
    """Both servers. Disagreements are collected, to be told all at once."""

    def __init__(self, bulla, openbao):
        self.bulla, self.openbao = bulla, openbao
        self.sent = 0
        self.found = []

    def both(self, *arguments, **more):
        self.sent += 1
        return [side.send(*arguments, **more)
                for side in (self.bulla, self.openbao)]

    def same(self, method, path, body=None, *, keep=None, without=(), **more):
        """The two answers, which must be the same after normalising."""
        try:
            answers = self.both(method, path, body, **more)
        except BrokenOff:
            return None
        for side, (_, answer) in zip((self.bulla, self.openbao), answers):
            for name, place in (keep or {}).items():
                value = at(answer, place)
                if value is not None:
                    side.values[name] = value
        mine, theirs = [
            [status, normal(answer, side)] for side, (status, answer)
            in zip((self.bulla, self.openbao), answers)]
        for place in without:
            for body_of in (mine[1], theirs[1]):
                *above, last = place.split(".")
                holder = at(body_of, ".".join(above)) if above else body_of
                if isinstance(holder, dict):
                    holder.pop(last, None)
        found = leaves(mine[1], theirs[1])
        if mine[0] != theirs[0] or found:
            sent = more.get("raw", body)
            told = [f"status: {mine[0]} != {theirs[0]}"] * (mine[0] != theirs[0])
            self.found.append("\n    ".join([
                f"{method} {path} {json.dumps(sent, default=str)[:300]} "
                f"as {more.get('token', 'root')}",
                *told, *found]))
        return answers

    def check(self):
        assert not self.found, (
            f"{len(self.found)} of {self.sent} answers differ "
            "(Bulla's != OpenBao's):\n" +
            "\n".join(self.found[:40]))
