package mlplat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"maps"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"
	"unsafe"

	"mlplat.example/bindings/go/internal/raw"
)

// RunOptions says how to start a run. The zero value means: the configured experiment, a generated name.
type RunOptions struct {
	Experiment   string // its name, created if it is not there; "": MLFLOW_EXPERIMENT_NAME, else see next
	ExperimentID string // instead of a name; "": MLFLOW_EXPERIMENT_ID, else the parent's, else "0", MLflow's Default
	Name         string // "": MLFLOW_RUN_NAME, else generated: "able-finch-123"
	ParentRunID  string // makes it a nested run; "": MLPLAT_PARENT_RUN_ID, else none
	NoParent     bool   // no nested run, whatever MLPLAT_PARENT_RUN_ID says
	Description  string // shown by MLflow's UI
	Params       map[string]any
	Tags         Tags
	SourceName   string     // tag mlflow.source.name; "": the program's path
	StartTime    time.Time  // zero: now
	Durability   Durability // of this run's metrics and tags; zero: the client's
}

// Run is a run to log to. End it when it is done, and Close it in any case.
type Run struct {
	r *runState
	c *Client // lives as long as the run
}

type runState struct {
	*handle
	s                         *session
	id, name, experiment, uri string
	waits                     bool
	ours                      bool        // to be ended here
	ended                     atomic.Bool // it was, by this handle
	problem                   error       // of the end that close made
}

// StartRun starts a run, which is in the store when this returns (mlplat_run_start).
func (c *Client) StartRun(ctx context.Context, options RunOptions) (*Run, error) {
	parent := options.ParentRunID
	if options.NoParent {
		parent = raw.Blank
	}
	waits := options.Durability >= DurabilityDisk
	if c != nil && c.s != nil && options.Durability == DurabilityDefault {
		waits = c.s.waits
	}
	run, err := c.newRun(ctx, true, waits, func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
		return raw.Run_start(p, options.Experiment, options.ExperimentID, options.Name, parent, options.Description,
			options.Tags.object(), options.SourceName, millis(options.StartTime), int32(options.Durability), out, call)
	})
	if err == nil && len(options.Params) > 0 {
		if err = run.LogParams(ctx, options.Params); err != nil {
			return nil, errors.Join(err, run.Close())
		}
	}
	return run, err
}

// ResumeRun goes on with a run, of this process or another; its status becomes RUNNING again (mlplat_run_resume).
func (c *Client) ResumeRun(ctx context.Context, id string) (*Run, error) {
	return c.again(ctx, id, true, raw.Run_resume)
}

// AttachRun logs to a run without changing its status, as a second process of one training does (mlplat_run_attach).
func (c *Client) AttachRun(ctx context.Context, id string) (*Run, error) {
	return c.again(ctx, id, false, raw.Run_attach)
}

func (c *Client) again(ctx context.Context, id string, ours bool,
	fn func(unsafe.Pointer, string, *unsafe.Pointer, *raw.Call) int) (*Run, error) {
	waits := c != nil && c.s != nil && c.s.waits
	return c.newRun(ctx, ours, waits, func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
		return fn(p, id, out, call)
	})
}

// newRun makes the run known to its session before a Close of that can look for it: the call still goes on.
func (c *Client) newRun(ctx context.Context, ours, waits bool,
	fn func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int) (run *Run, err error) {
	err = c.do(ctx, func(p unsafe.Pointer, call *raw.Call) int {
		var out unsafe.Pointer
		status := fn(p, &out, call)
		if status == 0 {
			run = newRun(c, out, raw.Run_free)
			run.r.ours, run.r.waits = ours, waits
		}
		return status
	})
	return run, err
}

func newRun(c *Client, p unsafe.Pointer, free func(unsafe.Pointer)) *Run {
	s := c.s
	r := &runState{handle: newHandle("run", p, free), s: s, id: raw.Run_id(p), name: raw.Run_name(p),
		experiment: raw.Run_experiment_id(p), uri: raw.Run_artifact_uri(p)}
	s.mu.Lock()
	s.runs[r] = struct{}{}
	s.mu.Unlock()
	run := &Run{r, c}
	runtime.AddCleanup(run, func(r *runState) { go r.end() }, r)
	return run
}

