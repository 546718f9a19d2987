"""The rules for the pages of the book: every rule takes a page and returns what is wrong with it.

The docstring of a rule is the rule. `tests/fixtures/rules.yml` holds a broken example for each, and
`tests/test_gates.py` proves that the rule finds it. What only a run can show is in `notebook_gates.py`.
"""

import ast
import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import nbformat
import yaml

LINES_LIMIT = 20
TAGS = {
    "hide-cell", "hide-input", "hide-output", "remove-cell", "remove-input", "remove-output",
    "raises-exception", "nbval-skip", "skip-execution",
}  # fmt: skip
KERNEL = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}

FENCE = r"^(?P<fence>[`:]{3,})"
OPTIONS = r"[^\n]*\n(?P<options>(?::[\w-]+:.*\n)*)"
BOX = re.compile(
    FENCE + r"\{admonition\}[^\n]*\n:class:(?P<kind>[^\n]*)\n(?P<body>.*?)^(?P=fence)", re.M | re.S
)
UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX|TBD)\b|(?i:lorem ipsum)|\?\?\?")
LOCAL_FOLDER = re.compile(
    r"(?<![\w.:/}-])/(?:home|Users|root|tmp|mnt|opt|var|usr|work|content)/|\b[A-Z]:\\(?:Users|Windows|Program)"
)
ABSOLUTE_STRING = re.compile(r"""["'](?:/[\w.-]+/|~/|[A-Za-z]:[\\/])""")
DOWNLOAD = re.compile(
    r"\b(?:https?|ftp|s3)://|\b(?:urlopen|urlretrieve|pooch\.retrieve|fetch_\w+)\(|\brequests\."
)
MAGIC = r"^\s*(?:!(?!=)|%%?(?=[a-z]))"
SHELL = re.compile(
    MAGIC + r"(?!time).*|.*(?:get_ipython\(\)\.|os\.)system\(.*|.*\bpip\b.*\binstall\b.*", re.M
)
MARKDOWN_IMAGE = re.compile(r"!\[([^\]]*)\]\(")
IMAGE_DIRECTIVE = re.compile(FENCE + r"\{(?:image|figure)\}" + OPTIONS, re.M)
GLUED = re.compile(r"\{glue:?\w*\}(?:`([^`]*?)(?::[^`:]*)?`|\s+(\S+))")
CITED = re.compile(r"\{cite(?::\w+)?\}`([^`]*)`")
EXERCISE = re.compile(FENCE + r"\{exercise(?:-start)?\}" + OPTIONS, re.M)
SOLUTION = re.compile(FENCE + r"\{solution(?:-start)?\} *(?P<exercise>\S*)" + OPTIONS, re.M)


@dataclass
class Page:
    """A page: its name in the toc, such as ``cnn/convolution``, and its notebook (one cell if Markdown)."""

    name: str
    notebook: nbformat.NotebookNode
    is_notebook: bool = True

    def cells(self, kind):
        """Return the cells of one type, "code" or "markdown"."""
        return [cell for cell in self.notebook.cells if cell.cell_type == kind]

    @cached_property
    def prose(self):
        """All Markdown of the page: its cells and the captions of its figures."""
        captions = [figure(cell).get("caption", "") for cell in self.cells("code")]
        return "\n\n".join([cell.source for cell in self.cells("markdown")] + captions)


def read(path, book):
    """Read the notebook or Markdown file at `path` as a page of the folder `book`."""
    name = path.relative_to(book).with_suffix("").as_posix()
    if path.suffix == ".ipynb":
        return Page(name, nbformat.read(path, as_version=nbformat.NO_CONVERT))
    return markdown_page(name, path.read_text(encoding="utf-8"))


def markdown_page(name, text):
    """Return a page of one Markdown cell."""
    cell = nbformat.v4.new_markdown_cell(text, id="page")
    return Page(name, nbformat.v4.new_notebook(cells=[cell]), is_notebook=False)


def page_files(book):
    """Return the files in the folder `book` that are pages, sorted."""
    files = [path for path in Path(book).rglob("*.*") if path.suffix in (".md", ".ipynb")]
    hidden = re.compile(r"(?:^|/)[._]")
    return sorted(path for path in files if not hidden.search(path.relative_to(book).as_posix()))


