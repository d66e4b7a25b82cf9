"""Writes the first inputs of each fuzz target into corpus/<target>/: python3 tests/fuzz/seeds.py

What libFuzzer found beside them, minimised, lies there too (`run.py --minimise`), and so does each input that once was a
finding, under the name of what was wrong.
"""

import hashlib
import json
import pathlib

CORPUS = pathlib.Path(__file__).parent / "corpus"
HEX = "0123456789abcdef" * 2

URIS = ["sqlite:///mlflow.db", "sqlite:////data/mlflow.db", "file:///a/b%20c", "file:/a", "file://localhost/a", "/a/../b",
        "a//b/./c", "http://host:5000/path?query#part", "http://user:password@host/", "postgresql://u:p@h/db",
        "s3://bucket/key", "mlflow-artifacts:/a", "models:/name/3", "models:/name@champion/path", "models:/name/latest",
        "models:/m-" + HEX, "models:/m-" + HEX + "/model.pkl", "runs:/" + HEX + "/model", "c:\\x", "file:///a%00", "x:y",
        "sqlite:///:memory:", "file:///a?b", "FILE:///A", "models:///x", "dvc://a@b", "\xe4.db"]

FILTERS = [(0, "metrics.loss < 0.5 AND params.depth = '6'", "metrics.loss DESC, params.`a,b`, start_time ASC"),
           (0, "tags.`git branch` LIKE 'a%' AND tags.team IS NOT NULL", "start_time"),
           (0, "run_id NOT IN ('a', \"b\", 'c' 'd', 'e\\'f\\x41\\u00e4')", "attributes.end_time DESC"),
           (0, "attributes.status != 'FINISHED' and start_time >= -12.5e-3", ""),
           (0, "datasets.context IN ('train') metrics.\"a/b\" = .5", "tags.x"),
           (0, "metrics.x = 1e999 AND params.y ILIKE 'Z'", "metric.a, metric.b"),
           (1, "name ILIKE 'it''s' AND last_update_time > 5", "name DESC, experiment_id"),
           (1, "tags.a = 'b'", "creation_time"),
           (2, "metrics.\xe4.\u65e5 > 1 AND params.1st = 'x\\'", "metrics.accuracy DESC"),
           (2, "name = 'm' AND status = 'READY' AND source_run_id IN ('1','2')", "creation_timestamp DESC"),
           (3, "name LIKE '%a' AND tags.k = 'v'", "timestamp, name DESC"), (3, "tags.k IS NULL", "name"),
           (4, "name='a' AND version_number > '3' AND run_id IN ('1', '2')", "version_number DESC, name"),
           (4, "source_path = '/a' AND tag.k != 'v'", "creation_timestamp")]

JSONS = ["null", "true", "0", "-1", "1.5e300", "9223372036854775807", "\"\"", "\"a\\u0001\\n\\ud83d\\ude00\"", "[]", "{}",
         "[1,[2,[3,{\"a\":null}]]]", "{\"a.b\":{\"`\":[true,false]},\"\":1}", "[" * 64 + "]" * 64, "[" * 65 + "]" * 65,
         "{\"a\":1,\"a\":2}", "\"NaN\"", "[1e308,-0.0,0.1,1e-320]", "\"\x7f\u2028\"", "[1e400]", "{\"k\":\"-Infinity\"}", '"true"', r'{"\\\"":"\\n\/"}']

# Where readers of JSON differ: numbers' ends, halves of characters, bytes that are no text, ends, blanks.
DOUBTS = [b"-0", b"01", b"1.", b".5", b"1e", b"1E+5", b"-", b"0e-0", b"9223372036854775808", b"-9223372036854775808", b"1e-400", b"-1e999",
          rb'"\ud83d"', rb'"\ude00"', rb'"\ud83d\u0041"', rb'"\u0000"', rb'{"\u0000":1}', rb'"\x"', b'"\xc3\xa4\xed\xa0\x80"', b'"\xc0\x80"',
          b'"\xf4\x90\x80\x80"', b'"\xf0\x9f\x98\x80"', b'"a\tb"', b'"', b"", b" \t\r\n[ ] ", b"\xef\xbb\xbf1", b"1\0", b"[1,]", b"{,}", b'{"a" 1}',
          b"truex", b"nul", b"[1 2]", b"1 2", b'{"a":1,"b":2,"a":{"a":1}}', b"\x0b1"]

