"""Completion as people have it: keys typed into bash, zsh and fish, with the scripts that the program prints."""

import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import time

import pytest

import test_cli

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPTS = {"bash": "mlplat.bash", "zsh": "_mlplat", "fish": "mlplat.fish"}
# Each shell is told to print the line as it stands when Ctrl-G is typed.
START = {
    "bash": (["bash", "--norc", "--noprofile", "-i"],
             "show() { printf '\\n<%s>\\n' \"$READLINE_LINE\"; }\n"
             "bind -x '\"\\C-g\": show'; bind 'set bell-style none'\n"
             "bind 'set enable-bracketed-paste off'; source <(mlplat completion bash)\n"),
    "zsh": (["zsh", "-f", "-i"],
            "show() { print; print -r -- \"<$BUFFER>\"; }; zle -N show; bindkey '^G' show; unsetopt beep\n"
            "bindkey '^I' complete-word; autoload -Uz compinit; compinit -D -u; source <(mlplat completion zsh)\n"),
}


class Typist:
    """A shell at a terminal."""

    def __init__(self, shell, cli):
        words, start = START[shell]
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(cli.folder)
            os.execvpe(words[0], words, {**cli.environment, "TERM": "dumb", "PS1": "$ ", "HOME": str(cli.folder)})
        self.seen = ""
        os.write(self.fd, start.encode() + b"printf 're%s\\n' ady\n")
        self.wait_for("ready\r")

    def wait_for(self, pattern):
        limit = time.monotonic() + 60
        while not (found := re.search(pattern, self.seen, re.S)):
            assert select.select([self.fd], [], [], max(0, limit - time.monotonic()))[0], self.seen
            self.seen += os.read(self.fd, 65536).decode("utf-8", "replace")
        self.seen = self.seen[found.end():]
        return found.group(1) if found.groups() else ""

    def line(self, keys):
        """What stands on the line after these keys."""
        os.write(self.fd, b"\x15" + keys.encode() + b"\x07")
        return self.wait_for("\n<(.*?)>\r?\n").replace("\r", "").replace("\n", "")

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


@pytest.fixture
def store(cli):
    """A store with one of everything, the program in PATH, and what its parts are called."""
    cli.environment["PATH"] = f"{cli.program.parent}{os.pathsep}{cli.environment['PATH']}"
    run = test_cli.new_run(cli, "--experiment", "fraud detection", "--name", "first")
    cli("metric", "log", run, "val/loss", "0.5")
    test_cli.new_file(cli, "model/MLmodel", test_cli.MODEL)
    cli("artifact", "log", run, "model")
    cli("version", "create", "fraud-detector", f"runs:/{run}/model")
    cli("alias", "set", "fraud-detector", "champion", "1")
    return run


@pytest.fixture(params=sorted(START))
def typist(request, cli, store):
    if not shutil.which(request.param):
        pytest.skip(f"no {request.param} here")
    shell = Typist(request.param, cli)
    shell.name = request.param
    yield shell
    shell.close()


def test_a_tab_completes(typist, store, cli):
    (cli.folder / "pipeline.yaml").write_text("")
    blank = "\\ "
    for typed, want in [
        ("mlplat expe", "mlplat experiment "),
        ("mlplat run st", "mlplat run start "),
        ("mlplat runs des", "mlplat runs des"),  # what is understood is not yet proposed
        ("mlplat run list --fil", "mlplat run list --filter "),
        ("mlplat run list --view d", "mlplat run list --view deleted "),
        ("mlplat run list --view=d", "mlplat run list --view=deleted "),
        ("mlplat -o y", "mlplat -o yaml "),
        (f"mlplat run get {store[:5]}", f"mlplat run get {store} "),
        (f"mlplat metric history {store} v", f"mlplat metric history {store} val/loss "),
        ("mlplat experiment get fr", f"mlplat experiment get fraud{blank}detection "),
        ("mlplat model get fr", "mlplat model get fraud-detector "),
        ("mlplat version get fraud-detector @", "mlplat version get fraud-detector @champion "),
        ("mlplat alias delete fraud-detector ch", "mlplat alias delete fraud-detector champion "),
        (f"mlplat artifact list runs:/{store[:5]}", f"mlplat artifact list runs:/{store}/"),
        (f"mlplat artifact cat runs:/{store}/m", f"mlplat artifact cat runs:/{store}/model/"),
        (f"mlplat artifact cat runs:/{store}/model/ML", f"mlplat artifact cat runs:/{store}/model/MLmodel "),
        ("mlplat artifact cat models:/fr", "mlplat artifact cat models:/fraud-detector/"),
        ("mlplat artifact cat models:/fraud-detector/", "mlplat artifact cat models:/fraud-detector/1/"),
        ("mlplat pipeline run pipe", "mlplat pipeline run pipeline.yaml "),
        ("mlplat help run rest", "mlplat help run restore "),
        ("mlplat completion f", "mlplat completion fish "),
        ("mlplat --tracking-uri sqlite:///none.db run get ", "mlplat --tracking-uri sqlite:///none.db run get "),
    ]:
        line = typist.line(typed + "\t")
        assert line.rstrip() == want.rstrip(), (typist.name, typed)
    assert not (cli.folder / "none.db").exists()


