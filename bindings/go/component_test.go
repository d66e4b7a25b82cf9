package mlplat_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	mlplat "mlplat.example/bindings/go"
)

// trainer is what this test program is when it is called as a component.
var trainer = mlplat.ComponentFunc{
	Name: "train", Description: "Fits something.",
	Inputs: []mlplat.Port{{Name: "rows", Type: "Dataset"}, {Name: "depth", Type: "Integer", Default: 6},
		{Name: "rate", Type: "Double", Default: 0.5}, {Name: "deep", Type: "Boolean", Default: false},
		{Name: "mode", Type: "String", Default: "well"}},
	Outputs: []mlplat.Port{{Name: "model", Type: "Model", Description: "what came out"}, {Name: "score", Type: "Double"}},
	Run: func(ctx ctxt, step *mlplat.Step) error {
		mode, err := step.String("mode")
		switch {
		case err != nil:
			return err
		case mode == "badly":
			return errors.New("it went badly")
		case mode == "panic":
			panic("boom")
		}
		return errors.Join(train(ctx, step), step.Output("score", 0.75),
			step.SetMetadata("model", "framework", "none"))
	},
}

func train(ctx ctxt, step *mlplat.Step) error {
	depth, err := step.Int("depth")
	rate, err2 := step.Float("rate")
	deep, err3 := step.Bool("deep")
	rows, err4 := step.InputPath("rows")
	model, err5 := step.OutputPath("model")
	run, err6 := step.Run()
	if err := errors.Join(err, err2, err3, err4, err5, err6); err != nil {
		return err
	}
	text, err := os.ReadFile(rows)
	if err != nil {
		return err
	}
	artifact, err := step.Artifact("rows")
	if err != nil || artifact.URI == "" {
		return errors.Join(err, errors.New("the rows have no URI"))
	}
	return errors.Join(run.Log(ctx, "rate", rate*float64(depth)), run.LogParam(ctx, "deep", deep),
		os.WriteFile(model, append([]byte("model of "), text...), 0o600))
}

func program(t *testing.T) *mlplat.Component {
	t.Helper()
	t.Setenv("COMPONENT", "train")
	self, err := os.Executable()
	must(t, err)
	component, err := mlplat.ProgramComponent(ctx, "", self)
	must(t, err)
	return component
}

func pipelineOf(t *testing.T, mode string) *mlplat.Pipeline {
	t.Helper()
	p, err := mlplat.NewPipeline("training", "")
	must(t, err)
	rows, err := p.Task(echo(t), "", mlplat.Inputs{"text": "rows"})
	must(t, err)
	_, err = p.Task(program(t), "", mlplat.Inputs{"rows": rows.Output("out"), "depth": 8, "mode": mode})
	must(t, err)
	return p
}

func TestAGoFunctionIsAStepOfAPipeline(t *testing.T) {
	client := open(t, mlplat.Options{})
	ir, err := pipelineOf(t, "well").Compile()
	must(t, err)
	result, err := client.RunPipeline(ctx, ir, mlplat.PipelineOptions{Root: t.TempDir()})
	must(t, err)
	task := result.Tasks[1]
	equal(t, "score", task.Outputs.Parameters["score"], any(0.75))
	model := task.Outputs.Artifacts["model"]
	equal(t, "metadata", model.Metadata["framework"], any("none"))
	text, err := os.ReadFile(strings.TrimPrefix(model.URI, "file://"))
	must(t, err)
	equal(t, "model", string(text), "model of rows")
	data, err := client.GetRun(ctx, task.RunID)
	must(t, err)
	equal(t, "rate", data.Metrics["rate"].Value, 4)
	equal(t, "deep", data.Params["deep"], "false")
	equal(t, "status", data.Status, mlplat.Finished)
}

func TestAGoFunctionThatFailsFailsItsStep(t *testing.T) {
	client := open(t, mlplat.Options{})
	for mode, why := range map[string]string{"badly": "it went badly", "panic": "panic: boom"} {
		ir, err := pipelineOf(t, mode).Compile()
		must(t, err)
		result, err := client.RunPipeline(ctx, ir, mlplat.PipelineOptions{Root: t.TempDir()})
		equal(t, mode, errors.Is(err, mlplat.ErrState), true)
		log, err := os.ReadFile(result.Tasks[1].Log)
		must(t, err)
		if !strings.Contains(string(log), why) {
			t.Errorf("%s: the log says %q", mode, log)
		}
	}
}

func TestAComponentTellsItsSpecification(t *testing.T) {
	component := program(t)
	spec, err := component.Spec()
	must(t, err)
	for _, word := range []string{`"train"`, `"rows"`, `"system.Dataset"`, `"score"`} {
		if !strings.Contains(string(spec), word) {
			t.Errorf("%s is not in %s", word, spec)
		}
	}
	yaml, err := mlplat.JSONToYAML(spec)
	must(t, err)
	_, err = mlplat.LoadComponent(yaml)
	must(t, err)
}

func TestAComponentIsRunByHand(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("MLPLAT_TRACKING_URI", store(folder))
	rows, model := filepath.Join(folder, "rows"), filepath.Join(folder, "model")
	must(t, os.WriteFile(rows, []byte("rows"), 0o600))
	arguments := []string{"train", "--rows", rows, "--model", model}
	equal(t, "well", trainer.Main(ctx, arguments), 0)
	_, err := os.Stat(model)
	must(t, err)
	equal(t, "badly", trainer.Main(ctx, append(arguments, "--mode", "badly")), 1)
	equal(t, "a wrong call", trainer.Main(ctx, []string{"train", "--nothing"}), 2)
	wrong := trainer
	wrong.Inputs = []mlplat.Port{{Name: "x", Type: "Integer", Default: func() {}}}
	equal(t, "a wrong default", wrong.Main(ctx, arguments), 2)
}
