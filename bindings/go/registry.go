package mlplat

import (
	"bytes"
	"context"
	"encoding/json"
	"iter"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"mlplat.example/bindings/go/internal/raw"
)

// Registry is the model registry. A version is named by its number, "3", by an alias, "@champion", by "latest", or by a
// stage, "Production".
type Registry struct{ c *Client }

// Registry gives the registry of the client.
func (c *Client) Registry() Registry { return Registry{c} }

// ModelVersion is a version of a registered model.
type ModelVersion struct {
	Name         string
	Version      int64
	Source       string // URI of the model directory, as it was registered
	RunID        string // the run that made it; "": none
	RunLink      string
	Description  string
	Stage        string // "None", "Staging", "Production" or "Archived"
	Status       string // "READY", ...
	User         string
	CreationTime time.Time
	UpdateTime   time.Time
	Tags         Tags
	Aliases      []string
	Raw          json.RawMessage // the whole document, in the shape of MLflow's REST answers
}

// UnmarshalJSON reads MLflow's document.
func (v *ModelVersion) UnmarshalJSON(text []byte) error {
	var plain struct {
		Name         string   `json:"name"`
		Version      string   `json:"version"`
		Source       string   `json:"source"`
		RunID        string   `json:"run_id"`
		RunLink      string   `json:"run_link"`
		Description  string   `json:"description"`
		Stage        string   `json:"current_stage"`
		Status       string   `json:"status"`
		User         string   `json:"user_id"`
		CreationTime int64    `json:"creation_timestamp"`
		UpdateTime   int64    `json:"last_updated_timestamp"`
		Tags         Tags     `json:"tags"`
		Aliases      []string `json:"aliases"`
	}
	if err := json.Unmarshal(text, &plain); err != nil {
		return err
	}
	number, err := strconv.ParseInt(plain.Version, 10, 64)
	*v = ModelVersion{plain.Name, number, plain.Source, plain.RunID, plain.RunLink, plain.Description, plain.Stage,
		plain.Status, plain.User, moment(plain.CreationTime), moment(plain.UpdateTime), plain.Tags, plain.Aliases,
		bytes.Clone(text)}
	return err
}

// URI is "models:/<name>/<version>", for Artifacts and MLflow alike.
func (v ModelVersion) URI() string {
	return "models:/" + v.Name + "/" + strconv.FormatInt(v.Version, 10)
}

// RegisteredModel is a name in the registry.
type RegisteredModel struct {
	Name           string
	Description    string
	CreationTime   time.Time
	UpdateTime     time.Time
	Tags           Tags
	Aliases        map[string]int64 // alias to version
	LatestVersions []ModelVersion   // of each stage
	Raw            json.RawMessage  // the whole document, in the shape of MLflow's REST answers
}

// UnmarshalJSON reads MLflow's document.
func (m *RegisteredModel) UnmarshalJSON(text []byte) error {
	var plain struct {
		Name         string `json:"name"`
		Description  string `json:"description"`
		CreationTime int64  `json:"creation_timestamp"`
		UpdateTime   int64  `json:"last_updated_timestamp"`
		Tags         Tags   `json:"tags"`
		Aliases      []struct {
			Alias   string `json:"alias"`
			Version int64  `json:"version,string"`
		} `json:"aliases"`
		Latest []ModelVersion `json:"latest_versions"`
	}
	if err := json.Unmarshal(text, &plain); err != nil {
		return err
	}
	*m = RegisteredModel{plain.Name, plain.Description, moment(plain.CreationTime), moment(plain.UpdateTime),
		plain.Tags, make(map[string]int64, len(plain.Aliases)), plain.Latest, bytes.Clone(text)}
	for _, alias := range plain.Aliases {
		m.Aliases[alias.Alias] = alias.Version
	}
	return nil
}

// ---- registered models ---------------------------------------------------------------------------------------------

