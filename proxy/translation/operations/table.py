"""All operations of OpenAI's API, one row each, with the names of OpenAI's API document.

https://platform.openai.com/docs/api-reference, https://learn.microsoft.com/azure/ai-foundry/openai/reference
"""

from dataclasses import replace

from proxy.translation.operations.inference import INFERENCE
from proxy.translation.operations.objects import OBJECTS
from proxy.translation.operations.rows import HERE, NOWHERE, PUBLIC, row, rows

_LOCAL = (
    *rows(
        HERE,
        "listModels GET /models",
        "retrieveModel GET /models/{model}",
        "billingSubscription GET /dashboard/billing/subscription",
        "billingUsage GET /dashboard/billing/usage",
        "realtime GET /realtime",
    ),
    *rows(PUBLIC, "health GET /health", "index GET /"),
)

_CONTENT_SAFETY = "Use Azure AI Content Safety; Azure OpenAI filters content by itself."
_ADMINISTRATION = "Manage the resource, its deployments and who may use them in Azure; usage is in Azure Monitor."
_MISSING = (
    row("createModeration POST /moderations", replace(NOWHERE, substitute=_CONTENT_SAFETY)),
    row("createImageVariation POST /images/variations", replace(NOWHERE, substitute="Use images/edits.")),
    row("deleteModel DELETE /models/{model}", replace(NOWHERE, substitute="Delete the deployment in Azure.")),
    *rows(
        replace(NOWHERE, substitute="Copy the checkpoint between resources with Azure's own API."),
        "listFineTuningCheckpointPermissions GET /fine_tuning/checkpoints/{checkpoint}/permissions",
        "createFineTuningCheckpointPermission POST /fine_tuning/checkpoints/{checkpoint}/permissions",
        "deleteFineTuningCheckpointPermission DELETE /fine_tuning/checkpoints/{checkpoint}/permissions/{permission_id}",
    ),
    *rows(
        replace(NOWHERE, substitute=_ADMINISTRATION),
        "organization GET /organization/*",
        "organization POST /organization/*",
        "organization DELETE /organization/*",
        "projects GET /projects/*",
        "projects POST /projects/*",
        "projects DELETE /projects/*",
    ),
)

OPERATIONS = (*INFERENCE, *OBJECTS, *_LOCAL, *_MISSING)
