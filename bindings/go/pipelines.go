package mlplat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"
	"unsafe"

	"mlplat.example/bindings/go/internal/raw"
)

// ---- components ----------------------------------------------------------------------------------------------------

// Component is what runs, and its typed inputs and outputs. Types are "Integer", "Double", "String", "Boolean", "List",
// "Struct", or an artifact's: "Dataset", "Model", "Metrics", "Artifact". One goroutine at a time.
type Component struct {
	h *handle
}

func newComponent(ctx context.Context, fn func(out *unsafe.Pointer, call *raw.Call) int) (*Component, error) {
	var out unsafe.Pointer
	if err := do(ctx, nil, func(call *raw.Call) int { return fn(&out, call) }); err != nil {
		return nil, err
	}
	c := &Component{newHandle("component", out, raw.Component_free)}
	runtime.AddCleanup(c, func(h *handle) { h.close(nil) }, c.h)
	return c, nil
}

// ContainerComponent makes a component of a container's command with KFP's placeholders:
// "{{$.inputs.parameters['x']}}", "{{$.outputs.artifacts['model'].path}}". The local runner runs the command on this
// host (mlplat_component_container).
func ContainerComponent(name, image string, command ...string) (*Component, error) {
	return newComponent(context.Background(), func(out *unsafe.Pointer, call *raw.Call) int {
		return raw.Component_container(name, image, raw.Words(command...), out, call)
	})
}

// ProgramComponent makes a component of a program that calls ComponentMain, or its like in C or Python: it runs
// `program --component-spec` and takes what that prints (mlplat_component_program). image: "": to run on this host;
// else the container image that holds it.
func ProgramComponent(ctx context.Context, image string, program ...string) (*Component, error) {
	return newComponent(ctx, func(out *unsafe.Pointer, call *raw.Call) int {
		return raw.Component_program(raw.Words(program...), image, out, call)
	})
}

// LoadComponent makes a component of the text of its specification, KFP component YAML (mlplat_component_load).
func LoadComponent(yaml string) (*Component, error) {
	return newComponent(context.Background(), func(out *unsafe.Pointer, call *raw.Call) int {
		return raw.Component_load(yaml, out, call)
	})
}

func (c *Component) handle() *handle {
	if c == nil {
		return nil
	}
	return c.h
}

func (c *Component) do(fn func(p unsafe.Pointer, call *raw.Call) int) error {
	return c.handle().do(context.Background(), c, fn)
}

// Input adds an input (mlplat_component_input). A default makes a parameter optional.
func (c *Component) Input(name, kind string, defaultValue ...any) error {
	value, err := defaultText(name, defaultValue)
	if err != nil {
		return err
	}
	return c.do(func(p unsafe.Pointer, call *raw.Call) int { return raw.Component_input(p, name, kind, value, call) })
}

func defaultText(name string, value []any) (string, error) {
	switch len(value) {
	case 0:
		return "", nil
	case 1:
		text, err := json.Marshal(value[0])
		if err != nil {
			return "", invalid("the default of " + name + " is no JSON: " + err.Error())
		}
		return string(text), nil
	}
	return "", invalid(name + " has one default, or none")
}

// Output adds an output (mlplat_component_output).
func (c *Component) Output(name, kind string) error {
	return c.do(func(p unsafe.Pointer, call *raw.Call) int { return raw.Component_output(p, name, kind, call) })
}

// Env sets an environment variable of the component's container (mlplat_component_env).
func (c *Component) Env(name, value string) error {
	return c.do(func(p unsafe.Pointer, call *raw.Call) int { return raw.Component_env(p, name, value, call) })
}

// Spec gives the component's own specification as JSON (mlplat_component_spec).
func (c *Component) Spec() (spec json.RawMessage, err error) {
	err = c.handle().document(context.Background(), c, &spec, raw.Component_spec)
	return spec, err
}

// ---- the builder ---------------------------------------------------------------------------------------------------

// Pipeline is a pipeline under construction. Errors come from the call that makes them: an unknown input, a type that
// does not fit, a cycle. One goroutine at a time.
type Pipeline struct {
	h *handle
}

// Task is a task of a pipeline.
type Task struct {
	p  *Pipeline
	at unsafe.Pointer
}

