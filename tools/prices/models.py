"""The models that meters name, by Azure's names of models and versions, and the meters that bill no tokens.

A model whose meters are not here has no price: it is left out, and `python -m tools.prices update` says so.
https://learn.microsoft.com/azure/foundry/foundry-models/concepts/models-sold-directly-by-azure
"""

from collections.abc import Mapping

from tools.prices.meters import DATA_ZONE, GLOBAL, REGIONAL

Model = tuple[str, str | None]

MODELS: Mapping[str, Model] = {
    "gpt 35 turbo 16k 0125": ("gpt-35-turbo", "0125"),
    "gpt 35 turbo 16k 1106": ("gpt-35-turbo", "1106"),
    "gpt 35 turbo instruct": ("gpt-35-turbo-instruct", None),
    "gpt 4o 0513": ("gpt-4o", "2024-05-13"),
    "gpt 4o 0806": ("gpt-4o", "2024-08-06"),
    "gpt 4o 1120": ("gpt-4o", "2024-11-20"),
    "gpt 4o mini 0718": ("gpt-4o-mini", "2024-07-18"),
    **dict.fromkeys(("gpt 4.1", "4.1"), ("gpt-4.1", None)),
    **dict.fromkeys(("gpt 4.1 mini", "4.1 mini"), ("gpt-4.1-mini", None)),
    "gpt 4.1 nano": ("gpt-4.1-nano", None),
    **dict.fromkeys(("gpt 5", "5"), ("gpt-5", None)),
    **dict.fromkeys(("gpt 5 mini", "5 mini"), ("gpt-5-mini", None)),
    "gpt 5 nano": ("gpt-5-nano", None),
    "gpt 5 pro": ("gpt-5-pro", None),
    "gpt 5 chat": ("gpt-5-chat", None),
    "gpt 5 codex": ("gpt-5-codex", None),
    **dict.fromkeys(("gpt 5.1", "5.1"), ("gpt-5.1", None)),
    "gpt 5.1 chat": ("gpt-5.1-chat", None),
    "5.1 codex": ("gpt-5.1-codex", None),
    "5.1 codex max": ("gpt-5.1-codex-max", None),
    "5.1 codex mini": ("gpt-5.1-codex-mini", None),
    **dict.fromkeys(("gpt 5.2", "5.2"), ("gpt-5.2", None)),
    "gpt 5.2 chat": ("gpt-5.2-chat", None),
    "5.2 chat 0210": ("gpt-5.2-chat", "2026-02-10"),
    "gpt 5.2 pro": ("gpt-5.2-pro", None),
    "5.2 codex": ("gpt-5.2-codex", None),
    "5.3 chat": ("gpt-5.3-chat", None),
    "5.3 codex": ("gpt-5.3-codex", None),
    "5.4": ("gpt-5.4", None),
    **dict.fromkeys(("5.4 mini", "54 mini"), ("gpt-5.4-mini", None)),
    "5.4 nano": ("gpt-5.4-nano", None),
    "5.4 pro": ("gpt-5.4-pro", None),
    "5.5": ("gpt-5.5", None),
    **dict.fromkeys(("5.6 sol", "56sol"), ("gpt-5.6-sol", None)),
    **dict.fromkeys(("5.6 terra", "56terra"), ("gpt-5.6-terra", None)),
    **dict.fromkeys(("5.6 luna", "56luna"), ("gpt-5.6-luna", None)),
    "6 astra": ("gpt-6-astra", None),
    "6 sol": ("gpt-6-sol", None),
    "6 luna": ("gpt-6-luna", None),
    "o1 1217": ("o1", "2024-12-17"),
    "o1 mini": ("o1-mini", None),
    "o1 pro": ("o1-pro", None),
    "o3 0416": ("o3", "2025-04-16"),
    "o3 mini 0131": ("o3-mini", "2025-01-31"),
    "o3 pro": ("o3-pro", None),
    "o3 deep research 0626": ("o3-deep-research", "2025-06-26"),
    "o4 mini 0416": ("o4-mini", "2025-04-16"),
    "codex mini": ("codex-mini", None),
    "computer use": ("computer-use-preview", None),
    "gpt oss 120b": ("gpt-oss-120b", None),
    "embedding ada": ("text-embedding-ada-002", None),
    "text embedding 3 large": ("text-embedding-3-large", None),
    "text embedding 3 small": ("text-embedding-3-small", None),
    "gpt image 1": ("gpt-image-1", None),
    "gpt img 1 mini": ("gpt-image-1-mini", None),
    "gpt img 1.5": ("gpt-image-1.5", None),
    "image 2": ("gpt-image-2", None),
    "gpt 4o aud 1217": ("gpt-4o-audio-preview", "2024-12-17"),
    "gpt aud 0828": ("gpt-audio", "2025-08-28"),
    "gpt aud 1.5": ("gpt-audio-1.5", None),
    "gpt aud mini": ("gpt-audio-mini", "2025-10-06"),
    "gpt aud mn 1215": ("gpt-audio-mini", "2025-12-15"),
    "gpt 4o transcribe": ("gpt-4o-transcribe", None),
    "gpt 4o tcrb d": ("gpt-4o-transcribe-diarize", None),
    "gpt 4o mini transcribe": ("gpt-4o-mini-transcribe", "2025-03-20"),
    "gpt4o mn trscb 1215": ("gpt-4o-mini-transcribe", "2025-12-15"),
    "gpt 4o mini tts": ("gpt-4o-mini-tts", "2025-03-20"),
    "gpt4o mn tts 1215": ("gpt-4o-mini-tts", "2025-12-15"),
}

# Meters that bill something else than tokens: the model, the kind of deployment, and the member of a price.
OTHERS: Mapping[str, tuple[str, str, str]] = {
    "Speech-to-Text-Batch-Whisper-glbl Unit": ("whisper", GLOBAL, "audio_hour"),
    "Speech-to-Text-Batch-Whisper-regnl Unit": ("whisper", REGIONAL, "audio_hour"),
    "Speech-Text to Speech-global Characters": ("tts", GLOBAL, "characters"),
    "Speech-Text to Speech-Regional Characters": ("tts", REGIONAL, "characters"),
    "Speech-Text to Speech HD-global Characters": ("tts-hd", GLOBAL, "characters"),
    "Speech-Text to Speech HD-Regional Characters": ("tts-hd", REGIONAL, "characters"),
    "Sora 2 glbl Second": ("sora-2", GLOBAL, "video_second"),
    "Sora 2 dzone Second": ("sora-2", DATA_ZONE, "video_second"),
    "Sora 2 rgnl Second": ("sora-2", REGIONAL, "video_second"),
    # The meter for high resolutions: whoever asks for a low one pays less.
    "Sora 2 pro high res glbl Second": ("sora-2-pro", GLOBAL, "video_second"),
    "Sora 2 pro high res dzone Second": ("sora-2-pro", DATA_ZONE, "video_second"),
    "Sora 2 pro high res rgnl Second": ("sora-2-pro", REGIONAL, "video_second"),
}
# Meters of tools that Azure runs.
TOOLS: Mapping[str, tuple[str, str]] = {
    "file-search-tool-calls-glbl Calls": ("file_search", GLOBAL),
    "file-search-tool-calls-datazone Calls": ("file_search", DATA_ZONE),
    "file-search-tool-calls-rgnl Calls": ("file_search", REGIONAL),
    "Code-Interpreter-global Session": ("code_interpreter", GLOBAL),
    "Code-Interpreter-regnl EP Session": ("code_interpreter", REGIONAL),
}
