package mlplat

import (
	"bytes"
	"context"
	"encoding/json"
	"iter"
	"math"
	"strings"
	"time"
	"unsafe"

	"mlplat.example/bindings/go/internal/raw"
)

// View says which of the living and the deleted a list shows.
type View int32

const (
	ViewActive View = iota
	ViewDeleted
	ViewAll
)

// RunStatus is the state of a run.
type RunStatus string

const (
	Running   RunStatus = "RUNNING"
	Scheduled RunStatus = "SCHEDULED"
	Finished  RunStatus = "FINISHED"
	Failed    RunStatus = "FAILED"
	Killed    RunStatus = "KILLED"
)

// Metric is one point of a metric. The last four are of the metrics of logged models.
type Metric struct {
	Key           string
	Value         float64
	Time          time.Time
	Step          int64
	ModelID       string // the logged model that was measured
	DatasetName   string // and on what
	DatasetDigest string
	RunID         string // by which run
}

// metricJSON is how MLflow writes it.
type metricJSON struct {
	Key           string `json:"key"`
	Value         number `json:"value"`
	Timestamp     int64  `json:"timestamp,omitempty"`
	Step          int64  `json:"step"`
	ModelID       string `json:"model_id,omitempty"`
	DatasetName   string `json:"dataset_name,omitempty"`
	DatasetDigest string `json:"dataset_digest,omitempty"`
	RunID         string `json:"run_id,omitempty"`
}

// UnmarshalJSON reads MLflow's {"key", "value", "timestamp", "step", ...}.
func (m *Metric) UnmarshalJSON(text []byte) error {
	var plain metricJSON
	err := json.Unmarshal(text, &plain)
	*m = Metric{plain.Key, float64(plain.Value), moment(plain.Timestamp), plain.Step, plain.ModelID, plain.DatasetName,
		plain.DatasetDigest, plain.RunID}
	return err
}

// Experiment is an experiment as the store has it.
type Experiment struct {
	ID               string
	Name             string
	ArtifactLocation string
	LifecycleStage   string // "active" or "deleted"
	CreationTime     time.Time
	LastUpdateTime   time.Time
	Tags             Tags
	Raw              json.RawMessage // the whole document, in the shape of MLflow's REST answers
}

// UnmarshalJSON reads MLflow's document.
func (e *Experiment) UnmarshalJSON(text []byte) error {
	var plain struct {
		ID               string `json:"experiment_id"`
		Name             string `json:"name"`
		ArtifactLocation string `json:"artifact_location"`
		LifecycleStage   string `json:"lifecycle_stage"`
		CreationTime     int64  `json:"creation_time"`
		LastUpdateTime   int64  `json:"last_update_time"`
		Tags             Tags   `json:"tags"`
	}
	err := json.Unmarshal(text, &plain)
	*e = Experiment{plain.ID, plain.Name, plain.ArtifactLocation, plain.LifecycleStage, moment(plain.CreationTime),
		moment(plain.LastUpdateTime), plain.Tags, bytes.Clone(text)}
	return err
}

// RunData is a run as the store has it, with the latest value of each metric.
type RunData struct {
	ID             string
	Name           string
	ExperimentID   string
	User           string
	Status         RunStatus
	StartTime      time.Time
	EndTime        time.Time // zero: it has not ended
	ArtifactURI    string
	LifecycleStage string // "active" or "deleted"
	Metrics        map[string]Metric
	Params         Tags
	Tags           Tags
	Datasets       []Dataset       // what it read
	ModelInputs    []string        // ids of the logged models that it read; not in results of searches
	ModelOutputs   []ModelOutput   // and made
	Raw            json.RawMessage // the whole document, in the shape of MLflow's REST answers
}

