package mlplat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime/cgo"
	"runtime/debug"
	"strings"
	"unsafe"

	"mlplat.example/bindings/go/internal/raw"
)

// Port is a typed input or output of a component; types as in Component.
type Port struct {
	Name        string // [A-Za-z_][A-Za-z0-9_]*
	Type        string // "Integer", "Dataset", "system.Model", ...
	Default     any    // of an input parameter, which it makes optional; nil: required
	Description string // one line for --help
}

// ComponentFunc is a Go function as a step of a pipeline. The program then answers to `--executor_input JSON` (KFP's
// launcher and the local runner), `--component-spec` (prints its specification), `--help`, and `--name value` for each
// port, for running it by hand.
//
//	func main() {
//		mlplat.ComponentMain(mlplat.ComponentFunc{
//			Name:    "train",
//			Inputs:  []mlplat.Port{{Name: "rows", Type: "Dataset"}, {Name: "depth", Type: "Integer", Default: 6}},
//			Outputs: []mlplat.Port{{Name: "model", Type: "Model"}},
//			Run:     train,
//		})
//	}
type ComponentFunc struct {
	Name        string
	Description string
	Image       string // container image for a cluster; "": "mlplat-local"
	Inputs      []Port
	Outputs     []Port
	Run         func(ctx context.Context, step *Step) error
}

// ComponentMain is the whole main function of a component: it does not return (mlplat_component_main).
func ComponentMain(component ComponentFunc) {
	os.Exit(component.Main(context.Background(), os.Args))
}

// Main does what ComponentMain does with these arguments, of which the first is the program's name, and gives the exit
// code: 0, 1 if the function failed, 2 for a wrong call. Errors go to stderr in one line.
func (f ComponentFunc) Main(ctx context.Context, args []string) int {
	ports, err := f.ports()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	body := &body{ctx: ctx, run: f.Run}
	number := cgo.NewHandle(body)
	defer number.Delete()
	code := raw.Component_main(raw.Words(args...), f.Name, f.Description, f.Image, raw.Words(ports...), uintptr(number))
	return int(code)
}

// ports packs five words a port.
func (f ComponentFunc) ports() (words []string, err error) {
	for direction, ports := range [][]Port{f.Inputs, f.Outputs} {
		for _, port := range ports {
			value, err := jsonText(port.Default)
			if err != nil {
				return nil, err
			}
			words = append(words, fmt.Sprint(direction), port.Name, port.Type, value, port.Description)
		}
	}
	return words, nil
}

type body struct {
	ctx context.Context
	run func(context.Context, *Step) error
}

// Run is called by C. A panic is shown as Go shows it, and is the reason that the runner gets.
func (b *body) Run(p unsafe.Pointer) (status int, message string) {
	step := &Step{h: newHandle("step", p, nil)}
	defer step.end()
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(os.Stderr, "panic: %v\n\n%s", p, debug.Stack())
			status, message = int(ErrState), fmt.Sprint("panic: ", p)
		}
	}()
	err := b.run(b.ctx, step)
	if err == nil {
		return 0, ""
	}
	var known *Error
	if errors.As(err, &known) {
		return int(known.Status), strings.TrimPrefix(err.Error(), "mlplat: ")
	}
	return int(ErrState), err.Error()
}

// Step is what a running component knows. It lives as long as the function's call; one goroutine at a time.
type Step struct {
	h      *handle
	client *Client
	run    *Run
}

func (s *Step) end() {
	if s.run != nil {
		s.run.Close()
	}
	if s.client != nil {
		s.client.Close()
	}
	s.h.close(nil)
}

func (s *Step) do(fn func(p unsafe.Pointer, call *raw.Call) int) error {
	return s.h.do(context.Background(), s, fn)
}

