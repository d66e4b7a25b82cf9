#!/usr/bin/env python3
"""Writes docs/api/: a page for each public header, out of its declarations and comments, and one for Python.

python3 docs/api.py          writes the pages
python3 docs/api.py --check  tells whether they are what the headers say; the exit code is 1 if not

A header is read as it is written here: one comment that tells about the whole, sections headed by a comment of dashes,
and a comment before each declaration.
"""

import ast
import inspect
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
HEADERS = ROOT / "include/mlplat"
PAGES = ROOT / "docs/api"
NOTE = "<!-- Made from {} by docs/api.py: change the header and run it. -->\n"
TOKEN = re.compile(
    r"/\* -{3,} (?P<section>.*?)\*/"
    r"|/\*\*(?P<doc>.*?)\*/"
    r"|(?P<define>#define (?:[^\n\\]|\\\n)*)"
    r"|(?P<code>(?:typedef (?:struct|enum) \w+ \{.*?\} \w+;)|(?:(?:MLPLAT_API|typedef|static)\b[^;{]*;))"
    r"|(?P<other>/\*.*?\*/|#[^\n]*|[^\s/#]+)", re.S)

JSON = re.compile(r"\{\"[^{}]*(?:\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}[^{}]*)*\}")


class Entry:
    """A declaration with its words; without code it is text that stands by itself."""

    def __init__(self, doc, code=""):
        self.doc, self.code = doc, code

    @property
    def name(self):
        function = re.search(r"(\w+)\(", self.code) if self.code.startswith("MLPLAT_API") else None
        named = function or re.match(r"typedef (?:struct|enum) (\w+)", self.code) or re.match(
            r"#define (\w+)", self.code) or re.match(r"typedef .*?\(\*(\w+)\)", self.code, re.S)
        return named.group(1) if named else ""


def body(header):
    """The header's own comment, and what stands between its guards."""
    text = header.read_text()
    intro = re.match(r"/\*\*(.*?)\*/", text, re.S).group(1)
    inner = re.search(r'extern "C" \{\n#endif\n(.*)#ifdef __cplusplus', text, re.S)
    return intro, inner.group(1) if inner else ""


def read(header):
    """The header's comment, and sections: [(heading, [Entry])]; the first may have no heading."""
    intro, text = body(header)
    sections, doc = [("", [])], None
    for token in TOKEN.finditer(text):
        entries, kind, value = sections[-1][1], token.lastgroup, token.group(token.lastgroup)
        if doc is not None and kind in ("section", "doc"):
            entries.append(Entry(doc))
            doc = None
        if kind == "section":
            heading, _, more = lines(re.sub(r" ?-{3,}", "", value)).partition("\n")
            sections.append((heading.strip(), []))
            doc = more.strip() or None
        elif kind == "doc":
            doc = value
        elif kind == "define" and doc is None and entries and entries[-1].code:
            entries[-1].code += "\n" + value
        elif kind in ("code", "define"):
            entries.append(Entry(doc or "", value))
            doc = None
    if doc is not None:
        sections[-1][1].append(Entry(doc))
    return intro, sections


def lines(comment):
    """The text of a comment without the stars at the side."""
    return re.sub(r"^[ \t]*\* ?", "", comment.strip("*"), flags=re.M).strip()


def names(page):
    return {entry.name: page for _, entries in read(HEADERS / f"{page}.h")[1] for entry in entries if entry.name}


def inline(text, known, page):
    """Names become code, and links where they have a place of their own."""
    def name(match):
        word = match.group(0)
        if word not in known:
            return f"`{word}`"
        return f"[`{word}`]({'' if known[word] == page else known[word] + '.md'}#{word.lower()})"
    text = re.sub(r"<", "&lt;", text)
    text = JSON.sub(lambda found: f"`{found.group(0)}`", text)
    parts = re.split(r"(`[^`]*`)", text)
    for i in range(0, len(parts), 2):
        parts[i] = re.sub(r"\bmlplat_\w+|\bMLPLAT_\w+\b(?!\*)", name, parts[i])
        parts[i] = re.sub(r"(?<![\w`*])\*(?=[a-z])(\w+)", r"`*\1`", parts[i])
    return "".join(parts)


def prose(comment, known, page):
    """Paragraphs, code that is indented, then the params as a list and what is returned."""
    text = lines(comment)
    words, *tags = re.split(r"@(?=param\b|return\b)", text)
    out = []
    for part in re.split(r"((?:^    .*\n?)+)", words, flags=re.M):
        if part.startswith("    "):
            out.append("```c\n" + re.sub(r"^    ", "", part.rstrip(), flags=re.M) + "\n```")
            continue
        for paragraph in filter(str.strip, re.split(r"\n[ \t]*\n", part)):
            out.append(inline(" ".join(paragraph.split()), known, page))
    items = []
    for tag in tags:
        kind, _, rest = tag.strip().partition(" ")
        rest = " ".join(rest.split())
        if kind == "param":
            param, _, rest = rest.partition(" ")
            items.append(f"- `{param}`: {inline(rest.strip(), known, page)}")
        else:
            items.append(f"- Returns {inline(rest, known, page)}")
    return "\n\n".join(out + (["\n".join(items)] if items else []))


def declaration(code):
    """Without the word that exports it, and moved to the left by as much."""
    export = "MLPLAT_API "
    if not code.startswith(export):
        return code
    return re.sub(rf"\n {{{len(export)}}}", "\n", code[len(export):])


