package mlplat_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	mlplat "mlplat.example/bindings/go"
)

func TestARunKeepsWhatIsLogged(t *testing.T) {
	client := open(t, mlplat.Options{})
	began := time.UnixMilli(1_700_000_000_000)
	run := start(t, client, mlplat.RunOptions{Experiment: "fraud", Name: "first", StartTime: began,
		Params: map[string]any{"depth": 6, "rate": 0.1, "deep": true}, Tags: mlplat.Tags{"team": "a"}})
	must(t, run.Log(ctx, "loss", 0.9))
	must(t, run.LogStep(ctx, "loss", 0.5, 7))
	must(t, run.LogAt(ctx, "loss", 0.25, 8, began.Add(time.Hour)))
	must(t, run.SetTag(ctx, "stage", "done"))
	must(t, run.End(ctx, mlplat.Finished))
	data, err := run.Data(ctx)
	must(t, err)
	equal(t, "id", data.ID, run.ID())
	equal(t, "name", data.Name, "first")
	equal(t, "status", data.Status, mlplat.Finished)
	equal(t, "start", data.StartTime.Equal(began), true)
	equal(t, "end", data.EndTime.After(began), true)
	equal(t, "loss", data.Metrics["loss"], mlplat.Metric{Key: "loss", Value: 0.25, Step: 8, Time: began.Add(time.Hour)})
	equal(t, "params", fmt.Sprint(data.Params), "map[deep:true depth:6 rate:0.1]")
	equal(t, "team", data.Tags["team"], "a")
	equal(t, "stage", data.Tags["stage"], "done")
	experiment, err := client.GetExperiment(ctx, run.ExperimentID())
	must(t, err)
	equal(t, "experiment", experiment.Name, "fraud")
}

func TestAZeroTimeIsNow(t *testing.T) {
	client := open(t, mlplat.Options{})
	run := start(t, client, mlplat.RunOptions{})
	before := time.Now().Truncate(time.Millisecond)
	must(t, run.LogAt(ctx, "loss", 1, 3, time.Time{}))
	must(t, run.End(ctx, mlplat.Finished))
	data, err := run.Data(ctx)
	must(t, err)
	equal(t, "step", data.Metrics["loss"].Step, int64(3))
	equal(t, "now", !data.Metrics["loss"].Time.Before(before), true)
}

func TestHistoryGoesThroughAllPages(t *testing.T) {
	client := open(t, mlplat.Options{})
	run := start(t, client, mlplat.RunOptions{})
	values := make([]float64, 25000)
	for i := range values {
		values[i] = float64(i) / 2
	}
	values[3] = math.NaN()
	values[4] = math.Inf(-1)
	must(t, run.LogValues(ctx, "loss", values))
	var got []float64
	for point, err := range client.MetricHistory(ctx, run.ID(), "loss") {
		must(t, err)
		equal(t, "step", point.Step, int64(len(got)))
		got = append(got, point.Value)
	}
	same := func(a, b float64) bool {
		return a == b || math.IsNaN(a) && math.IsNaN(b) || math.IsInf(b, -1) && a < -1e300
	}
	if !slices.EqualFunc(got, values, same) {
		t.Errorf("%d values came back of %d; the first ones are %v", len(got), len(values), got[:min(6, len(got))])
	}
}

func TestASpanNeedsAStepPerValue(t *testing.T) {
	client := open(t, mlplat.Options{})
	run := start(t, client, mlplat.RunOptions{})
	err := run.LogSpan(ctx, "loss", mlplat.Span{Values: []float64{1, 2}, Steps: []int64{1}})
	equal(t, "is ErrInvalid", errors.Is(err, mlplat.ErrInvalid), true)
	must(t, run.LogSpan(ctx, "loss", mlplat.Span{Values: []float64{1, 2}, Steps: []int64{5, 9}, TimesMS: []int64{1, 2}}))
	must(t, run.LogValues(ctx, "loss", nil))
	data, err := run.Data(ctx)
	must(t, err)
	equal(t, "last step", data.Metrics["loss"].Step, 9)
}

