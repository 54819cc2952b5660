"""Selection: vectors, clusters, neighbours, and which records are kept."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

_SELECT, _COVERAGE = "stages/select/select.py", "stages/select/coverage.py"
_KMEANS, _EMBED, _ENCODERS = (
    f"stages/select/{name}.py" for name in ("kmeans", "embed", "encoders")
)


def _of(name: str, module: str = "kmeans") -> tuple[str, ...]:
    return (f"tests/select/test_{module}.py::{name}",)


SCIKIT = _of("test_k_means_finds_the_blobs_and_is_as_good_as_scikit_learn")
ROUNDS = _of("test_lloyd_s_rounds_are_those_of_the_book")
LONELY = _of("test_loneliness_is_the_mean_cosine_with_three_neighbours")
FARTHEST = _of("test_the_farthest_is_taken_from_the_middle_on")
EVIDENCE = _of("test_scores_are_cosines_without_the_mean_of_all")
SPREAD = _of("test_spread_takes_from_every_cluster_however_small")
RANDOM = _of("test_random_follows_the_seed_and_the_id_and_not_the_order")
UNIT = _of("test_a_vector_is_of_unit_length_and_independent_of_its_batch[wordllama]", "embed")
NULL = _of("test_without_the_view_or_a_token_the_vector_is_null_and_counted", "embed")

MUTANTS = (
    # --- what is kept
    Mutant(
        _SELECT,
        "round((count / 2) ** 0.5)",
        "round(count**0.5)",
        "without k there are more clusters by half",
        _of("test_without_k_there_is_the_root_of_half_the_records"),
    ),
    Mutant(
        _SELECT,
        'NOISE * (self.method == "spread")',
        "NOISE",
        "the random control loses the lonely records as well",
        RANDOM,
    ),
    Mutant(
        _SELECT,
        "            lonely = min(lonely, count - target)\n",
        "            lonely = min(lonely, target)\n",
        "noise costs records that would have been kept",
        _of("test_noise_never_costs_a_record_that_would_have_been_kept"),
    ),
    Mutant(
        _SELECT,
        "round(self.share * count)",
        "round((1 - self.share) * count)",
        "share is that of the records left out",
        _of("test_keep_and_share_contradict_each_other"),
    ),
    Mutant(
        _SELECT,
        "spread(x, weights(likeness), allowed, where, target)",
        "spread(x, np.ones_like(likeness), allowed, where, target)",
        "lonely records count as much as those with neighbours",
        _of("test_lonely_records_count_less"),
    ),
    Mutant(
        _SELECT,
        "        centre(x)\n",
        "",
        "the mean of all vectors is not taken out",
        EVIDENCE,
    ),
    Mutant(
        _SELECT,
        "likeness[fate == KEPT].min(initial=1.0)",
        "likeness[fate == LONELY].min(initial=1.0)",
        "the limit of noise is the score of the loneliest",
        EVIDENCE,
    ),
    Mutant(
        _SELECT,
        'rows[np.argsort(draws[rows], kind="stable")[:target]]',
        "rows[:target]",
        "the random choice takes the first records",
        RANDOM,
    ),
    Mutant(
        _SELECT,
        'f"{seed}\\0select\\0{name}"',
        'f"select\\0{name}"',
        "the random choice is the same for every seed",
        RANDOM,
    ),
    Mutant(
        _SELECT,
        "            allowed = fate == KEPT\n",
        "            allowed = fate <= LONELY\n",
        "noise may be chosen, and is told as not selected",
        EVIDENCE,
    ),
    # --- neighbours and distances
    Mutant(
        _COVERAGE,
        "        part -= mean\n",
        "        part += mean\n",
        "the mean of all vectors is put in twice",
        EVIDENCE,
    ),
    Mutant(
        _COVERAGE,
        "part /= np.maximum(lengths, 1e-12).astype(np.float32)",
        "part /= np.maximum(lengths, 1.0).astype(np.float32)",
        "vectors without their mean are not brought to length 1",
        EVIDENCE,
    ),
    Mutant(
        _COVERAGE,
        "        products[np.arange(len(rows)), at] = -2  # not with itself\n",
        "",
        "a row is its own nearest neighbour",
        LONELY,
    ),
    Mutant(
        _COVERAGE,
        "np.partition(products, len(others) - top, axis=1)[:, len(others) - top :]",
        "np.partition(products, top, axis=1)[:, :top]",
        "a row is as lonely as it is unlike those farthest from it",
        LONELY,
    ),
    Mutant(
        _COVERAGE,
        "** np.float32(POWER)",
        "** np.float32(-POWER)",
        "lonely records count more than others",
        _of("test_of_two_far_rows_the_one_with_neighbours_is_taken"),
    ),
    Mutant(
        _COVERAGE,
        "np.minimum(distance, 1 - y @ y[row], out=distance)",
        "np.copyto(distance, 1 - y @ y[row])",
        "only the row taken last is gone away from",
        FARTHEST,
    ),
    Mutant(
        _COVERAGE,
        ".sum(axis=1).argmin())",
        ".sum(axis=1).argmax())",
        "the choice begins with an outlier, not in the middle",
        FARTHEST,
    ),
    Mutant(
        _COVERAGE,
        "best = products.argmax(axis=1)",
        "best = np.abs(products).argmax(axis=1)",
        "the opposite of a record is told as the nearest to it",
        _of("test_the_opposite_of_a_record_is_not_the_nearest_to_it"),
    ),
    Mutant(
        _COVERAGE,
        'best = np.argsort(-np.concatenate(radii), kind="stable")[:keep]',
        'best = np.argsort(np.concatenate(radii), kind="stable")[:keep]',
        "over all clusters the records least far apart are kept",
        SPREAD,
    ),
    # --- clusters
    Mutant(
        _KMEANS,
        "    half = (centroids * centroids).sum(1) / 2\n    labels = torch.empty(",
        "    half = (centroids * centroids).sum(1)\n    labels = torch.empty(",
        "rows go to the shortest centroid, not to the nearest",
        ROUNDS,
    ),
    Mutant(
        _KMEANS,
        "squared.sqrt().numpy()",
        "squared.numpy()",
        "the distance that is told is its square",
        ROUNDS,
    ),
    Mutant(
        _KMEANS,
        "sums / sizes.clamp(min=1)[:, None]",
        "sums / (sizes + 1)[:, None]",
        "means are drawn to nothing, those of small clusters most",
        ROUNDS,
    ),
    Mutant(
        _KMEANS,
        "index_add_(0, labels[begin : begin + CHUNK], part)",
        "index_add_(0, labels[: len(part)], part)",
        "rows behind the first chunk are added to the clusters of the first",
        _of("test_a_small_sample_and_small_products_still_settle"),
    ),
    Mutant(
        _KMEANS,
        "torch.argsort(squared, descending=True, stable=True)",
        "torch.argsort(squared, descending=False, stable=True)",
        "a centroid without rows moves to where there is one already",
        ROUNDS,
    ),
    Mutant(
        _KMEANS,
        "        nearest = torch.minimum(nearest, distance)\n",
        "        nearest = distance\n",
        "the seeding keeps away from the last centroid only",
        _of("test_the_seeding_finds_every_blob"),
    ),
    Mutant(
        _KMEANS,
        "torch.minimum(lowered, nearest).sum(1).argmin()",
        "torch.minimum(lowered, nearest).sum(1).argmax()",
        "of the rows drawn the seeding takes the worst",
        SCIKIT,
    ),
    # --- vectors
    Mutant(
        _EMBED,
        "np.sqrt((vectors.astype(np.float64) ** 2).sum(axis=1, keepdims=True))",
        "np.abs(vectors.astype(np.float64)).sum(axis=1, keepdims=True)",
        "the numbers of a vector sum to 1, not their squares",
        UNIT,
    ),
    Mutant(
        _EMBED,
        'found = unit(encode([texts[row] or "" for row in rows]))',
        'found = encode([texts[row] or "" for row in rows])',
        "vectors are as long as the model makes them",
        UNIT,
    ),
    Mutant(
        _EMBED,
        "verdicts.texts(self.on)",
        'verdicts.texts("all")',
        "the whole record is embedded, whatever view is asked for",
        NULL,
    ),
    Mutant(
        _ENCODERS,
        "pooled = (states * mask).sum(1) / mask.sum(1)",
        "pooled = states.mean(1)",
        "padding counts in a transformer's mean",
        _of("test_a_vector_is_of_unit_length_and_independent_of_its_batch[minilm]", "embed"),
    ),
)
