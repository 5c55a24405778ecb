"""The table of settings: the name, the parser, the default and the description of each environment variable.

docs/settings.md and local.settings.json.example are made from it: `python -m tools.settings_table`.
"""

from collections.abc import Mapping

from proxy.config.addresses import (
    IN_MEMORY,
    RESOURCE_MANAGER_URL,
    parse_authority,
    parse_client_resources,
    parse_endpoint,
    parse_key_vault_url,
    parse_limits_store,
    parse_origins,
    parse_resource_id,
    parse_resource_manager_url,
)
from proxy.config.client_keys import parse_client_keys
from proxy.config.client_limits import parse_limit_defaults, parse_model_sets, parse_whole_budget
from proxy.config.deployment_models import parse_deployment_models
from proxy.config.entra import AUTHORITY, parse_access, parse_audiences, parse_tenant
from proxy.config.environment import (
    Setting,
    parse_api_version,
    parse_auth_mode,
    parse_client_auth,
    parse_client_id,
    parse_content_filter_results,
    parse_count,
    parse_default_deployments,
    parse_deployment,
    parse_deployment_apis,
    parse_flag,
    parse_keep_alive,
    parse_model_mapper,
    parse_operation_surfaces,
    parse_seconds,
    parse_secret,
    parse_secret_name,
    parse_signing_keys,
    parse_size,
    parse_stored_objects,
    parse_template_version,
    parse_token_scope,
    parse_unowned_objects,
)
from proxy.config.http_proxy import parse_http_proxy, parse_no_proxy
from proxy.config.policy import parse_fallbacks, parse_policy
from proxy.config.resources import DATED_API_VERSION, KEY_SECRET
from proxy.config.telemetry import parse_telemetry
from proxy.values import ClientAuth