// UnmarshalJSON reads MLflow's {"info", "data", ...}.
func (r *RunData) UnmarshalJSON(text []byte) error {
	var plain struct {
		Info struct {
			ID             string    `json:"run_id"`
			Name           string    `json:"run_name"`
			ExperimentID   string    `json:"experiment_id"`
			User           string    `json:"user_id"`
			Status         RunStatus `json:"status"`
			StartTime      int64     `json:"start_time"`
			EndTime        int64     `json:"end_time"`
			ArtifactURI    string    `json:"artifact_uri"`
			LifecycleStage string    `json:"lifecycle_stage"`
		} `json:"info"`
		Data struct {
			Metrics []Metric `json:"metrics"`
			Params  Tags     `json:"params"`
			Tags    Tags     `json:"tags"`
		} `json:"data"`
		Inputs struct {
			Datasets []Dataset     `json:"dataset_inputs"`
			Models   []ModelOutput `json:"model_inputs"`
		} `json:"inputs"`
		Outputs struct {
			Models []ModelOutput `json:"model_outputs"`
		} `json:"outputs"`
	}
	if err := json.Unmarshal(text, &plain); err != nil {
		return err
	}
	info := plain.Info
	*r = RunData{info.ID, info.Name, info.ExperimentID, info.User, info.Status, moment(info.StartTime),
		moment(info.EndTime), info.ArtifactURI, info.LifecycleStage, make(map[string]Metric, len(plain.Data.Metrics)),
		plain.Data.Params, plain.Data.Tags, plain.Inputs.Datasets, nil, plain.Outputs.Models, bytes.Clone(text)}
	for _, metric := range plain.Data.Metrics {
		r.Metrics[metric.Key] = metric
	}
	for _, model := range plain.Inputs.Models {
		r.ModelInputs = append(r.ModelInputs, model.ModelID)
	}
	return nil
}

// Dataset is what a run read.
type Dataset struct {
	Name       string
	Digest     string
	SourceType string // "local", "http", ...
	Source     string // JSON text, as MLflow writes it
	Schema     string // likewise, or ""
	Profile    string
	Tags       Tags // mlflow.data.context says what for: "training"
}

type datasetJSON struct {
	Dataset struct {
		Name       string `json:"name"`
		Digest     string `json:"digest"`
		SourceType string `json:"source_type"`
		Source     string `json:"source"`
		Schema     string `json:"schema,omitempty"`
		Profile    string `json:"profile,omitempty"`
	} `json:"dataset"`
	Tags Tags `json:"tags,omitempty"`
}

// UnmarshalJSON reads MLflow's {"dataset", "tags"}.
func (d *Dataset) UnmarshalJSON(text []byte) error {
	var plain datasetJSON
	err := json.Unmarshal(text, &plain)
	set := plain.Dataset
	*d = Dataset{set.Name, set.Digest, set.SourceType, set.Source, set.Schema, set.Profile, plain.Tags}
	return err
}

// MarshalJSON writes MLflow's {"dataset", "tags"}.
func (d Dataset) MarshalJSON() ([]byte, error) {
	plain := map[string]any{"tags": d.Tags.pairs()}
	set := map[string]string{"name": d.Name, "digest": d.Digest, "source_type": d.SourceType, "source": d.Source}
	for key, value := range map[string]string{"schema": d.Schema, "profile": d.Profile} {
		if value != "" {
			set[key] = value
		}
	}
	plain["dataset"] = set
	return json.Marshal(plain)
}

// ModelOutput is a logged model that a run made.
type ModelOutput struct {
	ModelID string `json:"model_id"`
	Step    int64  `json:"step"`
}

// ---- experiments ---------------------------------------------------------------------------------------------------

// ExperimentOptions says how to create an experiment.
type ExperimentOptions struct {
	ArtifactLocation string // "": <artifact root>/<experiment id>
	Tags             Tags
}

// CreateExperiment creates an experiment, and gives its id (mlplat_experiment_create). ErrExists: the name is taken.
func (c *Client) CreateExperiment(ctx context.Context, name string, options ExperimentOptions) (string, error) {
	return c.text(ctx, func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
		return raw.Experiment_create(p, name, options.ArtifactLocation, options.Tags.object(), out, call)
	})
}