// lent makes a call whose answer is a text that the step keeps.
func (s *Step) lent(fn func(unsafe.Pointer, string, *unsafe.Pointer, *raw.Call) int, name string) (text string,
	err error) {
	var out unsafe.Pointer
	err = s.do(func(p unsafe.Pointer, call *raw.Call) int {
		status := fn(p, name, &out, call)
		text = raw.Lent(out)
		return status
	})
	return text, err
}

// Int gives an input parameter of type Integer, read exactly (mlplat_step_int).
func (s *Step) Int(name string) (value int64, err error) {
	err = s.do(func(p unsafe.Pointer, call *raw.Call) int { return raw.Step_int(p, name, &value, call) })
	return value, err
}

// Float gives an input parameter of type Double or Integer (mlplat_step_double).
func (s *Step) Float(name string) (value float64, err error) {
	err = s.do(func(p unsafe.Pointer, call *raw.Call) int { return raw.Step_double(p, name, &value, call) })
	return value, err
}

// Bool gives an input parameter of type Boolean (mlplat_step_bool).
func (s *Step) Bool(name string) (bool, error) {
	var value int32
	err := s.do(func(p unsafe.Pointer, call *raw.Call) int { return raw.Step_bool(p, name, &value, call) })
	return value != 0, err
}

// String gives an input parameter of type String, or the JSON text of a List or Struct (mlplat_step_string).
func (s *Step) String(name string) (string, error) { return s.lent(raw.Step_string, name) }

// InputPath gives an input artifact's local path (mlplat_step_input_path).
func (s *Step) InputPath(name string) (string, error) { return s.lent(raw.Step_input_path, name) }

// OutputPath gives an output artifact's local path to write a file or make a directory at; its parent is there
// (mlplat_step_output_path).
func (s *Step) OutputPath(name string) (string, error) { return s.lent(raw.Step_output_path, name) }

// StepArtifact is an input or output artifact of a step.
type StepArtifact struct {
	Name     string         `json:"name"`
	URI      string         `json:"uri"`
	Metadata map[string]any `json:"metadata"`
}

// Artifact tells of an input or output artifact (mlplat_step_artifact).
func (s *Step) Artifact(name string) (artifact StepArtifact, err error) {
	err = s.h.document(context.Background(), s, &artifact,
		func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
			return raw.Step_artifact(p, name, out, call)
		})
	return artifact, err
}

// Output sets an output parameter (mlplat_step_output).
func (s *Step) Output(name string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return invalid(name + ": this is no JSON: " + err.Error())
	}
	return s.do(func(p unsafe.Pointer, call *raw.Call) int { return raw.Step_output(p, name, string(text), call) })
}

// SetMetadata sets one key of an output artifact's metadata (mlplat_step_metadata).
func (s *Step) SetMetadata(name, key string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return invalid(name + ": this is no JSON: " + err.Error())
	}
	return s.do(func(p unsafe.Pointer, call *raw.Call) int {
		return raw.Step_metadata(p, name, key, string(text), call)
	})
}

// Client gives a client by the environment, which lives as long as the step (mlplat_step_session).
func (s *Step) Client() (*Client, error) {
	if s.client != nil {
		return s.client, nil
	}
	var out unsafe.Pointer
	if err := s.do(func(p unsafe.Pointer, call *raw.Call) int { return raw.Step_session(p, &out, call) }); err != nil {
		return nil, err
	}
	s.client = newClient(out, nil)
	var err error
	s.client.s.waits, err = s.client.logWaits(context.Background())
	return s.client, err
}

// Run gives the step's run: the one in MLFLOW_RUN_ID, whose status the runner keeps, else a new one that ends with the
// step (mlplat_step_run).
func (s *Step) Run() (*Run, error) {
	client, err := s.Client()
	if err != nil || s.run != nil {
		return s.run, err
	}
	var out unsafe.Pointer
	if err := s.do(func(p unsafe.Pointer, call *raw.Call) int { return raw.Step_run(p, &out, call) }); err != nil {
		return nil, err
	}
	s.run = newRun(client, out, nil)
	s.run.r.waits = client.s.waits
	return s.run, nil
}
