package mlplat

import (
	"context"
	"encoding/json"
	"strings"
	"time"
	"unsafe"

	"mlplat.example/bindings/go/internal/raw"
)

// Display makes pieces of HTML and SVG plots, whole in themselves and escaped: for a page, a mail, a notebook. HTML has
// at most 50,000 bytes, a plot 200,000.
type Display struct{ c *Client }

// Display gives the pictures of the client.
func (c *Client) Display() Display { return Display{c} }

func (d Display) html(ctx context.Context, document json.RawMessage,
	fn func(p, document unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int) (html string, err error) {
	err = withDocument(string(document), func(doc unsafe.Pointer) error {
		html, err = d.c.text(ctx, func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
			return fn(p, doc, out, call)
		})
		return err
	})
	return html, err
}

// Run shows a run: state, times, metrics with sparklines, params, tags (mlplat_run_html).
func (d Display) Run(ctx context.Context, run RunData) (string, error) {
	return d.html(ctx, run.Raw, raw.Run_html)
}

// Experiment shows an experiment with its latest runs (mlplat_experiment_html).
func (d Display) Experiment(ctx context.Context, experiment Experiment) (string, error) {
	return d.html(ctx, experiment.Raw, raw.Experiment_html)
}

// Runs shows runs as a table (mlplat_run_search_html).
func (d Display) Runs(ctx context.Context, runs []RunData) (string, error) {
	document, err := runsDocument(runs)
	if err != nil {
		return "", err
	}
	return d.html(ctx, document, func(_, doc unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
		return raw.Run_search_html(doc, out, call)
	})
}

// Compare shows up to 8 runs side by side, with plots of these metrics, or of four that most of them have
// (mlplat_run_compare_html).
func (d Display) Compare(ctx context.Context, runs []RunData, metrics ...string) (string, error) {
	document, err := runsDocument(runs)
	if err != nil {
		return "", err
	}
	keys := strings.Join(metrics, ",")
	return d.html(ctx, document, func(p, doc unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
		return raw.Run_compare_html(p, doc, keys, out, call)
	})
}

func runsDocument(runs []RunData) (json.RawMessage, error) {
	list := make([]json.RawMessage, 0, len(runs))
	for _, run := range runs {
		list = append(list, run.Raw)
	}
	text, err := jsonText(map[string]any{"runs": list})
	return json.RawMessage(text), err
}

// ModelVersion shows a model version (mlplat_model_version_html).
func (d Display) ModelVersion(ctx context.Context, version ModelVersion) (string, error) {
	return d.html(ctx, version.Raw, raw.Model_version_html)
}

// PipelineResult shows the tasks of a pipeline run, and when each of them ran (mlplat_pipeline_run_html).
func (d Display) PipelineResult(ctx context.Context, result PipelineResult) (string, error) {
	return d.html(ctx, result.Raw, func(_, doc unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
		return raw.Pipeline_run_html(doc, out, call)
	})
}

// ---- plots ---------------------------------------------------------------------------------------------------------

// PlotX is what the x axis of a plot shows.
type PlotX int32

const (
	PlotStep    PlotX = iota // the step; of plain numbers: the numbers
	PlotElapsed              // time since the first point of each line; of plain numbers: milliseconds
	PlotClock                // date and time, UTC; of plain numbers: milliseconds since 1970
)

// PlotOptions says how to draw.
type PlotOptions struct {
	Title     string
	XLabel    string // "": what the axis shows
	YLabel    string
	Width     int // pixels; 0: 760
	Height    int // pixels; 0: 300, and more for a long legend
	X         PlotX
	LogY      bool    // the y axis is logarithmic
	Smoothing float64 // 0 to 0.999: weight of the past in a running mean, drawn over the pale values
}

// PlotMetrics draws metrics of runs as SVG, a line per run and metric; no spike is lost, however many points there are
// (mlplat_metric_plot).
func (d Display) PlotMetrics(ctx context.Context, runIDs, metrics []string, o PlotOptions) (string, error) {
	ids, keys := strings.Join(runIDs, ","), given(strings.Join(metrics, ","))
	return d.c.text(ctx, func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
		return raw.Metric_plot(p, ids, keys, o.Title, o.XLabel, o.YLabel, pixels(o.Width), pixels(o.Height), int32(o.X),
			flag(o.LogY), o.Smoothing, out, call)
	})
}