// EnsureExperiment gets or creates: the id of the experiment of this name, safe when many processes do it at once
// (mlplat_experiment_ensure).
func (c *Client) EnsureExperiment(ctx context.Context, name string) (string, error) {
	return c.text(ctx, func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
		return raw.Experiment_ensure(p, name, out, call)
	})
}

// GetExperiment gives an experiment by id (mlplat_experiment_get).
func (c *Client) GetExperiment(ctx context.Context, id string) (experiment Experiment, err error) {
	err = c.document(ctx, &experiment, func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
		return raw.Experiment_get(p, id, out, call)
	})
	return experiment, err
}

// ExperimentByName gives an experiment by name (mlplat_experiment_get_by_name).
func (c *Client) ExperimentByName(ctx context.Context, name string) (experiment Experiment, err error) {
	err = c.document(ctx, &experiment, func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
		return raw.Experiment_get_by_name(p, name, out, call)
	})
	return experiment, err
}

// Search says what to search. The zero value means: all active, newest first.
type Search struct {
	ExperimentIDs []string // runs: nil: all active experiments
	Filter        string   // "metrics.loss < 0.5 AND params.depth = '6'"; "": all
	OrderBy       []string // "metrics.loss ASC"; nil: newest first
	View          View
	PageSize      int    // how many are fetched at once; 0: the library chooses
	PageToken     string // where to begin: Page.NextPageToken; "": at the first
}

func (s Search) pageSize() int32 { return int32(min(max(s.PageSize, math.MinInt32), math.MaxInt32)) }

func (s Search) orderBy() string { return strings.Join(s.OrderBy, ",") }

// SearchExperiments goes through experiments (mlplat_experiment_search).
func (c *Client) SearchExperiments(ctx context.Context, search Search) iter.Seq2[Experiment, error] {
	return pages(search.PageToken, func(token string) (Page[Experiment], error) {
		search.PageToken = token
		return c.SearchExperimentsPage(ctx, search)
	})
}

// SearchExperimentsPage gives one page of what SearchExperiments goes through.
func (c *Client) SearchExperimentsPage(ctx context.Context, search Search) (Page[Experiment], error) {
	return page[Experiment](ctx, c.handle(), c, "experiments",
		func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
			return raw.Experiment_search(p, search.Filter, search.orderBy(), int32(search.View), search.pageSize(),
				search.PageToken, out, call)
		})
}

// RenameExperiment gives an experiment another name (mlplat_experiment_rename).
func (c *Client) RenameExperiment(ctx context.Context, id, newName string) error {
	return c.do(ctx, func(p unsafe.Pointer, call *raw.Call) int { return raw.Experiment_rename(p, id, newName, call) })
}

// DeleteExperiment marks an experiment and its runs deleted (mlplat_experiment_delete).
func (c *Client) DeleteExperiment(ctx context.Context, id string) error {
	return c.do(ctx, func(p unsafe.Pointer, call *raw.Call) int { return raw.Experiment_delete(p, id, call) })
}

// RestoreExperiment brings a deleted experiment and the runs deleted with it back (mlplat_experiment_restore).
func (c *Client) RestoreExperiment(ctx context.Context, id string) error {
	return c.do(ctx, func(p unsafe.Pointer, call *raw.Call) int { return raw.Experiment_restore(p, id, call) })
}

// SetExperimentTag sets a tag of an experiment (mlplat_experiment_set_tag).
func (c *Client) SetExperimentTag(ctx context.Context, id, key, value string) error {
	return c.do(ctx, func(p unsafe.Pointer, call *raw.Call) int {
		return raw.Experiment_set_tag(p, id, key, value, call)
	})
}

// DeleteExperimentTag removes a tag of an experiment (mlplat_experiment_delete_tag).
func (c *Client) DeleteExperimentTag(ctx context.Context, id, key string) error {
	return c.do(ctx, func(p unsafe.Pointer, call *raw.Call) int { return raw.Experiment_delete_tag(p, id, key, call) })
}

// ---- runs in the store ---------------------------------------------------------------------------------------------

