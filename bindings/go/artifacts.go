package mlplat

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"unsafe"

	"mlplat.example/bindings/go/internal/raw"
)

// Artifacts are files and directories at URIs: an absolute path or file:/path, runs:/<run id>/<path>,
// models:/<name>/<version>[/<path>], models:/<name>@<alias>[/<path>]. A path inside never leaves its root. What is
// written appears whole or not at all.
type Artifacts struct{ c *Client }

// Artifacts gives the artifacts that the client reaches.
func (c *Client) Artifacts() Artifacts { return Artifacts{c} }

// FileInfo is one entry of a list of artifacts.
type FileInfo struct {
	Path  string `json:"path"` // relative to the root of the run or model
	IsDir bool   `json:"is_dir"`
	Size  int64  `json:"file_size"` // of a file
}

// Put copies a local file or directory to a URI, which becomes the file or the directory (mlplat_artifact_put).
func (a Artifacts) Put(ctx context.Context, path, uri string) error {
	return a.c.do(ctx, func(p unsafe.Pointer, call *raw.Call) int { return raw.Artifact_put(p, path, uri, call) })
}

// PutBytes writes bytes as the file at a URI (mlplat_artifact_put_bytes).
func (a Artifacts) PutBytes(ctx context.Context, uri string, data []byte) error {
	return a.c.do(ctx, func(p unsafe.Pointer, call *raw.Call) int { return raw.Artifact_put_bytes(p, data, uri, call) })
}

// Write writes what a reader has as the file at a URI; it is read whole first (mlplat_artifact_put_bytes).
func (a Artifacts) Write(ctx context.Context, uri string, from io.Reader) error {
	data, err := io.ReadAll(from)
	if err != nil {
		return err
	}
	return a.PutBytes(ctx, uri, data)
}

// Get copies the file or directory at a URI to a local path, which becomes the file or the directory: files there of
// the same names are replaced, others stay (mlplat_artifact_get).
func (a Artifacts) Get(ctx context.Context, uri, path string) error {
	return a.c.do(ctx, func(p unsafe.Pointer, call *raw.Call) int { return raw.Artifact_get(p, uri, path, call) })
}

// Read writes the file at a URI to a writer, piece by piece (mlplat_artifact_read). An error of the writer ends it and
// is what its error unwraps to.
func (a Artifacts) Read(ctx context.Context, uri string, to io.Writer) error {
	return a.c.handle().write(ctx, a.c, to, func(p unsafe.Pointer, call *raw.Call) int {
		return raw.Artifact_read(p, uri, call)
	})
}

// Open reads the file at a URI as it comes; what is wrong, the first Read says. Close it (mlplat_artifact_read).
func (a Artifacts) Open(ctx context.Context, uri string) io.ReadCloser {
	reader, writer := io.Pipe()
	stop := context.AfterFunc(ctx, func() { writer.CloseWithError(context.Cause(ctx)) })
	go func() {
		writer.CloseWithError(a.Read(ctx, uri, writer))
		stop()
	}()
	return reader
}

// List tells what is in the directory at a URI, by name; of a file: the file alone (mlplat_artifact_list).
func (a Artifacts) List(ctx context.Context, uri string) ([]FileInfo, error) {
	var list struct {
		Files []FileInfo `json:"files"`
	}
	err := a.c.document(ctx, &list, func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
		return raw.Artifact_list(p, uri, out, call)
	})
	return list.Files, err
}

// Resolve tells what a runs:/ or models:/ URI stands for, as a path or URI of a store (mlplat_artifact_resolve).
func (a Artifacts) Resolve(ctx context.Context, uri string) (string, error) {
	return a.c.text(ctx, func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
		return raw.Artifact_resolve(p, uri, out, call)
	})
}

// Model is a model directory to write, in MLflow's layout. MLflow's pyfunc reads it when LoaderModule can be imported
// there.
type Model struct {
	LoaderModule  string   // Python module with _load_pyfunc(path): required
	Data          string   // local file or directory to copy in as the model's data
	Code          string   // local directory or .py file copied to code/
	Flavors       any      // further flavors: {"onnx": {"data": "model.onnx"}}; a value for JSON, as all of type any here
	Signature     any      // {"inputs": [...], "outputs": [...]} with columns as MLflow writes them
	InputExample  any      // {"columns", "data"} (one table) or any instance
	Requirements  []string // pip requirements
	PythonVersion string   // "3.11.2"
	Metadata      any      // an object
	RunID         string   // Run.LogModel sets it
	ArtifactPath  string   // likewise
}

// documents gives Flavors, Signature, InputExample and Metadata as JSON text.
func (m Model) documents() (texts [4]string, err error) {
	for i, value := range []any{m.Flavors, m.Signature, m.InputExample, m.Metadata} {
		if texts[i], err = jsonText(value); err != nil {
			break
		}
	}
	return texts, err
}

// SaveModel writes a model directory at a local path that is not there yet, or is an empty directory
// (mlplat_model_save).
func (a Artifacts) SaveModel(ctx context.Context, dir string, m Model) error {
	d, err := m.documents()
	if err != nil {
		return err
	}
	return a.c.do(ctx, func(p unsafe.Pointer, call *raw.Call) int {
		return raw.Model_save(p, dir, m.LoaderModule, m.Data, m.Code, d[0], d[1], d[2],
			strings.Join(m.Requirements, "\n"), m.PythonVersion, d[3], m.RunID, m.ArtifactPath, call)
	})
}

// LogModel saves a model directory as an artifact of the run, and gives its URI, ready for Registry.Register
// (mlplat_run_log_model). name: a clean relative path, usually "model".
func (r *Run) LogModel(ctx context.Context, name string, m Model) (string, error) {
	d, err := m.documents()
	if err != nil {
		return "", err
	}
	return r.handle().text(ctx, r, func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
		return raw.Run_log_model(p, name, m.LoaderModule, m.Data, m.Code, d[0], d[1], d[2],
			strings.Join(m.Requirements, "\n"), m.PythonVersion, d[3], out, call)
	})
}

// ModelInfo gives the MLmodel file of the model directory at a URI as JSON (mlplat_model_info).
func (a Artifacts) ModelInfo(ctx context.Context, uri string) (info json.RawMessage, err error) {
	err = a.c.document(ctx, &info, func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
		return raw.Model_info(p, uri, out, call)
	})
	return info, err
}
