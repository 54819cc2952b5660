"""Documents of one row never see each other, in any family, and their losses are their own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stages.errors import UsageError
from stages.train import attention, loss
from stages.train import model as models
from stages.train.packing import isolates
from tests.train.models import FAMILIES, document, family

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.extras

DOCUMENTS = [document(40, 1), document(57, 2), document(23, 3)]


def losses_of(model: Any, documents: Any) -> Any:
    return models.row_losses(model, models.row_of(documents, "cpu"), "fp32")


@pytest.mark.parametrize("name", FAMILIES)
def test_a_row_has_the_losses_of_its_documents_alone(name: str) -> None:
    model = family(name, spread=0.35)
    with torch.no_grad():
        plain = torch.cat(
            [
                torch.nn.functional.cross_entropy(
                    model(input_ids=torch.from_numpy(ids)[None], use_cache=False).logits[0, :-1],
                    torch.from_numpy(ids[1:]),
                    reduction="none",
                )
                for ids, _ in DOCUMENTS
            ]
        )
    way = models.way_of(model, "auto", "fp32", "cpu")
    assert way == FAMILIES[name][2]
    rows = [[one] for one in DOCUMENTS] if way == "alone" else [DOCUMENTS]
    with torch.no_grad():
        packed = torch.cat([losses_of(model, row) for row in rows])
    assert float((packed - plain).abs().max()) < 1e-4


@pytest.mark.parametrize("spread", [0.02, 0.06])
@pytest.mark.parametrize("name", ["bloom alibi", "lfm2 convolution", "mamba"])
def test_a_weak_leak_is_noticed_in_half_precision(name: str, spread: float) -> None:
    model = family(name, spread).to(torch.bfloat16)
    assert not isolates(model, "bf16", "cpu")


@pytest.mark.parametrize("name", ["llama", "mixtral", "gpt2"])
def test_half_precision_is_no_leak(name: str) -> None:
    model = family(name, 0.06).to(torch.bfloat16)
    assert models.way_of(model, "auto", "bf16", "cpu") == "documents"


def test_positions_that_go_on_behind_a_neighbour_are_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No document sees another, and yet the second is not read as if it stood alone."""
    model = family("gpt2", 0.35)
    models.way_of(model, "documents", "fp32", "cpu")
    assert isolates(model, "fp32", "cpu")
    plain = model.forward

    def going_on(position_ids: Any = None, **given: Any) -> Any:
        return plain(position_ids=torch.arange(position_ids.shape[1])[None], **given)

    monkeypatch.setattr(model, "forward", going_on)
    assert not isolates(model, "fp32", "cpu")


def test_a_gradient_does_not_reach_a_neighbour() -> None:
    model = family("llama", 0.35)
    models.way_of(model, "documents", "fp32", "cpu")
    embedded: list[Any] = []
    model.get_input_embeddings().register_forward_hook(
        lambda module, given, made: embedded.append(made.requires_grad_(True)) or made
    )
    losses = losses_of(model, DOCUMENTS[:2])
    losses[-56:].sum().backward(inputs=embedded)
    reached = embedded[0].grad[0].abs().amax(-1) > 0
    assert not bool(reached[:40].any()) and bool(reached[40:96].all())


def test_a_wanted_way_that_mixes_documents_is_refused() -> None:
    model = family("lfm2 convolution", 0.35)
    with pytest.raises(UsageError, match="would see each other"):
        models.way_of(model, "positions", "fp32", "cpu")


def test_attention_that_it_does_not_do_is_refused() -> None:
    layer = torch.nn.Identity()
    given = [torch.zeros(1, 2, 3, 4)] * 3
    borders = attention.borders(np.array([3]), "cpu")
    with pytest.raises(attention.NotDone):
        attention.forward(layer, *given, None, **borders, position_bias=torch.zeros(1))
    with pytest.raises(attention.NotDone):
        attention.forward(layer, *given, None)


@pytest.mark.parametrize("name", ["llama", "gemma2 caps", "cohere scales logits", "gpt2"])
def test_logits_in_pieces_give_the_same_losses_and_gradients(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where logits are scaled or capped after the output layer, they are made whole."""
    made = []
    for size in (loss.LOGITS, 700):
        monkeypatch.setattr(loss, "LOGITS", size)
        model = family(name, 0.35)
        models.way_of(model, "auto", "fp32", "cpu")
        losses = losses_of(model, DOCUMENTS)
        losses.sum().backward()
        made.append((losses.detach(), model.get_input_embeddings().weight.grad))
    (whole, gradient), (pieces, other) = made
    assert float((whole - pieces).abs().max()) < 1e-5
    assert float((gradient - other).abs().max()) < 1e-4 * float(gradient.abs().max())
    in_pieces = loss._HEADS[model] is not None
    assert in_pieces == (name in ("llama", "gpt2"))


def test_no_logits_are_larger_than_a_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loss, "LOGITS", 97 * 10)
    model = family("llama")
    head, seen = model.get_output_embeddings(), []
    losses_of(model, DOCUMENTS[:1])  # tries the layer
    head.register_forward_hook(lambda module, given, made: seen.append(made.shape[0]))
    losses_of(model, DOCUMENTS).sum().backward()
    assert max(seen) == 10 and len(seen) == 24  # 117 targets, forward and once more


@pytest.mark.parametrize("every", [1, 2])
def test_recomputed_activations_change_no_gradient(every: int) -> None:
    grads = []
    for asked in (0, every):
        model = family("llama", 0.35).train()
        models.recompute(model, asked)
        chosen = [one.gradient_checkpointing for one in model.model.layers]
        assert chosen == ([False, False] if not asked else [True, every == 1])
        models.way_of(model, "documents", "fp32", "cpu")
        losses_of(model, DOCUMENTS).sum().backward()
        grads.append(model.get_input_embeddings().weight.grad)
    assert torch.equal(*grads)