def figure(cell):
    """Return what the cell's metadata say about its figure."""
    return cell.metadata.get("mystnb", {}).get("figure", {})


def alt(cell):
    """Return the alt text of the picture that the cell draws."""
    return cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "").strip()


# ---- Rules for every page -------------------------------------------------------------------------------


def nothing_is_left_unfinished(page):
    """No TODO, FIXME, XXX, TBD, lorem ipsum or ???."""
    return [
        f"cell {cell.id}: {hit[0]} is left"
        for cell in page.notebook.cells
        for hit in UNFINISHED.finditer(cell.source)
    ]


def paths_are_relative(page):
    """No path that exists on one machine only."""
    return [
        f"cell {cell.id}: absolute path in {line.strip()}"
        for cell in page.notebook.cells
        for line in cell.source.splitlines()
        if LOCAL_FOLDER.search(line) or (cell.cell_type == "code" and ABSOLUTE_STRING.search(line))
    ]


def images_have_alt_text(page):
    """Every image in Markdown has alt text."""
    plain = [
        f"image without alt text: {hit[0]}"
        for hit in MARKDOWN_IMAGE.finditer(page.prose)
        if not hit[1].strip()
    ]
    directives = [
        hit for hit in IMAGE_DIRECTIVE.finditer(page.prose) if not re.search(r":alt: *\S", hit["options"])
    ]
    return plain + [f"image without alt text: {hit[0].splitlines()[0]}" for hit in directives]


def citations_are_known(page, keys):
    """Every citation is in references.bib."""
    cited = [
        key.strip() for hit in CITED.finditer(page.prose) for key in re.sub(r"\{.*?\}", "", hit[1]).split(",")
    ]
    return [f"{key} is cited and not in references.bib" for key in sorted(set(cited) - set(keys))]


# ---- Rules for every notebook ---------------------------------------------------------------------------


def the_name_has_no_number(page):
    """The name is lower-case words with hyphens: the order is in the toc, not in the name."""
    last = page.name.rsplit("/", 1)[-1]
    return (
        []
        if re.fullmatch(r"[a-z]+(?:-[a-z]+)*", last)
        else [f"name {last!r} is not lower-case words with hyphens"]
    )


def the_kernel_is_python_3(page):
    """The metadata name the kernel python3 and nothing else, in format 4.5, where cells have stable ids."""
    problems = []
    if page.notebook.metadata != KERNEL:
        problems.append(f"metadata are {dict(page.notebook.metadata)}, expected {KERNEL}")
    if (page.notebook.nbformat, page.notebook.nbformat_minor) != (4, 5):
        problems.append(f"format {page.notebook.nbformat}.{page.notebook.nbformat_minor}, expected 4.5")
    return problems


def nothing_is_stored(page):
    """No outputs and no execution counts are committed."""
    return [
        f"cell {cell.id}: stored output"
        for cell in page.cells("code")
        if cell.outputs or cell.execution_count is not None
    ]


def cells_are_short(page):
    """No code cell is longer than 20 lines."""
    lengths = {cell.id: len(cell.source.splitlines()) for cell in page.cells("code")}
    return [f"cell {name}: {n} lines, limit {LINES_LIMIT}" for name, n in lengths.items() if n > LINES_LIMIT]


def tags_are_known(page):
    """Every tag is one that the build or nbval reads; nbval-check-output compares with what is not stored."""
    return [
        f"cell {cell.id}: unknown tag {tag}"
        for cell in page.notebook.cells
        for tag in sorted(set(cell.metadata.get("tags", [])) - TAGS)
    ]


def nothing_is_installed_by_a_cell(page):
    """No shell command, no pip, and no magic but %time and %timeit."""
    return [
        f"cell {cell.id}: shell, pip or magic in {hit[0].strip()}"
        for cell in page.cells("code")
        for hit in SHELL.finditer(cell.source)
    ]


def nothing_is_downloaded_by_a_cell(page):
    """No address and no call of a downloader in a code cell: data come through helpers.data."""
    return [
        f"cell {cell.id}: download by {hit[0]}"
        for cell in page.cells("code")
        for hit in DOWNLOAD.finditer(cell.source)
    ]