// Create creates a registered model (mlplat_registered_model_create). ErrExists: it is there.
func (r Registry) Create(ctx context.Context, name, description string, tags Tags) error {
	return r.c.do(ctx, func(p unsafe.Pointer, call *raw.Call) int {
		return raw.Registered_model_create(p, name, description, tags.object(), call)
	})
}

// Get gives a registered model (mlplat_registered_model_get).
func (r Registry) Get(ctx context.Context, name string) (model RegisteredModel, err error) {
	err = r.c.document(ctx, &model, func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
		return raw.Registered_model_get(p, name, out, call)
	})
	return model, err
}

// Search goes through registered models (mlplat_registered_model_search).
func (r Registry) Search(ctx context.Context, search Search) iter.Seq2[RegisteredModel, error] {
	return pages(search.PageToken, func(token string) (Page[RegisteredModel], error) {
		search.PageToken = token
		return r.SearchPage(ctx, search)
	})
}

// SearchPage gives one page of what Search goes through.
func (r Registry) SearchPage(ctx context.Context, search Search) (Page[RegisteredModel], error) {
	return page[RegisteredModel](ctx, r.c.handle(), r.c, "registered_models",
		func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
			return raw.Registered_model_search(p, search.Filter, search.orderBy(), search.pageSize(), search.PageToken,
				out, call)
		})
}

// Update changes a registered model's description (mlplat_registered_model_update).
func (r Registry) Update(ctx context.Context, name, description string) error {
	return r.c.do(ctx, func(p unsafe.Pointer, call *raw.Call) int {
		return raw.Registered_model_update(p, name, given(description), call)
	})
}

// Rename gives a registered model another name, and its versions, tags and aliases with it
// (mlplat_registered_model_rename).
func (r Registry) Rename(ctx context.Context, name, newName string) error {
	return r.c.do(ctx, func(p unsafe.Pointer, call *raw.Call) int {
		return raw.Registered_model_rename(p, name, newName, call)
	})
}

// Delete deletes a registered model with its versions, tags and aliases (mlplat_registered_model_delete).
func (r Registry) Delete(ctx context.Context, name string) error {
	return r.c.do(ctx, func(p unsafe.Pointer, call *raw.Call) int { return raw.Registered_model_delete(p, name, call) })
}

// SetTag sets a tag of a registered model (mlplat_registered_model_set_tag).
func (r Registry) SetTag(ctx context.Context, name, key, value string) error {
	return r.c.do(ctx, func(p unsafe.Pointer, call *raw.Call) int {
		return raw.Registered_model_set_tag(p, name, key, value, call)
	})
}

// DeleteTag removes a tag of a registered model; one that is not there is fine (mlplat_registered_model_delete_tag).
func (r Registry) DeleteTag(ctx context.Context, name, key string) error {
	return r.c.do(ctx, func(p unsafe.Pointer, call *raw.Call) int {
		return raw.Registered_model_delete_tag(p, name, key, call)
	})
}

// ---- versions ------------------------------------------------------------------------------------------------------

// VersionOptions says more of a model version.
type VersionOptions struct {
	RunID       string // the run that made it; "": taken from a runs:/ source
	Description string
	Tags        Tags
	RunLink     string
}

// Register registers a version of a model, which is created if it is not there, and gives the version's number
// (mlplat_model_version_create). source: what Run.LogModel gave, models:/..., or a path.
func (r Registry) Register(ctx context.Context, name, source string, options VersionOptions) (version int64,
	err error) {
	err = r.c.do(ctx, func(p unsafe.Pointer, call *raw.Call) int {
		return raw.Model_version_create(p, name, source, options.RunID, options.Description, options.Tags.object(),
			options.RunLink, &version, call)
	})
	return version, err
}

// Version gives a model version (mlplat_model_version_get).
func (r Registry) Version(ctx context.Context, name, version string) (found ModelVersion, err error) {
	err = r.c.document(ctx, &found, func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
		return raw.Model_version_get(p, name, version, out, call)
	})
	return found, err
}