// GetRun gives a run with its latest metrics, params and tags (mlplat_run_get).
func (c *Client) GetRun(ctx context.Context, id string) (run RunData, err error) {
	err = c.document(ctx, &run, func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
		return raw.Run_get(p, id, out, call)
	})
	return run, err
}

// SearchRuns goes through runs (mlplat_run_search):
//
//	for run, err := range client.SearchRuns(ctx, mlplat.Search{Filter: "metrics.loss < 0.5"}) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(run.Name, run.Metrics["loss"].Value)
//	}
func (c *Client) SearchRuns(ctx context.Context, search Search) iter.Seq2[RunData, error] {
	return pages(search.PageToken, func(token string) (Page[RunData], error) {
		search.PageToken = token
		return c.SearchRunsPage(ctx, search)
	})
}

// SearchRunsPage gives one page of what SearchRuns goes through.
func (c *Client) SearchRunsPage(ctx context.Context, search Search) (Page[RunData], error) {
	ids := strings.Join(search.ExperimentIDs, ",")
	return page[RunData](ctx, c.handle(), c, "runs",
		func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
			return raw.Run_search(p, ids, search.Filter, search.orderBy(), int32(search.View), search.pageSize(),
				search.PageToken, out, call)
		})
}

// RunChange is what to change of a run. Zero: nothing.
type RunChange struct {
	Name    string
	Status  RunStatus
	EndTime time.Time
}

// UpdateRun changes name, status and end time of a run; what is not given stays (mlplat_run_update).
func (c *Client) UpdateRun(ctx context.Context, id string, change RunChange) error {
	return c.do(ctx, func(p unsafe.Pointer, call *raw.Call) int {
		return raw.Run_update(p, id, change.Name, string(change.Status), millis(change.EndTime), call)
	})
}

// DeleteRun marks a run deleted (mlplat_run_delete).
func (c *Client) DeleteRun(ctx context.Context, id string) error {
	return c.do(ctx, func(p unsafe.Pointer, call *raw.Call) int { return raw.Run_delete(p, id, call) })
}

// RestoreRun brings a deleted run back (mlplat_run_restore).
func (c *Client) RestoreRun(ctx context.Context, id string) error {
	return c.do(ctx, func(p unsafe.Pointer, call *raw.Call) int { return raw.Run_restore(p, id, call) })
}

const historyPage = 10000

// MetricHistory goes through all points of a metric in the order (time, step, value) (mlplat_metric_history).
func (c *Client) MetricHistory(ctx context.Context, runID, key string) iter.Seq2[Metric, error] {
	return pages("", func(token string) (Page[Metric], error) {
		return page[Metric](ctx, c.handle(), c, "metrics",
			func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
				return raw.Metric_history(p, runID, key, historyPage, token, out, call)
			})
	})
}

// MetricHistorySince goes through the points from a time on, for following a run: points may come late, so ask from
// some seconds before the newest one (mlplat_metric_history_since).
func (c *Client) MetricHistorySince(ctx context.Context, runID, key string, since time.Time) iter.Seq2[Metric, error] {
	return pages("", func(token string) (Page[Metric], error) {
		return page[Metric](ctx, c.handle(), c, "metrics",
			func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
				return raw.Metric_history_since(p, runID, key, millis(since), historyPage, token, out, call)
			})
	})
}

// MetricHistoryBulk gives the points of one metric of several runs, by run id, then in the order (time, step, value);
// at most max of them, 0: all (mlplat_metric_history_bulk).
func (c *Client) MetricHistoryBulk(ctx context.Context, runIDs []string, key string, max int) ([]Metric, error) {
	var found struct {
		Metrics []Metric `json:"metrics"`
	}
	err := c.document(ctx, &found, func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
		return raw.Metric_history_bulk(p, strings.Join(runIDs, ","), key, int64(max), out, call)
	})
	return found.Metrics, err
}

// Axis is what the buckets of a sample divide.
type Axis int32

const (
	AxisStep Axis = iota
	AxisTime
)

