package mlplat_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	mlplat "mlplat.example/bindings/go"
)

// echo writes its text to its output.
func echo(t *testing.T) *mlplat.Component {
	t.Helper()
	component, err := mlplat.ContainerComponent("echo", "busybox", "sh", "-c", `printf %s "$1" > "$2"`, "echo",
		"{{$.inputs.parameters['text']}}", "{{$.outputs.artifacts['out'].path}}")
	must(t, err)
	must(t, component.Input("text", "String"))
	must(t, component.Output("out", "Dataset"))
	return component
}

// diamond joins what two tasks wrote.
func diamond(t *testing.T) *mlplat.Pipeline {
	t.Helper()
	join, err := mlplat.ContainerComponent("join", "busybox", "sh", "-c", `cat "$1" "$2" > "$3"`, "join",
		"{{$.inputs.artifacts['a'].path}}", "{{$.inputs.artifacts['b'].path}}", "{{$.outputs.artifacts['out'].path}}")
	must(t, err)
	must(t, join.Input("a", "Dataset"))
	must(t, join.Input("b", "Dataset"))
	must(t, join.Output("out", "Dataset"))
	p, err := mlplat.NewPipeline("diamond", "two into one")
	must(t, err)
	word, err := p.Input("word", "String", "hello")
	must(t, err)
	one, err := p.Task(echo(t), "", mlplat.Inputs{"text": word})
	must(t, err)
	two, err := p.Task(echo(t), "second", mlplat.Inputs{"text": " world"})
	must(t, err)
	must(t, two.After(one))
	_, err = p.Task(join, "", mlplat.Inputs{"a": one.Output("out"), "b": two.Output("out")})
	must(t, err)
	equal(t, "name", two.Name(), "second")
	return p
}

func TestAPipelineRunsAndIsTracked(t *testing.T) {
	client := open(t, mlplat.Options{})
	p := diamond(t)
	runtime.GC() // the components are gone
	ir, err := p.Compile()
	must(t, err)
	var done, total uint64
	watched := mlplat.WithProgress(ctx, func(d, t uint64) { done, total = d, t })
	result, err := client.RunPipeline(watched, ir, mlplat.PipelineOptions{Params: map[string]any{"word": "bye"},
		Root: t.TempDir(), Experiment: "pipes", RunName: "first", Workers: 2})
	must(t, err)
	equal(t, "state", result.State, "SUCCEEDED")
	equal(t, "progress", fmt.Sprint(done, total), "3 3")
	parent, err := client.GetRun(ctx, result.RunID)
	must(t, err)
	equal(t, "run", parent.Name, "first")
	for _, task := range result.Tasks {
		child, err := client.GetRun(ctx, task.RunID)
		must(t, err)
		equal(t, "parent", child.Tags["mlflow.parentRunId"], parent.ID)
	}
	last := result.Tasks[len(result.Tasks)-1]
	text, err := os.ReadFile(strings.TrimPrefix(last.Outputs.Artifacts["out"].URI, "file://"))
	must(t, err)
	equal(t, "joined", string(text), "bye world")
}

func TestWhatIsCompiledIsKFPs(t *testing.T) {
	p := diamond(t)
	ir, err := p.Compile()
	must(t, err)
	must(t, mlplat.ValidatePipeline(ir))
	yaml, err := p.YAML()
	must(t, err)
	again, err := mlplat.YAMLToJSON(yaml)
	must(t, err)
	equal(t, "through YAML", string(again), string(ir))
	err = mlplat.ValidatePipeline(json.RawMessage(`{"root": 5}`))
	equal(t, "invalid", errors.Is(err, mlplat.ErrInvalid), true)
	err = mlplat.ValidatePipeline(json.RawMessage(`{`))
	equal(t, "no JSON", errors.Is(err, mlplat.ErrInvalid), true)
}

func TestErrorsComeFromTheCallThatMakesThem(t *testing.T) {
	p, err := mlplat.NewPipeline("wrong", "")
	must(t, err)
	one, err := p.Task(echo(t), "", nil)
	must(t, err)
	for what, err := range map[string]error{
		"no such input": one.Set("nothing", 1), "type": one.Set("text", 5), "cycle": one.After(one),
		"no such output":         one.Set("text", one.Output("nothing")),
		"no such pipeline input": one.Set("text", mlplat.PipelineInput{}),
	} {
		if !errors.Is(err, mlplat.ErrInvalid) && !errors.Is(err, mlplat.ErrNotFound) {
			t.Errorf("%s: got %v", what, err)
		}
	}
	_, err = p.Compile()
	equal(t, "an input without a value", errors.Is(err, mlplat.ErrInvalid), true)
	_, err = mlplat.NewPipeline("No Name", "")
	equal(t, "name", errors.Is(err, mlplat.ErrInvalid), true)
	_, err = mlplat.ProgramComponent(ctx, "", "no-such-program")
	equal(t, "program", errors.Is(err, mlplat.ErrNotFound), true)
	var none *mlplat.Pipeline
	_, err = none.Task(echo(t), "", nil)
	equal(t, "nil", errors.Is(err, mlplat.ErrState), true)
}

func shell(t *testing.T, script string) json.RawMessage {
	t.Helper()
	component, err := mlplat.ContainerComponent("shell", "busybox", "sh", "-c", script)
	must(t, err)
	must(t, component.Env("GREETING", "hello"))
	p, err := mlplat.NewPipeline("shell", "")
	must(t, err)
	_, err = p.Task(component, "", nil)
	must(t, err)
	ir, err := p.Compile()
	must(t, err)
	return ir
}

func TestAFailedTaskComesWithItsResult(t *testing.T) {
	client := open(t, mlplat.Options{})
	result, err := client.RunPipeline(ctx, shell(t, `test "$GREETING" = hello && exit 3`),
		mlplat.PipelineOptions{Root: t.TempDir()})
	equal(t, "is ErrState", errors.Is(err, mlplat.ErrState), true)
	equal(t, "state", result.State, "FAILED")
	equal(t, "exit code", result.Tasks[0].ExitCode, 3)
}

func TestACancelledPipelineEndsItsTasks(t *testing.T) {
	client := open(t, mlplat.Options{})
	soon, cancel := withTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	begun := time.Now()
	result, err := client.RunPipeline(soon, shell(t, "sleep 60"), mlplat.PipelineOptions{Root: t.TempDir()})
	equal(t, "is ErrCancelled", errors.Is(err, mlplat.ErrCancelled), true)
	equal(t, "is DeadlineExceeded", errors.Is(err, soon.Err()), true)
	equal(t, "state", result.State, "CANCELED")
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
}