def test_bash_lists_all_that_may_follow(cli, store):
    typist = Typist("bash", cli)
    try:
        verbs = {words.split()[1] for words in test_cli.table(cli) if words.startswith("run ")}
        assert set(typist.line("mlplat run \x1b*").split()[2:]) == verbs
        options = {f"--{o['option']}" for o in test_cli.table(cli)["run list"]["options"]}
        assert options < set(typist.line("mlplat run list --\x1b*").split()[3:])
    finally:
        typist.close()


def fish(cli, line):
    script = "mlplat completion fish | source; complete -C $argv[1]"
    done = subprocess.run(["fish", "--no-config", "-c", script, line], cwd=cli.folder, capture_output=True, text=True,
                          env={**cli.environment, "HOME": str(cli.folder)}, timeout=60)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return dict(line.partition("\t")[::2] for line in done.stdout.splitlines())


@pytest.mark.skipif(not shutil.which("fish"), reason="no fish here")
def test_fish_completes_and_says_what_it_is(cli, store):
    (cli.folder / "pipeline.yaml").write_text("")
    assert fish(cli, "mlplat expe") == {"experiment": "Experiments: runs that belong together"}
    assert fish(cli, "mlplat run st") == {"start": "Start a run and print its id"}
    assert fish(cli, f"mlplat run get {store[:5]}") == {store: "first"}
    assert list(fish(cli, "mlplat run list --view=d")) == ["--view=deleted"]
    assert list(fish(cli, "mlplat experiment get fr")) == ["fraud detection"]
    assert list(fish(cli, f"mlplat artifact cat runs:/{store}/m")) == [f"runs:/{store}/model/"]
    assert "pipeline.yaml" in fish(cli, "mlplat pipeline run pi")
    assert list(fish(cli, "mlplat version get 'fraud-detector' @")) == ["@champion"]


@pytest.mark.parametrize("shell", sorted(SCRIPTS))
def test_the_printed_script_is_the_one_of_the_tree(cli, shell):
    assert cli("completion", shell) == (ROOT / "tools/completion" / SCRIPTS[shell]).read_text()


def test_another_shell_is_a_wrong_call(cli):
    cli("completion", "tcsh", code=2)
    assert "bash, zsh or fish" in cli.err


def complete(cli, *words):
    done = subprocess.run([cli.program, "__complete", "zsh", *words], cwd=cli.folder, env=cli.environment,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr
    lines = done.stdout.splitlines()
    assert lines[-1] in (":files", ":folders", ":none")
    return [line.split("\t")[0] for line in lines[:-1]]


def test_every_command_and_option_of_the_table_is_offered(cli):
    for words, command in test_cli.table(cli).items():
        *group, last = words.split()
        assert last in complete(cli, *group, last)
        offered = complete(cli, *words.split(), "--")
        assert {f"--{option['option']}" for option in command["options"]} <= set(offered)
    assert not (cli.folder / "mlflow.db").exists()


def test_every_argument_of_the_table_has_candidates_or_is_known_to_have_none(cli):
    source = (ROOT / "tools/cli_complete.c").read_text()
    kinds = re.findall(r'^    \{"([A-Z_]+)",', source, flags=re.M)
    known = set(kinds)
    assert len(kinds) == len(known)  # two kinds of one name would offer both
    none = re.search(r"No candidates, as only the user knows: (.*?)\. \*/", source, re.S).group(1)
    none = set(none.replace("*", "").split())
    used = set()
    for command in test_cli.table(cli).values():
        used |= set(re.findall(r"[A-Z][A-Z_=]*", command["args"])) | {o["arg"] for o in command["options"]} - {""}
    assert used - known - none == set() and known & none == set()


def test_nothing_is_offered_out_of_a_store_that_is_not_there_or_not_one(cli):
    assert complete(cli, "run", "get", "") == [] and not (cli.folder / "mlflow.db").exists()
    (cli.folder / "mlflow.db").write_text("no database at all\n" * 1000)
    assert complete(cli, "run", "get", "") == complete(cli, "model", "get", "") == []
    assert (cli.folder / "mlflow.db").read_text().startswith("no database")


def test_values_of_every_option_that_has_a_list_are_the_allowed_ones(cli):
    assert complete(cli, "run", "list", "--view", "") == ["active", "deleted", "all"]
    assert complete(cli, "run", "end", "x", "--status", "") == ["FINISHED", "FAILED", "KILLED"]
    cli("run", "start", "--name", "shown")
    for value in complete(cli, "-o", ""):
        assert "shown" in cli("run", "list", "-o", value)
    for value in complete(cli, "--durability", ""):
        cli("config", "show", "--durability", value)
