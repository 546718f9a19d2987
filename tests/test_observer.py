"""The closed forms, the likelihood ratios and their simulation agree, and nobody beats the ideal observer."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from helpers import _brain, metrics, mri, observer


def spot(h, w, row, column, width=3.0, height=1.0):
    """A Gaussian spot, (h, w)."""
    rows, columns = np.ogrid[:h, :w]
    return height * np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / width**2)


def simulated(background, signals, noise, n, law, rng):
    """Labels and images: n without a signal, then n with one of the signals."""
    amplitude = np.concatenate(
        [np.zeros((n, *background.shape)), signals[rng.integers(len(signals), size=n)]]
    )
    amplitude = background + amplitude
    if law == "gaussian":
        images = amplitude + noise * rng.standard_normal(amplitude.shape)
    else:
        images = _brain.rician(amplitude, noise, rng).astype(float)
    return np.repeat([0, 1], n), images


# ---------------------------------------------------------------- one known signal


def test_the_area_of_a_known_signal_by_hand():
    """Signal 3 and 4, noise 5: d = 1, and Phi(1 / sqrt(2)) is in every table of the normal distribution."""
    assert observer.known_auc([3.0, 4.0], 5.0) == pytest.approx(0.76025, abs=5e-6)
    assert observer.known_auc([[0.0]], 1.0) == 0.5


@given(st.floats(0.2, 4.0), st.integers(0, 10_000))
def test_the_closed_form_lies_in_the_interval_of_the_simulation(d, seed):
    rng = np.random.default_rng(seed)
    signal = spot(8, 9, 4, 4)
    noise = np.sqrt(np.sum(signal**2)) / d
    labels, images = simulated(np.zeros((8, 9)), signal[None], noise, 400, "gaussian", rng)
    scores = observer.gaussian_log_ratio(images, np.zeros((8, 9)), signal[None], noise)
    estimate, low, high = metrics.auc_interval(labels, scores, level=0.9999)
    assert low <= observer.known_auc(signal, noise) <= high


def test_the_matched_filter_and_the_log_ratio_rank_images_alike():
    rng = np.random.default_rng(0)
    signal, background = spot(8, 8, 3, 4), rng.random((8, 8))
    images = background + rng.standard_normal((50, 8, 8))
    filtered = np.sum((images - background) * signal, axis=(1, 2))
    scores = observer.gaussian_log_ratio(images, background, signal[None], 1.0)
    np.testing.assert_array_equal(np.argsort(filtered), np.argsort(scores))


# ---------------------------------------------------------------- log-likelihood ratios


@pytest.mark.parametrize("law", ["gaussian", "rician"])
def test_the_log_ratio_is_that_of_the_densities(law):
    """SciPy's densities, pixel by pixel, for each signal, then the mean of the likelihoods."""
    rng = np.random.default_rng(0)
    background, noise = 0.5 + rng.random((3, 4)), 0.4
    signals = np.stack([spot(3, 4, 1, 1), spot(3, 4, 2, 3, height=-0.4)])
    images = _brain.rician(np.broadcast_to(background, (5, 3, 4)), noise, rng).astype(float)

    def likelihood(amplitude):
        density = {
            "gaussian": lambda: stats.norm.pdf(images, amplitude, noise),
            "rician": lambda: stats.rice.pdf(images, amplitude / noise, scale=noise),
        }[law]()
        return density.prod(axis=(1, 2))

    expected = np.log(np.mean([likelihood(background + s) for s in signals], axis=0) / likelihood(background))
    ratio = {"gaussian": observer.gaussian_log_ratio, "rician": observer.rician_log_ratio}[law]
    np.testing.assert_allclose(ratio(images, background, signals, noise), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("law", ["gaussian", "rician"])
def test_the_mean_likelihood_ratio_of_healthy_images_is_1(law):
    """The defining property of a likelihood ratio: its mean over images without signal is 1."""
    rng = np.random.default_rng(0)
    background, noise = np.full((6, 6), 0.1), 0.1
    signals = np.stack([spot(6, 6, row, 3, height=0.05) for row in range(6)])
    _, images = simulated(background, signals, noise, 40_000, law, rng)
    ratio = {"gaussian": observer.gaussian_log_ratio, "rician": observer.rician_log_ratio}[law]
    ratios = np.exp(ratio(images[:40_000], background, signals, noise))
    assert ratios.mean() == pytest.approx(1, abs=5 * ratios.std() / 200)


def test_rician_ratios_come_close_to_gaussian_ones_as_the_signal_rises_above_the_noise():
    rng = np.random.default_rng(0)
    signals = np.stack([spot(8, 8, 2, 2, height=-0.05), spot(8, 8, 5, 5, height=-0.05)])
    apart = []
    for level in (0.1, 0.4, 1.6):
        background, noise = np.full((8, 8), level), 0.05
        _, images = simulated(background, signals, noise, 300, "rician", rng)
        exact = observer.rician_log_ratio(images, background, signals, noise)
        apart.append(np.abs(exact - observer.gaussian_log_ratio(images, background, signals, noise)).mean())
    assert apart[0] > 4 * apart[1] > 4 * 2 * apart[2]


def test_in_strong_noise_the_exact_law_beats_the_gaussian_one():
    rng = np.random.default_rng(0)
    background = np.full((10, 10), 0.03)
    signals = np.stack([spot(10, 10, row, column, height=0.15) for row in (2, 5, 8) for column in (2, 5, 8)])
    labels, images = simulated(background, signals, 0.1, 4000, "rician", rng)
    exact = metrics.auc_interval(labels, observer.rician_log_ratio(images, background, signals, 0.1))
    close = metrics.auc_interval(labels, observer.gaussian_log_ratio(images, background, signals, 0.1))
    assert exact.estimate > close.estimate + 0.01


def test_not_knowing_the_place_costs_area():
    rng = np.random.default_rng(0)
    background, signals = np.zeros((20, 20)), np.stack([spot(20, 20, r, c) for r in (4, 15) for c in (4, 15)])
    noise = np.sqrt(np.sum(signals[0] ** 2)) / 2
    labels, images = simulated(background, signals, noise, 3000, "gaussian", rng)
    searching = metrics.auc_interval(labels, observer.gaussian_log_ratio(images, background, signals, noise))
    assert searching.high < observer.known_auc(signals[0], noise) - 0.05


def test_nobody_beats_the_ideal_observer_at_an_unknown_place():
    """The largest matched filter and the sum of all, two sensible scores, have smaller areas."""
    rng = np.random.default_rng(0)
    background, signals = (
        np.zeros((12, 12)),
        np.stack([spot(12, 12, r, c, 2) for r in (2, 9) for c in (2, 9)]),
    )
    labels, images = simulated(background, signals, 1.0, 4000, "gaussian", rng)
    matched = np.einsum("nhw,mhw->nm", images, signals)
    ideal, largest, total = (
        metrics.auc_interval(labels, scores).estimate
        for scores in (
            observer.gaussian_log_ratio(images, background, signals, 1.0),
            matched.max(axis=1),
            matched.sum(axis=1),
        )
    )
    assert ideal > largest > total


def test_large_ratios_do_not_overflow():
    signals = np.full((2, 4, 4), 50.0)
    scores = observer.gaussian_log_ratio(signals, np.zeros((4, 4)), signals, 0.1)
    np.testing.assert_allclose(scores, 16 * 50.0**2 / 0.1**2 / 2)
    assert np.isfinite(observer.rician_log_ratio(signals, np.zeros((4, 4)), signals, 0.1)).all()


# ---------------------------------------------------------------- slices


FAINT = mri.Lesion(contrast=-0.12, diameter_mm=(12, 20))


def faint_slices(n, **settings):
    return mri.slices(
        n,
        **{
            "rng": np.random.default_rng(0),
            "slices_per_patient": 1,
            "lesion": FAINT,
            "noise": 0.1,
            **settings,
        },
    )


@pytest.mark.parametrize("site", [mri.Site(), mri.Site(gain=0.7, bias=0.2, resolution_mm=15)])
def test_the_score_of_a_slice_is_the_ratio_of_all_the_images_that_the_generator_could_have_drawn(site):
    """Each place of the lesion as a whole image, from the record, without the shortcut of small patches."""
    data = faint_slices(3, size=24, site=site)
    rows, columns = np.ogrid[:24, :24]
    scores = observer.ideal_scores(data)
    for k in range(len(data)):
        healthy = data.healthy[k, ..., 0].astype(float)
        squared = [
            data.spacing_mm**2 * ((rows - r) ** 2 + (columns - c) ** 2)
            for r, c in np.argwhere(data.tissue[k] == 3)
        ]
        shares = mri.profile(np.array(squared), data.diameters_mm[k], site.resolution_mm)
        signals = data.contrasts[k] * shares * healthy
        whole = observer.rician_log_ratio(
            data.images[k, ..., 0][None].astype(float), healthy, signals, data.noise
        )
        assert scores[k] == pytest.approx(whole[0], rel=1e-9)


def test_one_of_the_observers_signals_is_the_lesion_that_is_there():
    data = faint_slices(6, noise=1e-4)
    scores = observer.ideal_scores(data)
    assert (scores[data.labels == 1] > 1000).all()
    assert (scores[data.labels == 0] < 0).all()


def test_the_ideal_area_falls_with_noise_and_rises_with_contrast():
    def area(contrast, noise):
        lesion = dataclasses.replace(FAINT, contrast=contrast)
        return observer.ideal_auc(faint_slices(200, size=32, lesion=lesion, noise=noise))

    easy, usual, noisy = area(-0.5, 0.1), area(-0.2, 0.1), area(-0.2, 0.3)
    assert easy.low > usual.high > noisy.high
    assert usual.low <= usual.estimate <= usual.high


def test_without_contrast_the_ideal_observer_guesses():
    data = faint_slices(100, size=32, lesion=mri.Lesion(contrast=0))
    np.testing.assert_allclose(observer.ideal_scores(data), 0, atol=1e-12)
    assert observer.ideal_auc(data).estimate == 0.5


def test_ratios_above_0_are_right_as_often_as_they_say():
    """Probabilities computed from the ratio are calibrated: half of all slices are ill."""
    data = faint_slices(600, size=32, lesion=dataclasses.replace(FAINT, contrast=-0.25), noise=0.15)
    sick = 1 / (1 + np.exp(-observer.ideal_scores(data)))
    assert 0.15 < np.std(sick)
    assert data.labels.mean() == pytest.approx(sick.mean(), abs=0.07)
    certain = sick > 0.75
    assert data.labels[certain].mean() == pytest.approx(sick[certain].mean(), abs=0.08)


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize("noise", [0, -1.0, np.nan])
def test_the_noise_must_be_above_0(noise):
    one = np.ones((1, 2, 2))
    for call in (
        lambda: observer.known_auc(one, noise),
        lambda: observer.gaussian_log_ratio(one, one[0], one, noise),
        lambda: observer.rician_log_ratio(one, one[0], one, noise),
    ):
        with pytest.raises(ValueError, match="noise must be a finite number above 0"):
            call()


def test_slices_without_noise_have_no_ideal_observer():
    with pytest.raises(ValueError, match="needs slices with noise, received noise 0.0"):
        observer.ideal_auc(faint_slices(2, noise=0))


def test_shapes_must_fit():
    with pytest.raises(ValueError, match="images must have h = 3"):
        observer.gaussian_log_ratio(np.ones((1, 2, 2)), np.ones((3, 2)), np.ones((1, 3, 2)), 1.0)
    with pytest.raises(ValueError, match="signals must have 3 axes"):
        observer.gaussian_log_ratio(np.ones((1, 2, 2)), np.ones((2, 2)), np.ones((2, 2)), 1.0)


def test_rician_amplitudes_must_not_be_negative():
    with pytest.raises(ValueError, match="must be at least 0 in Rician noise"):
        observer.rician_log_ratio(np.ones((1, 2, 2)), np.ones((2, 2)), np.full((1, 2, 2), -2.0), 1.0)