func TestABatchIsAllOrNothing(t *testing.T) {
	client := open(t, mlplat.Options{})
	run := start(t, client, mlplat.RunOptions{})
	must(t, run.LogBatch(ctx, mlplat.Batch{
		Metrics: []mlplat.Metric{{Key: "a", Value: 1, Step: 3}, {Key: "b", Value: math.Inf(1), Time: time.UnixMilli(5)}},
		Params:  map[string]any{"p": "x"}, Tags: mlplat.Tags{"t": "y"}}))
	must(t, run.LogMetrics(ctx, map[string]float64{"c": 2, "d": math.NaN()}))
	must(t, run.SetTags(ctx, mlplat.Tags{"u": "z"}))
	err := run.LogBatch(ctx, mlplat.Batch{Metrics: []mlplat.Metric{{Key: "e", Value: 1}, {Key: "//", Value: 1}}})
	equal(t, "is ErrInvalid", errors.Is(err, mlplat.ErrInvalid), true)
	equal(t, "conflict", errors.Is(run.LogParam(ctx, "p", "other"), mlplat.ErrConflict), true)
	data, err := run.Data(ctx)
	must(t, err)
	if len(data.Metrics) != 4 || data.Params["p"] != "x" || data.Tags["t"] != "y" || data.Tags["u"] != "z" {
		t.Errorf("got %+v", data)
	}
	must(t, run.DeleteTag(ctx, "u"))
	equal(t, "deleted twice", errors.Is(run.DeleteTag(ctx, "u"), mlplat.ErrNotFound), true)
}

func TestABadKeyIsRefusedByTheQuickCall(t *testing.T) {
	client := open(t, mlplat.Options{})
	run := start(t, client, mlplat.RunOptions{})
	for _, key := range []string{"", "/etc", "a\x00b", strings.Repeat("k", 251), strings.Repeat("k", 5000)} {
		var e *mlplat.Error
		if err := run.Log(ctx, key, 1); !errors.As(err, &e) || e.Status != mlplat.ErrInvalid || e.Message == "" {
			t.Errorf("%.20q: got %v", key, err)
		}
	}
	must(t, run.Log(ctx, strings.Repeat("é", 250), 1))
}

func TestLoggingAllocatesNothing(t *testing.T) {
	client := open(t, mlplat.Options{})
	run := start(t, client, mlplat.RunOptions{})
	step := int64(0)
	allocations := testing.AllocsPerRun(1000, func() {
		if run.Log(ctx, "loss", 0.5) != nil || run.LogStep(ctx, "other", 0.5, step) != nil {
			t.Error("not logged")
		}
		step++
	})
	equal(t, "allocations", allocations, 0)
}

func TestManyGoroutinesLogToOneRun(t *testing.T) {
	for _, durability := range []mlplat.Durability{mlplat.DurabilityMemory, mlplat.DurabilityProcess,
		mlplat.DurabilityDisk, mlplat.DurabilityRemote} {
		client := open(t, mlplat.Options{})
		run := start(t, client, mlplat.RunOptions{Durability: durability})
		var wait sync.WaitGroup
		for g := range 4 {
			wait.Add(1)
			go func() {
				defer wait.Done()
				for range 25 {
					if err := run.Log(ctx, fmt.Sprint("loss", g), 0.5); err != nil {
						t.Error(err)
					}
				}
			}()
		}
		wait.Wait()
		must(t, client.Flush(ctx))
		counts, err := client.SpoolCount(ctx)
		must(t, err)
		equal(t, "stored", counts.Stored, counts.Accepted)
		data, err := run.Data(ctx)
		must(t, err)
		for g := range 4 {
			equal(t, "last step", data.Metrics[fmt.Sprint("loss", g)].Step, 24)
		}
	}
}

