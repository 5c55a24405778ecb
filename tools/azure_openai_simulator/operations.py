"""The operations the simulator answers; a new one is a row here and a file of its noun."""

from collections.abc import Mapping

from tools.azure_openai_simulator import chat, completions, embeddings
from tools.azure_openai_simulator.answers import Operation

BY_DEPLOYMENT: Mapping[str, Operation] = {
    "chat/completions": chat.answer,
    "completions": completions.answer,
    "embeddings": embeddings.answer,
}
"""POST operations whose deployment stands in the path (classic) or in the body's `model` (v1)."""
