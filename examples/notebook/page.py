"""The notebook as a page: runs it and writes its cells and outputs as one HTML file, in the light or in the dark.

    python page.py phishing.html [--dark] [--only 5,6] [--screenshot phishing.png]

Needs nbclient and ipykernel; a screenshot also needs chromium.
"""

import argparse
import html
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
NOTEBOOK = HERE / "phishing.ipynb"

# As a notebook looks, with its rules for tables, which the pages of mlplat must stand.
STYLE = """
body {{ margin: 20px auto; max-width: 1000px; background: {page}; color: {ink}; font: 14px/1.5 system-ui, sans-serif; }}
pre.code {{ background: {code}; padding: 8px 12px; border: 1px solid {line}; border-radius: 3px; overflow-x: auto;
  font: 12.5px/1.45 ui-monospace, Menlo, Consolas, monospace; }}
.out {{ padding: 4px 12px 10px; }}
.out table {{ border-collapse: collapse; border: none; font-size: 12px; table-layout: fixed; margin: 0 auto 1em 0; }}
.out td, .out th, .out tr {{ vertical-align: middle; text-align: right; padding: .5em; line-height: normal;
  border: none; max-width: none; white-space: normal; }}
.out tbody tr:nth-child(odd) {{ background: {code}; }}
.out pre {{ font: 12px/1.4 ui-monospace, monospace; }}
code {{ font: 12.5px ui-monospace, monospace; }} h1 {{ font-size: 24px; }} h2 {{ font-size: 18px; }} a {{ color: #3b82d6; }}
"""
LIGHT = {"page": "#fff", "ink": "#1b1b1b", "code": "#f6f6f6", "line": "#e2e2e2"}
DARK = {"page": "#111418", "ink": "#dcdfe4", "code": "#1b2026", "line": "#2b323a"}


def execute(folder, notebook=NOTEBOOK, timeout=300):
    """The notebook with its outputs, run in a folder."""
    import nbclient
    import nbformat
    book = nbformat.read(notebook, as_version=4)
    # The store of the story is the folder's own, whatever the caller's settings are.
    for name in [name for name in os.environ if name.startswith(("MLFLOW_", "MLPLAT_"))]:
        del os.environ[name]
    os.environ.setdefault("FRAUD_DETECTOR", str(HERE.parent / "fraud_detector"))
    nbclient.NotebookClient(book, timeout=timeout, kernel_name="python3",
                            resources={"metadata": {"path": str(folder)}}).execute()
    return book


def markdown(text):
    """The little Markdown that the notebook has."""
    text = html.escape(text, quote=False)
    text = re.sub(r"^(#+) (.*)$", lambda m: f"<h{len(m[1])}>{m[2]}</h{len(m[1])}>", text, flags=re.M)
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
    text = re.sub(r"\[([^]]+)\]\(([^)]+)\)", r'<a href="\2">\1</a>', text)
    return text.replace("\n\n", "<p>")


def output(item):
    data = item.get("data", {})
    if "text/html" in data:
        return data["text/html"]
    return "<pre>" + html.escape(item.get("text") or data.get("text/plain") or "") + "</pre>"


def render(book, dark=False, only=None):
    """The page of a notebook that was run; only: which of its cells."""
    parts = []
    for number, cell in enumerate(book.cells):
        if only is not None and number not in only:
            continue
        if cell.cell_type == "markdown":
            parts.append(markdown(cell.source))
        else:
            parts.append(f'<pre class="code">{html.escape(cell.source)}</pre>')
            parts.append('<div class="out">' + "".join(map(output, cell.outputs)) + "</div>")
    style = STYLE.format(**(DARK if dark else LIGHT))
    return f'<!doctype html><meta charset="utf-8"><title>phishing</title><style>{style}</style>' + "\n".join(parts)


def screenshot(page, png, width=1060, height=1400):
    """A picture of a page, by Chromium without a window."""
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run([shutil.which("chromium") or "chromium", "--headless", "--no-sandbox", "--disable-gpu",
                        "--disable-quic", "--no-first-run", "--disable-background-networking",
                        "--disable-component-update", "--disable-sync", "--hide-scrollbars",
                        f"--user-data-dir={profile}", f"--window-size={width},{height}",
                        f"--screenshot={pathlib.Path(png).resolve()}", pathlib.Path(page).resolve().as_uri()],
                       check=True, capture_output=True, timeout=120)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("page", help="the HTML file to write")
    parser.add_argument("--dark", action="store_true", help="on a dark page")
    parser.add_argument("--only", help="numbers of cells, joined by commas")
    parser.add_argument("--screenshot", help="a PNG file to write, too")
    parser.add_argument("--height", type=int, default=1400, help="of the picture, in pixels")
    options = parser.parse_args()
    only = None if options.only is None else {int(number) for number in options.only.split(",")}
    with tempfile.TemporaryDirectory() as folder:
        book = execute(folder)
    pathlib.Path(options.page).write_text(render(book, options.dark, only), encoding="utf-8")
    if options.screenshot:
        screenshot(options.page, options.screenshot, height=options.height)


if __name__ == "__main__":
    main()