// MetricSample is a metric's history decimated for plots, exact over all points.
type MetricSample struct {
	Count   int64    `json:"count"` // of all points
	NaN     int64    `json:"nan"`   // of these, not a number
	Low     int64    `json:"low"`   // of the axis: a step, or milliseconds since 1970
	High    int64    `json:"high"`
	Buckets []Bucket `json:"buckets"`
}

// Bucket is a part of the axis that has points.
type Bucket struct {
	Start int64   `json:"start"`
	Count int64   `json:"count"`
	NaN   int64   `json:"nan"`
	Min   *Metric `json:"min"` // nil: there is nothing but NaN
	Max   *Metric `json:"max"`
	Last  Metric  `json:"last"`
}

// SampleMetric decimates a metric's history: the range of its steps or times in at most so many buckets of equal width
// (0: 1,000), each with its smallest, its largest and its last point (mlplat_metric_sample).
func (c *Client) SampleMetric(ctx context.Context, runID, key string, buckets int, axis Axis) (sample MetricSample,
	err error) {
	n := int32(min(max(buckets, math.MinInt32), math.MaxInt32))
	err = c.document(ctx, &sample, func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
		return raw.Metric_sample(p, runID, key, n, int32(axis), out, call)
	})
	return sample, err
}

// ---- the spool -----------------------------------------------------------------------------------------------------

// SpoolCounts are the counts of this client's records.
type SpoolCounts struct {
	Accepted uint64 // calls returned without an error
	Durable  uint64 // of these, durable at the level asked for
	Stored   uint64 // of these, in the store
	Dead     uint64 // of these, refused by the store and set aside
}

// SpoolCount gives this client's counts (mlplat_spool_count).
func (c *Client) SpoolCount(ctx context.Context) (counts SpoolCounts, err error) {
	var out raw.SpoolCounts
	err = c.do(ctx, func(p unsafe.Pointer, call *raw.Call) int { return raw.Spool_count(p, &out, call) })
	counts.Accepted, counts.Durable, counts.Stored, counts.Dead = out.Counts()
	return counts, err
}

// SpoolPrometheus gives the counts of the spool as text for Prometheus (mlplat_spool_prometheus).
func (c *Client) SpoolPrometheus(ctx context.Context) (string, error) {
	return c.text(ctx, raw.Spool_prometheus)
}

// SpoolInspect gives records one by one: "dead" (set aside), "waiting", or both (""); of a run or of all (""); at most
// limit, 0 for 1,000 (mlplat_spool_inspect).
func (c *Client) SpoolInspect(ctx context.Context, what, runID string, limit int) (result json.RawMessage, err error) {
	n := int32(min(max(limit, math.MinInt32), math.MaxInt32))
	err = c.document(ctx, &result, func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
		return raw.Spool_inspect(p, what, runID, n, out, call)
	})
	return result, err
}

// SpoolDrop throws away for good: "dead" (refused by the store), "waiting" (left by ended programs) or "damaged"; of a
// run or of all (""); dryRun: it only tells (mlplat_spool_drop).
func (c *Client) SpoolDrop(ctx context.Context, what, runID string, dryRun bool) (result json.RawMessage, err error) {
	dry := 0
	if dryRun {
		dry = 1
	}
	err = c.document(ctx, &result, func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
		return raw.Spool_drop(p, what, runID, int32(dry), out, call)
	})
	return result, err
}

// SpoolStatus tells of every journal of the store, and its dead letters; it stores nothing (mlplat_spool_status).
func (c *Client) SpoolStatus(ctx context.Context) (status json.RawMessage, err error) {
	err = c.document(ctx, &status, raw.Spool_status)
	return status, err
}

// SpoolSync stores what dead processes left behind (mlplat_spool_sync).
func (c *Client) SpoolSync(ctx context.Context) (result json.RawMessage, err error) {
	err = c.document(ctx, &result, raw.Spool_sync)
	return result, err
}

// SpoolRetry tries the dead letters again (mlplat_spool_retry).
func (c *Client) SpoolRetry(ctx context.Context) (result json.RawMessage, err error) {
	err = c.document(ctx, &result, raw.Spool_retry)
	return result, err
}
