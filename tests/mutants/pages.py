"""The page of curves: what is packed, coloured by, placed, read and drawn."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

_PACKED, _PAGE, _PROJECTION = (
    f"stages/charts/live/{name}.py" for name in ("packed", "page", "projection")
)
_CLASSES, _FEATURES, _FOUNDING, _PICKLED, _CLUSTERS, _TOKENS = (
    f"stages/curves/page/{name}.py"
    for name in ("classes", "features", "founding", "pickled", "clusters", "tokens")
)
_RECORDED, _TOOL, _REVISIONS = (
    "stages/curves/page/recorded.py",
    "stages/train/tools/curves.py",
    "stages/train/revisions.py",
)
TOKEN = ("tests/curves/test_token_curves.py",)
LIVE = ("tests/curves/test_live_page.py",)
TOOL = ("tests/train/test_curves_tool.py",)
STEPS = ("tests/train/test_revisions.py::test_a_checkpoint_is_of_the_step_in_its_name",)
_BROWSER = "tests/curves/test_curves_page.py::test_"
LASSO = (f"{_BROWSER}a_lasso_by_mouse_chooses_what_lies_in_it_and_draws_its_mean",)
SCALES = (f"{_BROWSER}learning_curves_show_all_sides_step_0_and_groups",)
SEARCH = (f"{_BROWSER}a_search_finds_tokens_and_else_the_texts",)
POLICY = (f"{_BROWSER}the_policy_lets_no_other_script_run",)

MUTANTS = (
    Mutant(
        _PACKED,
        "share * LEVELS), MISSING",
        "share * LEVELS), 0",
        "a loss that is no number is none at all",
        LIVE,
    ),
    Mutant(
        _PACKED,
        "share = np.sqrt(",
        "share = np.array(",
        "codes lie on a linear scale while the page squares them",
        LIVE,
    ),
    Mutant(
        _PACKED,
        "codes[1:] -= codes[:-1].copy()",
        "codes[1:] -= codes[1:].copy()",
        "every step but the first is lost",
        LIVE,
    ),
    Mutant(
        _PACKED,
        "width = float((high - low).max())",
        "width = float((high - low).min())",
        "places beyond the narrower axis lie on its border",
        LIVE,
    ),
    Mutant(
        _PAGE,
        'f"script-src {_hash(script)}"',
        "\"script-src 'unsafe-inline'\"",
        "any script of the page may run",
        POLICY,
    ),
    Mutant(
        _CLASSES,
        "pair[1:] += ids[:-1] + 1",
        "pair[1:] += ids[:-1] * 0",
        "a token that came before is a pair that came before",
        TOKEN,
    ),
    Mutant(
        _CLASSES,
        "(fell >= NEAR) & (rose >= NEAR)",
        "(fell >= NEAR) | (rose >= NEAR)",
        "a curve that only falls is U-shaped",
        TOKEN,
    ),
    Mutant(
        _CLASSES,
        'order = np.argsort(-counts, kind="stable")',
        'order = np.argsort(counts, kind="stable")',
        "the rarest names come first, and the many are gathered as others",
        TOKEN,
    ),
    Mutant(
        _FEATURES,
        "np.log(np.maximum(np.asarray(steps, dtype=np.float64), 1.0))",
        "np.asarray(steps, dtype=np.float64)",
        "late checkpoints have all the weight",
        TOKEN,
    ),
    Mutant(
        _PROJECTION,
        "distance = squares - 2 * (some @ fitted.T)",
        "distance = -squares - 2 * (some @ fitted.T)",
        "curves lie among others than their nearest",
        TOKEN,
    ),
    Mutant(
        _CLUSTERS,
        'order = np.argsort(-sizes, kind="stable")',
        'order = np.argsort(sizes, kind="stable")',
        "the smallest group comes first",
        TOKEN,
    ),
    Mutant(
        _FOUNDING,
        "at[number] = texts.add(kept) + len(kept) - 1",
        "at[number] = texts.add(kept)",
        "a curve is of the first token of its context",
        TOKEN,
    ),
    Mutant(
        _FOUNDING,
        "chosen = len(found) - 1 if model is None",
        "chosen = 0 if model is None",
        "the first of several models is shown",
        TOKEN,
    ),
    Mutant(
        _PICKLED,
        "if count > MOST:",
        "if count > 0:",
        "every list of tokens is too long",
        TOKEN,
    ),
    Mutant(
        _TOKENS,
        "np.minimum(lengths, middle).sum() <= most",
        "np.minimum(lengths, middle).sum() < most",
        "contexts are a token shorter than they may be",
        TOKEN,
    ),
    Mutant(
        _RECORDED,
        'at.append(begin + np.flatnonzero(row["targets"]))',
        'at.append(begin + np.arange(sum(row["targets"])))',
        "curves stand at the tokens before theirs",
        SEARCH,
    ),
    Mutant(
        _PAGE,
        "not in file.read(HEAD):",
        "in file.read(HEAD):",
        "files of others are replaced, and ours are not",
        TOOL,
    ),
    Mutant(
        _REVISIONS,
        "found.sort(key=lambda one: one.step)",
        "found.sort(key=lambda one: one.said)",
        "checkpoints are in the order of their names",
        STEPS,
    ),
    Mutant(
        "stages/charts/live/packed.js",
        "if (code !== MISSING) { sum += values[code]; found++; }",
        "if (code !== MISSING) { sum += values[code]; found = many; }",
        "a mean takes gaps for nothing",
        LASSO,
    ),
    Mutant(
        "stages/charts/live/chart.js",
        "const zero = Math.log2(first) - 1;",
        "const zero = Math.log2(first);",
        "step 0 lies on the first step",
        SCALES,
    ),
    Mutant(
        "stages/curves/page/explorer.js",
        "at[index] >= first && at[index] <= last",
        "at[index] >= first",
        "a search in texts finds all that follows",
        SEARCH,
    ),
)
