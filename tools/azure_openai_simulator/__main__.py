"""Run the simulator until it is interrupted."""

import argparse
import asyncio
import contextlib
import random
import signal

from tools.azure_openai_simulator.simulator import DEFAULT_KEY, Simulator


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="azure_openai_simulator", description="A simulator of Azure OpenAI.")
    parser.add_argument("--port", type=int, default=8081)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--key", default=DEFAULT_KEY, help="the key of the resource")
    parser.add_argument("--pace", type=float, default=0.0, metavar="SECONDS", help="wait after each chunk of a stream")
    parser.add_argument(
        "--idle", type=float, metavar="SECONDS", help="close each connection when it was idle for up to so long"
    )
    options = parser.parse_args()
    longest = options.idle
    idle = None if longest is None else lambda: random.uniform(0.0, longest)  # noqa: S311 - no secret
    simulator = Simulator(keys=[options.key], pace=options.pace, idle=idle)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(simulator, options.address, options.port))


async def _serve(simulator: Simulator, address: str, port: int) -> None:
    stopped = asyncio.Event()
    with contextlib.suppress(NotImplementedError):  # Windows has no such handlers, KeyboardInterrupt does it there
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with simulator.serving(address=address, port=port):
        print(f"Azure OpenAI simulator on {simulator.url}, deployments: {', '.join(simulator.deployments)}", flush=True)
        await stopped.wait()


if __name__ == "__main__":
    main()
