"""The operations of OpenAI's API: what each is, and which one a request asks for."""

from proxy.translation.operations.operation import Body, Operation, StreamFormat, Surface
from proxy.translation.operations.routes import Route, find, unknown
from proxy.translation.operations.table import OPERATIONS

__all__ = ["OPERATIONS", "Body", "Operation", "Route", "StreamFormat", "Surface", "find", "unknown"]