def write(page, known):
    intro, sections = read(HEADERS / f"{page}.h")
    out = [NOTE.format(f"include/mlplat/{page}.h"), f"# mlplat/{page}.h\n", prose(intro, known, page) + "\n"]
    for heading, entries in sections:
        if heading:
            title, _, more = heading.partition(": ")
            out.append(f"## {title[0].upper()}{title[1:]}\n")
            out += [f"{inline(more[0].upper() + more[1:], known, page)}.\n"] if more else []
        for entry in entries:
            if entry.name:
                out.append(f"### {entry.name}\n")
            if entry.code:
                out.append(f"```c\n{declaration(entry.code)}\n```\n")
            text = prose(entry.doc, known, page)
            out += [text + "\n"] if text else []
    return "\n".join(out)


# ---- Python: every public class and function, with its signature and docstring

MODULES = ROOT / "bindings/python/mlplat"
ORDER = ["session", "tracking", "logged_models", "registry", "artifacts", "pipelines", "component", "store", "display",
         "doc", "errors"]


def signature(function):
    """As it is called: without self and what begins with "_", annotations without their quotes."""
    function.args.args = [a for a in function.args.args if a.arg not in ("self", "cls")]
    kept = [(a, d) for a, d in zip(function.args.kwonlyargs, function.args.kw_defaults) if a.arg[0] != "_"]
    function.args.kwonlyargs, function.args.kw_defaults = [a for a, _ in kept], [d for _, d in kept]
    result = f" -> {ast.unparse(function.returns)}" if function.returns else ""
    text = f"{function.name}({ast.unparse(function.args)}){result}"
    return re.sub(r"(: |-> )'([^']*)'", r"\1\2", text).replace(" | None=None", "=None")


def docstring(node):
    return inspect.cleandoc(ast.get_docstring(node) or "")


def member(function, known):
    """A property or a method, as an item of a list."""
    words = [ast.unparse(d) for d in function.decorator_list]
    name = function.name if "property" in words else signature(function)
    return f"- **`{name}`** " + python_text(docstring(function), known).replace("\n", "\n  ")


def python_text(text, known):
    """Names of C become links; code that is indented stays code."""
    out = []
    for part in re.split(r"((?:^    .*\n?)+)", text, flags=re.M):
        if part.startswith("    "):
            out.append("\n```python\n" + re.sub(r"^    ", "", part.rstrip(), flags=re.M) + "\n```\n")
        else:  # lines that tell about arguments become a list
            text = re.sub(r"(?m)^((?:[a-z]\w*, )*[a-z]\w*): (?=\S)", lambda m: f"- `{m.group(1)}`: ", part)
            out.append(inline(re.sub(r"(?m)^Returns ", "- Returns ", text) if "\n- `" in text else text, known, ""))
    return "".join(out)


def python_page(known):
    out = [NOTE.format("bindings/python/mlplat/"), "# Python\n",
           "Every public class and function, with its signature. [Python](../python.md) shows how they are used.\n"]
    there = {path.stem for path in MODULES.glob("*.py") if not path.stem.startswith("_")}
    for module in [*(name for name in ORDER if name in there), *sorted(there - set(ORDER))]:
        tree = ast.parse((MODULES / f"{module}.py").read_text())
        out += [f"## mlplat.{module}\n", python_text(docstring(tree), known) + "\n"]
        for node in tree.body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name[0] != "_" and ast.get_docstring(node):
                out += python_entry(node, known)
    return "\n".join(out)


def python_entry(node, known):
    if isinstance(node, ast.FunctionDef):
        return [f"### {node.name}()\n", f"```python\n{signature(node)}\n```\n",
                python_text(docstring(node), known) + "\n"]
    bases = ", ".join(ast.unparse(base).split("[")[0] for base in node.bases)
    out = [f"### {node.name}\n", *([f"Also a `{bases}`.\n"] if bases else []), python_text(docstring(node), known) + "\n"]
    members = [member(f, known) for f in node.body
               if isinstance(f, ast.FunctionDef) and f.name[0] != "_" and ast.get_docstring(f)]
    return out + (["\n".join(members) + "\n"] if members else [])


def pages():
    """{file name: text} of all of docs/api/."""
    headers = sorted(path.stem for path in HEADERS.glob("*.h"))
    known = {name: page for page in headers for name in names(page)}
    made = {f"{page}.md": write(page, known) for page in headers}
    made["python.md"] = python_page(known)
    out = [NOTE.format("include/mlplat/"), "# API reference\n",
           "A page for each header, made from it. `#include <mlplat.h>` has them all.\n", "| header | |", "|---|---|"]
    for page in headers:
        first = " ".join(lines(read(HEADERS / f"{page}.h")[0]).split("\n\n")[0].split())
        out.append(f"| [mlplat/{page}.h]({page}.md) | {inline(first, {}, page)} |")
    out += ["| [Python](python.md) | every public class and function |"]
    out += ["\n## Every name\n", "| | |", "|---|---|"]
    out += [f"| [`{name}`]({known[name]}.md#{name.lower()}) | {known[name]}.h |" for name in sorted(known)]
    return {**made, "README.md": "\n".join(out) + "\n"}


def stale():
    """Names of the pages that are not what the headers say."""
    made = pages()
    there = {path.name: path.read_text() for path in PAGES.glob("*.md")}
    return sorted(name for name in made.keys() | there.keys() if made.get(name) != there.get(name))


def main():
    if sys.argv[1:] == ["--check"]:
        print("\n".join(stale()), end="")
        return 1 if stale() else 0
    PAGES.mkdir(exist_ok=True)
    for name in stale():
        (PAGES / name).unlink(missing_ok=True)
    for name, text in pages().items():
        (PAGES / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