YAMLS = ["a: 1\nb: [x, 'y', \"z\\n\"]\nc:\n  - d: ~\n  - e: |\n      text\n        more\n", "--- 1\n--- 2\n", "- 0x1f\n- 0o17\n- .inf\n- .nan\n",
         "a: &x 1\nb: *x\n", "!!str 1\n", "<<: {a: 1}\n", "a: 1\na: 2\n", "? [a]\n: 1\n", "x: 99999999999999999999\n", "- - - a\n",
         "'': ''\n", "a: >-\n  folded\n  text\n", "\"\\u263a\\x41\\e\": 1\n", "{a: {b: [1, 2, {c: d}]}}\n", "%YAML 1.1\n---\na\n...\n",
         "key: 'it''s'\n# comment\n", "yes: no\non: off\n", "1.0: 1e5\n", "\ufeffa: 1\n", "[" * 65 + "]" * 65]

NAMES = ["f", "d/f", "d/d/f", "d", "out", "up/f", "d/l", "etc/passwd", "../f", "d/../f", "/etc/passwd", "a\\b", "c:f", "%2e%2e", "%2e%2e/f",
         "%252e%252e/f", "d%2ff", "d%2f..%2ff", "..f", ".", "", "d//f", "a\nb", "a%00b", "%c3%a4", "\xe4", "n" * 256, "d/" * 20 + "f", "%", "%4"]

TEMPLATES = [("Hello {{ name }}!", "{\"temperature\":0.5,\"max_tokens\":7,\"x\":[1]}"), ("{{a}}{{ b.c }}{{{d}}}", "{}"), ("{{", "[]"),
             ("{% if x %}{{ x }}{% endif %}", "null"), ("{{ a b }} {{1a}} {{a.}}", "{\"top_p\":1,\"stop_sequences\":[\"a\"]}"),
             ("{{\u00a0x\u2003}}", "[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"a\",\"content\":[{\"type\":\"text\"}]}]"),
             ("{{x}} {{x}} {{y}}", "{\"max_tokens\":1e15,\"top_k\":2.0}")]

TOKENS = ["eyJvZmZzZXQiOiAzfQ==", "eyJvZmZzZXQiOiA5MjIzMzcyMDM2ODU0Nzc1ODA3fQ==", "eyJvZmZzZXQiOiAwfQ", "e30=", "bnVsbA==", "====", "+/+/", ""]

WORDS = ["{{$}}", "{{$.inputs.parameters['n']}}-{{$.inputs.parameters[\"s\"]}}", "{{$.inputs.artifacts['a'].path}}",
         "{{$.inputs.artifacts['a'].uri}}{{$.inputs.artifacts['a'].metadata['k']}}", "{{$.outputs.parameters['p'].output_file}}",
         "{{$.outputs.artifacts['o'].path}}", "{{$.outputs.output_file}}", "{{$.pipeline_job_name}}{{$.pipeline_root}}",
         "{\"IfPresent\":{\"InputName\":\"n\",\"Then\":[\"--n\",\"{{$.inputs.parameters['n']}}\"],\"Else\":[]}}",
         "{\"Concat\":[\"a\",\"{{$.inputs.parameters['l']}}\",{\"IfPresent\":{\"InputName\":\"q\",\"Then\":\"x\",\"Else\":\"y\"}}]}",
         "{{$.inputs.parameters['none']}}", "{{$.inputs.parameters['x']}}", "{{$.inputs.artifacts['b'].path}}", "{{$", "{{$.", "}}"]

COMPONENT = {"executorLabel": "e", "inputDefinitions": {"parameters": {"x": {"parameterType": "NUMBER_INTEGER", "defaultValue": 1.0}}},
             "outputDefinitions": {"artifacts": {"o": {"artifactType": {"schemaTitle": "system.Dataset", "schemaVersion": "0.0.1"}}}}}
USER = {"executorLabel": "e", "inputDefinitions": {"artifacts": {"i": {"artifactType": {"schemaTitle": "system.Dataset"}}}}}
IR = {"pipelineInfo": {"name": "p"}, "schemaVersion": "2.1.0", "sdkVersion": "kfp-2.0.0", "components": {"c": COMPONENT, "d": USER},
      "deploymentSpec": {"executors": {"e": {"container": {"image": "i", "command": ["c", "{{$.outputs.artifacts['o'].path}}"]}}}},
      "root": {"inputDefinitions": {"parameters": {"n": {"parameterType": "NUMBER_INTEGER", "defaultValue": 2}}}, "dag": {"tasks": {
          "a": {"taskInfo": {"name": "a"}, "componentRef": {"name": "c"}, "inputs": {"parameters": {"x": {"componentInputParameter": "n"}}}},
          "b": {"taskInfo": {"name": "b"}, "componentRef": {"name": "d"}, "dependentTasks": ["a"], "inputs": {"artifacts": {"i": {
              "taskOutputArtifact": {"producerTask": "a", "outputArtifactKey": "o"}}}}}}}}}
SINGLE = {"pipelineInfo": {"name": "c"}, "schemaVersion": "2.1.0", "components": {"c": COMPONENT},
          "deploymentSpec": {"executors": {"e": {"container": {"image": "i", "command": ["c"], "env": [{"name": "A", "value": "b"}]}}}},
          "root": {"dag": {"tasks": {"c": {"taskInfo": {"name": "c"}, "componentRef": {"name": "c"}, "inputs": {"parameters": {"x": {
              "runtimeValue": {"constant": 3}}}}}}}}}

