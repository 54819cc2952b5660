"""Selection: vectors, clusters, neighbours, which records are kept, and the two sides."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

_SELECT, _COVERAGE = "stages/select/select.py", "stages/select/coverage.py"
_KMEANS, _EMBED, _ENCODERS = (
    f"stages/select/{name}.py" for name in ("kmeans", "embed", "encoders")
)


_SPLIT, _CONNECTED = "stages/select/split.py", "stages/select/sides/connected.py"
_SIZES, _LEAKS = "stages/select/sides/sizes.py", "stages/select/sides/leaks.py"
_OVERLAP, _BENCHMARKS = "stages/select/sides/overlap.py", "stages/select/sides/benchmarks.py"


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

_MIX, _SHARES = "stages/tokens/mix.py", "stages/tokens/shares.py"


def _mix(name: str) -> tuple[str, ...]:
    return (f"tests/tokens/test_mix.py::{name}",)


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
        'NOISE * (self.method != "random")',
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
        "x, weights(relative), allowed,",
        "x, np.ones_like(relative), allowed,",
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
        "own[fate == KEPT].min(initial=1.0)",
        "own[fate == LONELY].min(initial=1.0)",
        "the limit of noise is the score of the loneliest",
        EVIDENCE,
    ),
    Mutant(
        "stages/select/methods.py",
        'allowed[np.argsort(rows.draws[allowed], kind="stable")[:keep]]',
        "allowed[:keep]",
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
    Mutant(
        "stages/select/methods.py",
        "if near[row] < 1 - APART:",
        "if near[row] < 1 + APART:",
        "deita takes the best, however much alike",
        ("tests/select/test_methods.py::test_deita_takes_the_best_that_lie_apart",),
    ),
    Mutant(
        "stages/select/methods.py",
        "np.argsort(-rows.distance[of]",
        "np.argsort(rows.distance[of]",
        "prototypes stay and the far ones go",
        ("tests/select/test_methods.py::test_prototypes_go_and_the_farthest_from_the_middle_stay",),
    ),
    Mutant(
        _COVERAGE,
        "np.maximum(own, 0) / np.maximum(theirs, np.float32(1e-3))",
        "np.maximum(own, 0)",
        "a small topic counts less",
        _of("test_a_small_topic_counts_in_full_and_what_lies_between_topics_does_not"),
    ),
    Mutant(
        "stages/select/map/about.py",
        'np.argsort(distance, kind="stable")[:NEAREST]',
        'np.argsort(-distance, kind="stable")[:NEAREST]',
        "a cluster is shown by the records at its rim",
        (
            "tests/select/test_map.py::test_a_cluster_is_named_by_its_own_words_and_shown_by_its_middle",
        ),
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
        "np.argpartition(products, len(others) - top, axis=1)[:, len(others) - top :]",
        "np.argpartition(products, top, axis=1)[:, :top]",
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
        "chance = EVEN / len(x) + (1 - EVEN)",
        "chance = 1 / len(x) + 0",
        "the sample of raw vectors misses the long rows",
        _of("test_k_means_of_raw_vectors_is_as_good_as_scikit_learn"),
    ),
    Mutant(
        _KMEANS,
        "weight = np.maximum(chance[first_out] / uniform[first_out] / chance[chosen], 1)",
        "weight = np.ones(count)",
        "rows that are drawn more often count more",
        _of("test_a_sample_holds_what_is_far_and_its_weights_stand_for_all_rows"),
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
        "sums / torch.where(sizes > 0, sizes, 1)[:, None]",
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
        "(torch.minimum(lowered, nearest) @ weight).argmin()",
        "(torch.minimum(lowered, nearest) @ weight).argmax()",
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
    # --- the two sides
    Mutant(
        _SIZES,
        "<= TOLERANCE * target",
        "<= target",
        "a small corpus may have twice its share",
        ("tests/select/test_split.py::test_a_small_corpus_has_the_share_too",),
    ),
    Mutant(
        _SIZES,
        "(rows <= target) & ",
        "",
        "a component larger than val leaves a cut by time without validation",
        _of("test_a_component_larger_than_val_stays_in_train", "split"),
    ),
    Mutant(
        _SIZES,
        'mixed = nodes ^ np.uint64(int.from_bytes(secret, "little"))',
        "mixed = nodes ^ np.uint64(0)",
        "the seed of the split is ignored",
        _of("test_a_share_is_kept_and_depends_on_the_seed", "split"),
    ),
    Mutant(
        _SIZES,
        'left, side="right"',
        'left + 1, side="right"',
        "a number of records is exceeded",
        _of("test_a_number_of_records_is_met_by_whole_components", "split"),
    ),
    Mutant(
        _SIZES,
        "np.lexsort((place[able], -time[able]))",
        "np.lexsort((place[able], time[able]))",
        "the oldest are for validation",
        _of("test_the_newest_are_for_validation", "split"),
    ),
    Mutant(
        _SPLIT,
        "np.minimum.at(time, own, ",
        "np.maximum.at(time, own, ",
        "what is connected begins with its newest record",
        _of(
            "test_what_is_connected_begins_with_its_oldest_record_and_no_date_is_for_training",
            "split",
        ),
    ),
    Mutant(
        _SPLIT,
        "exceptions = found.nodes[val != usual]",
        "exceptions = found.nodes[val & ~usual]",
        "what a hash puts on the val side stays there",
        ("tests/select/test_split.py",),
    ),
    Mutant(
        _CONNECTED,
        ".casefold()",
        "",
        "prompts in capitals are other prompts",
        _of("test_equal_prompts_stay_together_without_regard_to_case_and_space", "split"),
    ),
    Mutant(
        _CONNECTED,
        '"NFKC"',
        '"NFC"',
        "prompts in full-width letters are other prompts",
        _of("test_prompts_are_compared_by_what_they_say", "split"),
    ),
    Mutant(
        _CONNECTED,
        "if words >= OPENING:",
        "if words >= 1:",
        "a greeting connects conversations",
        _of("test_a_few_greetings_connect_nothing", "split"),
    ),
    Mutant(
        _CONNECTED,
        "letters = begun[branches > BRANCHES]",
        "letters = begun[branches < 0]",
        "a form letter connects conversations",
        _of("test_greetings_system_messages_and_form_letters_connect_nothing", "split"),
    ),
    Mutant(
        _CONNECTED,
        "return None if many else place",
        "return place",
        "a table without keys is one object",
        _of("test_the_rows_of_a_table_are_not_one_object", "split"),
    ),
    Mutant(
        _CONNECTED,
        "if len(np.unique(key[mine := kind == number])) == 1:",
        "if len(np.unique(key[mine := kind == number])) == 0:",
        "a key that says the same of all connects all",
        _of("test_keys_of_meta_that_name_an_object_connect[url]", "split"),
    ),
    Mutant(
        _CONNECTED,
        'value = value.partition("#")[0]',
        "value = str(value)",
        "parts of one page are two objects",
        _of("test_parts_of_one_page_stay_together", "split"),
    ),
    Mutant(
        _CONNECTED,
        'yield _GROUP, f"{_GROUP} {group}"',
        'yield _GROUP, f"{_GROUP} {str(group)[:1]}"',
        "groups with one first letter are one group",
        _of("test_a_number_of_records_is_met_by_whole_components", "split"),
    ),
    Mutant(
        _LEAKS,
        '"near": len(np.unique(keys[kinds == _NEAR])),',
        '"near": len(keys[kinds == _NEAR]),',
        "a val record is counted once a piece",
        _of("test_a_split_tells_what_train_has_of_val", "leaks"),
    ),
    Mutant(
        _LEAKS,
        "return int(np.isin(keys[val], np.unique(keys[~val])).sum())",
        "return int(np.isin(keys[~val], np.unique(keys[val])).sum())",
        "records of train are counted as leaks",
        _of("test_what_is_not_connected_is_counted_as_a_leak", "leaks"),
    ),
    Mutant(
        _OVERLAP,
        "if score >= LIKE:",
        "if score >= 0:",
        "candidates are not verified",
        _of("test_a_split_tells_what_train_has_of_val", "leaks"),
    ),
    Mutant(
        _OVERLAP,
        'if message["role"] in ("system", "developer")',
        'if message["role"] == "none"',
        "a system message is a leak",
        _of("test_a_shared_system_message_is_no_leak", "leaks"),
    ),
    Mutant(
        _BENCHMARKS,
        "for length in range(SHORTEST, overlap.RUN):",
        "for length in range(overlap.RUN, overlap.RUN):",
        "short items of benchmarks are not looked for",
        _of("test_a_short_item_is_found_as_a_whole", "benchmarks"),
    ),
    Mutant(
        "stages/select/sides/strata.py",
        "found[first[: wanted - int(found.sum())]] += 1",
        "found[first[: wanted - int(found.sum())]] += 0",
        "strata lose what their parts do not divide",
        (
            "tests/select/test_strata.py"
            "::test_targets_add_up_and_differ_from_their_part_by_less_than_one",
        ),
    ),
    Mutant(
        "stages/select/sides/strata.py",
        "np.lexsort((pairs[1], -rows, pairs[0]))",
        "np.lexsort((pairs[1], rows, pairs[0]))",
        "a component is of the stratum that fewest of its records have",
        (
            "tests/select/test_strata.py"
            "::test_a_component_is_of_the_stratum_that_most_of_its_records_have",
        ),
    ),
    # --- mix
    Mutant(
        _MIX,
        '    val = pc.fill_null(pc.equal(batch.table["split"], "val"), False)\n',
        '    val = pc.fill_null(pc.equal(batch.table["split"], ""), False)\n',
        "records of the val side are left out and repeated",
        _mix("test_the_val_side_is_left_as_it_is"),
    ),
    Mutant(
        _MIX,
        "own = hashlib.blake2b(data, digest_size=16).hexdigest()",
        'own = record["id"]',
        "copies have the id of their record",
        _mix("test_what_is_short_is_repeated_with_ids_of_its_own"),
    ),
    Mutant(
        _MIX,
        "order = np.lexsort((draw, inner, value))",
        "order = np.lexsort((inner, value))",
        "which records are taken hangs on their order",
        _mix("test_a_run_has_the_same_bytes_however_it_is_cut"),
    ),
    Mutant(
        _MIX,
        'f"{seed}\\0mix\\0{name}"',
        'f"mix\\0{name}"',
        "every seed takes the same records",
        _mix("test_another_seed_another_choice_and_more_of_one_value_changes_no_choice_of_others"),
    ),
    Mutant(
        _SHARES,
        "taken = min(wanted, there[value] * most)",
        "taken = wanted",
        "records stand more often than they may",
        _mix("test_what_stays_short_is_said_with_what_it_has_and_what_would_reach"),
    ),
    Mutant(
        _SHARES,
        "            parts[open_[:missing]] += 1\n",
        "            break\n",
        "what does not divide among clusters is lost",
        _mix("test_like_parts_add_up_and_none_is_above_what_is_there"),
    ),
    Mutant(
        "stages/select/select.py",
        "np.where(np.isnan(values), -np.inf, values)",
        "np.where(np.isnan(values), np.inf, values)",
        "what has no quality is the best",
        ("tests/select/test_kmeans.py",),
    ),
    Mutant(
        "stages/select/select.py",
        "max(round(self.share * count), 1)",
        "round(self.share * count)",
        "a small share of few records keeps none",
        ("tests/select/test_kmeans.py",),
    ),
    Mutant(
        "stages/select/sides/overlap.py",
        "filled = np.cumsum(gram_counts > 0) - 1",
        "filled = np.arange(len(part))",
        "behind a short text bands are those of another text",
        ("tests/select/test_leaks.py",),
    ),
)
