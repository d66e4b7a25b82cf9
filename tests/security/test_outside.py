"""What leaves the library: programs it starts, secrets, and bytes that a terminal would obey."""

import json
import re
import shutil
import sqlite3
import subprocess
import sys

import pytest


# ---- programs --------------------------------------------------------------------------------------------------------

def test_only_the_runner_of_pipelines_starts_programs(build_dir):
    starters = re.compile(r"^(exec[lv]p?e?|execvpe|fexecve|posix_spawnp?|system|popen|v?fork|clone)$")
    out = subprocess.run(["nm", "-A", "-u", build_dir / "libmlplat.a"], capture_output=True, text=True, check=True)
    found = {(line.split(":")[1], line.split()[-1].split("@")[0]) for line in out.stdout.splitlines()
             if " U " in line and starters.match(line.split()[-1].split("@")[0])}
    assert {entry for entry in found if not entry[0].startswith(("keeper.c", "process.c"))} == set()
    assert ("process.c.o", "execve") in found


def traceable():
    if not shutil.which("strace"):
        return "strace is not installed"
    tried = subprocess.run(["strace", "-f", "-e", "trace=execve", "true"], capture_output=True)
    return "" if tried.returncode == 0 else "this machine does not let strace trace"


def test_no_program_is_started_for_what_is_in_a_store(cli, tmp_path):
    why = traceable()
    if why:
        pytest.skip(why)
    (tmp_path / "note.txt").write_text("a note")
    run = cli("run", "start", "--name", "$(touch pwned); `touch pwned`").strip()
    words = [("metric", "log", run, "loss", "1"), ("tag", "set", run, "a", "$(touch pwned)"),
             ("artifact", "put", "note.txt", f"runs:/{run}/$(touch pwned)"), ("artifact", "list", f"runs:/{run}"),
             ("run", "list"), ("run", "get", run, "-o", "html"), ("export", "archive"), ("import", "archive"),
             ("store", "check"), ("store", "backup", "copy.db", "--artifacts"), ("store", "gc"), ("spool", "sync")]
    for each in words:
        done = subprocess.run(["strace", "-f", "-qq", "-o", "trace", "-e", "trace=execve,execveat", cli.program, *each],
                              cwd=cli.folder, env=cli.environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, (each, done.stderr)
        started = [line for line in (cli.folder / "trace").read_text().splitlines() if "exec" in line]
        assert len(started) == 1, (each, started)  # its own
    assert not list(cli.folder.rglob("pwned"))


def step(tmp_path, args):
    """A pipeline of one program step, as a document."""
    return {"pipelineInfo": {"name": "p"}, "schemaVersion": "2.1.0", "sdkVersion": "kfp-2.0.0",
            "root": {"dag": {"tasks": {"s": {"componentRef": {"name": "comp-s"}, "taskInfo": {"name": "s"}}}}},
            "components": {"comp-s": {"executorLabel": "exec-s"}},
            "deploymentSpec": {"executors": {"exec-s": {"container": {"image": "none", "command": args[:1],
                                                                       "args": args[1:]}}}}}


def test_words_of_a_step_go_through_no_shell(cli, tmp_path):
    hostile = ["$(touch pwned)", "`touch pwned`", "; touch pwned", "| touch pwned", "&& touch pwned", "*", "~", "$HOME",
               "a b", "'", '"', "\\", "\n", "-n"]
    code = "import json, sys; json.dump(sys.argv[1:], open(%r, 'w'))" % str(tmp_path / "seen.json")
    (tmp_path / "p.json").write_text(json.dumps(step(tmp_path, [sys.executable, "-c", code, *hostile])))
    cli("pipeline", "run", "p.json")
    assert json.loads((tmp_path / "seen.json").read_text()) == hostile
    assert not list(tmp_path.rglob("pwned"))


# ---- secrets ---------------------------------------------------------------------------------------------------------

SECRETS = {name: f"s3cr3t{i:02d}-{name.lower().replace('_', '')}" for i, name in enumerate(
    ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
     "AWS_ACCESS_KEY_ID", "DATABRICKS_TOKEN", "LAKEFS_SECRET_KEY", "GITHUB_TOKEN"))}
