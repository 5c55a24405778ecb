"""The operations the simulator answers; a new one is a row of its kind."""

from tools.azure_openai_simulator import audio, chat, completions, embeddings, images
from tools.azure_openai_simulator.objects import (
    assistants,
    batches,
    containers,
    conversations,
    evals,
    files,
    fine_tuning,
    graders,
    models,
    realtime,
    responses,
    runs,
    stored_chat,
    vector_stores,
    videos,
)
from tools.azure_openai_simulator.rows import Row, deployed

DEPLOYED: tuple[Row, ...] = (
    deployed("chat/completions", chat.answer),
    deployed("completions", completions.answer),
    deployed("embeddings", embeddings.answer),
    deployed("images/generations", images.generate, "2023-12-01"),
    deployed("images/edits", images.edit, "2025-04-01-preview"),
    deployed("audio/transcriptions", audio.transcribe, "2023-09-01"),
    deployed("audio/translations", audio.translate, "2023-09-01"),
    deployed("audio/speech", audio.speak, "2024-02-15-preview"),
)

ROWS: tuple[Row, ...] = (
    *DEPLOYED,
    *stored_chat.ROWS,
    *responses.ROWS,
    *files.ROWS,
    *batches.ROWS,
    *vector_stores.ROWS,
    *fine_tuning.ROWS,
    *graders.ROWS,
    *assistants.ROWS,
    *runs.ROWS,
    *evals.ROWS,
    *containers.ROWS,
    *conversations.ROWS,
    *videos.ROWS,
    *realtime.ROWS,
    *models.ROWS,
)
