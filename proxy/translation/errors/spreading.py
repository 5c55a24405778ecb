"""Permissions that Azure has just been told of, and that not all of its servers know yet.

A role works some minutes after it was given: https://learn.microsoft.com/azure/role-based-access-control/troubleshooting
"""

from proxy.errors import ProxyError
from proxy.translation.errors.credential import ROLE_MISSING

# How long after the start of an instance a refusal may be nothing but that, in seconds.
LONGEST = 600.0
# When to come back, in seconds: the proxy itself asks again at least as often.
PAUSE = 30
_REASONS = frozenset({ROLE_MISSING, "key_vault_forbidden"})


def while_spreading(error: ProxyError, age: float) -> ProxyError:
    """Return an error as it is told while permissions may still be spreading; `age` of the instance is in seconds."""
    if age >= LONGEST or error.reason not in _REASONS:
        return error
    error.message = f"Permissions are still spreading in Azure, try again in {PAUSE} s. If that lasts: {error.message}"
    error.headers = {**error.headers, "retry-after": str(PAUSE), "x-should-retry": "true"}
    return error