AZURE_OPENAI_ENDPOINT = Setting(
    "AZURE_OPENAI_ENDPOINT",
    parse_endpoint,
    "",
    "The address of your Azure OpenAI resource as the Azure portal shows it, `https://NAME.openai.azure.com`. "
    "Required, unless `AZURE_OPENAI_RESOURCES` lists several resources. `http` is accepted only for this machine.",
)
AZURE_OPENAI_MODEL_MAPPER = Setting(
    "AZURE_OPENAI_MODEL_MAPPER",
    parse_model_mapper,
    "",
    "Which deployment serves a model, as `gpt-5.4-mini=my-chat,text-embedding-3-small=embed`. A model that is not "
    "listed is looked up as a deployment of the same name, so you need this only where the names differ.",
)
AZURE_OPENAI_DEFAULT_DEPLOYMENT = Setting(
    "AZURE_OPENAI_DEFAULT_DEPLOYMENT",
    parse_deployment,
    "",
    "The deployment that serves every model without an entry in `AZURE_OPENAI_MODEL_MAPPER`. Set it when clients ask "
    "for model names that you cannot foresee. With `AZURE_OPENAI_RESOURCE_ID` it serves chat, completions and "
    "responses, and what Azure lists it for.",
)
AZURE_OPENAI_DEFAULT_DEPLOYMENTS = Setting(
    "AZURE_OPENAI_DEFAULT_DEPLOYMENTS",
    parse_default_deployments,
    "",
    "The same for each [kind of model](resources.md#default-deployments), as JSON: "
    '`{"chat": "my-chat", "images": "my-dalle"}`. The kinds are `chat`, `embeddings`, `images`, `transcriptions`, '
    "`speech`, `videos` and `realtime`. It also serves requests that may leave `model` out and do.",
)
AZURE_OPENAI_DEPLOYMENT_APIS = Setting(
    "AZURE_OPENAI_DEPLOYMENT_APIS",
    parse_deployment_apis,
    "",
    "Which API to call of a deployment, whichever its clients speak: `chat` (chat completions), `responses` or `auto`, "
    "as `my-codex=responses,my-deepseek=chat`. Set it where the proxy does not find out [by "
    "itself](clients.md#chat-clients-on-codex-and-pro-models).",
)
AZURE_OPENAI_DEPLOYMENT_MODELS = Setting(
    "AZURE_OPENAI_DEPLOYMENT_MODELS",
    parse_deployment_models,
    "",
    "What deployments are, for their [prices](costs.md), as `my-gpt=gpt-5-mini@2025-08-07/GlobalStandard`: the model "
    "and, if you like, its version and the SKU. Azure's list (`AZURE_OPENAI_RESOURCE_ID`) says it by itself.",
)
AZURE_OPENAI_API_VERSION = Setting(
    "AZURE_OPENAI_API_VERSION",
    parse_api_version,
    DATED_API_VERSION,
    "The dated api-version for calls to deployments, or `v1` to send every call to `/openai/v1`. Change it when you "
    "need a feature of another version.",
)
AZURE_OPENAI_RESOURCE_ID = Setting(
    "AZURE_OPENAI_RESOURCE_ID",
    parse_resource_id,
    "",
    "The Azure resource id of the Azure OpenAI resource. With it the proxy [finds the "
    "deployments](resources.md#finding-deployments) by itself, and new ones work without a restart.",
)
AZURE_OPENAI_RESOURCES = Setting(
    "AZURE_OPENAI_RESOURCES",
    str,
    "",
    "[Several resources](resources.md) as JSON, or the path of a JSON file next to `function_app.py`. It replaces "
    "`AZURE_OPENAI_ENDPOINT`, `_MODEL_MAPPER`, `_DEFAULT_DEPLOYMENT`, `_DEFAULT_DEPLOYMENTS`, `_DEPLOYMENT_APIS`, "
    "`_DEPLOYMENT_MODELS`, `_AUTH`, `_API_KEY` and `_RESOURCE_ID`, which must not be set as well.",
)
UPSTREAM_PRIVATE_ADDRESSES = Setting(
    "UPSTREAM_PRIVATE_ADDRESSES",
    parse_flag,
    "false",
    "Whether [other upstreams](resources.md#other-upstreams) (`kind` `openai`) may have private addresses, and be "
    "called by `http` there. It does not concern resources of Azure, which may always have them.",
)
AZURE_OPENAI_FALLBACKS = Setting(
    "AZURE_OPENAI_FALLBACKS",
    parse_fallbacks,
    "",
    "The models that may answer in place of one that is not available, in order, as JSON: "
    '`{"gpt-5.6-sol": ["gpt-5.6-luna"]}`. '
    "Without an entry a request fails rather than being answered by another model.",
)
AZURE_OPENAI_ROUTING = Setting(
    "AZURE_OPENAI_ROUTING",
    parse_policy,
    "",
    'Changes to the [failover numbers](#failover-numbers), as JSON: `{"attempts": 2}`. The defaults suit most '
    "applications.",
)
AZURE_OPENAI_AUTH = Setting(
    "AZURE_OPENAI_AUTH",
    parse_auth_mode,
    "",
    "How the proxy authenticates to Azure OpenAI: `key-vault` (a key from Key Vault), `managed-identity` (an Entra "
    "token, no key at all) or `key` (`AZURE_OPENAI_API_KEY`). If unset, it is `key-vault` when `KEY_VAULT_URL` is "
    "set, else `key` when there is a key, else `managed-identity`.",
)
AZURE_OPENAI_API_KEY = Setting(
    "AZURE_OPENAI_API_KEY",
    parse_secret,
    "",
    "The key of the Azure OpenAI resource, for use on your own machine. On Azure, keep it in Key Vault or use the "
    "managed identity.",
)
KEY_VAULT_URL = Setting(
    "KEY_VAULT_URL",
    parse_key_vault_url,
    "",
    "The vault that holds the client keys and, with `key-vault`, the key of Azure OpenAI: "
    "`https://NAME.vault.azure.net`.",
)
AZURE_OPENAI_KEY_SECRET = Setting(
    "AZURE_OPENAI_KEY_SECRET",
    parse_secret_name,
    KEY_SECRET,
    "The name of the secret in Key Vault that holds the key of Azure OpenAI.",
)
AZURE_CLIENT_ID = Setting(
    "AZURE_CLIENT_ID",
    parse_client_id,
    "",
    "The client id of the user-assigned managed identity to use. Leave it unset for the system-assigned one.",
)
AZURE_OPENAI_TOKEN_SCOPE = Setting(
    "AZURE_OPENAI_TOKEN_SCOPE",
    parse_token_scope,
    "https://cognitiveservices.azure.com/.default",
    "The scope of the Entra token for `managed-identity`. Change it only in clouds other than the public one.",
)
AZURE_RESOURCE_MANAGER_URL = Setting(
    "AZURE_RESOURCE_MANAGER_URL",
    parse_resource_manager_url,
    RESOURCE_MANAGER_URL,
    "The address of Azure Resource Manager, which lists the deployments. Change it only in clouds other than the "
    "public one.",
)
CLIENT_KEYS = Setting(
    "CLIENT_KEYS",
    parse_client_keys,
    "",
    "The client keys, as `alice=sk-...,bob=sk-...`, for use on your own machine; the name appears in the log. With "
    '[limits](clients-and-keys.md#limits) as JSON: `{"alice": {"key": "sk-...", "rpm": 60}}`. On Azure, keep them in '
    "Key Vault. Without any client key every request is refused.",
)
ADMIN_KEYS = Setting(
    "ADMIN_KEYS",
    parse_client_keys,
    "",
    "The keys of operators, as `alice=sk-...`, for use on your own machine. They open `POST /doctor` and read the "
    "[usage of all clients](costs.md#usage), and call no model. On Azure, keep them in Key Vault, as secrets "
    "`admin-NAME`.",
)
CLIENT_KEY_DEFAULTS = Setting(
    "CLIENT_KEY_DEFAULTS",
    parse_limit_defaults,
    "",
    "The [limits](clients-and-keys.md#limits) of client keys that do not say one themselves, as JSON: "
    '`{"rpm": 60, "tpm": 100000, "models": ["gpt-5*"]}`. Without it such keys have no limits.',
)
CLIENT_KEY_MODEL_SETS = Setting(
    "CLIENT_KEY_MODEL_SETS",
    parse_model_sets,
    "",
    'Sets of models that client keys may name with `@`, as JSON: `{"small": ["gpt-5-mini", "gpt-5-nano"]}` for '
    "`models=@small`. A tag of Key Vault has room for 256 characters.",
)
LIMITS_STORE = Setting(
    "LIMITS_STORE",
    parse_limits_store,
    IN_MEMORY,
    "Where the [rates](clients-and-keys.md#several-instances) of client keys are counted for all instances together: "
    "the table service of a storage account, `https://NAME.table.core.windows.net`, on which the app's identity has "
    "the role Storage Table Data Contributor. With `memory` each instance counts for itself. For Azurite on this "
    "machine: `http://127.0.0.1:10002/devstoreaccount1`.",
)
PROXY_BUDGET = Setting(
    "PROXY_BUDGET",
    parse_whole_budget,
    "",
    "What all clients together may spend in a [calendar month](costs.md#budgets), UTC, in US dollars: `250`. "
    "`250 soft` refuses nothing.",
)
USAGE_STORE = Setting(
    "USAGE_STORE",
    parse_limits_store,
    IN_MEMORY,
    "Where the [usage](costs.md#usage) of all instances is kept: a table service, as for `LIMITS_STORE`. With `memory` "
    "each instance knows what it has counted itself, until it ends.",
)
USAGE_RETENTION_DAYS = Setting(
    "USAGE_RETENTION_DAYS",
    parse_count,
    "400",
    "How many days usage is kept in `USAGE_STORE`.",
)
CLIENT_KEYS_MAX_AGE = Setting(
    "CLIENT_KEYS_MAX_AGE",
    parse_seconds,
    "86400",
    "How many seconds the client keys that were last read from Key Vault work while it cannot be read again. Their own "
    "ends hold all the while.",
)
PRICES = Setting(
    "PRICES",
    str,
    "",
    "[Prices of your own](costs.md#your-own-prices) as JSON, or the path of a JSON file next to `function_app.py`. "
    "They replace those of the project for the same model, SKU and tier.",
)
CLIENT_AUTH = Setting(
    "CLIENT_AUTH",
    parse_client_auth,
    ClientAuth.KEYS.value,
    "What clients authenticate with: `keys` (client keys of this proxy), `entra` ([tokens of Microsoft Entra "
    "ID](clients-and-keys.md#microsoft-entra-id)), `keys-and-entra` (either), `azure-key` (the key of the Azure OpenAI "
    "resource) or `resource-key` (a key that names its resource). The last two are for [clients of other "
    "proxies](clients.md#coming-from-another-proxy); the proxy then uses no credential of its own.",
)
CLIENT_ENTRA_TENANT = Setting(
    "CLIENT_ENTRA_TENANT",
    parse_tenant,
    "",
    "The id of the tenant whose tokens are accepted, a GUID. Required with `entra` and `keys-and-entra`.",
)
CLIENT_ENTRA_AUDIENCES = Setting(
    "CLIENT_ENTRA_AUDIENCES",
    parse_audiences,
    "",
    "What the tokens must be for: the client id of the proxy's application in Microsoft Entra ID, or its URI, several "
    "separated by commas. A client id stands for `api://` and itself too. Required with `entra` and `keys-and-entra`.",
)
CLIENT_ENTRA_LIMITS = Setting(
    "CLIENT_ENTRA_LIMITS",
    parse_access,
    "",
    "The [limits](clients-and-keys.md#limits) of app roles and groups, as JSON: "
    '`{"roles": {"Chat.User": {"rpm": 60}}, "groups": {"GUID": {}}, "others": {"rpm": 5}}`. The first that a client '
    "has counts. Without `others`, clients with none of them are refused. Without the setting everybody whom the "
    "tenant gives a token has the limits of `CLIENT_KEY_DEFAULTS`.",
)
CLIENT_ENTRA_AUTHORITY = Setting(
    "CLIENT_ENTRA_AUTHORITY",
    parse_authority,
    AUTHORITY,
    "The address of Microsoft Entra ID. Change it only in clouds other than the public one, as "
    "`https://login.microsoftonline.us` or `https://login.partner.microsoftonline.cn`.",
)
CLIENT_RESOURCES = Setting(
    "CLIENT_RESOURCES",
    parse_client_resources,
    "",
    "The resources that clients may name with `resource-key`, as `my-resource,other.openai.azure.us`, or `*` for "
    "every one at `.openai.azure.com`. Required with `resource-key`.",
)
ALLOWED_ORIGINS = Setting(
    "ALLOWED_ORIGINS",
    parse_origins,
    "*",
    "The origins of web pages that may call the proxy from a browser, separated by commas, or `*` for all. On Flex "
    "Consumption also set the app's CORS setting, because the platform answers preflight requests itself.",
)
TEMPLATE_VERSION = Setting(
    "TEMPLATE_VERSION",
    parse_template_version,
    "",
    "The version of the template that has deployed the app, which writes it itself. The [doctor](doctor.md) compares "
    "it with the app's.",
)
STORED_OBJECTS = Setting(
    "STORED_OBJECTS",
    parse_stored_objects,
    "shared",
    "Whether clients may use files, batches, stored responses and other objects that Azure keeps: `shared` by all "
    "client keys, `owned` by the client that made them ([how](clients-and-keys.md#owners-of-objects)), or `off`.",
)
STORED_OBJECTS_WITHOUT_OWNER = Setting(
    "STORED_OBJECTS_WITHOUT_OWNER",
    parse_unowned_objects,
    "nobody",
    "With `STORED_OBJECTS=owned`, who may use objects whose ids no client owns, as those from before: `nobody` or "
    "`everybody`. With `everybody`, a client that learns the id of another's object can take the owner off it.",
)
ID_SIGNING_KEY = Setting(
    "ID_SIGNING_KEY",
    parse_signing_keys,
    "",
    "What signs ids with `STORED_OBJECTS=owned`, 32 characters or more; behind a comma the key before, whose ids stay "
    "valid. Leave it empty to read the secret `id-signing-key` of the vault.",
)
CONTENT_FILTER_RESULTS = Setting(
    "CONTENT_FILTER_RESULTS",
    parse_content_filter_results,
    "strip",
    "What to do with the results of Azure's content filter in answers and errors: `strip` removes them, `keep` leaves "
    "them in a form that OpenAI clients can read. The errors of `/openai/deployments/...` always have them.",
)
REPAIR_PARAMETERS = Setting(
    "REPAIR_PARAMETERS",
    parse_flag,
    "true",
    "Whether to send a call again without a parameter that the deployment refuses, such as `temperature`, with its "
    "other name (`max_completion_tokens` for `max_tokens`), or with the nearest value that is allowed. With `false` "
    "the client gets Azure's error.",
)
TRANSLATE_APIS = Setting(
    "TRANSLATE_APIS",
    parse_flag,
    "true",
    "Whether a client that speaks chat completions may use a deployment that offers Responses alone, and the other way "
    "round: the proxy [translates](compatibility.md#translated-calls) between the two. With `false` the client gets "
    "Azure's error.",
)
FRONT_PAGE = Setting(
    "FRONT_PAGE",
    parse_flag,
    "true",
    "Whether browsers get a [page](clients.md#the-front-page) at the address of the app, which shows how to set up "
    "each client and has a chat to try. It needs a client key as every client does. With `false` the address tells "
    "what it is in one line.",
)
TRANSLATE_REASONING_MEMORY = Setting(
    "TRANSLATE_REASONING_MEMORY",
    parse_size,
    str(16 * 1024 * 1024),
    "The memory of an instance for the reasoning of translated chats, in bytes, with which a model goes on between its "
    "calls of tools. `0` turns it off.",
)
TRANSLATE_REASONING_DETAILS = Setting(
    "TRANSLATE_REASONING_DETAILS",
    parse_flag,
    "false",
    "Whether chats that are translated get the model's sealed reasoning as `reasoning_details`. Clients that send it "
    "back go on with it on every instance; the others ignore it.",
)
FORWARD_UNKNOWN_OPERATIONS = Setting(
    "FORWARD_UNKNOWN_OPERATIONS",
    parse_flag,
    "false",
    "Whether to forward operations that the proxy does not know to `/openai/v1`, instead of answering 404. Set it to "
    "`true` to use an operation that is newer than this version of the proxy.",
)
AZURE_OPENAI_OPERATION_SURFACES = Setting(
    "AZURE_OPENAI_OPERATION_SURFACES",
    parse_operation_surfaces,
    "",
    "Sends single operations to another of Azure's APIs, as `createCompletion=v1,createBatch=classic`. The names are "
    "in [compatibility.md](compatibility.md).",
)
MAX_JSON_BODY_BYTES = Setting(
    "MAX_JSON_BODY_BYTES",
    parse_count,
    str(32 * 1024 * 1024),
    "The largest JSON request body, in bytes; a larger one is answered with 413. It is held in memory, so lower it on "
    "small instances. Uploads are not affected.",
)
MAX_BODY_MEMORY_BYTES = Setting(
    "MAX_BODY_MEMORY_BYTES",
    parse_count,
    "",
    "The memory that the request bodies of all clients may take together, in bytes; what does not fit is answered with "
    "503. By default an eighth of the instance's memory, and never less than one largest body.",
)
MAX_IN_FLIGHT = Setting(
    "MAX_IN_FLIGHT",
    parse_count,
    "256",
    "How many requests one instance works on at a time; further ones are answered with 503. Keep it in line with the "
    "per-instance concurrency of the Function App.",
)
UPSTREAM_CONNECTIONS = Setting(
    "UPSTREAM_CONNECTIONS",
    parse_count,
    "256",
    "How many connections one instance opens to each resource. If it is lower than `MAX_IN_FLIGHT`, `MAX_IN_FLIGHT` "
    "counts.",
)
UPSTREAM_CONNECT_TIMEOUT = Setting(
    "UPSTREAM_CONNECT_TIMEOUT",
    parse_seconds,
    "3",
    "How many seconds a new connection to Azure OpenAI may take. Raise it on slow networks.",
)
UPSTREAM_POOL_TIMEOUT = Setting(
    "UPSTREAM_POOL_TIMEOUT",
    parse_seconds,
    "2",
    "How many seconds a request waits for a free connection when all `UPSTREAM_CONNECTIONS` are in use.",
)
UPSTREAM_FIRST_BYTE_TIMEOUT = Setting(
    "UPSTREAM_FIRST_BYTE_TIMEOUT",
    parse_seconds,
    "215",
    "How many seconds Azure OpenAI may take until the answer begins or, when it is not streamed, until it is "
    "complete. Lower it to give up sooner.",
)
UPSTREAM_IDLE_TIMEOUT = Setting(
    "UPSTREAM_IDLE_TIMEOUT",
    parse_seconds,
    "60",
    "How many seconds Azure OpenAI may send nothing in the middle of an answer, after its first content.",
)
UPSTREAM_REASONING_IDLE_TIMEOUT = Setting(
    "UPSTREAM_REASONING_IDLE_TIMEOUT",
    parse_seconds,
    "180",
    "The same for reasoning models, which pause for longer. If it is lower than `UPSTREAM_IDLE_TIMEOUT`, "
    "`UPSTREAM_IDLE_TIMEOUT` counts.",
)
UPSTREAM_TOTAL_TIMEOUT = Setting(
    "UPSTREAM_TOTAL_TIMEOUT",
    parse_seconds,
    "",
    "How many seconds a whole request may take, including its upload and its stream. If unset, it is "
    "`functionTimeout` of host.json less 10 seconds, or 3600 where `functionTimeout` has no limit.",
)
STREAM_HEAD_TIMEOUT = Setting(
    "STREAM_HEAD_TIMEOUT",
    parse_seconds,
    "30",
    "After how many seconds without content a stream begins anyway, with status 200. Until then an error still "
    "reaches the client as a real 429 or 5xx. Lower it for clients or gateways that give up sooner.",
)
STREAM_KEEP_ALIVE_INTERVAL = Setting(
    "STREAM_KEEP_ALIVE_INTERVAL",
    parse_seconds,
    "15",
    "After how many seconds of silence a stream gets something to keep it alive, so that nothing on the way closes the "
    "connection. Lower it behind gateways with short idle timeouts.",
)
STREAM_KEEP_ALIVE = Setting(
    "STREAM_KEEP_ALIVE",
    parse_keep_alive,
    "",
    "What a silent stream gets: `blank`, an empty block, or `comment`, an SSE comment. Without a value it is `blank` "
    "but for the .NET library Azure.AI.OpenAI 1, which cannot read that.",
)
SHUTDOWN_GRACE = Setting(
    "SHUTDOWN_GRACE",
    parse_seconds,
    "5",
    "How many seconds running requests may continue after the platform asked the process to end. Keep it shorter than "
    "the time after which the platform kills the process.",
)
TELEMETRY = Setting(
    "TELEMETRY",
    parse_telemetry,
    "off",
    "Where [spans and metrics](monitoring.md#opentelemetry) go: "
    "`otlp` (a collector, which the `OTEL_EXPORTER_OTLP_...` "
    "variables name), `azure-monitor` (the Application Insights component of the app) or `off`. The log has every "
    "request in any case.",
)
HTTPS_PROXY = Setting(
    "HTTPS_PROXY",
    parse_http_proxy,
    "",
    "The HTTP proxy for calls to `https` addresses, `http://USER:PASSWORD@HOST:PORT`.",
)
HTTP_PROXY = Setting("HTTP_PROXY", parse_http_proxy, "", "The HTTP proxy for calls to `http` addresses.")
ALL_PROXY = Setting(
    "ALL_PROXY",
    parse_http_proxy,
    "",
    "The HTTP proxy for calls to any address without a proxy of its own. Key Vault does not use it.",
)
NO_PROXY = Setting(
    "NO_PROXY",
    parse_no_proxy,
    "",
    "The hosts to call directly, separated by commas: each name stands for itself and all names below it, `*` for all.",
)