func TestAClosedRunThatWasNotEndedHasFailed(t *testing.T) {
	client := open(t, mlplat.Options{})
	for what, use := range map[mlplat.RunStatus]func(*mlplat.Run) error{
		mlplat.Failed:   func(run *mlplat.Run) error { return nil },
		mlplat.Finished: func(run *mlplat.Run) error { return run.End(ctx, mlplat.Finished) },
		mlplat.Killed:   func(run *mlplat.Run) error { return run.End(ctx, mlplat.Killed) },
	} {
		run := start(t, client, mlplat.RunOptions{})
		must(t, use(run))
		must(t, run.Close())
		must(t, run.Close())
		data, err := client.GetRun(ctx, run.ID())
		must(t, err)
		equal(t, "status", data.Status, what)
		equal(t, "ended twice", errors.Is(run.End(ctx, mlplat.Finished), mlplat.ErrState), true)
	}
}

func TestAnAttachedRunKeepsItsStatus(t *testing.T) {
	client := open(t, mlplat.Options{})
	run := start(t, client, mlplat.RunOptions{})
	other, err := client.AttachRun(ctx, run.ID())
	must(t, err)
	must(t, other.Log(ctx, "loss", 1))
	must(t, other.Close())
	data, err := run.Data(ctx)
	must(t, err)
	equal(t, "status", data.Status, mlplat.Running)
	must(t, run.End(ctx, mlplat.Finished))
	again, err := client.ResumeRun(ctx, run.ID())
	must(t, err)
	data, err = again.Data(ctx)
	must(t, err)
	equal(t, "resumed", data.Status, mlplat.Running)
	must(t, again.End(ctx, mlplat.Killed))
}

func TestWithRunEndsAsItsFunctionDid(t *testing.T) {
	client := open(t, mlplat.Options{})
	var id string
	keep := func(run *mlplat.Run) { id = run.ID() }
	status := func() mlplat.RunStatus {
		data, err := client.GetRun(ctx, id)
		must(t, err)
		return data.Status
	}
	must(t, client.WithRun(ctx, mlplat.RunOptions{}, func(ctx ctxt, run *mlplat.Run) error { keep(run); return nil }))
	equal(t, "nil", status(), mlplat.Finished)
	why := errors.New("no data")
	err := client.WithRun(ctx, mlplat.RunOptions{}, func(ctx ctxt, run *mlplat.Run) error { keep(run); return why })
	equal(t, "its error", errors.Is(err, why), true)
	equal(t, "error", status(), mlplat.Failed)
	func() {
		defer func() { equal(t, "panic", recover(), any("boom")) }()
		_ = client.WithRun(ctx, mlplat.RunOptions{}, func(ctx ctxt, run *mlplat.Run) error { keep(run); panic("boom") })
	}()
	equal(t, "panicked", status(), mlplat.Failed)
	stopped, stop := withCancel(ctx)
	err = client.WithRun(stopped, mlplat.RunOptions{}, func(ctx ctxt, run *mlplat.Run) error {
		keep(run)
		stop()
		return run.Log(ctx, "loss", 1)
	})
	equal(t, "cancelled", errors.Is(err, mlplat.ErrCancelled), true)
	equal(t, "cancelled", status(), mlplat.Killed)
}

func TestNestedRuns(t *testing.T) {
	uri := store(t.TempDir())
	parent := start(t, open(t, mlplat.Options{TrackingURI: uri}), mlplat.RunOptions{})
	t.Setenv("MLPLAT_PARENT_RUN_ID", parent.ID())
	client := open(t, mlplat.Options{TrackingURI: uri})
	child := start(t, client, mlplat.RunOptions{ParentRunID: parent.ID()})
	inherits := start(t, client, mlplat.RunOptions{})
	alone := start(t, client, mlplat.RunOptions{NoParent: true})
	for run, want := range map[*mlplat.Run]string{child: parent.ID(), inherits: parent.ID(), alone: ""} {
		data, err := run.Data(ctx)
		must(t, err)
		equal(t, "parent", data.Tags["mlflow.parentRunId"], want)
	}
}

