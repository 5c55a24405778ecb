"""One resource of Azure OpenAI, as the corridor uses it."""

from dataclasses import dataclass

from proxy.edge.credentials import UpstreamCredential
from proxy.messages import AuthMode
from proxy.routing.deployments import Deployments
from proxy.translation.surfaces import Surfaces


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """What a resource serves, where it takes operations, and what opens it.

    `auth` says where the credential comes from; None is the client, which brought its own key.
    """

    deployments: Deployments
    surfaces: Surfaces
    credential: UpstreamCredential
    auth: AuthMode | None