// WithRun starts a run, hands it to fn, and ends it, unless fn did: FINISHED, KILLED if the context was cancelled,
// FAILED if fn returned another error or panicked.
func (c *Client) WithRun(ctx context.Context, options RunOptions, fn func(context.Context, *Run) error) error {
	run, err := c.StartRun(ctx, options)
	if err != nil {
		return err
	}
	defer run.Close()
	status := Finished
	if err = fn(ctx, run); err != nil {
		status = Failed
	}
	if ctx.Err() != nil {
		status = Killed
	}
	if run.r.ended.Load() {
		return err
	}
	return errors.Join(err, run.End(context.WithoutCancel(ctx), status))
}

// ID is the run's id, 32 hexadecimal digits (mlplat_run_id); of a run made offline its own one, which begins with
// 0ff11e and is good for every call.
func (r *Run) ID() string { return r.r.id }

// Name is the run's name as it was at the start (mlplat_run_name).
func (r *Run) Name() string { return r.r.name }

// ExperimentID is the id of the run's experiment (mlplat_run_experiment_id).
func (r *Run) ExperimentID() string { return r.r.experiment }

// ArtifactURI is where the run's artifacts are, a URI or an absolute path (mlplat_run_artifact_uri).
func (r *Run) ArtifactURI() string { return r.r.uri }

func (r *Run) handle() *handle {
	if r == nil || r.r == nil {
		return nil
	}
	return r.r.handle
}

func (r *Run) do(ctx context.Context, fn func(p unsafe.Pointer, call *raw.Call) int) error {
	return r.handle().do(ctx, r, fn)
}

// End ends the run: its records are stored first, then its status and end time (mlplat_run_end). status: Finished,
// Failed or Killed.
func (r *Run) End(ctx context.Context, status RunStatus) error {
	err := r.do(ctx, func(p unsafe.Pointer, call *raw.Call) int { return raw.Run_end(p, string(status), call) })
	if err == nil {
		r.r.ended.Store(true)
	}
	return err
}

// Close frees the run. One that was started or resumed here and not ended ends as FAILED: what did not come to its End
// went wrong. It waits for calls that go on. Again is fine.
func (r *Run) Close() error {
	if r == nil || r.r == nil {
		return nil
	}
	return r.r.end()
}

func (r *runState) end() error {
	r.close(func() {
		if r.ours && !r.ended.Load() {
			r.problem = do(context.Background(), nil, func(call *raw.Call) int {
				return raw.Run_end(r.p, string(Failed), call)
			})
		}
		r.s.mu.Lock()
		delete(r.s.runs, r)
		r.s.mu.Unlock()
	})
	return r.problem
}

// ---- metrics -------------------------------------------------------------------------------------------------------

// Log logs one value as the key's next step, now (mlplat_run_log_metric). It does not wait for the store, unless the
// run's durability is DurabilityRemote, and allocates nothing.
func (r *Run) Log(ctx context.Context, key string, value float64) error {
	return r.log(ctx, key, value, raw.StepAuto, raw.TimeNow)
}

// LogStep is Log with a step.
func (r *Run) LogStep(ctx context.Context, key string, value float64, step int64) error {
	return r.log(ctx, key, value, step, raw.TimeNow)
}

// LogAt is Log with a step and a time; a zero Time means now (mlplat_run_log_metric_at).
func (r *Run) LogAt(ctx context.Context, key string, value float64, step int64, at time.Time) error {
	if at.IsZero() {
		return r.LogStep(ctx, key, value, step)
	}
	return r.log(ctx, key, value, step, at.UnixMilli())
}

func (r *Run) log(ctx context.Context, key string, value float64, step, timestampMS int64) error {
	h := r.handle()
	if err := h.pin(); err != nil {
		return err
	}
	if ctx.Err() != nil || r.r.waits {
		h.unpin()
		return r.do(ctx, func(p unsafe.Pointer, call *raw.Call) int {
			return raw.Run_log_metric_at(p, key, value, step, timestampMS, call)
		})
	}
	news := raw.LogMetric(h.p, key, value, step, timestampMS)
	h.unpin()
	runtime.KeepAlive(r)
	if news == nil {
		return nil
	}
	if call := news.Take(); call.Status() != 0 {
		return failure(ctx, nil, Status(call.Status()), call)
	}
	return nil
}

// LogValues logs values of one key as its next steps, now: all are accepted or none. They are not copied
// (mlplat_run_log_metrics).
func (r *Run) LogValues(ctx context.Context, key string, values []float64) error {
	return r.LogSpan(ctx, key, Span{Values: values})
}