// Line is one line of a plot.
type Line struct {
	Label string
	X     []float64 // one per Y, in any order; nil: 0, 1, 2, ...
	Y     []float64 // a NaN is a gap
}

// Plot draws lines as SVG; they are not copied (mlplat_plot).
func Plot(ctx context.Context, lines []Line, o PlotOptions) (string, error) {
	var list raw.Lines
	defer list.Free()
	for _, line := range lines {
		if line.X != nil && len(line.X) != len(line.Y) {
			return "", invalid("line '" + line.Label + "' needs one x per y, or none")
		}
		if strings.ContainsRune(line.Label, 0) {
			return "", invalid("a label has a zero byte in it: leave it out")
		}
		list.Add(line.Label, line.X, line.Y)
	}
	var out unsafe.Pointer
	err := do(ctx, nil, func(call *raw.Call) int {
		return raw.Lines_plot(list.List, o.Title, o.XLabel, o.YLabel, pixels(o.Width), pixels(o.Height), int32(o.X),
			flag(o.LogY), o.Smoothing, &out, call)
	})
	return raw.TakeText(out), err
}

func pixels(n int) int32 { return int32(min(max(n, -1), 1<<20)) }

// ---- tables --------------------------------------------------------------------------------------------------------

// Points are all points of a metric of a run in the order (time, step, value), as columns.
type Points struct {
	RunID   string
	Metric  string
	Steps   []int64
	TimesMS []int64 // milliseconds since 1970
	Values  []float64
}

// At is the time of a point.
func (p Points) At(i int) time.Time { return time.UnixMilli(p.TimesMS[i]) }

// Points reads the points of metrics of runs, of each run and metric that has some; much faster than MetricHistory
// (mlplat_metric_arrow).
func (c *Client) Points(ctx context.Context, runIDs, metrics []string) ([]Points, error) {
	stream, err := c.MetricArrow(ctx, runIDs, metrics)
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	var all []Points
	for {
		batch, problem := raw.Next(stream.p)
		if problem != "" {
			return nil, corrupt("the points cannot be read: " + problem)
		}
		if batch == nil {
			return all, nil
		}
		if batch.Len() > 0 {
			all = append(all, Points{batch.Text(0, 0), batch.Text(1, 0), batch.Ints(2), batch.Ints(3), batch.Floats(4)})
		}
		batch.Free()
	}
}

// ArrowStream is a table by Arrow's C stream interface: for a library that takes one, such as package cdata of Arrow's
// own module. Close it, if nobody took it.
type ArrowStream struct{ p unsafe.Pointer }

// Pointer is the address of the struct ArrowArrayStream.
func (s *ArrowStream) Pointer() unsafe.Pointer { return s.p }

// Close releases what nobody took. Again is fine.
func (s *ArrowStream) Close() error {
	if s.p != nil {
		raw.FreeStream(s.p)
		s.p = nil
	}
	return nil
}

// MetricArrow gives the points of metrics of runs: run_id, key, step, timestamp, value (mlplat_metric_arrow).
func (c *Client) MetricArrow(ctx context.Context, runIDs, metrics []string) (*ArrowStream, error) {
	ids, keys := strings.Join(runIDs, ","), given(strings.Join(metrics, ","))
	return newStream(func(out unsafe.Pointer) error {
		return c.do(ctx, func(p unsafe.Pointer, call *raw.Call) int {
			return raw.Metric_arrow(p, ids, keys, out, call)
		})
	})
}

// RunsArrow gives runs as a table: their attributes, metrics.<key>, params.<key>, tags.<key> (mlplat_list_arrow).
func RunsArrow(ctx context.Context, runs []RunData) (*ArrowStream, error) {
	document, err := runsDocument(runs)
	if err != nil {
		return nil, err
	}
	return newStream(func(out unsafe.Pointer) error {
		return withDocument(string(document), func(doc unsafe.Pointer) error {
			return do(ctx, nil, func(call *raw.Call) int { return raw.List_arrow(doc, out, call) })
		})
	})
}

func newStream(fill func(out unsafe.Pointer) error) (*ArrowStream, error) {
	stream := &ArrowStream{raw.NewStream()}
	if stream.p == nil {
		return nil, &Error{Status: ErrNoMemory, Message: "no memory for a table"}
	}
	if err := fill(stream.p); err != nil {
		stream.Close()
		return nil, err
	}
	return stream, nil
}