func TestASearchGoesThroughPagesAsTheyAreNeeded(t *testing.T) {
	client := open(t, mlplat.Options{})
	for i := range 7 {
		must(t, client.WithRun(ctx, mlplat.RunOptions{Experiment: "fraud"}, func(ctx ctxt, run *mlplat.Run) error {
			return run.Log(ctx, "loss", float64(i))
		}))
	}
	search := mlplat.Search{Filter: "metrics.loss > 1", OrderBy: []string{"metrics.loss DESC"}, PageSize: 2}
	var losses []float64
	for run, err := range client.SearchRuns(ctx, search) {
		must(t, err)
		losses = append(losses, run.Metrics["loss"].Value)
	}
	equal(t, "losses", fmt.Sprint(losses), "[6 5 4 3 2]")
	for run, err := range client.SearchRuns(ctx, search) {
		must(t, err)
		equal(t, "first", run.Metrics["loss"].Value, 6)
		break
	}
	page, err := client.SearchRunsPage(ctx, search)
	must(t, err)
	equal(t, "page", len(page.Items), 2)
	search.PageToken = page.NextPageToken
	page, err = client.SearchRunsPage(ctx, search)
	must(t, err)
	equal(t, "second page", page.Items[0].Metrics["loss"].Value, 4)
	for _, err := range client.SearchRuns(ctx, mlplat.Search{Filter: "nonsense"}) {
		equal(t, "is ErrInvalid", errors.Is(err, mlplat.ErrInvalid), true)
	}
}

func TestExperiments(t *testing.T) {
	client := open(t, mlplat.Options{})
	id, err := client.CreateExperiment(ctx, "fraud", mlplat.ExperimentOptions{Tags: mlplat.Tags{"team": "a"}})
	must(t, err)
	same, err := client.EnsureExperiment(ctx, "fraud")
	must(t, err)
	equal(t, "ensured", same, id)
	must(t, client.SetExperimentTag(ctx, id, "owner", "b"))
	experiment, err := client.ExperimentByName(ctx, "fraud")
	must(t, err)
	equal(t, "id", experiment.ID, id)
	equal(t, "tags", fmt.Sprint(experiment.Tags), "map[owner:b team:a]")
	must(t, client.DeleteExperimentTag(ctx, id, "owner"))
	must(t, client.RenameExperiment(ctx, id, "fraud 2"))
	must(t, client.DeleteExperiment(ctx, id))
	var deleted []string
	for experiment, err := range client.SearchExperiments(ctx, mlplat.Search{View: mlplat.ViewDeleted}) {
		must(t, err)
		deleted = append(deleted, experiment.Name)
	}
	equal(t, "deleted", fmt.Sprint(deleted), "[fraud 2]")
	must(t, client.RestoreExperiment(ctx, id))
	for experiment, err := range client.SearchExperiments(ctx, mlplat.Search{Filter: "tags.team = 'a'"}) {
		must(t, err)
		equal(t, "found", experiment.Name, "fraud 2")
	}
}

func TestRunsAreDeletedAndRestored(t *testing.T) {
	client := open(t, mlplat.Options{})
	run := start(t, client, mlplat.RunOptions{})
	must(t, run.End(ctx, mlplat.Finished))
	must(t, client.DeleteRun(ctx, run.ID()))
	data, err := client.GetRun(ctx, run.ID())
	must(t, err)
	equal(t, "stage", data.LifecycleStage, "deleted")
	must(t, client.RestoreRun(ctx, run.ID()))
}

