package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	mlplat "mlplat.example/bindings/go"
)

// register puts a model into the registry of a new store, and gives the store's URI.
func register(t *testing.T) string {
	t.Helper()
	t.Setenv("XDG_CONFIG_HOME", "/nonexistent")
	ctx := context.Background()
	folder := t.TempDir()
	uri := "sqlite:///" + filepath.Join(folder, "mlflow.db")
	model := filepath.Join(folder, "model")
	check(t, os.Mkdir(model, 0o700))
	check(t, os.WriteFile(filepath.Join(model, "weights.json"), []byte(`{"weights": [2, -1], "bias": 0.5}`), 0o600))
	client, err := mlplat.Open(ctx, &mlplat.Options{TrackingURI: uri})
	check(t, err)
	defer client.Close()
	_, err = client.Registry().Register(ctx, "scores", model, mlplat.VersionOptions{})
	check(t, err)
	check(t, client.Registry().SetAlias(ctx, "scores", "champion", "1"))
	return uri
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// running is a service that has been asked to start, its address, and how to stop it.
type running struct {
	address string
	stop    context.CancelFunc
	done    chan error
}

// begin waits for the line of the log that says where it listens.
func begin(t *testing.T, store string) *running {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	r := &running{stop: stop, done: make(chan error, 1)}
	lines, writer := io.Pipe()
	go func() { r.done <- serve(ctx, "127.0.0.1:0", store, slog.New(slog.NewTextHandler(writer, nil))) }()
	t.Cleanup(func() { stop(); lines.Close() })
	text := make([]byte, 4096)
	n, err := lines.Read(text)
	check(t, err)
	r.address = string(regexp.MustCompile(`address=(\S+)`).FindSubmatch(text[:n])[1])
	go io.Copy(io.Discard, lines)
	return r
}

func (r *running) get(t *testing.T, path string, into any) {
	t.Helper()
	answer, err := http.Get("http://" + r.address + path)
	check(t, err)
	defer answer.Body.Close()
	check(t, json.NewDecoder(answer.Body).Decode(into))
}

func (r *running) predict(body string) (int, string) {
	answer, err := http.Post("http://"+r.address+"/predict", "application/json", strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close()
	var text bytes.Buffer
	text.ReadFrom(answer.Body)
	return answer.StatusCode, text.String()
}

func TestEveryPredictionIsTrackedAndTheRunEnds(t *testing.T) {
	store := register(t)
	service := begin(t, store)
	const callers, calls = 4, 25
	var wait sync.WaitGroup
	for range callers {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for range calls {
				if status, text := service.predict(`{"row": [1, 2]}`); status != 200 || !strings.Contains(text, "0.622") {
					t.Errorf("%d: %s", status, text)
				}
			}
		}()
	}
	wait.Wait()
	for body, want := range map[string]int{`{"row": [1]}`: 422, `nonsense`: 400} {
		if status, text := service.predict(body); status != want {
			t.Errorf("%s: %d: %s", body, status, text)
		}
	}
	var run mlplat.RunData
	service.get(t, "/metrics", &run)
	if run.Metrics["score"].Step != callers*calls-1 || run.Params["model"] != "models:/scores/1" {
		t.Errorf("the run has %v, %v", run.Metrics, run.Params)
	}
	var list struct {
		Runs []struct{ ID, Status string }
	}
	service.get(t, "/runs", &list)
	if len(list.Runs) != 1 || list.Runs[0].ID != run.ID || list.Runs[0].Status != "RUNNING" {
		t.Errorf("the list has %v", list.Runs)
	}
	service.stop()
	check(t, <-service.done)
	ended(t, store, run.ID, mlplat.Finished, callers*calls)
}

// ended looks at the run from outside.
func ended(t *testing.T, store, id string, status mlplat.RunStatus, points int) {
	t.Helper()
	ctx := context.Background()
	client, err := mlplat.Open(ctx, &mlplat.Options{TrackingURI: store})
	check(t, err)
	defer client.Close()
	run, err := client.GetRun(ctx, id)
	check(t, err)
	n := 0
	for _, err := range client.MetricHistory(ctx, id, "score") {
		check(t, err)
		n++
	}
	if run.Status != status || n != points {
		t.Errorf("the run is %s and has %d points", run.Status, n)
	}
}

func TestAServiceWithoutAModelSaysWhatIsMissing(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", "/nonexistent")
	err := serve(context.Background(), "127.0.0.1:0", "sqlite:///"+filepath.Join(t.TempDir(), "mlflow.db"), slog.Default())
	if !errors.Is(err, mlplat.ErrNotFound) || !strings.Contains(err.Error(), "weights.json") {
		t.Errorf("got %v", err)
	}
}
