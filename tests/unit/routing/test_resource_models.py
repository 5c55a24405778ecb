"""What one resource serves."""

import pytest

from proxy.routing.targets import Catalogue, ResourceModels, for_batches, for_calls, is_provisioned
from proxy.values import Api, Deployed, ModelKind

CHAT = Deployed(name="chat", model="gpt-4o", version="2024-08-06", sku="Standard")
PAID = Deployed(name="paid", model="gpt-4o", version="2024-08-06", sku="GlobalProvisionedManaged")
BATCH = Deployed(name="night", model="gpt-4o", version="2024-08-06", sku="GlobalBatch")
LISTED = ResourceModels(deployed=(CHAT, PAID))


def test_a_listed_deployment_is_found_by_its_name_its_model_and_its_snapshot() -> None:
    index = LISTED.index()
    assert index == {
        "gpt-4o": (CHAT, PAID),
        "gpt-4o-2024-08-06": (CHAT, PAID),
        "chat": (CHAT,),
        "paid": (PAID,),
    }


def test_a_deployment_that_has_its_models_name_shares_it() -> None:
    namesake = Deployed(name="gpt-4o", model="gpt-4o")
    assert ResourceModels(deployed=(namesake, CHAT)).index()["gpt-4o"] == (namesake, CHAT)


def test_a_deployment_that_has_another_models_name_keeps_it() -> None:
    misnamed = Deployed(name="gpt-4o", model="gpt-4o-mini")
    index = ResourceModels(deployed=(misnamed, CHAT)).index()
    assert index["gpt-4o"] == (misnamed,)
    assert index["gpt-4o-mini"] == (misnamed,)


def test_the_operators_mapping_wins_and_what_is_listed_of_its_deployment_is_known() -> None:
    index = ResourceModels(models={"gpt-4o": "paid", "ours": "unlisted"}, deployed=(CHAT, PAID)).index()
    assert index["gpt-4o"] == (PAID,)
    assert index["ours"] == (Deployed(name="unlisted", model="ours"),)


def test_the_default_deployment_serves_every_other_model() -> None:
    assert ResourceModels(default="chat", deployed=(CHAT,)).find_default("gpt-5") == CHAT
    assert ResourceModels(default="chat").find_default("gpt-5") == Deployed(name="chat", model="gpt-5")
    assert ResourceModels().find_default("gpt-5") is None


@pytest.mark.parametrize("model", ["", ".", "..", "a/b", "../x", "a b", "a\n", "é", "x" * 65, "ft:gpt-4o:me::1"])
def test_a_name_that_cannot_be_a_deployments_is_no_guess(model: str) -> None:
    assert ResourceModels().guess(model) is None


def test_a_model_may_be_there_under_its_own_name_unless_the_list_says_otherwise() -> None:
    assert ResourceModels().guess("gpt-5") == Deployed(name="gpt-5", model="gpt-5")
    assert ResourceModels(deployed=()).guess("gpt-5") is None


def test_openai_takes_any_name() -> None:
    openai = ResourceModels(any_name=True)
    assert openai.guess("ft:gpt-4o:me::1") == Deployed(name="ft:gpt-4o:me::1", model="ft:gpt-4o:me::1")
    assert openai.guess("") is None


@pytest.mark.parametrize("name", ["a\nb", "gpt 4", "gpt&code=x", "gpt\r\nHost: x", "m" * 257, "-gpt", "größe"])
def test_what_could_be_more_than_a_name_is_none(name: str) -> None:
    assert ResourceModels(any_name=True).guess(name) is None


@pytest.mark.parametrize(
    ("resource", "unknown"),
    [
        (ResourceModels(), True),
        (ResourceModels(models={"a": "b"}), False),
        (ResourceModels(default="b"), False),
        (ResourceModels(deployed=()), False),
    ],
)
def test_a_resource_is_unknown_while_neither_operator_nor_azure_said_a_word(
    resource: ResourceModels, unknown: bool
) -> None:
    assert resource.is_unknown is unknown


def test_deployments_for_batches_answer_no_calls_where_there_are_others() -> None:
    assert for_calls([BATCH, CHAT]) == (CHAT,)
    assert for_batches([BATCH, CHAT]) == (BATCH,)
    assert for_calls([BATCH]) == for_batches([BATCH]) == (BATCH,)
    assert for_batches([CHAT]) == (CHAT,)
    assert for_calls([]) == ()


def test_provisioned_capacity_is_known_by_its_sku() -> None:
    assert is_provisioned(PAID)
    assert not is_provisioned(CHAT)
    assert not is_provisioned(Deployed(name="a", model="b"))


@pytest.mark.parametrize(
    ("capabilities", "chosen", "api"),
    [
        ((), {}, None),
        (("embeddings",), {}, None),
        (("chatCompletion",), {}, Api.CHAT),
        (("responses", "embeddings"), {}, Api.RESPONSES),
        (("chatCompletion", "responses"), {}, None),
        (("chatCompletion", "responses"), {"d": Api.CHAT}, Api.CHAT),
        (("chatCompletion",), {"d": Api.RESPONSES}, Api.RESPONSES),
        (("chatCompletion",), {"other": Api.RESPONSES}, Api.CHAT),
    ],
)
def test_a_deployment_has_one_api_if_the_settings_say_so_or_azure_lists_one_alone(
    capabilities: tuple[str, ...], chosen: dict[str, Api], api: Api | None
) -> None:
    deployed = Deployed(name="d", model="m", capabilities=capabilities)
    assert ResourceModels(apis=chosen).api_of(deployed) is api
    (target,) = Catalogue([ResourceModels(models={"m": "d"}, apis=chosen, deployed=(deployed,))], {}).targets("m")
    assert target.api is api


@pytest.mark.parametrize("model", ["llama3.2:1b", "Qwen/Qwen2.5-7B@q4_k_m", "/models/x+y", "phi-4-generic-cpu:4"])
def test_servers_like_openai_take_the_names_of_every_maker(model: str) -> None:
    assert ResourceModels(any_name=True).guess(model) == Deployed(name=model, model=model)


def test_a_listed_default_of_an_unknown_kind_is_for_chat_where_models_are_of_any_maker() -> None:
    listed = (Deployed(name="llama3.2", model="llama3.2"), Deployed(name="whisper-1", model="whisper-1"))
    server = ResourceModels(default="llama3.2", deployed=listed, any_name=True)
    assert server.default_of_kind("gpt-4o", ModelKind.CHAT) == listed[0]
    assert server.default_of_kind("gpt-4o", ModelKind.IMAGES) is None
    speech = ResourceModels(default="whisper-1", deployed=listed, any_name=True)
    assert speech.default_of_kind("gpt-4o", ModelKind.CHAT) is None
    assert ResourceModels(default="llama3.2", deployed=listed).default_of_kind("gpt-4o", ModelKind.CHAT) is None


def test_what_a_deployment_is_comes_from_the_settings_or_azures_list_and_never_from_a_clients_name() -> None:
    described = Deployed(name="chat", model="gpt-5-mini", sku="GlobalStandard")
    models = ResourceModels(
        models={"gpt-4o": "chat", "x": "other"}, described={"chat": described}, deployed=(CHAT, PAID)
    )
    assert [models.describe(name) for name in ("chat", "paid", "other")] == [described, PAID, None]
    catalogue = Catalogue([models], {})
    (target,) = catalogue.targets("gpt-4o")
    assert catalogue.describe(target) == described
    (target,) = catalogue.targets("x")
    assert catalogue.describe(target) is None
    (target,) = catalogue.targets(None)
    assert catalogue.describe(target) is None
    assert ResourceModels().describe("chat") is None