func TestTheSpoolTells(t *testing.T) {
	client := open(t, mlplat.Options{})
	run := start(t, client, mlplat.RunOptions{})
	must(t, run.Log(ctx, "loss", 1))
	status, err := client.SpoolStatus(ctx)
	must(t, err)
	if !strings.Contains(string(status), `"journals"`) {
		t.Errorf("got %s", status)
	}
	text, err := client.SpoolPrometheus(ctx)
	must(t, err)
	equal(t, "prometheus", strings.Contains(text, "\nmlplat_spool_accepted_total{store="), true)
	result, err := client.SpoolInspect(ctx, "dead", "", 5)
	must(t, err)
	equal(t, "inspect", string(result), `{"records":[],"more":false}`)
	_, err = client.SpoolInspect(ctx, "all", "", 0)
	equal(t, "refused", errors.Is(err, mlplat.ErrInvalid), true)
	result, err = client.SpoolDrop(ctx, "dead", "", true)
	must(t, err)
	equal(t, "dropped", strings.Contains(string(result), `"dry_run":true,"records":0,`), true)
	_, err = client.SpoolDrop(ctx, "dead", run.ID(), true)
	equal(t, "nothing of that run", errors.Is(err, mlplat.ErrNotFound), true)
	_, err = client.SpoolDrop(ctx, "dead", "no run", true)
	equal(t, "no id", errors.Is(err, mlplat.ErrInvalid), true)
	_, err = client.SpoolDrop(ctx, "all", "", false)
	equal(t, "refused", errors.Is(err, mlplat.ErrInvalid), true)
	result, err = client.SpoolSync(ctx)
	must(t, err)
	equal(t, "sync", strings.Contains(string(result), `"replayed"`), true)
	result, err = client.SpoolRetry(ctx)
	must(t, err)
	equal(t, "retry", strings.Contains(string(result), `"stored"`), true)
}

func TestSyncTellsWhatItStored(t *testing.T) {
	file := store(t.TempDir())
	leftBehind(t, file, 100)
	client := open(t, mlplat.Options{TrackingURI: file})
	result, err := client.SpoolSync(ctx)
	must(t, err)
	equal(t, "sync", string(result), `{"replayed":100,"dead":0,"journals":1}`)
	result, err = client.SpoolSync(ctx)
	must(t, err)
	equal(t, "again", string(result), `{"replayed":0,"dead":0,"journals":0}`)
}