def figures_have_alt_text(page):
    """Every figure has a caption, and alt text that says something else."""
    problems = []
    for cell in page.cells("code"):
        caption = figure(cell).get("caption", "").strip()
        if figure(cell) and not alt(cell):
            problems.append(f"cell {cell.id}: figure without alt text")
        if (figure(cell) or alt(cell)) and not caption:
            problems.append(f"cell {cell.id}: figure without a caption")
        if caption and caption == alt(cell):
            problems.append(f"cell {cell.id}: the alt text repeats the caption")
    return problems


def glued_values_are_defined_and_used(page):
    """Every value quoted by glue is glued in the same notebook, and every glued value is quoted."""
    problems, defined = [], []
    for cell in page.cells("code"):
        for key in glue_keys(cell.source):
            defined += [key] if key else []
            problems += (
                [] if key else [f"cell {cell.id}: the key of glue() is not a string that can be read here"]
            )
    quoted = {(hit[1] or hit[2]).strip() for hit in GLUED.finditer(page.prose)}
    undefined = [key for key in sorted(quoted) if not any(re.fullmatch(pattern, key) for pattern in defined)]
    unused = [key for key in defined if not any(re.fullmatch(key, used) for used in quoted)]
    problems += [f"{key} is quoted and not glued in this notebook" for key in undefined]
    return problems + [f"{key} is glued and not quoted" for key in unused]


