"""What is slow to import is imported in threads, and never by two of them at the same time."""

import subprocess
import sys

from tests.processes import REPOSITORY

TOGETHER = """
import threading
from proxy.azure_services import identity, key_vault
from proxy.azure_services.upstream import Upstream
from proxy.config.timeouts import Timeouts
from proxy.config.address_rules import AddressRules
from proxy.config.http_proxy import HttpProxies

upstream = Upstream(Timeouts(connect=1, first_byte=1, idle=1, total=1), 1, HttpProxies(), AddressRules())
unexpected = []
threading.excepthook = lambda surprise: unexpected.append(surprise.exc_type.__name__)
works = [upstream._open, lambda: identity.credential(client_id=None, managed=True), key_vault._sdk_errors]
threads = [threading.Thread(target=work) for work in works]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(unexpected)
"""


def test_all_that_an_app_imports_at_its_start_can_come_together() -> None:
    environ = {"PYTHONPATH": str(REPOSITORY)}
    said = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", TOGETHER], env=environ, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "[]"


SHARED = """
import sys
import function_app
names = ("azure.core", "azure.data", "proxy.azure_services.table_", "proxy.azure_services.shared_")
print([name for name in sys.modules if name.startswith(names)])
"""


def test_an_app_whose_keys_have_no_limits_imports_nothing_for_them() -> None:
    environ = {
        "PYTHONPATH": str(REPOSITORY),
        "AZURE_OPENAI_ENDPOINT": "https://a.openai.azure.com",
        "AZURE_OPENAI_API_KEY": "x",
        "LIMITS_STORE": "https://a.table.core.windows.net",
    }
    found = subprocess.run([sys.executable, "-c", SHARED], env=environ, capture_output=True, text=True, check=True)
    assert found.stdout.strip().endswith("[]")
