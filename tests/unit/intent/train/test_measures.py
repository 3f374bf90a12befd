"""The measures against those of scikit-learn, and the bootstrap by what it must and must not do."""

import numpy as np
import pytest

from edgewise.intent.train import measures


@pytest.fixture
def drawn():
    random = np.random.default_rng(1)
    scores = random.integers(0, 40, 500) / 40  # with ties
    return (random.random(500) < scores).astype(float), scores, random.integers(0, 4, 500).astype(float)


def test_auc_is_that_of_scikit_learn_with_ties_and_weights(drawn):
    metrics = pytest.importorskip("sklearn.metrics")
    labels, scores, weights = drawn
    ranking = measures.Ranking(labels, scores)

    assert ranking.auc() == pytest.approx(metrics.roc_auc_score(labels, scores))
    assert ranking.auc(weights) == pytest.approx(metrics.roc_auc_score(labels, scores, sample_weight=weights))
    assert measures.log_loss(labels, scores * 0.9 + 0.05) == pytest.approx(
        metrics.log_loss(labels, scores * 0.9 + 0.05)
    )


def test_average_precision_is_that_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(2)
    scores = random.random(300)
    labels = (random.random(300) < scores).astype(float)

    assert measures.average_precision(labels, scores) == pytest.approx(metrics.average_precision_score(labels, scores))


def test_calibration_error_is_small_when_what_is_said_comes_true_and_large_when_not():
    random = np.random.default_rng(3)
    p = random.random(20_000)
    labels = (random.random(20_000) < p).astype(float)

    assert measures.calibration_error(labels, p) < 0.02
    assert measures.calibration_error(labels, p**2) > 0.1


def test_sessions_are_drawn_whole():
    sessions = np.repeat(np.arange(20), 5)

    for weights in measures.Resamples.of(sessions, 10).weights:
        by_session = weights.reshape(20, 5)
        assert (by_session == by_session[:, :1]).all()
        assert by_session[:, 0].sum() == 20


def test_an_interval_is_wider_for_rows_that_come_in_sessions():
    random = np.random.default_rng(4)
    scores = np.repeat(random.random(60), 20)
    labels = np.repeat((random.random(60) < scores[::20]).astype(float), 20)

    def width(sessions):
        _, low, high = measures.Resamples.of(sessions).auc(labels, scores)
        return high - low

    assert width(np.repeat(np.arange(60), 20)) > 2 * width(np.arange(1200))


def test_no_gain_over_oneself(drawn):
    labels, scores, _ = drawn

    assert measures.Resamples.of(np.arange(500), 20).gain(labels, scores, scores) == [0.0, 0.0, 0.0]
