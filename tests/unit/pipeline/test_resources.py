"""What is remembered of the resources while they are called."""

from proxy.azure_api.urls import surfaces_at
from proxy.azure_services.credentials import FixedKey
from proxy.config.policy import Policy
from proxy.openai_api.object_ids import Tags
from proxy.pipeline.resources import MAX_ANSWERED, Resource, Resources
from proxy.routing.retry import Routing
from proxy.routing.targets import ResourceModels, Target
from proxy.values import Secret


def resources() -> Resources:
    only = Resource(
        models=ResourceModels(),
        surfaces=surfaces_at("https://a.openai.azure.com", "2024-10-21", {}),
        credential=FixedKey(Secret("key")),
        auth=None,
    )
    return Resources([only], fallbacks={}, routing=Routing(Policy()), tags=Tags(("a",)))


def test_the_names_that_answered_last_are_remembered_and_not_all() -> None:
    kept = resources()
    for number in range(MAX_ANSWERED + 5):
        kept.note_answer(Target(resource=0, deployment=f"d{number}", model=f"d{number}"))
    names = [model.name for model in kept.answered()]
    assert names == [f"d{number}" for number in range(5, MAX_ANSWERED + 5)]


def test_a_target_answers_to_its_model_and_to_its_deployment() -> None:
    kept = resources()
    kept.note_answer(Target(resource=0, deployment="d", model="m"))
    kept.note_answer(Target(resource=0, operation="listFiles"))
    assert [(model.name, model.owned_by) for model in kept.answered()] == [("m", "azure-openai"), ("d", "azure-openai")]