func TestSyncTellsWhatStays(t *testing.T) {
	nobody, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0) // bound, and listened to by nobody
	must(t, err)
	defer syscall.Close(nobody)
	must(t, syscall.Bind(nobody, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	address, err := syscall.Getsockname(nobody)
	must(t, err)
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	t.Setenv("MLPLAT_CLOSE_TIMEOUT_MS", "100")
	client := open(t, mlplat.Options{TrackingURI: fmt.Sprint("http://127.0.0.1:", address.(*syscall.SockaddrInet4).Port)})
	run := start(t, client, mlplat.RunOptions{})
	must(t, run.LogValues(ctx, "loss", []float64{3, 2, 1}))
	result, err := client.SpoolSync(ctx)
	equal(t, "result", string(result), "")
	equal(t, "status", errors.Is(err, mlplat.ErrUnavailable), true)
	equal(t, "what stays: "+err.Error(), strings.Contains(err.Error(), "4 record(s) still wait in "), true)
	var failure *mlplat.Error
	equal(t, "retryable", errors.As(err, &failure) && failure.Retryable, true)
}

func TestARunIsUpdated(t *testing.T) {
	client := open(t, mlplat.Options{})
	run := start(t, client, mlplat.RunOptions{Name: "first"})
	must(t, run.End(ctx, mlplat.Finished))
	end := time.UnixMilli(1_800_000_000_000)
	must(t, client.UpdateRun(ctx, run.ID(), mlplat.RunChange{Name: "second", Status: mlplat.Killed, EndTime: end}))
	data, err := run.Data(ctx)
	must(t, err)
	equal(t, "run", words(data.Name, data.Status, data.EndTime.Equal(end)), "second KILLED true")
}

func TestAHistoryIsSampledExactly(t *testing.T) {
	client := open(t, mlplat.Options{})
	run := start(t, client, mlplat.RunOptions{})
	values := make([]float64, 1000)
	times := make([]int64, len(values))
	for i := range values {
		values[i], times[i] = float64(i%100), int64(i+1)
	}
	values[5] = math.NaN()
	must(t, run.LogSpan(ctx, "loss", mlplat.Span{Values: values, TimesMS: times}))
	sample, err := client.SampleMetric(ctx, run.ID(), "loss", 10, mlplat.AxisStep)
	must(t, err)
	equal(t, "sample", words(sample.Count, sample.NaN, sample.Low, sample.High, len(sample.Buckets)), "1000 1 0 999 10")
	first := sample.Buckets[0]
	equal(t, "first", words(first.Count, first.Min.Value, first.Max.Value, first.Last.Step), "101 0 99 100")
	n := 0
	for point, err := range client.MetricHistorySince(ctx, run.ID(), "loss", time.UnixMilli(901)) {
		must(t, err)
		equal(t, "late enough", point.Time.UnixMilli() >= 901, true)
		n++
	}
	equal(t, "points since", n, 100)
}

func TestOneMetricOfSeveralRuns(t *testing.T) {
	client := open(t, mlplat.Options{})
	one, two := start(t, client, mlplat.RunOptions{}), start(t, client, mlplat.RunOptions{})
	for _, run := range []*mlplat.Run{one, two} {
		must(t, run.LogSpan(ctx, "loss", mlplat.Span{Values: []float64{1, 2}}))
	}
	points, err := client.MetricHistoryBulk(ctx, []string{one.ID(), two.ID()}, "loss", 0)
	must(t, err)
	equal(t, "points", len(points), 4)
	equal(t, "in the order of their runs", points[0].RunID < points[2].RunID, true)
	equal(t, "the first", words(points[0].RunID == points[1].RunID, points[0].Value, points[1].Step), "true 1 1")
	points, err = client.MetricHistoryBulk(ctx, []string{one.ID(), two.ID()}, "loss", 3)
	must(t, err)
	equal(t, "no more", len(points), 3)
}

func TestWhatARunReadAndMade(t *testing.T) {
	client := open(t, mlplat.Options{})
	run := start(t, client, mlplat.RunOptions{})
	model, err := client.LoggedModels().Create(ctx, mlplat.LoggedModelOptions{SourceRunID: run.ID()})
	must(t, err)
	rows := mlplat.Dataset{Name: "rows", Digest: "abc", SourceType: "local", Source: `{"uri": "rows.csv"}`,
		Tags: mlplat.Tags{"mlflow.data.context": "training"}}
	must(t, run.LogInputs(ctx, []mlplat.Dataset{rows}, model.ID))
	must(t, run.LogInputs(ctx, nil))
	must(t, run.LogOutputs(ctx, mlplat.ModelOutput{ModelID: model.ID, Step: 3}))
	must(t, run.LogBatch(ctx, mlplat.Batch{Metrics: []mlplat.Metric{
		{Key: "auc", Value: 0.9, ModelID: model.ID, DatasetName: "rows", DatasetDigest: "abc"}}}))
	data, err := run.Data(ctx)
	must(t, err)
	equal(t, "inputs", words(data.Datasets, data.ModelInputs), words([]mlplat.Dataset{rows}, []string{model.ID}))
	equal(t, "outputs", fmt.Sprint(data.ModelOutputs), fmt.Sprint([]mlplat.ModelOutput{{model.ID, 3}}))
	model, err = client.LoggedModels().Get(ctx, model.ID)
	must(t, err)
	equal(t, "metric", words(model.Metrics[0].Value, model.Metrics[0].DatasetName, model.Metrics[0].RunID),
		words(0.9, "rows", run.ID()))
}
