"""-o html, run compare and metric plot: the same pages and plots that notebooks show."""

import re

import pytest

import test_cli


@pytest.fixture
def run(cli):
    run = test_cli.run_with_all(cli)
    for step in range(1, 9):
        cli("metric", "log", run, "loss", str(1 / (step + 1)), "--step", str(step))
    return run


def test_a_run_has_a_page(cli, run):
    page = cli("run", "get", run, "-o", "html")
    assert page.startswith('<div class="mlplat">') and page.endswith("</div>\n") and page.count("\n") == 1
    assert run in page and "loss" in page and "<svg" in page and page.isascii()


def test_what_else_has_a_page(cli, run):
    cli("experiment", "create", "<i>fraud</i>")
    assert "&lt;i&gt;fraud&lt;/i&gt;" in cli("experiment", "get", "<i>fraud</i>", "-o", "html")
    assert run in cli("run", "list", "-o", "html")
    test_cli.new_version(cli)
    assert "v1</b>" in cli("version", "get", "m", "latest", "-o", "html")
    ran = cli("pipeline", "run", test_cli.pipeline_file(cli), "--param", "text=7", "--param", "n=3", "-o", "html")
    assert "SUCCEEDED" in ran and "<rect" in ran


def test_what_has_none_says_so(cli):
    cli("config", "show", "-o", "html", code=2)
    assert "has no page" in cli.err
    test_cli.new_version(cli)
    cli("version", "list", "m", "-o", "html", code=2)
    assert "run get" in cli.err


def test_runs_are_compared(cli, run):
    other = test_cli.new_run(cli, "--name", "other")
    cli("param", "log", other, "depth", "8")
    cli("metric", "log", other, "loss", "0.01")
    page = cli("run", "compare", run, other)
    assert "params that differ" in page and re.search(r'title="best">0.01<', page)
    assert "<svg" in cli("run", "compare", run, other, "--plot", "loss")
    cli("run", "compare", run, "0" * 32, code=3)


def test_metrics_are_drawn(cli, run):
    plot = cli("metric", "plot", "loss", run, "--title", "a < b", "--width", "400", "--height", "200")
    assert plot.startswith("<svg ") and 'width="400" height="200"' in plot and "a &lt; b" in plot
    assert cli("metric", "plot", "loss,other", run, "--log-y", "--smoothing", "0.9", "--x", "clock") != plot
    for words, says in ((["--x", "time"], "step, elapsed or clock"), (["--smoothing", "2"], "0.999"),
                        (["--width", "3"], "160 to 4000")):
        cli("metric", "plot", "loss", run, *words, code=2)
        assert says in cli.err
