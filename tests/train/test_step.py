"""One training step against AdamW as the paper has it, written down here once more."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.train import model as models
from stages.train.adapter import Settings, add_adapter, all_linear, layers_of
from stages.train.loss import row_of
from stages.train.optimizer import Settings as Optimization
from stages.train.optimizer import optimizer_of
from stages.train.step import step
from tests.cases.train import counting, tiny_model

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.extras


@pytest.fixture
def model(tmp_path: Path) -> Any:
    made = models.load_base(tiny_model(tmp_path), "lora", "fp32", "cpu")
    made.requires_grad_(True)
    return made


def named(model: Any) -> dict[str, Any]:
    return {n: value for n, value in model.named_parameters() if value.requires_grad}


def packed(*rows: Any) -> list[dict[str, Any]]:
    return [row_of(row, "cpu") for row in rows]


def document(number: int, length: int, begin: int) -> tuple[Any, Any]:
    """A document of counting tokens, of which those from `begin` on are targets."""
    return np.array(counting(number, length)["input_ids"]), np.arange(length) >= begin


# Documents of unequal targets, so that a mean over rows is not the mean over targets.
STEPS = [
    [document(0, 9, 1), document(1, 14, 11)],
    [document(2, 12, 2), document(3, 6, 5), document(4, 8, 1)],
    [document(5, 20, 3)],
]


def mean_loss(model: Any, documents: list[tuple[Any, Any]]) -> Any:
    """The mean over all targets of -log p, each document by itself, from plain logits."""
    losses = []
    for ids, wanted in documents:
        logits = model(input_ids=torch.tensor(ids)[None]).logits[0].double()
        logs = logits - logits.exp().sum(-1, keepdim=True).log()
        losses += [-logs[at - 1, ids[at]] for at in np.flatnonzero(wanted)]
    return torch.stack(losses).mean()


class Plain:
    """AdamW by Algorithm 2 of Loshchilov and Hutter 2019, in double precision."""

    def __init__(self, model: Any, weight_decay: float) -> None:
        self.model, self.decay = model, weight_decay
        self.values = [value for value in model.parameters() if value.requires_grad]
        self.exact = [value.detach().double().clone() for value in self.values]
        self.first = [torch.zeros_like(value) for value in self.exact]
        self.second = [torch.zeros_like(value) for value in self.exact]
        self.taken = 0

    def step(self, documents: list[tuple[Any, Any]], lr: float, clip: float) -> tuple[float, float]:
        loss = mean_loss(self.model, documents)
        gradients = [g.double() for g in torch.autograd.grad(loss, self.values)]
        norm = math.sqrt(sum(float((g * g).sum()) for g in gradients))
        if clip and norm > clip:
            gradients = [g * (clip / norm) for g in gradients]
        self.taken += 1
        for at, gradient in enumerate(gradients):
            self.first[at] = 0.9 * self.first[at] + 0.1 * gradient
            self.second[at] = 0.999 * self.second[at] + 0.001 * gradient * gradient
            mean = self.first[at] / (1 - 0.9**self.taken)
            spread = self.second[at] / (1 - 0.999**self.taken)
            move = mean / (spread.sqrt() + 1e-8) + self.decay * self.exact[at]
            self.exact[at] = self.exact[at] - lr * move
            self.values[at].data.copy_(self.exact[at].float())
        return float(loss.detach()), norm


@pytest.mark.parametrize("cut", ["together", "apart"])
@pytest.mark.parametrize(
    ("lr", "clip", "decay"), [(3e-3, 0.0, 0.0), (3e-3, 0.05, 0.0), (1e-2, 0.3, 0.2)]
)
def test_a_step_is_that_of_the_paper(
    model: Any, lr: float, clip: float, decay: float, cut: str
) -> None:
    plain = Plain(copy.deepcopy(model), decay)
    begin = [value.detach().clone() for value in model.parameters()]
    optimizer = optimizer_of(named(model), Optimization(weight_decay=decay))
    assert (optimizer.defaults["betas"], optimizer.defaults["eps"]) == ((0.9, 0.999), 1e-8)
    for number, documents in enumerate(STEPS):
        rate = lr / (number + 1)
        rows = [documents] if cut == "together" else [[one] for one in documents]
        targets = sum(int(wanted.sum()) for _, wanted in documents)
        found = step(
            model, optimizer, packed(*rows),
            targets=targets, lr=rate, clip=clip, precision="fp32",
        )  # fmt: skip
        assert found == pytest.approx(plain.step(documents, rate, clip), rel=1e-4)
    moved = torch.cat([(a - b).ravel() for a, b in zip(model.parameters(), begin, strict=True)])
    wanted = torch.cat([(a - b).ravel() for a, b in zip(plain.values, begin, strict=True)])
    assert float(wanted.detach().abs().max()) > lr
    # Where a gradient is all but zero AdamW divides two roundings: almost all must agree, not each.
    apart = (moved - wanted).detach().abs()
    assert float((apart > 0.02 * lr).double().mean()) < 0.002
    assert float(apart.norm() / wanted.detach().norm()) < 0.01


def test_a_step_that_is_not_finite_changes_nothing(model: Any) -> None:
    optimizer = optimizer_of(named(model), Optimization(weight_decay=0.1))
    with torch.no_grad():
        model.get_output_embeddings().weight[0, 0] = math.inf
    before = [value.detach().clone() for value in model.parameters()]
    loss, norm = step(
        model, optimizer, packed(STEPS[0]),
        targets=11, lr=1.0, clip=1.0, precision="fp32",
    )  # fmt: skip
    assert not (math.isfinite(loss) and math.isfinite(norm))
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), before, strict=True))


def test_a_gradient_that_is_not_finite_changes_nothing(model: Any) -> None:
    optimizer = optimizer_of(named(model), Optimization(weight_decay=0.1))
    layer = model.get_output_embeddings()
    before = [value.detach().clone() for value in model.parameters()]
    layer.weight.register_hook(lambda gradient: gradient * math.inf)
    loss, norm = step(
        model, optimizer, packed(STEPS[0]),
        targets=11, lr=1.0, clip=1.0, precision="fp32",
    )  # fmt: skip
    assert math.isfinite(loss) and not math.isfinite(norm)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), before, strict=True))


def test_what_is_raised_between_rows_ends_the_step(model: Any) -> None:
    optimizer = optimizer_of(named(model), Optimization())
    before = [value.detach().clone() for value in model.parameters()]

    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        step(
            model, optimizer, packed(STEPS[0]), targets=11, lr=1.0, clip=1.0,
            precision="fp32", between=stop,
        )  # fmt: skip
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), before, strict=True))


# --- the adapter's own settings -----------------------------------------------------------------


@pytest.mark.parametrize(("rank", "alpha"), [(4, 8.0), (4, 2.0), (8, 8.0)])
def test_an_adapter_adds_alpha_over_rank_of_its_product(
    tmp_path: Path, rank: int, alpha: float
) -> None:
    base = models.load_base(tiny_model(tmp_path), "lora", "fp32", "cpu")
    made = add_adapter(base, Settings(rank=rank, alpha=alpha, dropout=0.0))
    layer = next(one for one in made.modules() if hasattr(one, "lora_A") and len(one.lora_A))
    down, up = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    assert down.shape[0] == rank == up.shape[1]
    torch.nn.init.normal_(up)
    given = torch.randn(3, down.shape[1])
    wanted = layer.base_layer(given) + alpha / rank * given @ down.T @ up.T
    assert float((layer(given) - wanted).detach().abs().max()) < 1e-4


def test_dropout_is_in_force_while_training_and_only_there(tmp_path: Path) -> None:
    base = models.load_base(tiny_model(tmp_path), "lora", "fp32", "cpu")
    made = add_adapter(base, Settings(rank=4, alpha=8.0, dropout=0.5))
    layer = next(one for one in made.modules() if hasattr(one, "lora_A") and len(one.lora_A))
    torch.nn.init.normal_(layer.lora_B["default"].weight)
    given = torch.ones(64, layer.lora_A["default"].weight.shape[1])
    made.eval()
    assert torch.equal(layer(given)[0], layer(given)[1])
    made.train()
    seen = layer.lora_dropout["default"](given)
    assert 0.4 < float((seen == 0).double().mean()) < 0.6
    assert not torch.equal(layer(given)[0], layer(given)[1])


def test_a_step_drops_inputs_of_the_adapter(tmp_path: Path) -> None:
    """From the same weights a step is the same for one seed, and differs by what was dropped."""
    base = models.load_base(tiny_model(tmp_path), "lora", "fp32", "cpu")
    made = add_adapter(base, Settings(rank=4, alpha=8.0, dropout=0.5))
    for name, value in made.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(value)
    optimizer = optimizer_of(named(made), Optimization())
    losses = []
    for seed in (1, 1, 2):
        made.eval()
        torch.manual_seed(seed)
        losses.append(
            step(
                made, optimizer, packed(STEPS[0]),
                targets=11, lr=0.0, clip=1.0, precision="fp32",
            )[0]
        )  # fmt: skip
    assert losses[0] == losses[1] and abs(losses[0] - losses[2]) > 1e-3


def test_all_linear_is_all_but_the_output_layer(tmp_path: Path) -> None:
    base = models.load_base(tiny_model(tmp_path), "lora", "fp32", "cpu")
    known = layers_of(base)
    linear = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
    assert all_linear(known) == sorted(linear)
    assert {known[name].count for name in linear} == {2} and known["lm_head"].head
    assert known["down_proj"].shape == (64, 32) and known["embed_tokens"].kind == "embedding"
    made = add_adapter(base, Settings(rank=2, alpha=2.0, dropout=0.0))
    assert not [name for name in named(made) if "lm_head" in name]
