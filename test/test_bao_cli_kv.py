"""The `kv` verbs of OpenBao's command line and of Bulla's, each against both
servers: `bao` must not be able to tell the servers apart, and the two command
lines come to the same exit code."""

import re
import time

import pytest

from test_bao_cli import both, normal, tell  # noqa: F401

COMMANDS = """
secrets enable -path=CLIENT -version=2 kv
kv put CLIENT/a k=v n=1
kv put -mount=CLIENT a k=v2
kv put -cas=0 CLIENT/a k=x
kv put -cas=2 CLIENT/a k=v3
kv put CLIENT/f/b k=v
kv put CLIENT/a
kv put
kv put nope/a k=v
kv get CLIENT/a
kv get -field=k CLIENT/a
kv get -field=nope CLIENT/a
kv get -format=json CLIENT/a
kv get -version=1 -field=n CLIENT/a
kv get -format=json -field=k CLIENT/f/b
kv get -version=99 CLIENT/a
kv get -mount=CLIENT a
kv get CLIENT/none
kv get
kv patch CLIENT/a p=q
kv patch -method=rw CLIENT/a r=s
kv patch -method=patch CLIENT/a r=t
kv patch -cas=1 CLIENT/a r=t
kv patch CLIENT/none k=v
kv patch -method=rw CLIENT/none k=v
kv patch CLIENT/a
kv list CLIENT
kv list -format=json CLIENT
kv list -mount=CLIENT
kv list -mount=CLIENT f
kv list CLIENT/none
kv list
kv delete CLIENT/a
kv get CLIENT/a
kv get -format=json CLIENT/a
kv get -field=k -mount=CLIENT a
kv get -field=version -mount=CLIENT a
kv patch -method=patch CLIENT/a x=y
kv patch -method=rw CLIENT/a x=y
kv undelete CLIENT/a
kv undelete -versions=6 CLIENT/a
kv delete -versions=1,2 CLIENT/a
kv delete -versions=1 -versions=3 CLIENT/a
kv destroy CLIENT/a
kv destroy -versions=1 CLIENT/a
kv undelete -versions=3 -mount=CLIENT a
kv rollback -version=3 CLIENT/a
kv rollback -mount=CLIENT -version=4 a
kv rollback CLIENT/a
kv rollback -version=1 CLIENT/a
kv rollback -version=2 CLIENT/a
kv rollback -version=99 CLIENT/a
kv rollback -version=1 CLIENT/none
kv metadata get CLIENT/a
kv metadata get -format=json CLIENT/a
kv metadata get CLIENT/none
kv metadata put -max-versions=3 -custom-metadata=a=b CLIENT/a
kv metadata put -delete-version-after=3h25m -cas-required CLIENT/b
kv metadata put CLIENT/a
kv metadata patch -custom-metadata=c=d CLIENT/a
kv metadata patch -custom-metadata=e=f -remove-custom-metadata=a CLIENT/a
kv metadata patch -max-versions=4 -cas-required=false CLIENT/a
kv metadata get -format=json CLIENT/a
kv metadata patch -max-versions=4 CLIENT/none
kv metadata patch CLIENT/none
kv metadata delete CLIENT/a
kv metadata delete CLIENT/a
kv metadata nope
secrets enable -path=CLIENT1 kv
kv put CLIENT1/a k=v
kv get CLIENT1/a
kv get -field=k CLIENT1/a
kv get -version=1 CLIENT1/a
kv list CLIENT1
kv patch CLIENT1/a k=v
kv rollback -version=1 CLIENT1/a
kv metadata get CLIENT1/a
kv destroy -versions=1 CLIENT1/a
kv undelete -versions=1 CLIENT1/a
kv delete CLIENT1/a
kv delete CLIENT1/a
kv get CLIENT1/a
kv put CLIENT1/b k=v
kv enable-versioning CLIENT1
kv enable-versioning nope
kv enable-versioning
kv get -field=k CLIENT1/b
kv nope
kv
""".strip().splitlines()


@pytest.fixture(scope="module")
def results(both):  # noqa: F811
    """(command, client, server) → the finished process."""
    done = {}
    for command in COMMANDS:
        for at in ("bao", "bulla"):
            for client in ("bao", "bulla"):
                words = [w.replace("CLIENT", client) for w in command.split()]
                done[command, client, at] = both(client, at, *words)
        # OpenBao is not at once done with what these begin.
        if command.startswith(("secrets enable", "kv enable")):
            time.sleep(0.3)
    return done


def times(text):
    """Tables are as wide as their times, which have more digits or fewer."""
    return re.sub(r"[=-]{2,}", "--", normal(text))


@pytest.mark.parametrize("command", dict.fromkeys(COMMANDS))
def test_bao_cannot_tell_the_servers_apart(results, command):
    theirs, ours = (results[command, "bao", at] for at in ("bao", "bulla"))
    assert ours.returncode == theirs.returncode, tell(theirs) + tell(ours)
    assert times(ours.stdout) == times(theirs.stdout), tell(ours)


@pytest.mark.parametrize("command", dict.fromkeys(COMMANDS))
@pytest.mark.parametrize("at", ["bao", "bulla"])
def test_the_command_lines_agree(results, command, at):
    theirs = results[command, "bao", at]
    ours = results[command, "bulla", at]
    assert ours.returncode == theirs.returncode, tell(theirs) + tell(ours)
    if "-format=json" in command or "-field" in command:
        assert times(ours.stdout) == times(theirs.stdout), tell(ours)