// Span is values of one key.
type Span struct {
	Values  []float64
	Steps   []int64 // one per value; nil: the key's next ones
	TimesMS []int64 // one per value, milliseconds since 1970; nil: now for all
}

// LogSpan is LogValues with steps and times (mlplat_run_log_metrics).
func (r *Run) LogSpan(ctx context.Context, key string, span Span) error {
	for what, has := range map[string][]int64{"steps": span.Steps, "times": span.TimesMS} {
		if has != nil && len(has) != len(span.Values) {
			return invalid(fmt.Sprintf("metric '%s': %d values need as many %s, and %d came: give one per value, or none",
				key, len(span.Values), what, len(has)))
		}
	}
	err := r.do(ctx, func(p unsafe.Pointer, call *raw.Call) int {
		return raw.Run_log_metrics(p, key, span.Steps, span.TimesMS, span.Values, int64(len(span.Values)), call)
	})
	return err
}

// ---- batches, params and tags --------------------------------------------------------------------------------------

// Batch is metrics, params and tags.
type Batch struct {
	Metrics []Metric // a zero Time means now
	Params  map[string]any
	Tags    Tags
}

// LogBatch logs all of a batch or nothing (mlplat_run_log_batch).
func (r *Run) LogBatch(ctx context.Context, batch Batch) error {
	items := make([]metricJSON, 0, len(batch.Metrics))
	for _, m := range batch.Metrics {
		items = append(items, metricJSON{m.Key, number(m.Value), millis(m.Time), m.Step, m.ModelID, m.DatasetName,
			m.DatasetDigest, ""})
	}
	return r.logJSON(ctx, map[string]any{"metrics": items, "params": texts(batch.Params), "tags": batch.Tags})
}

func (r *Run) logJSON(ctx context.Context, document map[string]any) error {
	maps.DeleteFunc(document, func(_ string, value any) bool {
		tags, ok := value.(Tags)
		return ok && tags == nil
	})
	text, err := jsonText(document)
	if err != nil {
		return err
	}
	return r.do(ctx, func(p unsafe.Pointer, call *raw.Call) int { return raw.Run_log_batch(p, text, call) })
}

// LogInputs says what the run read: datasets, and logged models by their ids (mlplat_run_log_inputs).
func (r *Run) LogInputs(ctx context.Context, datasets []Dataset, models ...string) error {
	list := make([]map[string]string, 0, len(models))
	for _, id := range models {
		list = append(list, map[string]string{"model_id": id})
	}
	if datasets == nil {
		datasets = []Dataset{}
	}
	text, err := jsonText(map[string]any{"datasets": datasets, "models": list})
	if err != nil {
		return err
	}
	return r.do(ctx, func(p unsafe.Pointer, call *raw.Call) int { return raw.Run_log_inputs(p, text, call) })
}

// LogOutputs says which logged models the run made (mlplat_run_log_outputs).
func (r *Run) LogOutputs(ctx context.Context, models ...ModelOutput) error {
	text, err := jsonText(map[string]any{"models": models})
	if err != nil {
		return err
	}
	return r.do(ctx, func(p unsafe.Pointer, call *raw.Call) int { return raw.Run_log_outputs(p, text, call) })
}

// LogMetrics logs one value of each of several metrics as their next steps: all are accepted or none
// (mlplat_run_log_batch).
func (r *Run) LogMetrics(ctx context.Context, metrics map[string]float64) error {
	items := make(map[string]number, len(metrics))
	for key, value := range metrics {
		items[key] = number(value)
	}
	return r.logJSON(ctx, map[string]any{"metrics": items})
}

// LogParam logs a param, which is in the store when this returns (mlplat_run_log_param). ErrConflict: it has another
// value already.
func (r *Run) LogParam(ctx context.Context, key string, value any) error {
	return r.do(ctx, func(p unsafe.Pointer, call *raw.Call) int { return raw.Run_log_param(p, key, text(value), call) })
}

// LogParams logs several params: all of them or none (mlplat_run_log_batch).
func (r *Run) LogParams(ctx context.Context, params map[string]any) error {
	return r.logJSON(ctx, map[string]any{"params": texts(params)})
}

// SetTag sets a tag; queued like a metric (mlplat_run_set_tag).
func (r *Run) SetTag(ctx context.Context, key, value string) error {
	return r.do(ctx, func(p unsafe.Pointer, call *raw.Call) int { return raw.Run_set_tag(p, key, value, call) })
}