def glue_keys(source):
    """Yield a pattern for the key of every call of glue, or an empty string where it cannot be read."""
    python = re.sub(MAGIC + ".*", "", source, flags=re.M)
    for node in ast.walk(ast.parse(python)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "glue":
            match node.args[0]:
                case ast.Constant(value=str(key)):
                    yield re.escape(key)
                case ast.JoinedStr(values=[ast.Constant(), *_] as parts):
                    yield "".join(re.escape(p.value) if isinstance(p, ast.Constant) else ".+" for p in parts)
                case _:
                    yield ""


# ---- Rules for a chapter --------------------------------------------------------------------------------


def it_opens_with_a_question(page):
    """A title, then a box of class question that asks one, before the first code cell."""
    box = opening_box(page, "question")
    title = re.match(r"# \S", page.notebook.cells[0].source)
    problems = [] if title else ["the first cell does not begin with a title"]
    if box is None:
        return [*problems, "no question box before the first code cell"]
    return problems if "?" in box else [*problems, "the question box asks nothing"]


def it_opens_with_objectives(page):
    """Before the first code cell a box names 3 to 5 objectives, what is needed, class minutes, run time."""
    box = opening_box(page, "objectives")
    if box is None:
        return ["no objectives box before the first code cell"]
    items = len(re.findall(r"^[-*] ", box, re.M))
    problems = [] if 3 <= items <= 5 else [f"the objectives box has {items} items, expected 3 to 5"]
    needed = {
        "**Before you start:**": r"\*\*Before you start:\*\* \S",
        "**In class:** ... minutes": r"\*\*In class:\*\* \d+ minutes",
        f"{{budget}}`{page.name}`": rf"\{{budget\}}`{re.escape(page.name)}`",
    }
    return problems + [
        f"the objectives box lacks {say}" for say, regex in needed.items() if not re.search(regex, box)
    ]


def opening_box(page, kind):
    """Return the text of the box of class `kind` before the first code cell, or None."""
    cells = page.notebook.cells
    first_code = next((i for i, cell in enumerate(cells) if cell.cell_type == "code"), len(cells))
    opening = "\n\n".join(cell.source for cell in cells[:first_code]) + "\n"
    return next((box["body"] for box in BOX.finditer(opening) if kind in box["kind"].split()), None)


def exercises_have_solutions(page):
    """At least two exercises with labels, each with one solution, in a dropdown."""
    exercises = [re.search(r":label: *(\S+)", hit["options"]) for hit in EXERCISE.finditer(page.prose)]
    labels = [hit[1] for hit in exercises if hit]
    solved = Counter(hit["exercise"] for hit in SOLUTION.finditer(page.prose))
    problems = [f"{len(exercises)} exercises, expected at least 2"] if len(exercises) < 2 else []
    problems += ["an exercise has no label"] if len(labels) < len(exercises) else []
    problems += [
        f"{label} has {solved[label]} solutions, expected 1" for label in labels if solved[label] != 1
    ]
    problems += [
        f"a solution names {label}, which is no exercise here" for label in solved if label not in labels
    ]
    open_ones = [
        hit["exercise"] for hit in SOLUTION.finditer(page.prose) if ":class: dropdown" not in hit["options"]
    ]
    return problems + [f"the solution of {label} is not a dropdown" for label in open_ones]


def it_ends_with_a_summary(page):
    """The last two sections are Summary and Further reading, with text in them."""
    prose = "\n\n".join(cell.source for cell in page.cells("markdown"))
    sections = re.split(r"^## +", prose, flags=re.M)
    titles = [section.partition("\n")[0].strip() for section in sections]
    problems = [f"no section {title}" for title in ("Summary", "Further reading") if title not in titles]
    if not problems and titles[-2:] != ["Summary", "Further reading"]:
        problems.append(f"the last sections are {titles[-2:]}, expected Summary and Further reading")
    empty = [
        title for title, text in zip(titles, sections, strict=True) if not text.partition("\n")[2].strip()
    ]
    return problems + [
        f"section {title} is empty" for title in ("Summary", "Further reading") if title in empty
    ]


PAGE_RULES = [nothing_is_left_unfinished, paths_are_relative, images_have_alt_text]
NOTEBOOK_RULES = [
    the_name_has_no_number, the_kernel_is_python_3, nothing_is_stored, cells_are_short, tags_are_known,
    nothing_is_installed_by_a_cell, nothing_is_downloaded_by_a_cell, figures_have_alt_text,
    glued_values_are_defined_and_used,
]  # fmt: skip
CHAPTER_RULES = [
    it_opens_with_a_question, it_opens_with_objectives, exercises_have_solutions, it_ends_with_a_summary,
]  # fmt: skip


def problems(page, keys):
    """Return what is wrong with a page: the name of each rule that it breaks, and what the rule says.

    `keys` are those of references.bib. A chapter is a notebook outside the appendix.
    """
    rules = list(PAGE_RULES)
    rules += NOTEBOOK_RULES if page.is_notebook else []
    rules += CHAPTER_RULES if page.is_notebook and not page.name.startswith("appendix/") else []
    found = {rule.__name__: rule(page) for rule in rules}
    found["citations_are_known"] = citations_are_known(page, keys)
    return {name: says for name, says in found.items() if says}


# ---- Rules for the book as a whole ----------------------------------------------------------------------


def toc_entries(toc):
    """Return the names of all pages in the text of a `_toc.yml`, in reading order."""

    def walk(node):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            if key in ("root", "file"):
                yield value
            elif isinstance(value, dict | list):
                yield from walk(value)

    return list(walk(yaml.safe_load(toc)))


def toc_lists_every_page_once(toc, names):
    """The toc and the folder hold the same pages, and the toc each of them once."""
    entries = Counter(name.removesuffix(".md").removesuffix(".ipynb") for name in toc_entries(toc))
    problems = [f"{name} is not in the toc" for name in names if name not in entries]
    problems += [f"{name} is in the toc and not in the book" for name in entries if name not in names]
    return problems + [f"{name} is in the toc {n} times" for name, n in entries.items() if n > 1]


def bibliography_keys(bib):
    """Return the keys of all entries of a BibTeX text."""
    return re.findall(r"^\s*@(?!comment|string|preamble)\w+\s*\{\s*([^,\s]+)\s*,", bib, re.M | re.I)


def bibliography_has_no_duplicates(bib):
    """No key and no DOI stands in references.bib twice."""
    keys = Counter(key.lower() for key in bibliography_keys(bib))
    dois = Counter(doi.lower() for doi in re.findall(r"\bdoi\s*=\s*[{\"]\s*([^}\"\s]+)", bib, re.I))
    return [f"{name} is in references.bib {n} times" for name, n in (keys + dois).items() if n > 1]


def readme_maps_the_chapters(readme, chapters):
    """The chapter map of the README lists the chapters of the toc in their order."""
    listed = re.findall(r"^\|[^|`]*\|\s*`([\w/-]+)`\s*\|", readme.partition("## The chapters")[2], re.M)
    return [] if listed == list(chapters) else [f"the README lists {listed}, the toc {list(chapters)}"]
