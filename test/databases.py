"""PostgreSQL and etcd as Debian has them, on the loopback, for one test."""

import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from bulla import free_port


def _postgres(name):
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    assert found, "the package postgresql is not installed"
    return str(found[-1])


class Database:
    """A process of its own in a directory of its own."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="bulla-db-"))
        self.port = free_port()
        self.process = None
        self.log = self.directory / "log"

    def spawn(self, arguments, **kwargs):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(arguments, stdout=log, stderr=log,
                                            **kwargs)
        deadline = time.monotonic() + 30
        while not self.answers():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)
        return self

    def end(self, number):
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(30)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.end(signal.SIGQUIT)
        shutil.rmtree(self.directory, ignore_errors=True)


class Postgres(Database):
    def __init__(self, options=(), tls=None):
        super().__init__()
        self.options = list(options)
        self.user = {}
        if os.getuid() == 0:  # the server refuses to be root's
            entry = pwd.getpwnam("postgres")
            os.chown(self.directory, entry.pw_uid, entry.pw_gid)
            self.user = {"user": entry.pw_uid, "group": entry.pw_gid,
                         "extra_groups": []}
        subprocess.run(
            [_postgres("initdb"), "-D", str(self.data), "-U", "bulla", "-A",
             "trust", "--no-sync", "-E", "UTF8", "--locale=C"], check=True,
            stdout=subprocess.DEVNULL, cwd=self.directory, **self.user)

    @property
    def data(self):
        return self.directory / "data"

    def url(self, port=None, extra=""):
        return (f"postgres://bulla@127.0.0.1:{port or self.port}/postgres"
                f"?sslmode=disable{extra}")

    def stanza(self, port=None, extra=""):
        return (f'storage "postgresql" {{\n  connection_url = '
                f'"{self.url(port)}"\n  request_timeout = 5\n{extra}\n}}')

    def answers(self):
        return self.run("SELECT 1", check=False).returncode == 0

    def start(self):
        return self.spawn(
            [_postgres("postgres"), "-D", str(self.data), "-k",
             str(self.directory), "-h", "127.0.0.1", "-p", str(self.port),
             "-c", "max_connections=200", *self.options], cwd=self.directory,
            **self.user)

    def stop(self):
        self.end(signal.SIGQUIT)

    def run(self, sql, check=True):
        return subprocess.run(
            [_postgres("psql"), "-X", "-q", "-t", "-A", "-h", "127.0.0.1", "-p",
             str(self.port), "-U", "bulla", "-d", "postgres", "-c", sql],
            capture_output=True, text=True, check=check)


class Etcd(Database):
    def __init__(self, options=(), scheme="http", client=()):
        super().__init__()
        self.peer = free_port()
        self.options = list(options)
        self.scheme = scheme
        self.client = list(client)

    def url(self, port=None):
        return f"{self.scheme}://127.0.0.1:{port or self.port}"

    def stanza(self, port=None, extra="", address=None):
        return (f'storage "etcd" {{\n  address = "{address or self.url(port)}"'
                f'\n  request_timeout = 2\n{extra}\n}}')

    def ctl(self, *arguments, check=True):
        return subprocess.run(
            ["/usr/bin/etcdctl", f"--endpoints={self.url()}", *self.client,
             *arguments], capture_output=True, text=True, check=check,
            env={**os.environ, "ETCDCTL_API": "3"})

    def answers(self):
        return self.ctl("endpoint", "health", check=False).returncode == 0

    def start(self):
        peer = f"http://127.0.0.1:{self.peer}"
        return self.spawn(
            ["/usr/bin/etcd", "--name=one", f"--data-dir={self.directory}/data",
             f"--listen-client-urls={self.url()}",
             f"--advertise-client-urls={self.url()}",
             f"--listen-peer-urls={peer}",
             f"--initial-advertise-peer-urls={peer}",
             f"--initial-cluster=one={peer}", *self.options])

    def stop(self):
        self.end(signal.SIGKILL)


class Proxy:
    """A TCP relay that can cut its connections, or swallow the answers."""

    def __init__(self, target):
        self.target = target
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.deaf = threading.Event()
        self.pairs = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                return
            self.pairs.append((near, far))
            for source, sink, answers in ((near, far, False),
                                          (far, near, True)):
                threading.Thread(target=self._relay, daemon=True,
                                 args=(source, sink, answers)).start()

    def _relay(self, source, sink, answers):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if answers and self.deaf.is_set():
                    break
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def lose_answers(self, seconds):
        """Whatever is asked meanwhile is done, and nobody hears of it."""
        self.deaf.set()
        time.sleep(seconds)
        self.deaf.clear()

    def close(self):
        self.listener.close()


class Writers:
    """Threads that write records and remember what was acknowledged."""

    def __init__(self, server, threads=4):
        self.server = server
        self.stopping = threading.Event()
        self.written = {}
        self.refused = []
        self.threads = [threading.Thread(target=self._write, args=(i,))
                        for i in range(threads)]

    def _write(self, number):
        session_server = self.server
        count = 0
        while not self.stopping.is_set():
            path, value = f"kv/data/w{number}/{count % 50}", f"{number}.{count}"
            count += 1
            try:
                answer = session_server.request("POST", path,
                                                {"data": {"v": value}})
            except Exception:  # the server is gone
                self.refused.append((path, value, 0))
                time.sleep(0.01)
                continue
            if answer.status_code < 300:
                self.written[path] = value
            else:
                self.refused.append((path, value, answer.status_code))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def check(self):
        """What was acknowledged is there, or what was refused after it."""
        assert self.written
        for path, value in self.written.items():
            now = self.server.get(path)["data"]["v"]
            unknown = {v for p, v, _ in self.refused if p == path}
            assert now == value or now in unknown, (path, value, now)