// Versions goes through the versions of a model, or of all for "", those that changed last first
// (mlplat_model_version_search).
func (r Registry) Versions(ctx context.Context, name string, search Search) iter.Seq2[ModelVersion, error] {
	return pages(search.PageToken, func(token string) (Page[ModelVersion], error) {
		search.PageToken = token
		return r.VersionsPage(ctx, name, search)
	})
}

// VersionsPage gives one page of what Versions goes through.
func (r Registry) VersionsPage(ctx context.Context, name string, search Search) (Page[ModelVersion], error) {
	return page[ModelVersion](ctx, r.c.handle(), r.c, "model_versions",
		func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
			return raw.Model_version_search(p, name, search.Filter, search.orderBy(), search.pageSize(),
				search.PageToken, out, call)
		})
}

// Latest gives the newest version of each stage, of all stages if none is named (mlplat_model_version_latest).
func (r Registry) Latest(ctx context.Context, name string, stages ...string) ([]ModelVersion, error) {
	found, err := page[ModelVersion](ctx, r.c.handle(), r.c, "model_versions",
		func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
			return raw.Model_version_latest(p, name, strings.Join(stages, ","), out, call)
		})
	return found.Items, err
}

// Transition moves a version to a stage, None, Staging, Production or Archived; archiveExisting: all others in that
// stage become Archived (mlplat_model_version_transition).
func (r Registry) Transition(ctx context.Context, name, version, stage string,
	archiveExisting bool) (moved ModelVersion, err error) {
	archive := flag(archiveExisting)
	err = r.c.document(ctx, &moved, func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
		return raw.Model_version_transition(p, name, version, stage, archive, out, call)
	})
	return moved, err
}

// Copy makes a version of one model, source: models:/<name>/<version> and its like, a version of another, which is
// created if it is not there; the files are the same. It gives the new number (mlplat_model_version_copy).
func (r Registry) Copy(ctx context.Context, source, to string) (version int64, err error) {
	err = r.c.do(ctx, func(p unsafe.Pointer, call *raw.Call) int {
		return raw.Model_version_copy(p, source, to, &version, call)
	})
	return version, err
}

// UpdateVersion changes a version's description (mlplat_model_version_update).
func (r Registry) UpdateVersion(ctx context.Context, name, version, description string) error {
	return r.c.do(ctx, func(p unsafe.Pointer, call *raw.Call) int {
		return raw.Model_version_update(p, name, version, given(description), call)
	})
}

// DeleteVersion deletes a version with its tags and aliases (mlplat_model_version_delete).
func (r Registry) DeleteVersion(ctx context.Context, name, version string) error {
	return r.c.do(ctx, func(p unsafe.Pointer, call *raw.Call) int {
		return raw.Model_version_delete(p, name, version, call)
	})
}

// SetVersionTag sets a tag of a version (mlplat_model_version_set_tag).
func (r Registry) SetVersionTag(ctx context.Context, name, version, key, value string) error {
	return r.c.do(ctx, func(p unsafe.Pointer, call *raw.Call) int {
		return raw.Model_version_set_tag(p, name, version, key, value, call)
	})
}

// DeleteVersionTag removes a tag of a version; one that is not there is fine (mlplat_model_version_delete_tag).
func (r Registry) DeleteVersionTag(ctx context.Context, name, version, key string) error {
	return r.c.do(ctx, func(p unsafe.Pointer, call *raw.Call) int {
		return raw.Model_version_delete_tag(p, name, version, key, call)
	})
}

// SetAlias points an alias at a version, from wherever it pointed before, in one step (mlplat_model_alias_set).
func (r Registry) SetAlias(ctx context.Context, name, alias, version string) error {
	return r.c.do(ctx, func(p unsafe.Pointer, call *raw.Call) int {
		return raw.Model_alias_set(p, name, alias, version, call)
	})
}

// DeleteAlias removes an alias; one that is not there is fine (mlplat_model_alias_delete).
func (r Registry) DeleteAlias(ctx context.Context, name, alias string) error {
	return r.c.do(ctx, func(p unsafe.Pointer, call *raw.Call) int {
		return raw.Model_alias_delete(p, name, alias, call)
	})
}
