"""What the process gives up, on the real binary."""

import os
import pathlib
import resource
import signal
import subprocess
import sys

import pytest

from bulla import BINARY, Server

ROOT = pathlib.Path(__file__).resolve().parent.parent


def status_of(server):
    text = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def test_no_new_privileges_and_a_filter(server):
    status = status_of(server)
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"


def test_the_filter_can_be_turned_off():
    with Server(extra="disable_seccomp = true") as server:
        server.ready()
        assert status_of(server)["Seccomp"] == "0"
        assert status_of(server)["NoNewPrivs"] == "1"


def test_an_abort_leaves_no_core(server, tmp_path):
    pid = server.process.pid
    limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
    core = [line for line in limits.splitlines() if "core file" in line][0]
    assert core.split()[4:6] == ["0", "0"], core
    filter_of = pathlib.Path(f"/proc/{pid}/coredump_filter")
    if os.geteuid() == 0:
        assert filter_of.read_text().strip() == "00000000"
        assert filter_of.stat().st_uid == 0  # not dumpable: it is root's


def test_a_signal_that_dumps_does_not_dump(tmp_path):
    """Started where dumps are unlimited and would lie in the directory."""
    with Server() as server:
        def unlimited():
            os.chdir(tmp_path)
            hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
            resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
        server.start(preexec=unlimited)
        server.initialise(1, 1)
        server.unseal()
        os.kill(server.process.pid, signal.SIGABRT)
        _, status = os.waitpid(server.process.pid, 0)
        assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGABRT
        assert not os.WCOREDUMP(status)
        assert list(tmp_path.iterdir()) == []
        server.process.returncode = -signal.SIGABRT


def test_secret_memory_is_locked_and_left_out_of_dumps(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("the maps of a process that is not dumpable are root's")
    with Server() as server:
        text = server.config.read_text()
        server.config.write_text(text.replace("disable_mlock = true", ""))
        try:
            server.ready()
        except RuntimeError as error:
            pytest.skip(f"memory cannot be locked here: {error}")
        locked = [line for line in
                  open(f"/proc/{server.process.pid}/smaps")
                  if line.startswith("VmFlags") and " lo" in line]
        assert locked, "no locked mapping"
        for flags in locked:
            assert " dd" in flags, flags  # MADV_DONTDUMP


def test_memory_that_cannot_be_locked_is_a_clear_refusal():
    if os.geteuid() != 0:
        pytest.skip("root is needed to become somebody without CAP_IPC_LOCK")
    with Server() as server:
        text = server.config.read_text()
        server.config.write_text(text.replace("disable_mlock = true", ""))
        os.chmod(server.directory, 0o777)

        def nobody():
            resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))
            os.setgid(65534)
            os.setuid(65534)
        with pytest.raises(RuntimeError) as refused:
            server.start(preexec=nobody)
        if "Permission denied" in str(refused.value):
            pytest.skip("nobody cannot reach the binary here")
        for word in ("LimitMEMLOCK", "ulimit -l", "disable_mlock"):
            assert word in str(refused.value)


def test_keks_are_wiped_from_the_environment():
    if os.geteuid() != 0:
        pytest.skip("the environment of a process that is not dumpable is root's")
    key = os.urandom(32).hex()
    with Server(extra='seal "env" {}') as server:
        server.start(env={"BULLA_ENCRYPTION_ENV_KEK_V1": key})
        server.call("PUT", "sys/init", {"recovery_shares": 1,
                                        "recovery_threshold": 1})
        environment = pathlib.Path(
            f"/proc/{server.process.pid}/environ").read_bytes()
        assert b"PATH=" in environment
        assert key.encode() not in environment
        assert key[:16].encode() not in environment
        command = pathlib.Path(
            f"/proc/{server.process.pid}/cmdline").read_bytes()
        assert key.encode() not in command


def test_the_command_line_leaves_no_core_either():
    code = ("import os,signal,subprocess,sys,time;"
            "p=subprocess.Popen([sys.argv[1],'operator','unseal','-'],"
            "stdin=subprocess.PIPE);time.sleep(0.5);"
            "print(open(f'/proc/{p.pid}/limits').read());"
            "p.kill()")
    shown = subprocess.run([sys.executable, "-c", code, str(BINARY)],
                           capture_output=True, text=True, timeout=60)
    core = [line for line in shown.stdout.splitlines() if "core file" in line]
    assert core and core[0].split()[4:6] == ["0", "0"], shown


def test_the_unit_is_valid_and_narrow(tmp_path):
    analyze = "/usr/bin/systemd-analyze"
    if not os.path.exists(analyze):
        pytest.skip("systemd is not here")
    unit = tmp_path / "bulla.service"
    unit.write_text((ROOT / "packaging" / "bulla.service").read_text().replace(
        "/usr/bin/bulla", "/bin/true"))
    verified = subprocess.run([analyze, "verify", str(unit)],
                              capture_output=True, text=True)
    assert verified.returncode == 0 and not verified.stderr, verified.stderr
    security = subprocess.run(
        [analyze, "security", "--offline=true", "--threshold=20", str(unit)],
        capture_output=True, text=True)
    assert security.returncode == 0, security.stdout[-500:]
