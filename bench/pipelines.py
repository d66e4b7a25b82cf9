"""Pipelines side by side: libmlplat and kfp compile the same long chain and run the same short one.

    python bench/pipelines.py [--build build/release] [--tasks 1000] [--steps 20]

kfp's rows need `kfp` in this interpreter. Its local runner takes Python components only, so its steps are Python
functions; ours are a C program. Both do nothing but tell the time: the start of a step is what lies between the end of
one and the beginning of the next. Ours are tracked (a run per step, its log as an artifact), kfp's leave no record.
"""

import argparse
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
RUNS = ("run0", "run1", "run2")

KFP = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
from kfp import compiler, dsl, local
folder, tasks, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

@dsl.container_component
def link(next: dsl.OutputPath(int), n: int = 0):
    return dsl.ContainerSpec(image="alpine", command=["link"], args=[n, next])

@dsl.component(base_image="python:3.11")
def step(file: str, n: int) -> int:
    import time
    begin = time.monotonic()
    with open(file, "a") as stamps:
        stamps.write(f"{begin * 1e3} {time.monotonic() * 1e3}\\n")
    return n

def chain(component, count):
    @dsl.pipeline(name="chain")
    def pipeline():
        words = {} if component is link else {"file": folder + "/stamps"}
        last = component(n=0, **words)
        for _ in range(count - 1):
            last = component(n=last.outputs["next"] if component is link else last.output, **words)
    return pipeline

cpu = time.process_time()
pipeline = chain(link, tasks)
compiler.Compiler().compile(pipeline, folder + "/chain.yaml")
out = {"compile_cpu_ms": (time.process_time() - cpu) * 1e3}
local.init(runner=local.SubprocessRunner(use_venv=False), pipeline_root=folder)
wall = time.perf_counter()
chain(step, steps)()
out["run_wall_ms"] = (time.perf_counter() - wall) * 1e3
stamps = [tuple(map(float, line.split())) for line in open(folder + "/stamps")]
out["start_ms"] = sorted(begin - end for (_, end), (begin, _) in zip(stamps, stamps[1:]))
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
    run = min((ours[k] for k in RUNS), key=lambda r: r["wall_ms"])
    print(f"mlplat  compile {o.tasks} tasks to YAML: {writing:8.1f} ms CPU   run {o.steps} steps: "
          f"{run['wall_ms']:8.1f} ms wall, {run['cpu_ms']:.1f} ms CPU   peak {ours['rss_kib'] / 1024:.1f} MiB")
    if done.returncode != 0:
        sys.exit("kfp: " + (done.stderr.strip().splitlines() or ["it failed"])[-1])
    theirs = json.loads(done.stdout.strip().splitlines()[-1])
    starts = theirs["start_ms"]
    print(f"kfp     compile {o.tasks} tasks to YAML: {theirs['compile_cpu_ms']:8.1f} ms CPU   run {o.steps} steps: "
          f"{theirs['run_wall_ms']:8.1f} ms wall   whole process {whole:.0f} ms CPU")
    ours_start, kfp_start = statistics.median(ours[k]["start_ms"]["median"] for k in RUNS), starts[len(starts) // 2]
    print(f"start of a step: mlplat {ours_start:.2f} ms of the wall, longest "
          f"{max(ours[k]['start_ms']['longest'] for k in RUNS):.2f}; kfp {kfp_start:.0f}, longest {starts[-1]:.0f}: "
          f"{kfp_start / ours_start:.0f} times")


if __name__ == "__main__":
    main()
