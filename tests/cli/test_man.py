"""The manual that the program writes: every command and option is in it, and the formatters have nothing to say."""

import re
import shutil
import subprocess

import pytest

import test_cli


@pytest.fixture(scope="module")
def manual(build_dir):
    pages = {path.name: path for path in (build_dir / "tools/man").glob("*.1")}
    if not pages:
        pytest.skip("the manual is not built")
    return pages


def rendered(page):
    """As man shows it, without bold and underlined."""
    done = subprocess.run(["groff", "-ww", "-man", "-Tutf8", "-P-c", "-rLL=200n", page], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return re.sub(".\x08", "", done.stdout).replace("\u2010", "-").replace("\u2019", "'")


def test_there_is_a_page_a_group_and_each_is_what_the_program_writes(cli, manual):
    groups = {words.split()[0] for words in test_cli.table(cli) if " " in words}
    assert set(manual) == {"mlplat.1"} | {f"mlplat-{group}.1" for group in groups}
    assert manual["mlplat.1"].read_text() == cli("help", "--man")
    for group in groups:
        assert manual[f"mlplat-{group}.1"].read_text() == cli("help", group, "--man")
    cli("help", "frobnicate", "--man", code=2)
    cli("help", "run", "list", "--man", code=2)


@pytest.mark.skipif(not shutil.which("groff"), reason="no groff here")
def test_every_command_option_and_example_is_in_its_page(cli, manual):
    pages = {name: rendered(path) for name, path in manual.items()}
    for words, command in test_cli.table(cli).items():
        group = words.split()[0]
        text = pages[f"mlplat-{group}.1" if " " in words else "mlplat.1"]
        assert f"mlplat {words} {command['args']}".strip() in text
        assert command["help"] in text
        for example in command["example"].splitlines():
            assert f"mlplat {example}" in text
        for option in command["options"]:
            assert f"--{option['option']}" in text and option["help"] in text
    for word in ("--tracking-uri", "--output", "EXIT STATUS", "130", "MLFLOW_TRACKING_URI", "mlplat-run(1)"):
        assert word in pages["mlplat.1"]


@pytest.mark.skipif(not shutil.which("mandoc"), reason="no mandoc here")
def test_mandoc_finds_no_fault(manual):
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", *manual.values()], capture_output=True, text=True)
    faults = [line for line in done.stdout.splitlines() if "missing date" not in line]  # a build is the same every day
    assert faults == []


@pytest.mark.skipif(not shutil.which("man"), reason="no man here")
def test_man_shows_a_page_without_a_warning(manual, tmp_path):
    done = subprocess.run(["man", "--warnings", "-l", manual["mlplat-run.1"]], capture_output=True, text=True,
                          env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MANPAGER": "cat", "HOME": str(tmp_path)})
    assert done.returncode == 0 and not done.stderr and "mlplat run list" in done.stdout
