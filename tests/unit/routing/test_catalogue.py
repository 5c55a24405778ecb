"""Which targets serve a model, across all resources."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import ModelNotFound
from proxy.routing.targets import MAX_UNKNOWN, Catalogue, ResourceModels, Target, kind_of
from proxy.values import DEPLOYMENT_NAME, Deployed, ListedModel, ModelKind


def deployed(name: str, model: str = "gpt-4o", version: str | None = "2024-08-06", sku: str = "Standard") -> Deployed:
    return Deployed(name=name, model=model, version=version, sku=sku, capabilities=("chatCompletion",))


def catalogue(*resources: ResourceModels, **fallbacks: tuple[str, ...]) -> Catalogue:
    return Catalogue(resources, {name.replace("_", "-"): models for name, models in fallbacks.items()})


def keys(targets: tuple[Target, ...]) -> list[tuple[int, str | None]]:
    return [one.key for one in targets]


def places(targets: tuple[Target, ...]) -> list[tuple[int, str | None, int, float]]:
    return [(*one.key, one.priority, one.weight) for one in targets]


def test_one_resource_works_as_ever() -> None:
    mapped = catalogue(ResourceModels(models={"gpt-4o": "chat-1", "o/weird name": "chat-2"}))
    assert keys(mapped.targets("gpt-4o")) == [(0, "chat-1")]
    assert keys(mapped.targets("o/weird name")) == [(0, "chat-2")]
    assert keys(mapped.targets("gpt-5")) == [(0, "gpt-5")]
    assert mapped.targets("a/b") == ()
    with_default = catalogue(ResourceModels(models={"gpt-4o": "chat-1"}, default="fallback"))
    assert keys(with_default.targets("gpt-4o")) == [(0, "chat-1")]
    assert keys(with_default.targets("a/b")) == [(0, "fallback")]


def test_a_model_goes_to_every_resource_that_serves_it_by_priority_and_weight() -> None:
    found = catalogue(
        ResourceModels(models={"gpt-4o": "c"}, priority=7, weight=2.0),
        ResourceModels(deployed=(deployed("a"),), priority=3, weight=5.0),
        ResourceModels(models={"gpt-4o": "b"}, priority=3),
        ResourceModels(models={"other": "d"}),
    ).targets("gpt-4o")
    assert places(found) == [(1, "a", 0, 5.0), (2, "b", 0, 1.0), (0, "c", 1, 2.0)]
    assert [one.version for one in found] == ["2024-08-06", None, None]
    assert {one.model for one in found} == {"gpt-4o"}


def test_provisioned_capacity_goes_first_within_its_resource() -> None:
    found = catalogue(
        ResourceModels(deployed=(deployed("payg"), deployed("ptu", sku="ProvisionedManaged"))),
        ResourceModels(deployed=(deployed("east"),)),
        ResourceModels(deployed=(deployed("spare"),), priority=1),
    ).targets("gpt-4o")
    assert places(found) == [(0, "ptu", 0, 1.0), (1, "east", 0, 1.0), (0, "payg", 1, 1.0), (2, "spare", 2, 1.0)]


def test_equal_deployments_of_a_resource_share_its_weight() -> None:
    found = catalogue(ResourceModels(deployed=(deployed("a"), deployed("b")), weight=3.0)).targets("gpt-4o")
    assert places(found) == [(0, "a", 0, 1.5), (0, "b", 0, 1.5)]


def test_a_snapshot_is_only_that_version() -> None:
    both = catalogue(ResourceModels(deployed=(deployed("new"), deployed("old", version="2024-05-13"))))
    assert keys(both.targets("gpt-4o-2024-05-13")) == [(0, "old")]
    assert keys(both.targets("gpt-4o")) == [(0, "new"), (0, "old")]


def test_a_deployment_for_batches_answers_no_calls() -> None:
    both = catalogue(ResourceModels(deployed=(deployed("night", sku="GlobalBatch"), deployed("day"))))
    assert keys(both.targets("gpt-4o")) == [(0, "day")]
    assert both.serving("gpt-4o", 0) == "day"
    assert both.serving_batch("gpt-4o", 0) == "night"
    assert keys(both.targets("night")) == [(0, "night")]


def test_where_somebody_knows_the_model_nobody_guesses_but_the_unknown_resource() -> None:
    knows, other, listed, unknown = (
        ResourceModels(models={"m": "chat"}),
        ResourceModels(models={"x": "y"}),
        ResourceModels(deployed=()),
        ResourceModels(),
    )
    assert keys(catalogue(knows, other, listed, unknown).targets("m")) == [(0, "chat"), (3, "m")]
    assert keys(catalogue(knows, other, listed, unknown).targets("z")) == [(0, "z"), (1, "z"), (3, "z")]


def test_a_model_that_nobody_knows_goes_to_the_default_deployments_alone() -> None:
    assert keys(catalogue(ResourceModels(default="d"), ResourceModels(), ResourceModels(default="e")).targets("z")) == [
        (0, "d"),
        (2, "e"),
    ]


WHISPER, TTS = deployed("hear", "whisper", "001"), deployed("say", "gpt-4o-mini-tts", "2025-03-20")
EMBED, GPT, MINI = deployed("embed", "text-embedding-3-small", "1"), deployed("chat"), deployed("mini", "gpt-4o-mini")
EVERY = (EMBED, WHISPER, GPT, MINI, TTS)


@pytest.mark.parametrize(
    ("model", "kind", "deployment"),
    [
        ("whisper-2", ModelKind.TRANSCRIPTIONS, "hear"),
        ("tts-1", ModelKind.SPEECH, "say"),
        ("text-embedding-ada-002", ModelKind.EMBEDDINGS, "embed"),
        ("gpt-4o-mini-high", ModelKind.CHAT, "mini"),
        ("gpt-3.5-turbo", ModelKind.CHAT, "chat"),
        ("dall-e-3", ModelKind.IMAGES, None),
        ("gpt-3.5-turbo", None, None),
    ],
)
def test_where_the_deployments_are_listed_the_most_similar_of_the_kind_serves_an_unknown_model(
    model: str, kind: ModelKind | None, deployment: str | None
) -> None:
    found = catalogue(ResourceModels(deployed=EVERY)).targets(model, kind=kind)
    assert [one.deployment for one in found] == ([deployment] if deployment else [])


def test_the_default_of_a_kind_goes_before_the_default_of_every_kind() -> None:
    both = catalogue(ResourceModels(default="d", defaults={ModelKind.IMAGES: "draw"}, models={"dall-e-2": "old"}))
    assert keys(both.targets("dall-e-2", kind=ModelKind.IMAGES)) == [(0, "old")]
    assert keys(both.targets("dall-e-3", kind=ModelKind.IMAGES)) == [(0, "draw")]
    assert keys(both.targets("dall-e-3", 0, ModelKind.IMAGES)) == [(0, "draw")]
    assert keys(both.targets("gpt-5", kind=ModelKind.CHAT)) == [(0, "d")]
    assert keys(both.targets("whisper-1", kind=ModelKind.TRANSCRIPTIONS)) == [(0, "d")]
    assert keys(both.targets("draw", kind=ModelKind.CHAT)) == [(0, "draw")]
    assert {"d", "draw", "dall-e-2"} == {one.name for one in both.names()}


def test_where_the_deployments_are_listed_the_default_serves_chat_and_what_it_is_listed_for() -> None:
    unlisted = catalogue(ResourceModels(default="d", deployed=EVERY))
    assert keys(unlisted.targets("gpt-5", kind=ModelKind.CHAT)) == [(0, "d")]
    assert keys(unlisted.targets("whisper-2", kind=ModelKind.TRANSCRIPTIONS)) == [(0, "hear")]
    assert unlisted.targets("dall-e-3", kind=ModelKind.IMAGES) == ()
    listed = catalogue(ResourceModels(default="embed", deployed=EVERY))
    assert keys(listed.targets("gpt-5", kind=ModelKind.CHAT)) == [(0, "chat")]
    assert keys(listed.targets("ada-9", kind=ModelKind.EMBEDDINGS)) == [(0, "embed")]


def test_no_deployment_stands_in_merely_for_its_kind_where_something_better_may_serve() -> None:
    listed = ResourceModels(deployed=EVERY)
    openai = catalogue(listed, ResourceModels(any_name=True))
    assert keys(openai.targets("gpt-5", kind=ModelKind.CHAT)) == [(1, "gpt-5")]
    replaced = catalogue(listed, gpt_5=("gpt-4o-mini",))
    assert keys(replaced.targets("gpt-5", kind=ModelKind.CHAT)) == [(0, "mini")]


def test_a_request_that_names_no_model_goes_to_the_default_of_its_kind() -> None:
    some = catalogue(ResourceModels(defaults={ModelKind.SPEECH: "say"}), ResourceModels(default="d"))
    assert [(one.resource, one.deployment, one.model) for one in some.default_targets(ModelKind.SPEECH)] == [
        (0, "say", "say")
    ]
    assert keys(some.default_targets(ModelKind.CHAT)) == [(1, "d")]
    assert keys(some.default_targets(ModelKind.CHAT, 1)) == [(1, "d")]
    assert some.default_targets(ModelKind.CHAT, 0) == ()
    assert catalogue(ResourceModels()).default_targets(ModelKind.CHAT) == ()


@pytest.mark.parametrize(
    ("model", "capabilities", "kind"),
    [
        ("gpt-4o", (), ModelKind.CHAT),
        ("o3", (), ModelKind.CHAT),
        ("gpt-5-codex", ("responses",), ModelKind.CHAT),
        ("model-router", ("chatCompletion",), ModelKind.CHAT),
        ("model-router", (), None),
        ("gpt-35-turbo-instruct", ("completion",), None),
        ("gpt-realtime", (), ModelKind.REALTIME),
        ("gpt-4o-transcribe", ("chatCompletion",), ModelKind.TRANSCRIPTIONS),
        ("tts-hd", (), ModelKind.SPEECH),
        ("sora-2", (), ModelKind.VIDEOS),
        ("gpt-image-1", ("imageGenerations",), ModelKind.IMAGES),
        ("FLUX-1.1-pro", ("imageGenerations",), ModelKind.IMAGES),
        ("gpt-4o-audio-preview", ("chatCompletion",), None),
    ],
)
def test_what_a_model_is_for_is_told_by_its_name_and_by_what_azure_says_of_it(
    model: str, capabilities: tuple[str, ...], kind: ModelKind | None
) -> None:
    assert kind_of(Deployed(name="d", model=model, capabilities=capabilities)) is kind


def test_where_the_deployments_are_listed_an_unknown_model_is_not_found() -> None:
    assert catalogue(ResourceModels(deployed=(deployed("chat"),))).targets("gpt-5") == ()


def test_another_model_serves_only_where_it_is_configured_and_after_all_of_the_model_itself() -> None:
    mini, chat = deployed("mini", "gpt-4o-mini", "2024-07-18"), deployed("chat")
    resources = (ResourceModels(deployed=(mini,)), ResourceModels(deployed=(chat, mini), priority=5))
    assert keys(catalogue(*resources).targets("gpt-4o")) == [(1, "chat")]
    found = catalogue(*resources, gpt_4o=("gpt-4o-mini", "nobody")).targets("gpt-4o")
    assert places(found) == [(1, "chat", 0, 1.0), (0, "mini", 1, 1.0), (1, "mini", 2, 1.0)]
    assert [one.model for one in found] == ["gpt-4o", "gpt-4o-mini", "gpt-4o-mini"]


def test_a_fallback_may_stand_in_for_a_model_that_nobody_serves() -> None:
    only = catalogue(ResourceModels(deployed=(deployed("chat"),)), gpt_5=("gpt-4o",), gpt_6=("gpt-7",))
    assert keys(only.targets("gpt-5")) == [(0, "chat")]
    assert only.targets("gpt-6") == ()
    assert "gpt-5" in [one.name for one in only.names()]
    assert "gpt-6" not in [one.name for one in only.names()]


def test_another_version_may_be_a_fallback_though_the_models_own_name_stands_for_it_too() -> None:
    resource = ResourceModels(deployed=(deployed("new"), deployed("old", version="2024-05-13")))
    found = catalogue(resource, gpt_4o=("gpt-4o-2024-05-13",)).targets("gpt-4o")
    assert [(one.deployment, one.model) for one in found] == [
        ("new", "gpt-4o"),
        ("old", "gpt-4o"),
        ("old", "gpt-4o-2024-05-13"),
    ]
    new, _, old = found
    assert new.is_same_model(old)


def test_without_a_model_every_resource_will_do() -> None:
    found = catalogue(ResourceModels(priority=1), ResourceModels(weight=3.0)).targets(None)
    assert places(found) == [(1, None, 0, 3.0), (0, None, 1, 1.0)]


def test_a_request_whose_objects_are_at_one_resource_stays_there() -> None:
    both = catalogue(
        ResourceModels(models={"m": "a"}),
        ResourceModels(models={"m": "b"}),
        ResourceModels(),
        ResourceModels(deployed=()),
    )
    assert keys(both.targets("m", 1)) == [(1, "b")]
    assert keys(both.targets("m", 2)) == [(2, "m")]
    assert both.targets("m", 3) == ()
    assert keys(both.targets(None, 1)) == [(1, None)]


def test_the_deployment_of_one_resource_is_found_or_not() -> None:
    one = catalogue(ResourceModels(models={"m": "a"}), ResourceModels(deployed=(deployed("chat"),)), m=("gpt-4o",))
    assert one.serving("m", 0) == "a"
    assert one.serving_batch("m", 0) == "a"
    assert one.serving_batch("z", 0) == "z"
    assert one.serving("gpt-4o-2024-08-06", 1) == "chat"
    with pytest.raises(ModelNotFound):
        one.serving("m", 1)
    with pytest.raises(ModelNotFound):
        one.serving("a/b", 0)


def test_the_list_of_models_has_every_name_that_works_once() -> None:
    models = catalogue(
        ResourceModels(models={"ours": "chat"}, default="spare", deployed=(deployed("chat"),)),
        ResourceModels(models={"ours": "x", "gpt-5": "gpt-5"}, any_name=True),
    ).names()
    can = ("chatCompletion",)
    assert models == (
        ListedModel(name="gpt-4o", owned_by="azure-openai", capabilities=can),
        ListedModel(name="gpt-4o-2024-08-06", owned_by="azure-openai", capabilities=can),
        ListedModel(name="chat", owned_by="azure-openai", capabilities=can),
        ListedModel(name="ours", owned_by="azure-openai", capabilities=can),
        ListedModel(name="spare", owned_by="azure-openai"),
        ListedModel(name="gpt-5", owned_by="openai"),
    )


def test_nothing_is_listed_where_nothing_is_known() -> None:
    assert catalogue(ResourceModels()).names() == ()


def test_names_that_clients_make_up_are_found_each_time_and_not_all_kept() -> None:
    one = catalogue(ResourceModels())
    for number in (*range(2 * MAX_UNKNOWN), 0):
        assert keys(one.targets(f"model-{number}")) == [(0, f"model-{number}")]


_NAMES = st.sampled_from(["gpt-4o", "gpt-4o-mini", "chat", "gpt-4o-2024-08-06"])
_RESOURCES = st.lists(
    st.builds(
        ResourceModels,
        priority=st.integers(0, 2),
        weight=st.sampled_from([0.0, 1.0, 2.5]),
        models=st.dictionaries(_NAMES, st.sampled_from(["chat", "mini", "x"]), max_size=2),
        default=st.none() | st.just("chat"),
        deployed=st.none()
        | st.lists(
            st.builds(
                deployed,
                st.sampled_from(["chat", "mini", "gpt-4o"]),
                st.sampled_from(["gpt-4o", "gpt-4o-mini"]),
                st.sampled_from(["2024-08-06", "2", None]),
                st.sampled_from(["Standard", "ProvisionedManaged", "GlobalBatch"]),
            ),
            max_size=3,
            unique_by=lambda one: one.name,
        ).map(tuple),
    ),
    min_size=1,
    max_size=3,
)


@given(
    _RESOURCES,
    st.dictionaries(_NAMES, st.lists(_NAMES, max_size=2).map(tuple)),
    _NAMES | st.text(max_size=70, min_size=1),
)
def test_targets_are_in_order_each_once_and_fit_to_be_a_part_of_a_url(
    resources: list[ResourceModels], fallbacks: dict[str, tuple[str, ...]], model: str
) -> None:
    whole = Catalogue(resources, fallbacks)
    found = whole.targets(model)
    assert [one.priority for one in found] == sorted(one.priority for one in found)
    assert len({(one.key, one.model) for one in found}) == len(found)
    assert all(one.deployment and DEPLOYMENT_NAME.fullmatch(one.deployment) for one in found)
    assert all(one.model in (model, *fallbacks.get(model, ())) for one in found)
    for resource in range(len(resources)):
        assert {one.resource for one in whole.targets(model, resource)} <= {resource}
    assert all(whole.targets(listed.name) for listed in whole.names())
