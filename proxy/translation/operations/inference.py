"""Operations that ask a model: chat, responses, images, audio, video, realtime."""

from dataclasses import replace

from proxy.translation.operations.operation import Body, StreamFormat
from proxy.translation.operations.rows import DEPLOYMENT, STORED, V1, row, rows

CHAT = (
    row(
        "createChatCompletion POST /chat/completions",
        replace(DEPLOYMENT, body=Body.MODEL, stream=StreamFormat.CHAT, clean=True),
    ),
    row(
        "createCompletion POST /completions",
        replace(DEPLOYMENT, body=Body.MODEL, stream=StreamFormat.COMPLETION, clean=True, on_v1=False),
    ),
    row("createEmbedding POST /embeddings", replace(DEPLOYMENT, body=Body.MODEL)),
    *rows(
        replace(STORED, clean=True),
        "listChatCompletions GET /chat/completions",
        "getChatCompletion GET /chat/completions/{completion_id}",
        "updateChatCompletion POST /chat/completions/{completion_id}",
    ),
    *rows(
        STORED,
        "deleteChatCompletion DELETE /chat/completions/{completion_id}",
        "getChatCompletionMessages GET /chat/completions/{completion_id}/messages",
    ),
)

RESPONSES = (
    row(
        "createResponse POST /responses",
        replace(V1, body=Body.MODEL_IF_ANY, stream=StreamFormat.RESPONSE, clean=True),
    ),
    row("getResponse GET /responses/{response_id}", replace(STORED, stream=StreamFormat.RESPONSE, clean=True)),
    *rows(
        replace(V1, body=Body.MODEL_IF_ANY),
        "Compactconversation POST /responses/compact",
        "Getinputtokencounts POST /responses/input_tokens",
    ),
    row("cancelResponse POST /responses/{response_id}/cancel", replace(STORED, clean=True)),
    *rows(
        STORED,
        "deleteResponse DELETE /responses/{response_id}",
        "listInputItems GET /responses/{response_id}/input_items",
        "createConversation POST /conversations",
        "getConversation GET /conversations/{conversation_id}",
        "updateConversation POST /conversations/{conversation_id}",
        "deleteConversation DELETE /conversations/{conversation_id}",
        "createConversationItems POST /conversations/{conversation_id}/items",
        "listConversationItems GET /conversations/{conversation_id}/items",
        "getConversationItem GET /conversations/{conversation_id}/items/{item_id}",
        "deleteConversationItem DELETE /conversations/{conversation_id}/items/{item_id}",
    ),
)

MEDIA = (
    row(
        "createImage POST /images/generations",
        replace(DEPLOYMENT, body=Body.MODEL, stream=StreamFormat.IMAGE, clean=True),
    ),
    row(
        "createImageEdit POST /images/edits",
        replace(DEPLOYMENT, body=Body.FORM, stream=StreamFormat.IMAGE, clean=True),
    ),
    row(
        "createSpeech POST /audio/speech",
        replace(DEPLOYMENT, body=Body.MODEL, stream=StreamFormat.SPEECH, download=True),
    ),
    row(
        "createTranscription POST /audio/transcriptions",
        replace(DEPLOYMENT, body=Body.FORM, stream=StreamFormat.TRANSCRIPT),
    ),
    row("createTranslation POST /audio/translations", replace(DEPLOYMENT, body=Body.FORM)),
    row("createVideo POST /videos", replace(STORED, body=Body.FORM)),
    *rows(
        replace(STORED, body=Body.STREAM),
        "CreateVideoRemix POST /videos/{video_id}/remix",
        "CreateVideoCharacter POST /videos/characters",
        "CreateVideoEdit POST /videos/edits",
        "CreateVideoExtend POST /videos/extensions",
    ),
    row("RetrieveVideoContent GET /videos/{video_id}/content", replace(STORED, download=True)),
    *rows(
        STORED,
        "ListVideos GET /videos",
        "GetVideoCharacter GET /videos/characters/{character_id}",
        "GetVideo GET /videos/{video_id}",
        "DeleteVideo DELETE /videos/{video_id}",
    ),
    *rows(
        replace(V1, body=Body.SESSION),
        "create-realtime-client-secret POST /realtime/client_secrets",
        "create-realtime-translation-client-secret POST /realtime/translations/client_secrets",
    ),
    *rows(
        replace(V1, body=Body.MODEL_IF_ANY),
        "create-realtime-session POST /realtime/sessions",
        "create-realtime-transcription-session POST /realtime/transcription_sessions",
        "accept-realtime-call POST /realtime/calls/{call_id}/accept",
    ),
    row("create-realtime-call POST /realtime/calls", replace(V1, body=Body.SESSION_FORM)),
    *rows(
        V1,
        "hangup-realtime-call POST /realtime/calls/{call_id}/hangup",
        "refer-realtime-call POST /realtime/calls/{call_id}/refer",
        "reject-realtime-call POST /realtime/calls/{call_id}/reject",
    ),
)

INFERENCE = (*CHAT, *RESPONSES, *MEDIA)
