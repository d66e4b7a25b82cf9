package mlplat

import (
	"bytes"
	"context"
	"encoding/json"
	"iter"
	"strings"
	"time"
	"unsafe"

	"mlplat.example/bindings/go/internal/raw"
)

// LoggedModels are MLflow 3's models of an experiment, with params, tags, metrics and files of their own. A store of
// MLflow 2 has none: ErrUnsupported.
type LoggedModels struct{ c *Client }

// LoggedModels gives the logged models of the client.
func (c *Client) LoggedModels() LoggedModels { return LoggedModels{c} }

// LoggedModel is a logged model as the store has it.
type LoggedModel struct {
	ID            string // m-...
	Name          string
	ExperimentID  string
	Status        string // LOGGED_MODEL_PENDING, LOGGED_MODEL_READY or LOGGED_MODEL_UPLOAD_FAILED
	StatusMessage string
	ModelType     string
	SourceRunID   string // the run that made it; "": none
	ArtifactURI   string
	CreationTime  time.Time
	UpdateTime    time.Time
	Params        Tags
	Tags          Tags
	Metrics       []Metric        // all its points
	Raw           json.RawMessage // the whole document, in the shape of MLflow's REST answers
}

// UnmarshalJSON reads MLflow's {"info", "data"}.
func (m *LoggedModel) UnmarshalJSON(text []byte) error {
	var plain struct {
		Info struct {
			ID            string `json:"model_id"`
			Name          string `json:"name"`
			ExperimentID  string `json:"experiment_id"`
			Status        string `json:"status"`
			StatusMessage string `json:"status_message"`
			ModelType     string `json:"model_type"`
			SourceRunID   string `json:"source_run_id"`
			ArtifactURI   string `json:"artifact_uri"`
			CreationTime  int64  `json:"creation_timestamp_ms"`
			UpdateTime    int64  `json:"last_updated_timestamp_ms"`
			Tags          Tags   `json:"tags"`
		} `json:"info"`
		Data struct {
			Params  Tags     `json:"params"`
			Metrics []Metric `json:"metrics"`
		} `json:"data"`
	}
	err := json.Unmarshal(text, &plain)
	info := plain.Info
	*m = LoggedModel{info.ID, info.Name, info.ExperimentID, info.Status, info.StatusMessage, info.ModelType,
		info.SourceRunID, info.ArtifactURI, moment(info.CreationTime), moment(info.UpdateTime), plain.Data.Params,
		info.Tags, plain.Data.Metrics, bytes.Clone(text)}
	return err
}

// URI is "models:/<id>", for Artifacts, Registry.Register and MLflow alike.
func (m LoggedModel) URI() string { return "models:/" + m.ID }

// LoggedModelOptions says how to create a logged model. Zero: in the configured experiment, with a generated name.
type LoggedModelOptions struct {
	Name         string // without / : . % " and '
	ExperimentID string // "": that of SourceRunID, else the configured one, else "0"
	ModelType    string // any word to search by: "agent"
	SourceRunID  string // the run that makes it
	Params       map[string]any
	Tags         Tags
}

func (l LoggedModels) document(ctx context.Context,
	fn func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int) (model LoggedModel, err error) {
	err = l.c.document(ctx, &model, fn)
	return model, err
}

// Create creates a logged model, which is pending until Finalize (mlplat_logged_model_create).
func (l LoggedModels) Create(ctx context.Context, options LoggedModelOptions) (LoggedModel, error) {
	return l.document(ctx, func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
		return raw.Logged_model_create(p, options.ExperimentID, options.Name, options.ModelType, options.SourceRunID,
			texts(options.Params).object(), options.Tags.object(), out, call)
	})
}

// LoggedModelSearch says what to search. The zero value means: all of all active experiments, newest first.
type LoggedModelSearch struct {
	ExperimentIDs []string
	Filter        string // "metrics.auc > 0.9 AND params.depth = '6'"
	OrderBy       []ModelOrder
	Datasets      []DatasetName // metrics count only if they were measured on one of these
	PageSize      int
	PageToken     string
}

// ModelOrder is a key of an order.
type ModelOrder struct {
	Field         string `json:"field_name"` // "metrics.auc", "creation_timestamp"
	Ascending     bool   `json:"ascending"`
	DatasetName   string `json:"dataset_name,omitempty"` // of a metric: measured on this
	DatasetDigest string `json:"dataset_digest,omitempty"`
}

// DatasetName names a dataset.
type DatasetName struct {
	Name   string `json:"dataset_name"`
	Digest string `json:"dataset_digest,omitempty"`
}

// Search goes through logged models (mlplat_logged_model_search).
func (l LoggedModels) Search(ctx context.Context, search LoggedModelSearch) iter.Seq2[LoggedModel, error] {
	return pages(search.PageToken, func(token string) (Page[LoggedModel], error) {
		search.PageToken = token
		return l.SearchPage(ctx, search)
	})
}

// SearchPage gives one page of what Search goes through.
func (l LoggedModels) SearchPage(ctx context.Context, s LoggedModelSearch) (Page[LoggedModel], error) {
	var datasets, order string
	var err error
	if s.Datasets != nil {
		datasets, err = jsonText(s.Datasets)
	}
	if s.OrderBy != nil && err == nil {
		order, err = jsonText(s.OrderBy)
	}
	if err != nil {
		return Page[LoggedModel]{}, err
	}
	ids, size := strings.Join(s.ExperimentIDs, ","), Search{PageSize: s.PageSize}.pageSize()
	return page[LoggedModel](ctx, l.c.handle(), l.c, "models",
		func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
			return raw.Logged_model_search(p, ids, s.Filter, datasets, order, size, s.PageToken, out, call)
		})
}

// Get gives a logged model that is not deleted (mlplat_logged_model_get).
func (l LoggedModels) Get(ctx context.Context, id string) (LoggedModel, error) {
	return l.document(ctx, func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
		return raw.Logged_model_get(p, id, out, call)
	})
}

// Finalize says that its files are whole, or not (mlplat_logged_model_finalize).
func (l LoggedModels) Finalize(ctx context.Context, id string, ready bool) (LoggedModel, error) {
	status := map[bool]string{true: "READY", false: "FAILED"}[ready]
	return l.document(ctx, func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
		return raw.Logged_model_finalize(p, id, status, out, call)
	})
}

// SetTags sets tags: all of them or none (mlplat_logged_model_set_tags).
func (l LoggedModels) SetTags(ctx context.Context, id string, tags Tags) error {
	return l.c.do(ctx, func(p unsafe.Pointer, call *raw.Call) int {
		return raw.Logged_model_set_tags(p, id, tags.object(), call)
	})
}

// DeleteTag removes a tag (mlplat_logged_model_delete_tag).
func (l LoggedModels) DeleteTag(ctx context.Context, id, key string) error {
	return l.c.do(ctx, func(p unsafe.Pointer, call *raw.Call) int {
		return raw.Logged_model_delete_tag(p, id, key, call)
	})
}

// LogParams adds params: all of them or none (mlplat_logged_model_log_params). ErrExists: it has one of them already.
func (l LoggedModels) LogParams(ctx context.Context, id string, params map[string]any) error {
	return l.c.do(ctx, func(p unsafe.Pointer, call *raw.Call) int {
		return raw.Logged_model_log_params(p, id, texts(params).object(), call)
	})
}

// Delete marks it deleted; its files stay (mlplat_logged_model_delete).
func (l LoggedModels) Delete(ctx context.Context, id string) error {
	return l.c.do(ctx, func(p unsafe.Pointer, call *raw.Call) int { return raw.Logged_model_delete(p, id, call) })
}