OUTPUTS = {"outputFile": "/o", "artifacts": {"data": {"artifacts": [{"name": "data", "uri": "/d", "metadata": {}}]}}}
EXECUTOR_INPUTS = [{"inputs": {"parameterValues": {"i": 3}}, "outputs": OUTPUTS},
                   {"inputs": {"parameterValues": {"i": 3.0, "d": 7, "s": "t", "b": True, "l": [1, [2]], "m": {"a": None}}}, "outputs": OUTPUTS},
                   {"inputs": {"parameterValues": {"i": 2**53, "d": "NaN"}}, "outputs": OUTPUTS}, {"outputs": OUTPUTS}, {"outputs": {}}]
ARGUMENTS = [("--i", "3"), ("--i=-1", "--d", "1e3", "--b", "true"), ("--l=[1]", "--m", "{}", "--i", "1", "--data", "/x"), ("--help",),
             ("--component-spec",), ("-h",), ("--i",), ("--", "x"), ("--rows", "1"), ("--executor_input", "{}")]

SIGNATURE = {"inputs": [{"name": "x", "type": "double"}], "outputs": [{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1]}}],
             "params": [{"name": "p", "type": "float", "default": 0.5}]}
MODELS = [(json.dumps(SIGNATURE), "{\"columns\":[\"x\"],\"data\":[[1.5],[null]],\"index\":[0,1]}", "{\"sklearn\":{\"code\":null}}", "{\"a\":1}",
           "mlflow.sklearn", "3.11.2", "numpy==1\n# no\n scikit-learn \r\n"), ("", "[[1,2],[3,4]]", "{\"python_function\":{\"x\":[]}}"),
          ("{\"inputs\":[{\"type\":\"any\"}]}", "{\"a\":\"b\"}", "", "{}", "my.module", "3", ""), ("", "", "", "", ".a", "3.", "\n")]

PROFILES = ["profiles:\n  default:\n    tracking_uri: sqlite:////a.db\n  p:\n    durability: disk\n    truncate_long_values: no\n",
            "profiles: {p: {artifact_root: /a, experiment_id: 3, truncate_long_values: true}}", "profiles: {default: null}", "", "[]",
            "profiles: {p: {unknown: x}}", "profiles: {p: {spool: [a]}}", "profiles: {default: {truncate_long_values: '0', registry_uri: x}}"]

# See journal_story.h: a kind (3: the bytes as they are); lane and boot, stale frames, records with how and shape, damages.
STORIES = [[0, 1, 0, 3, 0, 0, 0, 129, 0, 64, 0], [0, 2, 4, 5, 3, 200, 2, 1, 1, 65, 1, 66, 0, 7, 1, 2, 0, 160, 9],
           [0, 6, 2, 2, 2, 255, 2, 3, 2, 0, 1, 0, 1, 0, 192], [0, 5, 5, 16] + [0, 190] * 16 + [3, 6, 1, 9, 255, 1, 2, 3, 4, 3, 0, 1, 90],
           [0, 0, 3, 1, 1, 1, 0], [0, 1, 0, 0, 1, 10, 0, 3, 1, 2, 3], [3] + list(b"MLPS") + [1, 0, 1, 0] + [0] * 120]

# Changes of a store file: reads only or not; page, offset in two bytes, length, bytes.
CHANGES = [b"\1", b"\0", b"\1\0\0\0\4SQLx", b"\1\0\0\x10\2\x80\0", b"\1\0\0\x1c\4\0\0\0\1", b"\1\1\0\0\2\5\0", b"\0\0\1\0\xff",
           b"\1\2\0\3\3\xff\xff\xff\4\0\5\1\x0d", b"\1\0\0\x64\7\x0d\0\0\0\0\0\0"]


def lines(*rows):
    return b"\2" + "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows).encode()


EXPERIMENT = {"table": "experiments", "name": "e", "lifecycle_stage": "active", "creation_time": 1, "last_update_time": 2,
              "artifact_location": "/a"}
RUN = {"table": "runs", "run_uuid": HEX, "experiment": "e", "name": "r", "status": "FINISHED", "start_time": 1, "end_time": 2,
       "lifecycle_stage": "active", "artifact_uri": "/a/b", "user_id": "u", "source_type": "LOCAL"}
