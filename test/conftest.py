import sys
import pathlib

import pytest
import urllib3

sys.path.insert(0, str(pathlib.Path(__file__).parent))
urllib3.disable_warnings()

from bulla import BINARY, Server  # noqa: E402


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