// SetTags sets several tags: all of them or none (mlplat_run_log_batch).
func (r *Run) SetTags(ctx context.Context, tags Tags) error {
	return r.logJSON(ctx, map[string]any{"tags": map[string]string(tags)})
}

// DeleteTag removes a tag; waits for the store (mlplat_run_delete_tag).
func (r *Run) DeleteTag(ctx context.Context, key string) error {
	return r.do(ctx, func(p unsafe.Pointer, call *raw.Call) int { return raw.Run_delete_tag(p, key, call) })
}

// text is how a param's value is written.
func text(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case float64:
		return strconv.FormatFloat(value, 'g', -1, 64)
	default:
		return fmt.Sprint(value)
	}
}

func texts(params map[string]any) Tags {
	if params == nil {
		return nil
	}
	words := make(Tags, len(params))
	for key, value := range params {
		words[key] = text(value)
	}
	return words
}

// ---- artifacts of the run ------------------------------------------------------------------------------------------

// LogArtifact copies a file or a directory into the run's artifacts (mlplat_run_log_artifact). folder: a clean relative
// path to put it in; "": the top.
func (r *Run) LogArtifact(ctx context.Context, path, folder string) error {
	return r.do(ctx, func(p unsafe.Pointer, call *raw.Call) int { return raw.Run_log_artifact(p, path, folder, call) })
}

// LogText writes text as an artifact (mlplat_run_log_text). file: "notes/readme.md".
func (r *Run) LogText(ctx context.Context, text, file string) error {
	return r.do(ctx, func(p unsafe.Pointer, call *raw.Call) int { return raw.Run_log_text(p, text, file, call) })
}

// LogReader writes what a reader has as an artifact (mlplat_artifact_put_bytes). file: "notes/readme.md".
func (r *Run) LogReader(ctx context.Context, reader io.Reader, file string) error {
	return r.c.Artifacts().Write(ctx, "runs:/"+r.ID()+"/"+file, reader)
}

// LogDict writes a value as a JSON artifact, or a YAML one if the name ends in .yaml or .yml (mlplat_run_log_dict).
func (r *Run) LogDict(ctx context.Context, value any, file string) error {
	text, err := json.Marshal(value)
	if err != nil {
		return invalid(file + ": this is no JSON: " + err.Error())
	}
	return r.do(ctx, func(p unsafe.Pointer, call *raw.Call) int {
		return raw.Run_log_dict(p, string(text), file, call)
	})
}

// LogTable writes a table as a JSON artifact, as MLflow's UI reads it; if the file is there, the rows are added
// (mlplat_run_log_table). file: a path that ends in .json.
func (r *Run) LogTable(ctx context.Context, columns []string, rows [][]any, file string) error {
	if rows == nil {
		rows = [][]any{}
	}
	text, err := jsonText(map[string]any{"columns": columns, "data": rows})
	if err != nil {
		return err
	}
	return r.do(ctx, func(p unsafe.Pointer, call *raw.Call) int { return raw.Run_log_table(p, text, file, call) })
}

// ImageOptions says where an image goes: to File, or to a name that MLflow's UI makes a series of by Key and Step.
type ImageOptions struct {
	File  string // "plots/roc.png"
	Key   string
	Step  int64
	Time  time.Time // zero: now
	Small []byte    // WebP of at most 256 by 256 pixels, shown in lists; nil: the image itself
}

// LogImage writes an image as a PNG artifact (mlplat_run_log_image).
func (r *Run) LogImage(ctx context.Context, picture image.Image, options ImageOptions) error {
	var data bytes.Buffer
	if err := png.Encode(&data, picture); err != nil {
		return invalid("the image cannot be written as PNG: " + err.Error())
	}
	return r.LogImageFile(ctx, data.Bytes(), options)
}

// LogImageFile writes the bytes of an image file as an artifact: with a key PNG, else of any format
// (mlplat_run_log_image).
func (r *Run) LogImageFile(ctx context.Context, data []byte, o ImageOptions) error {
	return r.do(ctx, func(p unsafe.Pointer, call *raw.Call) int {
		return raw.Run_log_image(p, data, o.File, o.Key, o.Step, millis(o.Time), o.Small, call)
	})
}

// Data gives the run as it is now: status, latest metrics, params, tags (mlplat_run_get).
func (r *Run) Data(ctx context.Context) (RunData, error) { return r.c.GetRun(ctx, r.ID()) }
