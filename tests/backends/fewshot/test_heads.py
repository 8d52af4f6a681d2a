"""Each head against its paper's formula by hand, against plain code on random features, and its left-out scores."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import logsumexp

from backends.core.errors import BadInput
from backends.fewshot.heads import HEADS, Head, default_head
from backends.fewshot.heads.base import refit_scores, text_weights
from backends.fewshot.heads.folds import folds
from backends.fewshot.heads.gda import GDA
from backends.fewshot.heads.linear_probe import LinearProbe, _Descent, largest_eigenvalue
from backends.fewshot.heads.nearest import Nearest
from backends.fewshot.heads.proker import ProKeR, stratified_rows
from backends.fewshot.heads.tip_adapter import TipAdapter
from backends.fewshot.heads.tip_adapter_f import KeyTrainingData, TipAdapterF, loss_and_gradient
from backends.fewshot.heads.zero_shot import ZeroShot
from backends.fewshot.types import Support
from tests.support.fewshot_supports import drawn, support, unit

UPRIGHT = Support(
    image_features=np.array([[1.0, 0.0], [0.0, 1.0]]),
    labels=np.array([0, 1]),
    classes=("flat", "tall"),
    text_features=np.array([[0.8, 0.6], [0.6, 0.8]]),
)
HALFWAY = np.array([[np.sqrt(0.5), np.sqrt(0.5)]])
CLOSED = (ZeroShot, Nearest, GDA, TipAdapter)
SUPPORTS = {
    "even": support([5, 5, 5, 5]),
    "more shots than numbers": support([12, 15, 9], dimensions=8),
    "uneven, some alone": support([1, 4, 2, 7]),
    "no words": support([2, 3, 5, 1], worded=False),
    "words for some": support([3, 2, 4], worded=[True, False, True]),
    "one shot each": support([1, 1, 1]),
    "some with words only": support([0, 3, 4]),
    "two shots in all": support([1, 1], dimensions=6),
}
"""Every shape a page can hand over."""


def fits(head: type[Head], taught: Support) -> bool:
    if head.needs == "words":
        return bool(taught.has_text.all())
    return head.needs == "either" or bool((taught.counts > 0).all())


CASES = [
    pytest.param(head, taught, id=f"{head.id}, {name}")
    for head in HEADS.values()
    for name, taught in SUPPORTS.items()
    if fits(head, taught)
]


# By hand, two classes on the two axes.


def test_words_alone_are_cosines_times_the_scale() -> None:
    scores = ZeroShot().fit(UPRIGHT).scores(np.array([[1.0, 0.0]]))
    assert scores == pytest.approx(np.array([[80.0, 60.0]]))


def test_nearest_average_is_minus_the_squared_distance() -> None:
    taught = Support(np.array([[1.0, 0], [0.6, 0.8], [0, 1], [0, 1]]), np.array([0, 0, 1, 1]), ("a", "b"), None, 2.0)
    first, second = Nearest().fit(taught).scores(np.array([[1.0, 0.0]]))[0]
    # |q − m|² is 0.04 + 0.16 and 1 + 1; both means stand for two shots, so what is taken off is the same.
    assert first - second == pytest.approx(2.0 - 0.2)


def test_tip_adapter_by_hand() -> None:
    head = TipAdapter(sharpness=2.0, picture_weight=3.0).fit(UPRIGHT)
    scores = head.scores(np.array([[1.0, 0.0]]))[0]
    assert scores == pytest.approx([80 + 3 * 1.0, 60 + 3 * np.exp(-2.0)])


def test_gaussian_classes_by_hand() -> None:
    images = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0], [-0.8, 0.6]])
    taught = Support(images, np.array([0, 0, 1, 1]), ("a", "b"))
    head = GDA(shrinkage=1.0, picture_weight=1.0).fit(taught)
    # Around the means (0.8, 0.4) and (−0.4, 0.8) the scatter is [[0.4, 0], [0, 0.4]] + [[0, 0], [0, 0]] by parts:
    # (0.2, −0.4) twice gives [[0.08, −0.16], [−0.16, 0.32]], (0.4, 0.2) twice [[0.32, 0.16], [0.16, 0.08]].
    scatter = np.array([[0.4, 0.0], [0.0, 0.4]])
    inverse = 3 * np.linalg.inv(scatter + 0.8 / 3 * np.eye(2))  # (N − 1) ((N − 1) Σ + tr(Σ) I)⁻¹, tr(Σ) = 0.8 / 3
    means = np.array([[0.8, 0.4], [-0.4, 0.8]])
    query = np.array([[0.6, 0.8]])
    expected = query @ inverse @ means.T - 0.5 * np.diag(means @ inverse @ means.T)
    got = head.scores(query)
    assert got[0, 0] - got[0, 1] == pytest.approx(expected[0, 0] - expected[0, 1])


def test_proker_by_hand() -> None:
    head = ProKeR(sharpness=1.0, ridge=0.5, word_weight=1.0).fit(UPRIGHT)
    # K = [[1, e⁻¹], [e⁻¹, 1]]; the residuals are 1 − 0.8 and 0 − 0.6 at the first shot, mirrored at the second.
    e = np.exp(-1.0)
    inverse = np.array([[1.5, -e], [-e, 1.5]]) / (1.5**2 - e**2)
    values = inverse @ np.array([[0.2, -0.6], [-0.6, 0.2]])
    expected = np.array([0.8, 0.6]) + np.array([1.0, e]) @ values
    assert head.scores(np.array([[1.0, 0.0]]))[0] == pytest.approx(expected)


def test_the_first_step_of_the_linear_probe_by_hand() -> None:
    head = LinearProbe(steps=1.0).fit(UPRIGHT)
    shares = 1 / (1 + np.exp(-21.0))  # 100 · (0.8 − 0.6) from the words, 1 from the prototypes
    wrong = 1 - shares
    reach = 2 / (1.02 * 1.0)  # FᵀF is the identity; its bound is a hair above
    weights = np.array([[1 + reach * wrong, -reach * wrong], [-reach * wrong, 1 + reach * wrong]])
    assert head.formula.weights == pytest.approx(weights, abs=1e-6)


def test_tip_adapter_f_begins_at_tip_adapter() -> None:
    start = TipAdapter(sharpness=2.0, picture_weight=3.0).fit(UPRIGHT)
    head = TipAdapterF(sharpness=2.0, picture_weight=3.0).fit(UPRIGHT)
    assert np.array_equal(head.formula.values, start.formula.values)
    assert np.abs(head.formula.keys - start.formula.keys).max() < 0.03  # twenty steps of at most 0.001


# Against plain code on random features.


def test_nearest_average_against_distances() -> None:
    taught, queries = SUPPORTS["even"], drawn(np.arange(4).repeat(3), 24, seed=9)
    means = np.stack([taught.image_features[taught.labels == label].mean(axis=0) for label in range(4)]).astype(float)
    expected = -50 * np.square(queries[:, None].astype(float) - means).sum(axis=-1)
    got = Nearest().fit(taught).scores(queries)
    assert got - got[:, :1] == pytest.approx(expected - expected[:, :1], abs=1e-4)  # unit to float32


def test_tip_adapter_against_loops() -> None:
    taught, queries = SUPPORTS["even"], drawn(np.arange(4), 24, seed=9).astype(float)
    head = TipAdapter(sharpness=5.5, picture_weight=2.0).fit(taught)
    for query, scores in zip(queries, head.scores(queries), strict=True):
        expected = 100 * taught.text_features.astype(float) @ query
        for shot, label in zip(taught.image_features.astype(float), taught.labels, strict=True):
            expected[label] += 2.0 * np.exp(-5.5 * (1 - shot @ query))
        assert scores == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", ["even", "more shots than numbers"])
def test_gaussian_classes_against_the_covariance(name: str) -> None:
    taught = SUPPORTS[name]
    images, dimensions, classes = (
        taught.image_features.astype(float),
        taught.image_features.shape[1],
        len(taught.classes),
    )
    queries = drawn(np.arange(classes), dimensions, seed=9).astype(float)
    means = np.stack([images[taught.labels == label].mean(axis=0) for label in range(classes)])
    centred = images - means[taught.labels]
    sigma, count = np.cov(centred.T), len(images)
    inverse = (count - 1) * np.linalg.pinv((count - 1) * sigma + np.trace(sigma) * np.eye(dimensions))
    used = np.trace(inverse @ centred.T @ centred) / (count - 1)
    doubt = (count - 1) * used / max(count - classes - used, 1)
    bias = -0.5 * (np.einsum("cd,de,ce->c", means, inverse, means) - doubt / taught.counts)
    expected = 100 * queries @ taught.text_features.astype(float).T + 0.3 * (queries @ inverse @ means.T + bias)
    assert GDA(shrinkage=1.0, picture_weight=0.3).fit(taught).scores(queries) == pytest.approx(expected, abs=1e-6)


def test_proker_against_the_linear_system() -> None:
    taught, queries = SUPPORTS["uneven, some alone"], drawn(np.arange(4), 24, seed=9).astype(float)
    images, words = taught.image_features.astype(float), taught.text_features.astype(float)
    kernel = np.exp(-2.0 * np.square(images[:, None] - images).sum(axis=-1) / 2 / np.square(images).sum(axis=1).mean())
    ridge = 0.3 * np.diag(taught.counts[taught.labels] / 3.5)  # 14 shots of 4 classes
    values = np.linalg.solve(kernel + ridge, np.eye(4)[taught.labels] - 3 * images @ words.T)
    near = np.exp(-2.0 * (1 - queries @ images.T))
    head = ProKeR(sharpness=2.0, ridge=0.3, word_weight=3.0).fit(taught)
    assert head.scores(queries) == pytest.approx(3 * queries @ words.T + near @ values, abs=1e-5)


def test_proker_stays_at_the_words_with_a_heavy_ridge_and_meets_the_shots_without() -> None:
    taught = SUPPORTS["even"]
    heavy = ProKeR(sharpness=8.0, ridge=1e7, word_weight=1.0).fit(taught)
    assert heavy.scores(taught.image_features) == pytest.approx(
        taught.image_features @ taught.text_features.T, abs=1e-5
    )
    free = ProKeR(sharpness=8.0, ridge=1e-9, word_weight=1.0).fit(taught)
    assert free.scores(taught.image_features) == pytest.approx(taught.one_hot, abs=1e-4)


@pytest.mark.parametrize("name", ["uneven, some alone", "more shots than numbers"])
def test_the_loss_of_the_linear_probe_never_rises(name: str) -> None:
    taught = SUPPORTS[name]
    descent = _Descent(taught, text_weights(taught) / taught.logit_scale)
    losses = []
    for _ in range(60):
        logits = descent.prototype_logits + descent.cosines * descent.multiplier
        each = logsumexp(logits, axis=1) - logits[np.arange(len(logits)), taught.labels]
        losses.append(float((descent.weights[:, 0] * each).mean()))
        descent.step()
    assert losses[-1] < 0.5 * losses[0]
    assert np.diff(losses).max() < 1e-6  # float32


def test_prototypes_of_the_linear_probe_are_made_of_its_shots() -> None:
    taught = SUPPORTS["even"]
    descent = _Descent(taught, text_weights(taught) / taught.logit_scale)
    weights = descent.coefficients.T @ descent.features
    for _ in range(5):
        residual = descent.residual()
        weights = weights - descent.prototype_step * residual.T @ descent.features
        descent.step()
    assert descent.coefficients.T @ descent.features == pytest.approx(weights, abs=1e-4)


def test_the_largest_eigenvalue_is_not_below_the_true_one() -> None:
    matrix = drawn(np.arange(20) % 3, 12).astype(float)
    true = np.linalg.eigvalsh(matrix.T @ matrix)[-1]
    assert true <= largest_eigenvalue(matrix.T @ matrix) <= 1.05 * true


def test_the_gradient_of_tip_adapter_f_is_that_of_its_loss() -> None:
    taught = support([3, 4], dimensions=5)
    features = taught.image_features.astype(float)
    weights = np.array([7 / 6] * 3 + [7 / 8] * 4)
    words = features @ text_weights(taught).T / 20
    own = np.array([1 / 3] * 3 + [1 / 4] * 4)
    lesson = KeyTrainingData(features, words, taught.labels, 3.0 * taught.one_hot, 4.0, weights, own)
    keys = features + 0.1 * np.random.default_rng(0).standard_normal(features.shape)
    slope = loss_and_gradient(keys, lesson)[1]
    for row, column in [(0, 0), (3, 2), (6, 4)]:
        moved = [keys.copy(), keys.copy()]
        moved[0][row, column] += 1e-5
        moved[1][row, column] -= 1e-5
        up, down = (loss_and_gradient(item, lesson)[0] for item in moved)
        assert slope[row, column] == pytest.approx((up - down) / 2e-5, rel=1e-5)


def test_training_the_keys_lowers_the_loss() -> None:
    taught = support([6, 6, 6], apart=0.5)
    start = TipAdapter(sharpness=5.5, picture_weight=10.0).fit(taught).formula
    keys = TipAdapterF(sharpness=5.5, picture_weight=10.0).fit(taught).formula.keys
    lesson = KeyTrainingData.from_support(taught, start)
    assert loss_and_gradient(keys, lesson)[0] < loss_and_gradient(start.keys, lesson)[0] - 0.01


# Left-out shots.


@pytest.mark.parametrize(("head", "taught"), [case for case in CASES if case.values[0] in CLOSED])
def test_scores_of_left_out_shots_are_those_of_a_head_taught_without_them(head: type[Head], taught: Support) -> None:
    fitted = head().fit(taught)
    anew = refit_scores(fitted, taught, fitted.hyperparameters, np.arange(len(taught.labels)))
    assert fitted.leave_one_out(taught)[1] == pytest.approx(anew, rel=1e-6, abs=1e-6)
    assert fitted.leave_one_out_scores(taught, fitted.hyperparameters) == pytest.approx(anew, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("name", SUPPORTS)
def test_proker_leaves_a_shot_out_of_the_linear_system(name: str) -> None:
    """The shots left in its class count more each; the mean number of shots stays what it was with all of them."""
    taught = SUPPORTS[name]
    fitted = ProKeR().fit(taught)
    ridge, sharpness, word_weight = (fitted.hyperparameters[item] for item in ("ridge", "sharpness", "word_weight"))
    images, counts = taught.image_features.astype(float), taught.counts
    base = word_weight * images @ text_weights(taught).T / 100
    target = taught.one_hot - (base if taught.has_text.any() else 1 / len(taught.classes))
    mean = counts.sum() / (counts > 0).sum()
    kernel = np.exp(-sharpness * (1 - images @ images.T))
    left = fitted.leave_one_out(taught)[1]
    for row, label in enumerate(taught.labels):
        keep = np.arange(len(images)) != row
        left_counts = counts - (np.arange(len(counts)) == label)
        ridges = np.diag(ridge * left_counts[taught.labels[keep]] / mean)
        values = np.linalg.solve(kernel[np.ix_(keep, keep)] + ridges, target[keep])
        expected = kernel[row, keep] @ values
        pictured = left_counts > 0
        expected[~pictured] = expected[pictured].mean()
        assert left[row] == pytest.approx(base[row] + expected, abs=1e-6)


@pytest.mark.parametrize("head", [LinearProbe, TipAdapterF])
def test_trained_heads_are_trained_anew_without_one_shot_of_every_class(head: type[Head]) -> None:
    taught = support([3, 4, 2])
    fitted = head().fit(taught)
    left = fitted.leave_one_out(taught)[1]
    for tested, keep in folds(taught):
        assert not set(keep) & set(tested) and len(keep) == 6  # one of each class is gone
        words, pictures = fitted.solve(taught.subset(keep), fitted.hyperparameters).logit_terms(
            taught.image_features[tested]
        )
        assert left[tested] == pytest.approx(words + pictures)


@pytest.mark.parametrize("head", [LinearProbe, TipAdapterF])
def test_trained_heads_judge_many_shots_in_few_trainings(head: type[Head]) -> None:
    taught = support([2, 130, 90], dimensions=16)
    fitted = head().fit(taught)
    left = fitted.leave_one_out(taught)[1]
    assert np.isfinite(left).all()
    assert (left.argmax(axis=1) == taught.labels).mean() > 0.7


@pytest.mark.parametrize("counts", [[5, 5, 5], [2, 9, 4], [1, 1], [1, 3, 1, 40], [2, 2], [100, 60], [0, 3]])
def test_folds_test_every_shot_once_and_keep_every_class_that_has_two(counts: list[int]) -> None:
    taught = support(counts, dimensions=4, worded=True)
    tested = []
    for out, kept in folds(taught):
        tested += out.tolist()
        assert not set(out) & set(kept)
        left = np.bincount(taught.labels[kept], minlength=len(counts))
        assert (left[np.array(counts) >= 2] >= 1).all()
    assert sorted(tested) == list(range(len(taught.labels)))


def test_folds_of_even_classes_are_even() -> None:
    for _, kept in folds(support([4, 4, 4])):
        assert np.bincount(support([4, 4, 4]).labels[kept]).tolist() == [3, 3, 3]


@pytest.mark.parametrize("head", [item for item in HEADS.values() if item.needs != "words"])
def test_two_shots_a_class_promise_what_one_shot_a_class_holds(head: type[Head]) -> None:
    """Plain leave-one-out does not: among many classes it is far too good or far too bad."""
    promised, held = [], []
    for seed in range(12):
        labels = np.repeat(np.arange(10), 2)
        two = Support(drawn(labels, 64, seed, 0.35), labels, tuple("abcdefghij"))
        promised.append((head().fit(two).leave_one_out(two)[0].argmax(axis=1) == labels).mean())
        one = head().fit(two.subset(np.arange(0, 20, 2)))
        asked = np.arange(10).repeat(20)
        held.append((one.scores(drawn(asked, 64, 99, 0.35)).argmax(axis=1) == asked).mean())
    assert np.mean(promised) == pytest.approx(np.mean(held), abs=0.07)


def test_a_shot_does_not_vote_for_itself_when_left_out() -> None:
    """Labels at random on features at random: only by looking itself up can a shot be right more often than chance."""
    random = np.random.default_rng(3)
    taught = Support(unit(random.standard_normal((120, 40))), random.permutation(np.arange(120) % 2), ("a", "b"))
    for head in (Nearest, GDA, TipAdapter, ProKeR):
        right = head().fit(taught).leave_one_out(taught)[0].argmax(axis=1) == taught.labels
        assert 0.3 < right.mean() < 0.68, head.id


# What all heads share.


@pytest.mark.parametrize(("head", "taught"), CASES)
def test_scores_are_finite_and_their_slope_is_their_gradient(head: type[Head], taught: Support) -> None:
    fitted = head().fit(taught)
    query = drawn(np.zeros(1, int), taught.image_features.shape[1], seed=5).astype(float)
    scores, slope = fitted.scores(query), fitted.gradient(query)
    assert scores.shape == (1, len(taught.classes))
    assert slope.shape == (1, len(taught.classes), query.shape[1])
    step = 1e-6 * np.random.default_rng(1).standard_normal(query.shape)
    change = fitted.scores(query + step) - fitted.scores(query - step)
    assert change[0] == pytest.approx(2 * slope[0] @ step[0], rel=1e-4, abs=1e-8)


@pytest.mark.parametrize(("head", "taught"), CASES)
def test_a_head_survives_its_own_arrays(head: type[Head], taught: Support) -> None:
    fitted = head().fit(taught)
    again = type(fitted).from_state(fitted.state())
    queries = drawn(np.arange(len(taught.classes)), taught.image_features.shape[1], seed=5)
    assert again.scores(queries) == pytest.approx(fitted.scores(queries), rel=1e-4, abs=1e-3)
    assert again.hyperparameters == fitted.hyperparameters
    assert all(array.dtype != object for array in fitted.state().values())


@pytest.mark.parametrize(("head", "taught"), CASES)
def test_votes_add_up_to_the_scores_and_shots_to_the_pictures_vote(head: type[Head], taught: Support) -> None:
    fitted = head().fit(taught)
    query = drawn(np.ones(1, int), taught.image_features.shape[1], seed=5)[0]
    found = fitted.contributions(query)
    assert found.text + found.images == pytest.approx(fitted.scores(query[None])[0])
    assert found.shots.shape == taught.labels.shape
    bias = fitted.formula.bias
    for label in np.flatnonzero(taught.counts):
        if head is ProKeR or head is ZeroShot:
            continue  # there shots of other classes push too, and here none does
        expected = found.images[label] - bias[label]
        assert found.shots[taught.labels == label].sum() == pytest.approx(expected, rel=1e-4, abs=1e-4) or (
            head is LinearProbe  # whose shots push the other classes too
        )


@pytest.mark.parametrize("head", [item for item in HEADS.values() if item.needs != "words"])
def test_heads_learn(head: type[Head]) -> None:
    taught = support([8, 8, 8], worded=False)
    labels = np.arange(3).repeat(30)
    right = head().fit(taught).scores(drawn(labels, 24, seed=7)).argmax(axis=1) == labels
    assert right.mean() > 0.85


@pytest.mark.parametrize("head", [item for item in HEADS.values() if item.needs == "either"])
def test_pictures_mend_what_words_get_wrong(head: type[Head]) -> None:
    taught = support([8, 8, 8])
    swapped = Support(
        taught.image_features, taught.labels, taught.classes, taught.text_features[[1, 2, 0]], taught.logit_scale
    )
    labels = np.arange(3).repeat(30)
    queries = drawn(labels, 24, seed=7)
    by_words = (ZeroShot().fit(swapped).scores(queries).argmax(axis=1) == labels).mean()
    by_both = (head().fit(swapped).scores(queries).argmax(axis=1) == labels).mean()
    assert by_words < 0.3
    assert by_both > by_words + 0.3


@pytest.mark.parametrize("head", [item for item in HEADS.values() if item.needs == "either"])
def test_without_pictures_the_words_decide(head: type[Head]) -> None:
    taught = support([0, 0, 0])
    queries = drawn(np.arange(3), 24)
    expected = ZeroShot().fit(taught).scores(queries).argmax(axis=1)
    assert np.array_equal(head().fit(taught).scores(queries).argmax(axis=1), expected)


@pytest.mark.parametrize("head", [item for item in HEADS.values() if item.needs != "words"])
def test_many_shots_of_one_class_do_not_drown_the_other(head: type[Head]) -> None:
    taught = support([2, 40], worded=False)
    labels = np.arange(2).repeat(100)
    right = head().fit(taught).scores(drawn(labels, 24, seed=7)).argmax(axis=1) == labels
    assert min(right[:100].mean(), right[100:].mean()) > 0.5


def test_settings_given_by_name_are_kept_and_others_refused() -> None:
    assert TipAdapter(sharpness=7.0).fit(SUPPORTS["even"]).hyperparameters["sharpness"] == 7.0
    with pytest.raises(BadInput, match="no setting called “alpha”"):
        TipAdapter(alpha=1.0)


def test_one_shot_a_class_leaves_the_settings_at_the_papers_own() -> None:
    assert TipAdapter().fit(SUPPORTS["one shot each"]).hyperparameters == {"sharpness": 5.5, "picture_weight": 1.0}


def test_fitting_twice_gives_the_same() -> None:
    taught, queries = support([30, 30], dimensions=8), drawn(np.arange(2), 8)
    for head in HEADS.values():
        assert np.array_equal(head().fit(taught).scores(queries), head().fit(taught).scores(queries)), head.id


def test_the_rows_that_settings_are_chosen_on_come_from_every_class() -> None:
    taught = support([300, 3, 40], dimensions=4)
    rows = stratified_rows(taught, 60)
    assert len(rows) <= 60
    assert np.bincount(taught.labels[rows]).tolist() == [20, 3, 20]


def test_the_usual_head_suits_what_is_there() -> None:
    assert default_head(support([0, 0])) == "zero_shot"
    assert default_head(support([1, 1], worded=False)) == "nearest"
    assert default_head(support([2, 1], worded=False)) == "gda"
    assert default_head(support([1, 1])) == "tip_adapter"
    assert default_head(support([1, 2])) == "proker"


@pytest.mark.parametrize(
    ("head", "taught", "sentence"),
    [
        (GDA, support([3]), "at least two classes"),
        (GDA, support([3, 0], worded=[True, False]), "“class 1” has neither"),
        (Nearest, support([3, 0]), "“class 1” has no picture"),
        (ZeroShot, support([3, 3], worded=[True, False]), "“class 1” has no words"),
    ],
)
def test_what_cannot_be_taught_is_said(head: type[Head], taught: Support, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        head().fit(taught)


def test_features_of_another_model_are_refused() -> None:
    with pytest.raises(BadInput, match="another model"):
        Nearest().fit(support([2, 2])).scores(np.ones((1, 7)))