// PipelineInput is an input parameter of a pipeline, as a task's input.
type PipelineInput struct{ name string }

// TaskOutput is an output of a task, as another one's input.
type TaskOutput struct {
	task *Task
	name string
}

// Inputs are the inputs of a task: constants, a PipelineInput, a TaskOutput.
type Inputs map[string]any

// NewPipeline makes an empty pipeline; name: ^[a-z0-9][a-z0-9-]{0,127}$ (mlplat_pipeline_new).
func NewPipeline(name, description string) (*Pipeline, error) {
	var out unsafe.Pointer
	err := do(context.Background(), nil, func(call *raw.Call) int {
		return raw.Pipeline_new(name, description, &out, call)
	})
	if err != nil {
		return nil, err
	}
	p := &Pipeline{newHandle("pipeline", out, raw.Pipeline_free)}
	runtime.AddCleanup(p, func(h *handle) { h.close(nil) }, p.h)
	return p, nil
}

func (p *Pipeline) handle() *handle {
	if p == nil {
		return nil
	}
	return p.h
}

func (p *Pipeline) do(fn func(at unsafe.Pointer, call *raw.Call) int) error {
	return p.handle().do(context.Background(), p, fn)
}

// Input adds an input parameter of the pipeline (mlplat_pipeline_input). A default makes it optional.
func (p *Pipeline) Input(name, kind string, defaultValue ...any) (PipelineInput, error) {
	value, err := defaultText(name, defaultValue)
	if err == nil {
		err = p.do(func(at unsafe.Pointer, call *raw.Call) int { return raw.Pipeline_input(at, name, kind, value, call) })
	}
	return PipelineInput{name}, err
}

// Task adds a task (mlplat_pipeline_task). name: the shown name; its sanitised form, made unique, is the id; "": the
// component's name.
func (p *Pipeline) Task(component *Component, name string, inputs Inputs) (*Task, error) {
	if err := p.handle().pin(); err != nil {
		return nil, err
	}
	defer p.h.unpin()
	var out unsafe.Pointer
	err := component.do(func(c unsafe.Pointer, call *raw.Call) int {
		return raw.Pipeline_task(p.h.p, c, name, &out, call)
	})
	if err != nil {
		return nil, err
	}
	task := &Task{p, out}
	for _, input := range slices.Sorted(maps.Keys(inputs)) {
		if err := task.Set(input, inputs[input]); err != nil {
			return nil, err
		}
	}
	return task, nil
}

// Name is the task's id in the pipeline (mlplat_task_name).
func (t *Task) Name() string {
	defer runtime.KeepAlive(t.p)
	return raw.Task_name(t.at)
}

// Output is an output of the task, for the inputs of others.
func (t *Task) Output(name string) TaskOutput { return TaskOutput{t, name} }

// Set gives an input a constant, a PipelineInput or a TaskOutput; its former source is forgotten
// (mlplat_task_set, mlplat_task_set_input, mlplat_task_connect).
func (t *Task) Set(input string, value any) error {
	switch value := value.(type) {
	case PipelineInput:
		return t.do(func(call *raw.Call) int { return raw.Task_set_input(t.at, input, value.name, call) })
	case TaskOutput:
		return t.do(func(call *raw.Call) int { return raw.Task_connect(t.at, input, value.task.at, value.name, call) })
	}
	text, err := json.Marshal(value)
	if err != nil {
		return invalid(input + ": this is no JSON: " + err.Error())
	}
	return t.do(func(call *raw.Call) int { return raw.Task_set(t.at, input, string(text), call) })
}

// After runs the task after others without taking anything from them (mlplat_task_after).
func (t *Task) After(tasks ...*Task) error {
	for _, before := range tasks {
		if err := t.do(func(call *raw.Call) int { return raw.Task_after(t.at, before.at, call) }); err != nil {
			return err
		}
	}
	return nil
}

func (t *Task) do(fn func(call *raw.Call) int) error {
	return t.p.do(func(_ unsafe.Pointer, call *raw.Call) int { return fn(call) })
}

