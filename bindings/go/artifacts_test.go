package mlplat_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	mlplat "mlplat.example/bindings/go"
)

// onServer is an embedded store, or the MLflow server that tests/integration runs these tests on.
var onServer = mlplat.Options{TrackingURI: os.Getenv("ARTIFACT_SERVER")}

func TestArtifactsGoInAndComeOut(t *testing.T) {
	client := open(t, onServer)
	run := start(t, client, mlplat.RunOptions{})
	root := "runs:/" + run.ID() + "/"
	folder := t.TempDir()
	must(t, os.WriteFile(filepath.Join(folder, "a.txt"), []byte("from a file"), 0o600))
	must(t, run.LogArtifact(ctx, filepath.Join(folder, "a.txt"), "in"))
	must(t, run.LogText(ctx, "some text", "in/b.txt"))
	must(t, run.LogDict(ctx, map[string]any{"depth": 6}, "c.yaml"))
	must(t, run.LogReader(ctx, strings.NewReader("from a reader"), "d.txt"))
	must(t, client.Artifacts().Put(ctx, filepath.Join(folder, "a.txt"), root+"e.txt"))
	must(t, client.Artifacts().PutBytes(ctx, root+"f.bin", nil))
	for file, want := range map[string]string{"in/a.txt": "from a file", "in/b.txt": "some text", "c.yaml": "depth: 6\n",
		"d.txt": "from a reader", "e.txt": "from a file", "f.bin": ""} {
		var text bytes.Buffer
		must(t, client.Artifacts().Read(ctx, root+file, &text))
		equal(t, file, text.String(), want)
	}
	files, err := client.Artifacts().List(ctx, root+"in")
	must(t, err)
	if len(files) != 2 || files[0].Path != "in/a.txt" || files[0].Size != 11 || files[0].IsDir {
		t.Errorf("got %v", files)
	}
	must(t, client.Artifacts().Get(ctx, root, filepath.Join(folder, "all")))
	text, err := os.ReadFile(filepath.Join(folder, "all/in/b.txt"))
	must(t, err)
	equal(t, "copied", string(text), "some text")
	place, err := client.Artifacts().Resolve(ctx, root+"d.txt")
	must(t, err)
	equal(t, "resolved", strings.HasSuffix(place, "/artifacts/d.txt"), true)
}

func TestAReaderIsOpenedAndMayBeLeft(t *testing.T) {
	client := open(t, onServer)
	run := start(t, client, mlplat.RunOptions{})
	uri := "runs:/" + run.ID() + "/large.bin"
	must(t, client.Artifacts().PutBytes(ctx, uri, bytes.Repeat([]byte("0123456789abcdef"), 1<<16)))
	whole := client.Artifacts().Open(ctx, uri)
	n, err := io.Copy(io.Discard, whole)
	must(t, err)
	equal(t, "bytes", n, 1<<20)
	left := client.Artifacts().Open(ctx, uri)
	_, err = io.ReadFull(left, make([]byte, 10))
	must(t, err)
	must(t, left.Close())
	stopped, stop := withCancel(ctx)
	blocked := client.Artifacts().Open(stopped, uri)
	stop()
	_, err = io.Copy(io.Discard, blocked)
	equal(t, "cancelled", errors.Is(err, stopped.Err()), true)
	none := client.Artifacts().Open(ctx, uri+".none")
	_, err = io.ReadAll(none)
	equal(t, "not there", errors.Is(err, mlplat.ErrNotFound), true)
}

func TestAnErrorOfTheWriterComesBack(t *testing.T) {
	client := open(t, onServer)
	run := start(t, client, mlplat.RunOptions{})
	must(t, run.LogText(ctx, "some text", "a.txt"))
	why := errors.New("the disk is full")
	err := client.Artifacts().Read(ctx, "runs:/"+run.ID()+"/a.txt",
		writerFunc(func([]byte) (int, error) { return 0, why }))
	equal(t, "its cause", errors.Is(err, why), true)
	err = client.Artifacts().Write(ctx, "runs:/"+run.ID()+"/b.txt", io.MultiReader(strings.NewReader("x"), failing{why}))
	equal(t, "the reader's", errors.Is(err, why), true)
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestProgressOfATransferEndsWithAll(t *testing.T) {
	client := open(t, onServer)
	run := start(t, client, mlplat.RunOptions{})
	file := filepath.Join(t.TempDir(), "large.bin")
	must(t, os.WriteFile(file, make([]byte, 3<<20), 0o600))
	var done, total uint64
	must(t, client.Artifacts().Put(mlplat.WithProgress(ctx, func(d, t uint64) { done, total = d, t }), file,
		"runs:/"+run.ID()+"/large.bin"))
	equal(t, "done", done, 3<<20)
	equal(t, "total", total, 3<<20)
}

func TestAPathThatLeavesTheRunIsRefused(t *testing.T) {
	client := open(t, onServer)
	run := start(t, client, mlplat.RunOptions{})
	for _, file := range []string{"../out.txt", "a/../../out.txt", "/etc/out", "a\x00b"} {
		err := run.LogText(ctx, "x", file)
		equal(t, file, errors.Is(err, mlplat.ErrInvalid), true)
	}
}

func TestAModelIsSavedAndLogged(t *testing.T) {
	client := open(t, mlplat.Options{})
	run := start(t, client, mlplat.RunOptions{})
	model := mlplat.Model{LoaderModule: "mlflow.sklearn", Requirements: []string{"scikit-learn", "numpy"},
		Flavors:      map[string]any{"sklearn": map[string]any{"pickled_model": "model.pkl"}},
		Signature:    map[string]any{"inputs": []any{map[string]any{"name": "x", "type": "double", "required": true}}},
		InputExample: map[string]any{"columns": []string{"x"}, "data": [][]float64{{0.5}}}, PythonVersion: "3.11.2"}
	uri, err := run.LogModel(ctx, "model", model)
	must(t, err)
	info, err := client.Artifacts().ModelInfo(ctx, uri)
	must(t, err)
	equal(t, "flavor", strings.Contains(string(info), `"pickled_model":"model.pkl"`), true)
	equal(t, "run", strings.Contains(string(info), run.ID()), true)
	dir := filepath.Join(t.TempDir(), "saved")
	must(t, client.Artifacts().SaveModel(ctx, dir, model))
	_, err = os.Stat(filepath.Join(dir, "MLmodel"))
	must(t, err)
	equal(t, "again", errors.Is(client.Artifacts().SaveModel(ctx, dir, model), mlplat.ErrExists), true)
	model.Signature = func() {}
	equal(t, "no JSON", errors.Is(client.Artifacts().SaveModel(ctx, dir+"2", model), mlplat.ErrInvalid), true)
}
