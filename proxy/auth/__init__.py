"""Pure: who is calling, and what the key allows."""

from proxy.auth.borrowed import azure_key, resource_key
from proxy.auth.keys import KeyRing
from proxy.auth.presented import INVALID_KEY

__all__ = ["INVALID_KEY", "KeyRing", "azure_key", "resource_key"]