// Compile gives the pipeline as KFP's IR (mlplat_pipeline_compile).
func (p *Pipeline) Compile() (ir json.RawMessage, err error) {
	err = p.handle().document(context.Background(), p, &ir, raw.Pipeline_compile)
	return ir, err
}

// YAML gives the pipeline as the text that KFP uploads.
func (p *Pipeline) YAML() (string, error) {
	ir, err := p.Compile()
	if err != nil {
		return "", err
	}
	return JSONToYAML(ir)
}

// ValidatePipeline checks an IR document, ours or KFP's: shape, references, types, cycles, and that the local runner
// can run it (mlplat_pipeline_validate).
func ValidatePipeline(ir json.RawMessage) error {
	return withDocument(string(ir), func(doc unsafe.Pointer) error {
		return do(context.Background(), nil, func(call *raw.Call) int { return raw.Pipeline_validate(doc, call) })
	})
}

// ---- the local runner ----------------------------------------------------------------------------------------------

// PipelineOptions says how to run a pipeline.
type PipelineOptions struct {
	Params     map[string]any // the pipeline's inputs
	Root       string         // folder for work files, logs and artifacts; "": MLPLAT_PIPELINE_ROOT, else beside the store
	Experiment string         // name for the parent run; "": the pipeline's name
	RunName    string         // "": generated
	Workers    int            // tasks at once; 0: as many as there are processors
	KeepGoing  bool           // after a failure still run what does not depend on it
}

// PipelineResult is what became of a pipeline.
type PipelineResult struct {
	RunID    string          `json:"run_id"`
	Pipeline string          `json:"pipeline"`
	State    string          `json:"state"` // "SUCCEEDED", "FAILED" or "CANCELED"
	Root     string          `json:"root"`
	Problem  string          `json:"error"`
	Tasks    []TaskResult    `json:"tasks"`
	Raw      json.RawMessage `json:"-"` // the whole document
}

// UnmarshalJSON reads the library's document.
func (r *PipelineResult) UnmarshalJSON(text []byte) error {
	type plain PipelineResult
	err := json.Unmarshal(text, (*plain)(r))
	r.Raw = bytes.Clone(text)
	return err
}

// TaskResult is what became of a task.
type TaskResult struct {
	Name     string  `json:"name"`
	State    string  `json:"state"` // "SUCCEEDED", "FAILED", "SKIPPED" or "CANCELED"
	RunID    string  `json:"run_id"`
	ExitCode int     `json:"exit_code"`
	Seconds  float64 `json:"seconds"`
	Log      string  `json:"log"`
	Problem  string  `json:"error"`
	Outputs  struct {
		Parameters map[string]any `json:"parameters"`
		Artifacts  map[string]struct {
			URI      string         `json:"uri"`
			Metadata map[string]any `json:"metadata"`
		} `json:"artifacts"`
	} `json:"outputs"`
}

// RunPipeline runs a pipeline on this host: a parent run in tracking with a child run per task (mlplat_pipeline_run).
// ir is what Compile gave, or KFP's YAML through YAMLToJSON. The error is ErrState if a task failed, and ErrCancelled
// if the context ended; the result is there all the same.
func (c *Client) RunPipeline(ctx context.Context, ir json.RawMessage, options PipelineOptions) (PipelineResult, error) {
	var result PipelineResult
	params := ""
	if options.Params != nil {
		text, err := json.Marshal(options.Params)
		if err != nil {
			return result, invalid("the params are no JSON: " + err.Error())
		}
		params = string(text)
	}
	if options.Workers < 0 || options.Workers > math.MaxInt32 {
		return result, invalid(fmt.Sprintf("%d workers: give 1 or more, or 0", options.Workers))
	}
	err := withDocument(string(ir), func(doc unsafe.Pointer) error {
		return c.document(ctx, &result, func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
			return raw.Pipeline_run(p, doc, params, options.Root, options.Experiment, options.RunName,
				int32(options.Workers), flag(options.KeepGoing), out, call)
		})
	})
	var failed *Error
	if errors.As(err, &failed) && failed.Document != nil {
		if problem := json.Unmarshal(failed.Document, &result); problem != nil {
			return result, errors.Join(err, corrupt("the result cannot be read: "+problem.Error()))
		}
	}
	return result, err
}