SECTIONS: Mapping[str, tuple[Setting[object], ...]] = {
    "Azure OpenAI": (
        AZURE_OPENAI_ENDPOINT,
        AZURE_OPENAI_MODEL_MAPPER,
        AZURE_OPENAI_DEFAULT_DEPLOYMENT,
        AZURE_OPENAI_DEFAULT_DEPLOYMENTS,
        AZURE_OPENAI_DEPLOYMENT_APIS,
        AZURE_OPENAI_DEPLOYMENT_MODELS,
        AZURE_OPENAI_API_VERSION,
        AZURE_OPENAI_RESOURCE_ID,
        AZURE_OPENAI_RESOURCES,
        UPSTREAM_PRIVATE_ADDRESSES,
        AZURE_OPENAI_FALLBACKS,
        AZURE_OPENAI_ROUTING,
    ),
    "Credentials for Azure": (
        AZURE_OPENAI_AUTH,
        AZURE_OPENAI_API_KEY,
        KEY_VAULT_URL,
        AZURE_OPENAI_KEY_SECRET,
        AZURE_CLIENT_ID,
        AZURE_OPENAI_TOKEN_SCOPE,
        AZURE_RESOURCE_MANAGER_URL,
    ),
    "Clients": (
        CLIENT_KEYS,
        ADMIN_KEYS,
        CLIENT_KEY_DEFAULTS,
        CLIENT_KEY_MODEL_SETS,
        CLIENT_KEYS_MAX_AGE,
        PRICES,
        LIMITS_STORE,
        PROXY_BUDGET,
        USAGE_STORE,
        USAGE_RETENTION_DAYS,
        CLIENT_AUTH,
        CLIENT_ENTRA_TENANT,
        CLIENT_ENTRA_AUDIENCES,
        CLIENT_ENTRA_LIMITS,
        CLIENT_ENTRA_AUTHORITY,
        CLIENT_RESOURCES,
        ALLOWED_ORIGINS,
    ),
    "What clients may do and see": (
        STORED_OBJECTS,
        STORED_OBJECTS_WITHOUT_OWNER,
        ID_SIGNING_KEY,
        CONTENT_FILTER_RESULTS,
        REPAIR_PARAMETERS,
        TRANSLATE_APIS,
        TRANSLATE_REASONING_DETAILS,
        FORWARD_UNKNOWN_OPERATIONS,
        AZURE_OPENAI_OPERATION_SURFACES,
        FRONT_PAGE,
        TEMPLATE_VERSION,
    ),
    "Limits": (
        MAX_JSON_BODY_BYTES,
        MAX_BODY_MEMORY_BYTES,
        TRANSLATE_REASONING_MEMORY,
        MAX_IN_FLIGHT,
        UPSTREAM_CONNECTIONS,
    ),
    "Timeouts": (
        UPSTREAM_CONNECT_TIMEOUT,
        UPSTREAM_POOL_TIMEOUT,
        UPSTREAM_FIRST_BYTE_TIMEOUT,
        UPSTREAM_IDLE_TIMEOUT,
        UPSTREAM_REASONING_IDLE_TIMEOUT,
        UPSTREAM_TOTAL_TIMEOUT,
        STREAM_HEAD_TIMEOUT,
        STREAM_KEEP_ALIVE_INTERVAL,
        STREAM_KEEP_ALIVE,
        SHUTDOWN_GRACE,
    ),
    "Telemetry": (TELEMETRY,),
    "HTTP proxy for outgoing calls": (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY),
}
