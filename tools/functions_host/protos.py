"""Plain Python in place of the protobuf classes that `azure_functions_runtime` is handed as `protos`.

The runtime reads and writes attributes and asks `WhichOneof`; it never serialises. The names and numbers are those of
https://github.com/Azure/azure-functions-language-worker-protobuf/blob/dev/src/proto/FunctionRpc.proto
"""

from types import SimpleNamespace
from typing import ClassVar


class Message(SimpleNamespace):
    """Hold fields given by keyword, as every protobuf message does."""


class OneOf(Message):
    """Hold one of several fields; the others read as None."""

    arms: ClassVar[tuple[str, ...]] = ()

    def WhichOneof(self, _group: str) -> str | None:  # noqa: N802 - protobuf's name
        """Name the field that is set."""
        return next((arm for arm in self.arms if arm in self.__dict__), None)

    def __getattr__(self, name: str) -> None:
        if name not in type(self).arms:
            raise AttributeError(name)


class TypedData(OneOf):
    """A value of a binding."""

    arms = ("http", "string", "json", "bytes", "int", "double")


class ParameterBinding(OneOf):
    """A named value of a binding."""

    arms = ("data",)


class RpcHttp(Message):
    """The HTTP request as the host describes it: for an app that streams, the route parameters alone."""

    def __init__(self, *, params: dict[str, str]) -> None:
        super().__init__(method="", url="", headers={}, params=params, query={}, body=TypedData())


class BindingInfo(Message):
    """A binding of a function, with the numbers of its direction."""

    out, inout, undefined = 1, 2, 0


class StatusResult(Message):
    """How a request to the worker ended."""

    Failure, Success, Cancelled = 0, 1, 2


PROTOS = SimpleNamespace(
    TypedData=TypedData,
    ParameterBinding=ParameterBinding,
    RpcHttp=RpcHttp,
    BindingInfo=BindingInfo,
    StatusResult=StatusResult,
    RpcException=Message,
    WorkerMetadata=Message,
    WorkerInitResponse=Message,
    FunctionMetadataResponse=Message,
    RpcFunctionMetadata=Message,
    FunctionLoadResponse=Message,
    InvocationResponse=Message,
)
