"""The figures show every number as it is, in the book's style."""

import io

import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from helpers import plots


@pytest.fixture
def ax():
    with plt.style.context("helpers.book"):
        figure, ax = plt.subplots()
        yield ax
        plt.close(figure)


def rgb(ax, row, column):
    """Color that the image on `ax` gives to a pixel, 0 to 1."""
    image = ax.images[0]
    return np.array(image.cmap(image.norm(image.get_array()))[row, column, :3])


def test_the_style_has_seaborns_colorblind_palette_on_white():
    import seaborn

    with plt.style.context("helpers.book"):
        colors = plt.rcParams["axes.prop_cycle"].by_key()["color"]
        assert matplotlib.colors.to_rgb(plt.rcParams["savefig.facecolor"]) == (1, 1, 1)
    assert [c.lower().lstrip("#") for c in colors] == [
        c.lower().lstrip("#") for c in seaborn.color_palette("colorblind").as_hex()
    ]


def test_importing_changes_no_setting():
    import importlib

    before = dict(plt.rcParams)
    importlib.reload(plots)
    assert dict(plt.rcParams) == before


def test_show_image_draws_the_smallest_number_black_and_the_largest_white(ax):
    assert plots.show_image(np.array([[3.0, 5.0], [4.0, 7.0]]), ax, "title") is ax
    np.testing.assert_allclose(rgb(ax, 0, 0), 0)
    np.testing.assert_allclose(rgb(ax, 1, 1), 1)
    assert ax.get_title(loc="left") == "title"


def test_the_window_says_what_is_black_and_white(ax):
    plots.show_image(np.array([[-2000.0, -1000.0], [0.0, 1000.0]]), ax, window=(-1000, 0))
    np.testing.assert_allclose([rgb(ax, 0, 0), rgb(ax, 0, 1)], 0)
    np.testing.assert_allclose([rgb(ax, 1, 0), rgb(ax, 1, 1)], 1)


def test_pixels_have_the_shape_that_the_spacing_gives(ax):
    plots.show_image(np.zeros((4, 6)), ax, spacing_mm=(3.0, 1.5))
    assert ax.get_aspect() == 2.0


@pytest.mark.parametrize(
    ("spacing", "text"), [(0.5, "10 mm"), (0.66, "20 mm"), (0.01, "0.2 mm"), (5.0, "100 mm")]
)
def test_the_scale_bar_has_the_length_that_it_names(ax, spacing, text):
    plots.show_image(np.zeros((100, 128)), ax, spacing_mm=(spacing, spacing))
    assert [label.get_text() for label in ax.texts] == [text]
    left, right = ax.lines[0].get_xdata()
    np.testing.assert_allclose((right - left) * spacing, float(text.split()[0]))


def test_the_scale_bar_leaves_the_image_where_it_was(ax):
    plots.show_image(np.zeros((10, 20)), ax, spacing_mm=(1.0, 1.0))
    assert (ax.get_xlim(), ax.get_ylim()) == ((-0.5, 19.5), (9.5, -0.5))


def test_a_unit_adds_a_color_bar_with_that_label(ax):
    plots.show_image(np.eye(3), ax, unit="HU")
    assert [a.get_ylabel() for a in ax.figure.axes] == ["", "HU"]


def test_small_images_keep_their_pixels_and_large_ones_are_averaged(ax):
    plots.show_image(np.eye(100), ax)
    plots.show_image(np.eye(1000), ax)
    small, large = (image.get_interpolation() for image in ax.images)
    assert small == "nearest"
    assert large in ("antialiased", "auto")  # before and since Matplotlib 3.10


def test_show_signed_is_white_at_zero_and_as_strong_on_both_sides(ax):
    assert plots.show_signed(np.array([[-1.0, 0.0], [1.0, 4.0]]), ax) is ax
    assert ax.images[0].get_clim() == (-4, 4)
    assert rgb(ax, 0, 1).min() > 0.95
    blue, red = rgb(ax, 0, 0), rgb(ax, 1, 0)
    assert blue[2] > blue[0]
    assert red[0] > red[2]
    np.testing.assert_allclose(ax.images[0].norm([-1.0, 1.0]).sum(), 1)


def test_show_signed_copes_with_missing_numbers(ax):
    plots.show_signed(np.array([[np.nan, 2.0], [-1.0, 0.0]]), ax)
    assert ax.images[0].get_clim() == (-2, 2)


def test_show_numbers_writes_every_number_in_its_cell(ax):
    assert plots.show_numbers([[1, -2.5], [0, 3]], ax) is ax
    written = {tuple(map(int, t.get_position()[::-1])): t.get_text() for t in ax.texts}
    assert written == {(0, 0): "1", (0, 1): "−2.5", (1, 0): "0", (1, 1): "3"}


def test_show_numbers_writes_no_negative_zero(ax):
    plots.show_numbers([[-0.001, -0.4]], ax, form="{:.1f}")
    assert [t.get_text() for t in ax.texts] == ["0.0", "−0.4"]


def test_numbers_are_legible_on_every_tint(ax):
    plots.show_numbers([[-1.0, -0.5, 0.0, 0.5, 1.0]], ax)
    for column in range(5):
        linear = np.where(rgb(ax, 0, column) <= 0.04045, 0, ((rgb(ax, 0, column) + 0.055) / 1.055) ** 2.4)
        contrast = (linear @ [0.2126, 0.7152, 0.0722] + 0.05) / 0.05  # black text, WCAG 2
        assert contrast >= 7


def test_a_matrix_of_zeros_can_be_shown(ax):
    plots.show_numbers(np.zeros((2, 2)), ax)
    assert rgb(ax, 0, 0).min() > 0.95


def test_show_numbers_refuses_more_than_two_axes(ax):
    with pytest.raises(ValueError, match=r"matrix must have 2 axes \(h, w\), received shape \(3,\)"):
        plots.show_numbers([1, 2, 3], ax)


def test_outline_frames_exactly_the_named_pixels(ax):
    plots.show_image(np.zeros((10, 10)), ax)
    assert plots.outline(ax, row=2, column=3, height=4, width=5) is ax
    np.testing.assert_array_equal(ax.patches[0].get_bbox().extents, [2.5, 1.5, 7.5, 5.5])


def test_show_numbers_can_outline_cells(ax):
    plots.show_numbers(np.eye(3), ax, outlined=(0, 1, 2, 2))
    np.testing.assert_array_equal(ax.patches[0].get_bbox().extents, [0.5, -0.5, 2.5, 1.5])


@pytest.mark.parametrize("draw", [plots.show_image, plots.show_signed, plots.show_numbers])
def test_drawing_leaves_the_numbers_alone(ax, draw):
    numbers = np.random.default_rng(0).normal(size=(4, 5))
    before = numbers.copy()
    draw(numbers, ax)
    ax.figure.savefig(io.BytesIO())
    np.testing.assert_array_equal(numbers, before)