IN_URIS = ["s3cr3t20-userinfo", "s3cr3t21-query", "s3cr3t22-signature", "s3cr3t23-profile"]


def leaks(where, text):
    return [(where, found) for found in set(re.findall(r"s3cr3t\d\d[\w-]*", text))]


def test_secrets_are_told_to_nobody(cli, tmp_path):
    cli.environment.update(SECRETS)
    found = []

    def call(*words, **more):
        done = subprocess.run([cli.program, *words], cwd=cli.folder, env={**cli.environment, **more},
                              capture_output=True, timeout=60)
        found.extend(leaks(words, done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")))
        return done

    run = call("run", "start").stdout.decode().strip()
    assert len(run) == 32
    hostile = [f"http://user:{IN_URIS[0]}@host/x", f"http://host/x?token={IN_URIS[1]}",
               f"postgresql://user:{IN_URIS[0]}@host/db", f"https://host/a?X-Amz-Signature={IN_URIS[2]}&x=1",
               f"sqlite://user:{IN_URIS[0]}@host/x.db", f"s3://key:{IN_URIS[0]}@bucket/k?AWSAccessKeyId={IN_URIS[1]}"]
    for uri in hostile:
        for name, asked in ("MLFLOW_TRACKING_URI", "run"), ("MLFLOW_REGISTRY_URI", "model"), ("MLPLAT_ARTIFACT_ROOT", "run"):
            assert call(asked, "list", **{name: uri}).returncode != 0, (name, uri)
            call("config", "show", **{name: uri})
            call("config", "show", "-o", "json", **{name: uri})
        assert call("artifact", "list", uri).returncode != 0
        assert call("artifact", "get", uri, "here").returncode != 0
        call("artifact", "put", "nothing", uri)
        call("model", "version", "create", "m", uri, run)
    profile = tmp_path / "profile.yaml"
    profile.write_text(f"profiles:\n  default:\n    tracking_uri: http://u:{IN_URIS[3]}@host\n")
    for words in (("config", "show"), ("run", "list"), ("config", "show", "-o", "yaml")):
        call(*words, MLPLAT_CONFIG=str(profile))
    profile.write_text(f"profiles:\n  default:\n    token: {IN_URIS[3]}\n    password: {IN_URIS[3]}\n")
    call("config", "show", MLPLAT_CONFIG=str(profile))
    profile.write_text(f"profiles: [token: {IN_URIS[3]}")
    call("config", "show", MLPLAT_CONFIG=str(profile))
    for words in (("metric", "log", run, "loss", "1"), ("run", "get", run), ("run", "get", run, "-o", "html"),
                  ("spool", "status"), ("store", "check"), ("export", "archive"), ("store", "backup", "copy.db")):
        call(*words)
    profile.unlink()
    for path in tmp_path.rglob("*"):
        if path.is_file():
            found += leaks(path.relative_to(tmp_path), path.read_bytes().decode("latin-1"))
    assert found == []


def test_no_secret_is_on_the_command_line_of_a_step(cli, tmp_path):
    """Nor in the files of the run: a step gets the environment of who started it, and nobody else sees that."""
    cli.environment.update(SECRETS)
    code = ("import json, os; json.dump([open(f'/proc/{p}/cmdline', errors='replace').read() for p in "
            "[os.getpid(), os.getppid()]], open(%r, 'w'))" % str(tmp_path / "seen.json"))
    (tmp_path / "p.json").write_text(json.dumps(step(tmp_path, [sys.executable, "-c", code])))
    cli("pipeline", "run", "p.json")
    assert len(json.loads((tmp_path / "seen.json").read_text())) == 2
    found = []
    for path in tmp_path.rglob("*"):
        if path.is_file():
            found += leaks(path.relative_to(tmp_path), path.read_bytes().decode("latin-1"))
    assert found == []


# ---- terminals -------------------------------------------------------------------------------------------------------

SEQUENCES = ["\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "\x85", "\x7f", "\x08", "\r", "\x1bP1$r\x1b\\", "\x90q\x9c"]
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def hostile_store(cli):
    run = cli("run", "start", "--name", "plain").strip()
    cli("metric", "log", run, "loss", "1")
    cli("param", "log", run, "p", "v")
    cli("tag", "set", run, "t", "v")
    cli("model", "create", "m")
    text = "".join(SEQUENCES)
    db = sqlite3.connect(cli.folder / "mlflow.db")
    db.execute("PRAGMA foreign_keys = OFF")
    db.execute("UPDATE runs SET name = 'run' || ?, user_id = ?, source_name = ?", (text, text, text))
    db.execute("UPDATE tags SET value = ?, key = 'k' || ? WHERE key = 't'", (text, text))
    db.execute("UPDATE params SET key = 'p' || ?, value = ?", (text, text))
    for table in ("metrics", "latest_metrics"):
        db.execute(f"UPDATE {table} SET key = 'm' || ?", (text,))
    db.execute("UPDATE experiments SET name = 'e' || ?", (text,))
    db.execute("UPDATE registered_models SET name = 'r' || ?, description = ?", (text, text))
    db.commit()
    db.close()
    return run


def test_nothing_of_a_store_reaches_a_terminal_as_a_sequence(cli):
    run = hostile_store(cli)
    words = [("run", "list"), ("run", "get", run), ("experiment", "list"), ("experiment", "get", "0"),
             ("model", "list"),
             ("model", "get", "r" + "".join(SEQUENCES)), ("artifact", "list", f"runs:/{run}"), ("store", "check"),
             ("metric", "history", run, "m" + "".join(SEQUENCES)), ("run", "get", "no" + "".join(SEQUENCES)),
             ("run", "diff", run, run), ("run", "list", "--filter", "params.`p" + "".join(SEQUENCES)),
             ("export", "out" + "".join(SEQUENCES[:3]))]
    for each in words:
        for form in ([], ["-o", "tsv"], ["-o", "json"], ["-o", "yaml"], ["-o", "html"]):
            done = subprocess.run([cli.program, *each, *form], cwd=cli.folder, env=cli.environment, capture_output=True,
                                  timeout=60)
            for stream in (done.stdout, done.stderr):
                text = stream.decode("utf-8", "strict")
                assert not OBEYED.search(text), (each, form, OBEYED.search(text), text)


def test_json_is_the_same_value_with_and_without_what_a_terminal_obeys(cli):
    run = hostile_store(cli)
    assert cli.json("run", "get", run)["info"]["run_name"] == "run" + "".join(SEQUENCES)


def test_what_is_html_or_svg_holds_no_markup_of_a_store(cli):
    marks = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'><svg onload=alert(1)>&lt;javascript:alert(1)"
    run = cli("run", "start", "--name", "plain").strip()
    for step_number in range(3):
        cli("metric", "log", run, "loss", "1", "--step", str(step_number))
    cli("tag", "set", run, "t", marks)
    cli("param", "log", run, "p", marks)
    db = sqlite3.connect(cli.folder / "mlflow.db")
    db.execute("UPDATE runs SET name = ?, user_id = ?", (marks, marks))
    db.execute("INSERT INTO latest_metrics SELECT ?, value, timestamp, step, is_nan, run_uuid FROM latest_metrics",
               (marks,))
    db.commit()
    db.close()
    pages = [cli("run", "get", run, "-o", "html"), cli("run", "list", "-o", "html"),
             cli("experiment", "get", "0", "-o", "html"), cli("metric", "plot", "loss", run, "--title", marks)]
    for page in pages:
        assert page.strip()
        assert not re.search(r"<script>alert|<img src=x|<svg onload|onerror=alert\(1\)>\"", page), page[:2000]
