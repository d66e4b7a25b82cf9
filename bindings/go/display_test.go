package mlplat_test

import (
	"encoding/xml"
	"errors"
	"image"
	"io"
	"math"
	"strings"
	"testing"

	mlplat "mlplat.example/bindings/go"
)

// trained is a client with two runs that have points.
func trained(t *testing.T) (*mlplat.Client, []mlplat.RunData) {
	t.Helper()
	client := open(t, mlplat.Options{})
	var runs []mlplat.RunData
	for i, name := range []string{"one <b>", "two"} {
		run := start(t, client, mlplat.RunOptions{Name: name, Params: map[string]any{"depth": i}})
		must(t, run.LogValues(ctx, "loss", []float64{0.9, 0.5, 0.25 / float64(i+1)}))
		must(t, run.End(ctx, mlplat.Finished))
		data, err := run.Data(ctx)
		must(t, err)
		runs = append(runs, data)
	}
	return client, runs
}

// wholeSVG reads a plot to its end, as XML.
func wholeSVG(t *testing.T, svg string) {
	t.Helper()
	decoder := xml.NewDecoder(strings.NewReader(svg))
	for {
		if _, err := decoder.Token(); err == io.EOF {
			return
		} else if err != nil {
			t.Fatalf("%v in %.200s", err, svg)
		}
	}
}

func TestThingsAreShownAsHTML(t *testing.T) {
	client, runs := trained(t)
	display := client.Display()
	experiment, err := client.GetExperiment(ctx, runs[0].ExperimentID)
	must(t, err)
	_, err = client.Registry().Register(ctx, "fraud", t.TempDir(), mlplat.VersionOptions{})
	must(t, err)
	version, err := client.Registry().Version(ctx, "fraud", "1")
	must(t, err)
	result, err := client.RunPipeline(ctx, shell(t, "true"), mlplat.PipelineOptions{Root: t.TempDir()})
	must(t, err)
	for what, show := range map[string]func() (string, error){
		"one &lt;b&gt;": func() (string, error) { return display.Run(ctx, runs[0]) },
		"Default":       func() (string, error) { return display.Experiment(ctx, experiment) },
		"two":           func() (string, error) { return display.Runs(ctx, runs) },
		"depth":         func() (string, error) { return display.Compare(ctx, runs, "loss") },
		"fraud":         func() (string, error) { return display.ModelVersion(ctx, version) },
		"shell":         func() (string, error) { return display.PipelineResult(ctx, result) },
	} {
		html, err := show()
		must(t, err)
		if !strings.Contains(html, what) || strings.Contains(html, "one <b>") || len(html) > 50000 {
			t.Errorf("%s is not in %.300s", what, html)
		}
	}
	_, err = display.Run(ctx, mlplat.RunData{})
	equal(t, "nothing to show", errors.Is(err, mlplat.ErrInvalid), true)
}

func TestMetricsAndNumbersAreDrawn(t *testing.T) {
	client, runs := trained(t)
	svg, err := client.Display().PlotMetrics(ctx, []string{runs[0].ID, runs[1].ID}, []string{"loss"},
		mlplat.PlotOptions{Title: "how it went", LogY: true, Smoothing: 0.5})
	must(t, err)
	equal(t, "title", strings.Contains(svg, "how it went"), true)
	wholeSVG(t, svg)
	large := make([]float64, 100000)
	for i := range large {
		large[i] = math.Sin(float64(i) / 1000)
	}
	lines := []mlplat.Line{{Label: "sine", Y: large}, {X: []float64{0, 5}, Y: []float64{1, math.NaN()}}}
	svg, err = mlplat.Plot(ctx, lines, mlplat.PlotOptions{Width: 400, Height: 200})
	must(t, err)
	wholeSVG(t, svg)
	equal(t, "small enough", len(svg) < 200000, true)
	_, err = mlplat.Plot(ctx, []mlplat.Line{{X: []float64{1}, Y: large}}, mlplat.PlotOptions{})
	equal(t, "x and y", errors.Is(err, mlplat.ErrInvalid), true)
	_, err = mlplat.Plot(ctx, nil, mlplat.PlotOptions{Width: 5})
	equal(t, "too narrow", errors.Is(err, mlplat.ErrInvalid), true)
}

func TestPointsComeAsColumns(t *testing.T) {
	client, runs := trained(t)
	points, err := client.Points(ctx, []string{runs[0].ID, runs[1].ID}, []string{"loss", "none"})
	must(t, err)
	equal(t, "lists", len(points), 2)
	for i, list := range points {
		equal(t, "run", list.RunID, runs[i].ID)
		equal(t, "points", words(list.Metric, list.Steps, list.Values), words("loss", []int{0, 1, 2},
			[]float64{0.9, 0.5, 0.25 / float64(i+1)}))
		equal(t, "time", list.At(0).Before(runs[i].StartTime), false)
	}
	_, err = client.Points(ctx, []string{strings.Repeat("0", 32)}, []string{"loss"})
	equal(t, "no run", errors.Is(err, mlplat.ErrNotFound), true)
}

func TestAnArrowStreamIsLetGo(t *testing.T) {
	_, runs := trained(t)
	stream, err := mlplat.RunsArrow(ctx, runs)
	must(t, err)
	equal(t, "an address", stream.Pointer() != nil, true)
	must(t, stream.Close())
	must(t, stream.Close())
	equal(t, "none", stream.Pointer() == nil, true)
}

func TestTablesAndImagesAreLogged(t *testing.T) {
	client := open(t, mlplat.Options{})
	run := start(t, client, mlplat.RunOptions{})
	must(t, run.LogTable(ctx, []string{"a", "b"}, [][]any{{1, "x"}, {2.5, nil}}, "table.json"))
	must(t, run.LogTable(ctx, []string{"a"}, [][]any{{3}}, "table.json"))
	picture := image.NewRGBA(image.Rect(0, 0, 4, 3))
	must(t, run.LogImage(ctx, picture, mlplat.ImageOptions{File: "picture.png"}))
	must(t, run.LogImage(ctx, picture, mlplat.ImageOptions{Key: "sample", Step: 3}))
	err := run.LogImage(ctx, picture, mlplat.ImageOptions{})
	equal(t, "no name", errors.Is(err, mlplat.ErrInvalid), true)
	var text strings.Builder
	must(t, client.Artifacts().Read(ctx, "runs:/"+run.ID()+"/table.json", &text))
	equal(t, "rows", strings.Count(text.String(), "x"), 1)
	files, err := client.Artifacts().List(ctx, "runs:/"+run.ID()+"/images")
	must(t, err)
	equal(t, "of the series", len(files), 2)
}
