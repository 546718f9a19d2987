"""Draws numbers and images in the book's style: takes data and axes, returns the axes, computes nothing."""

import matplotlib
import numpy as np
from matplotlib.patches import Rectangle

from helpers import _expect

HIGHLIGHT = "#de8f05"  # orange of the book's palette: stands out on gray, on red and on blue
# Fewer levels than 256 are not seen, and make the files of noisy images a third smaller.
GRAY = matplotlib.colormaps["gray"].resampled(128)
SIGNED = matplotlib.colormaps["RdBu_r"].resampled(65)  # odd, so that zero has a color of its own


def show_image(image, ax, title=None, spacing_mm=None, window=None, unit=None):
    """Draw an image in gray (or in its colors).

    Up to 256 pixels a side, every pixel is a square of its own; larger images are averaged where many pixels
    share a dot of the screen. Gray has 128 levels, the signed colors of `show_signed` have 65.

    Parameters
    ----------
    image : array, shape (h, w) or (h, w, 3)
        Three channels are red, green and blue: integers 0 to 255 or floating-point numbers 0 to 1.
    ax : matplotlib.axes.Axes
    title : str, optional
    spacing_mm : pair of float, optional
        Distance between rows and between columns in mm. Pixels get this shape, and a bar shows the scale.
    window : pair of float, optional
        The display window: the values that become black and white. Left out: the smallest and the largest.
    unit : str, optional
        Adds a color bar with this label.

    Returns
    -------
    matplotlib.axes.Axes
    """
    low, high = (None, None) if window is None else window
    drawn = ax.imshow(image, cmap=GRAY, vmin=low, vmax=high, interpolation=_interpolation(image))
    return _finish(drawn, ax, title, spacing_mm, unit)


def show_signed(values, ax, title=None, spacing_mm=None, limit=None, unit=None):
    """Draw signed numbers: blue below zero, white at zero, red above, the same strength on both sides.

    Parameters
    ----------
    values : array, shape (h, w)
    ax : matplotlib.axes.Axes
    title, spacing_mm, unit
        As for `show_image`.
    limit : float, optional
        The absolute value of full color. Left out: the largest absolute value.

    Returns
    -------
    matplotlib.axes.Axes
    """
    limit = np.nanmax(np.abs(values)) if limit is None else limit
    drawn = ax.imshow(values, cmap=SIGNED, vmin=-limit, vmax=limit, interpolation=_interpolation(values))
    return _finish(drawn, ax, title, spacing_mm, unit)


def show_numbers(matrix, ax, title=None, outlined=None, form="{:g}", limit=None):
    """Draw a small matrix with every number visible, tinted as in `show_signed`.

    Parameters
    ----------
    matrix : array, shape (h, w)
    ax : matplotlib.axes.Axes
    title : str, optional
    outlined : tuple of int (row, column, height, width), optional
        Cells to draw a frame around.
    form : str
        How to write a number, for `str.format`.
    limit : float, optional
        The absolute value of full tint. Left out: the largest absolute value.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        `matrix` has not two axes.
    """
    matrix = _expect.array("matrix", np.asarray(matrix, dtype=float), "h w")
    limit = max(np.nanmax(np.abs(matrix)), 1e-12) if limit is None else limit
    # Three times the limit keeps the tints so pale that black numbers are legible on all of them.
    ax.imshow(matrix, cmap=SIGNED, vmin=-3 * limit, vmax=3 * limit, interpolation="nearest")
    for (row, column), number in np.ndenumerate(matrix):
        ax.text(column, row, _write(number, form), ha="center", va="center", color="black")
    _draw_cell_borders(matrix.shape, ax)
    if outlined is not None:
        outline(ax, *outlined)
    return _finish(None, ax, title, None, None)


def outline(ax, row, column, height, width):
    """Frame the pixels from (`row`, `column`) on, `height` by `width` of them.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Holds an image.
    row, column, height, width : int

    Returns
    -------
    matplotlib.axes.Axes
    """
    frame = Rectangle((column - 0.5, row - 0.5), width, height, fill=False, edgecolor=HIGHLIGHT, linewidth=2)
    frame.set_clip_on(False)
    ax.add_patch(frame)
    return ax


def _finish(drawn, ax, title, spacing_mm, unit):
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    if title is not None:
        ax.set_title(title)
    if spacing_mm is not None:
        ax.set_aspect(spacing_mm[0] / spacing_mm[1])
        _draw_scale_bar(drawn.get_array().shape, spacing_mm, ax)
    if unit is not None:
        bar = ax.figure.colorbar(drawn, ax=ax, shrink=0.7, aspect=25, pad=0.03)
        bar.set_label(unit)
        bar.outline.set_visible(False)
    return ax


def _interpolation(image):
    # Pixels are squares where they are magnified; where many share a dot of the screen they are averaged.
    # That is Matplotlib's default, None here, because its name changed: "antialiased" is "auto" since 3.10.
    return "nearest" if max(np.shape(image)) <= 256 else None


def _write(number, form):
    text = form.format(number)
    return text.lstrip("-") if float(text) == 0 else text.replace("-", "\N{MINUS SIGN}")  # no "-0.0"


def _draw_scale_bar(shape, spacing_mm, ax):
    height, width = shape[:2]
    wanted_mm = 0.25 * width * spacing_mm[1]
    length_mm = max((mm for mm in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100) if mm <= wanted_mm), default=0.05)
    right, bottom = 0.96 * width - 0.5, 0.96 * height - 0.5
    left = right - length_mm / spacing_mm[1]
    for color, thickness in (("black", 4), ("white", 2)):
        ax.plot([left, right], [bottom, bottom], color=color, linewidth=thickness, solid_capstyle="butt")
    ax.annotate(
        f"{length_mm:g} mm",
        ((left + right) / 2, bottom),
        xytext=(0, 3),
        textcoords="offset points",
        ha="center",
        va="bottom",
        color="white",
        fontsize=8,
        bbox={"facecolor": "black", "alpha": 0.45, "edgecolor": "none", "pad": 1},
    )
    ax.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))


def _draw_cell_borders(shape, ax):
    for row in range(shape[0] + 1):
        ax.axhline(row - 0.5, color="#bbbbbb", linewidth=0.6)
    for column in range(shape[1] + 1):
        ax.axvline(column - 0.5, color="#bbbbbb", linewidth=0.6)