ARCHIVES = [lines(), lines(EXPERIMENT), lines(EXPERIMENT, RUN), lines(RUN), lines(RUN, EXPERIMENT),
            lines(EXPERIMENT, RUN, {"table": "params", "run_uuid": HEX, "key": "k", "value": "v"},
                  {"table": "metrics", "run_uuid": HEX, "key": "m", "points": [[1, 0, 0.5], [2, 1, "NaN"]]},
                  {"table": "latest_metrics", "run_uuid": HEX, "key": "m", "value": 0.0, "timestamp": 2, "step": 1, "is_nan": True}),
            lines(EXPERIMENT, {"table": "experiment_tags", "experiment": "e", "key": "k", "value": "v"},
                  {"table": "datasets", "experiment": "e", "name": "d", "digest": "1", "dataset_source_type": "t", "dataset_source": "s"}),
            lines({"table": "registered_models", "name": "m", "creation_time": 1},
                  {"table": "model_versions", "name": "m", "version": 1, "source": "/x", "current_stage": "None"}),
            b"\1" + json.dumps({"format": "mlplat-archive", "version": 1, "artifacts": False, "counts": {}, "files": []}).encode(),
            b"\0\x28\xb5\x2f\xfd\x20\x00\x01\x00\x00", b"\0\x28\xb5\x2f\xfd\x60\xff\xff\x01\x00\x00", lines({"table": "x"}, []), b"\2{}"]
HTTP = [(0, "[mlflow]\nmlflow_tracking_username = ann\nmlflow_tracking_password: p%%w\n  more\n"), (0, "[DEFAULT]\nMLFLOW_TRACKING_PASSWORD=w\n[mlflow]\nx=v"),
        (0, "; c\n[mlflow]\r\nmlflow_tracking_password = %(x)s\n"), (0, "[mlflow]\nhunter2-is-secret\n"),
        (1, "120"), (1, "Sun, 06 Nov 1994 08:49:37 GMT"), (1, "Sunday, 06-Nov-94 08:49:37 GMT"), (1, "Sun Nov  6 08:49:37 1994"),
        (2, "/x?y=1#z"), (2, "../d"), (2, "https://host:8443/q"), (2, "//host:8443?a"), (2, "http://other/"), (2, "https://u:p@host:8443/"),
        (3, "HTTP/1.1 200 OK\nContent-Type: text/html\nX: \t y \nLocation: /\n\n<!doctype html><title>Sign in\n</title>"),
        (3, "HTTP/2 404 \n:\nno colon\n\n <html>type=password"), (4, "https://host"), (4, "http://[::1]:5000/a?b#c"), (4, "HTTP://H:0/"), (4, "http://h\\@evil")]

TABLES = ["experiments", "experiment_tags", "datasets", "runs", "params", "tags", "metrics", "latest_metrics", "inputs", "logged_models",
          "logged_model_params", "logged_model_tags", "logged_model_metrics", "registered_models", "registered_model_tags",
          "model_versions", "model_version_tags", "registered_model_aliases", "artifacts"]
MANIFEST = {"format": "mlplat-archive", "version": 1, "artifacts": False, "counts": {table: 0 for table in TABLES}, "files": [
    {"name": "data.jsonl.zst", "size": 0, "raw_size": 0, "sha256": hashlib.sha256(b"").hexdigest()}]}


def texts(*parts):
    """Texts with a NUL between them."""
    return "\0".join(parts).encode()


def write(target, inputs):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(inputs):
        (folder / f"seed-{number:02}").write_bytes(data)


def main():
    write("uri", map(texts, URIS))
    write("search", (bytes([language]) + texts(*rest) for language, *rest in FILTERS))
    write("doc", (texts(path, text) for path in ("", "a[0].`b.c`", "[1][1][1].a") for text in JSONS))
    write("json", (bytes([kind, 255, 255]) + text for kind, text in enumerate([*map(texts, JSONS), *DOUBTS])))
    write("yaml", map(texts, YAMLS + JSONS))
    write("name", (bytes([flags]) + texts(name) for name in NAMES for flags in (0, 1)))
    write("template", (texts(*pair) for pair in TEMPLATES))
    write("journal", (bytes(story) for story in STORIES))
    write("replay", (bytes([mark]) + bytes(story[1:]) * times for story in STORIES[:-1] for mark, times in ((0, 1), (2, 3))))
    write("store", CHANGES)
    write("archive", ARCHIVES)
    write("manifest", ARCHIVES + [b"\1" + json.dumps(MANIFEST).encode()])
    write("page", map(texts, TOKENS))
    write("placeholder", map(texts, WORDS))
    write("ir", (texts(json.dumps(ir)) for ir in (IR, SINGLE)))
    write("step", [b"\0" + texts(json.dumps(one)) for one in EXECUTOR_INPUTS] + [b"\1" + texts(*words) for words in ARGUMENTS])
    write("mlmodel", (texts(*model) for model in MODELS))
    write("http", (bytes([kind]) + texts(text) for kind, text in HTTP))
    write("config", (bytes([one]) + texts(text) for text in PROFILES for one in (0, 1)))


if __name__ == "__main__":
    main()
