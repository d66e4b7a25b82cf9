"""The notebooks of examples/notebook: run whole, what its cells show, and how that looks in a browser."""

import ast
import importlib.util
import os
import re
import shutil
import sqlite3
import struct
import zlib

import pytest

from programs import BUILD, ROOT

pytest.importorskip("mlplat", reason="the Python binding is not installed")
pytest.importorskip("sklearn", reason="scikit-learn is not installed")
pytest.importorskip("nbclient", reason="nbclient is not installed")
pytest.importorskip("pandas", reason="pandas is not installed")

HEAVY = bool(os.environ.get("MLPLAT_HEAVY"))
FOLDER = ROOT / "examples/notebook"


def load_page():
    spec = importlib.util.spec_from_file_location("notebook_page", FOLDER / "page.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


page = load_page()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("notebook")


@pytest.fixture(scope="module")
def book(place):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREPROCESS", str(BUILD / "examples/preprocess"))
        return page.execute(place)


def shown(book, source):
    """What the last output of the cell with this text shows, as HTML."""
    cell = next(cell for cell in book.cells if source in cell.source)
    return cell.outputs[-1]["data"]["text/html"]


@pytest.mark.parametrize("notebook", sorted(FOLDER.glob("*.ipynb")), ids=lambda path: path.stem)
def test_what_is_checked_in_has_no_outputs(notebook):
    import nbformat
    book = nbformat.read(notebook, as_version=4)
    nbformat.validate(book)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert code and all(not cell.outputs and cell.execution_count is None for cell in code)


def test_every_cell_runs_and_says_no_word_too_many(book):
    words = [output.get("text") for cell in book.cells for output in cell.get("outputs", ()) if "text" in output]
    assert words == []


def test_runs_are_a_table_best_first(book):
    html = shown(book, "runs = ml.search_runs")
    assert re.findall(r">(rate-[0-9.]+)<", html) and html.count(">FINISHED<") == 3
    aucs = [float(value) for value in re.findall(r">(0\.9[78]\d+)<", html)]
    assert len(aucs) == 3 and aucs == sorted(aucs, reverse=True)


def test_plots_have_a_line_per_run_and_key(book):
    html = shown(book, "ml.plot(")
    assert html.count('<path stroke="#') == 6 and ">rate-0.3: val_loss<" in html
    html = shown(book, "ml.compare(")
    assert html.count("<svg") == 2 and "params that differ" in html and html.count('title="best"') == 3
    assert ">learning_rate<" in html and "3 params are the same in all" in html


def test_the_champion_shows_its_signature(book):
    html = shown(book, "set_alias")
    assert "@champion" in html and ">ip_in_url<" in html and ">v1<" in html


def test_the_pipeline_shows_its_tasks_and_their_runs(book):
    html = shown(book, "ml.run_pipeline")
    assert html.count(">SUCCEEDED<") == 5 and html.count("<rect") == 4
    assert all(f">{name}<" in html for name in ("preprocess", "train", "evaluate", "predict"))
    assert "auc_by_trees" in shown(book, 'ml.get_run(result["tasks"]')


def test_results_are_data_frames(book, place):
    html = shown(book, "to_pandas()\nframe")
    assert "dataframe" in html and "rate-0.03" in html
    assert shown(book, "ml.points").count("<td>120</td>") == 3
    with sqlite3.connect(place / "mlflow.db") as db:
        assert db.execute("SELECT count(*) FROM metrics WHERE key = 'val_auc'").fetchone() == (360,)


# ---- on a server that comes and goes -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server_book(tmp_path_factory):
    pytest.importorskip("mlflow", reason="mlflow is not installed")
    folder = tmp_path_factory.mktemp("server_notebook")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        return page.execute(folder, FOLDER / "server.ipynb")


def value(book, source):
    """What the last line of the cell with this text gives."""
    cell = next(cell for cell in book.cells if source in cell.source)
    return ast.literal_eval(cell.outputs[-1]["data"]["text/plain"])


def test_a_run_made_while_the_server_is_away_is_read_from_what_waits(server_book):
    offline = value(server_book, "kill_server(server)\nwith")
    assert offline.startswith("0ff11e") and len(offline) == 32
    delivery, params, waiting = value(server_book, 'waiting["info"]')
    assert (delivery, params) == ("waiting", {"depth": "8"}) and waiting > 1000
    there, mapping = value(server_book, "ml.get_run(offline.id).id")
    assert {"local_id": offline, "run_id": there} in mapping and there != offline


def test_a_sync_brings_all_of_it_once(server_book):
    told = value(server_book, "ml.spool_sync()")
    assert told["replayed"] > 1000 and told["journals"] == 1 and told["dead"] == 0  # of the program that was killed
    html = shown(server_book, "runs = ml.search_runs")
    names = [re.findall(f">{name}<", html) for name in ("first", "second", "third")]
    assert [len(found) > 0 for found in names] == [True] * 3
    assert html.count(">FINISHED<") == 2 and html.count(">RUNNING<") == 1
    assert shown(server_book, "ml.plot(").count('<path stroke="#') == 3
    assert value(server_book, "ml.artifacts.read") == b"nobody listened"


# ---- how it looks -----------------------------------------------------------------------------------------------------

def pixels(png):
    """Rows of bytes of a PNG, three or four a pixel, without their filters' meaning undone: enough to count colours."""
    data = png.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    parts, at = [], 8
    while at < len(data):
        n, kind = struct.unpack(">I4s", data[at:at + 8])
        parts += [data[at + 8:at + 8 + n]] if kind == b"IDAT" else []
        at += n + 12
    return zlib.decompress(b"".join(parts))


@pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not installed (Debian: apt install chromium)")
@pytest.mark.parametrize("dark", [False, pytest.param(True, marks=pytest.mark.skipif(
    not HEAVY, reason="MLPLAT_HEAVY=1 looks in the dark, too"))])
def test_a_browser_draws_the_page(book, place, dark):
    """The picture is not blank: what the outputs add to it is seen."""
    import copy
    plain = copy.deepcopy(book)
    for cell in plain.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    drawn = []
    for name, what in (("whole", book), ("without", plain)):
        file = place / f"{name}-{dark}.html"
        file.write_text(page.render(what, dark), encoding="utf-8")
        assert "<script" not in file.read_text()
        page.screenshot(file, place / f"{name}-{dark}.png")
        drawn.append(pixels(place / f"{name}-{dark}.png"))
    assert drawn[0] != drawn[1] and len(set(drawn[0])) > 50


def test_the_pictures_of_the_pages_are_small():
    for name in ("notebook_light.png", "notebook_dark.png"):
        assert 10_000 < (ROOT / "docs" / name).stat().st_size < 300_000
