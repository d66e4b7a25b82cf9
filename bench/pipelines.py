"""Pipelines side by side: libmlplat and kfp compile the same long chain and run the same short one.

    python bench/pipelines.py [--build build/release] [--tasks 1000] [--steps 20]

kfp's rows need `kfp` in this interpreter. Its local runner takes Python components only, so its steps are Python
functions that do nothing; ours are `true`. Ours are tracked (a run per step, its log as an artifact), kfp's leave no
record.
"""

import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]

KFP = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
from kfp import compiler, dsl, local
folder, tasks, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

@dsl.container_component
def link(next: dsl.OutputPath(int), n: int = 0):
    return dsl.ContainerSpec(image="alpine", command=["link"], args=[n, next])

@dsl.component(base_image="python:3.11")
def step(n: int) -> int:
    return n

def chain(component, count):
    @dsl.pipeline(name="chain")
    def pipeline():
        last = component(n=0)
        for _ in range(count - 1):
            last = component(n=last.outputs["next"] if component is link else last.output)
    return pipeline

cpu = time.process_time()
pipeline = chain(link, tasks)
compiler.Compiler().compile(pipeline, folder + "/chain.yaml")
out = {"compile_cpu_ms": (time.process_time() - cpu) * 1e3}
local.init(runner=local.SubprocessRunner(use_venv=False), pipeline_root=folder)
wall = time.perf_counter()
chain(step, steps)()
out["run_wall_ms"] = (time.perf_counter() - wall) * 1e3
print("\\n" + json.dumps(out))
"""


def children_cpu():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (usage.ru_utime + usage.ru_stime) * 1e3


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--build", default=str(ROOT / "build" / "release"))
    options.add_argument("--tasks", type=int, default=1000)
    options.add_argument("--steps", type=int, default=20)
    o = options.parse_args()
    program = pathlib.Path(o.build) / "bench" / "bench_pipelines"
    if not program.exists():
        sys.exit(f"{program} is not built; give the build folder with --build")
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("MLPLAT_", "MLFLOW_"))}
    clean["PATH"] = os.path.dirname(sys.executable) + os.pathsep + clean["PATH"]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([str(program), folder, str(o.tasks), str(o.steps)], check=True,
                              capture_output=True, env=clean)
        ours = json.loads(done.stdout)
    with tempfile.TemporaryDirectory() as folder:
        before = children_cpu()
        script = pathlib.Path(folder) / "chain.py"  # kfp reads the source of its components
        script.write_text(KFP)
        done = subprocess.run([sys.executable, str(script), folder, str(o.tasks), str(o.steps)],
                              capture_output=True, text=True, env=clean, cwd=folder)
        whole = children_cpu() - before
    compile_ = ours["compile"]
    writing = compile_["define_cpu_ms"] + compile_["ir_cpu_ms"] + compile_["yaml_cpu_ms"]
    run = min((ours[k] for k in ours if k.startswith("run")), key=lambda r: r["wall_ms"])
    print(f"mlplat  compile {o.tasks} tasks to YAML: {writing:8.1f} ms CPU   run {o.steps} steps: "
          f"{run['wall_ms']:8.1f} ms wall, {run['cpu_ms']:.1f} ms CPU   peak {ours['rss_kib'] / 1024:.1f} MiB")
    if done.returncode != 0:
        sys.exit("kfp: " + (done.stderr.strip().splitlines() or ["it failed"])[-1])
    theirs = json.loads(done.stdout.strip().splitlines()[-1])
    print(f"kfp     compile {o.tasks} tasks to YAML: {theirs['compile_cpu_ms']:8.1f} ms CPU   run {o.steps} steps: "
          f"{theirs['run_wall_ms']:8.1f} ms wall   whole process {whole:.0f} ms CPU")


if __name__ == "__main__":
    main()
