package mlplat_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	mlplat "mlplat.example/bindings/go"
)

func TestErrorsSayWhatTheyAre(t *testing.T) {
	client := open(t, mlplat.Options{})
	_, err := client.GetRun(ctx, strings.Repeat("0", 32))
	var e *mlplat.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %T", err)
	}
	equal(t, "status", e.Status, mlplat.ErrNotFound)
	equal(t, "name", e.Status.String(), "NOT_FOUND")
	equal(t, "is ErrNotFound", errors.Is(err, mlplat.ErrNotFound), true)
	equal(t, "is fs.ErrNotExist", errors.Is(err, fs.ErrNotExist), true)
	equal(t, "is ErrExists", errors.Is(err, mlplat.ErrExists), false)
	if !strings.Contains(err.Error(), strings.Repeat("0", 32)) {
		t.Errorf("the message does not name the run: %v", err)
	}
	_, err = client.CreateExperiment(ctx, "twice", mlplat.ExperimentOptions{})
	must(t, err)
	_, err = client.CreateExperiment(ctx, "twice", mlplat.ExperimentOptions{})
	equal(t, "is fs.ErrExist", errors.Is(err, fs.ErrExist), true)
}

func TestACancelledContextMakesNoCall(t *testing.T) {
	client := open(t, mlplat.Options{})
	run := start(t, client, mlplat.RunOptions{})
	why := errors.New("the user went away")
	stopped, stop := context.WithCancelCause(ctx)
	stop(why)
	_, err := client.CreateExperiment(stopped, "never", mlplat.ExperimentOptions{})
	for what, err := range map[string]error{"call": err, "quick call": run.Log(stopped, "loss", 1)} {
		if !errors.Is(err, mlplat.ErrCancelled) || !errors.Is(err, why) || !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v", what, err)
		}
	}
	_, err = client.ExperimentByName(ctx, "never")
	equal(t, "made nonetheless", errors.Is(err, mlplat.ErrNotFound), true)
}

// Another one holds the store's only write lock: the call waits, and the deadline ends the wait.
func TestADeadlineEndsACallThatWaits(t *testing.T) {
	folder := t.TempDir()
	client := open(t, mlplat.Options{TrackingURI: store(folder)})
	_, err := client.EnsureExperiment(ctx, "there is a store")
	must(t, err)
	unlock := holdStore(t, filepath.Join(folder, "mlflow.db"))
	defer unlock()
	soon, cancel := context.WithTimeout(ctx, 150*time.Millisecond)
	defer cancel()
	begun := time.Now()
	_, err = client.CreateExperiment(soon, "waits", mlplat.ExperimentOptions{})
	if !errors.Is(err, mlplat.ErrCancelled) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
}

// One that takes the connection and says nothing would be waited for for two minutes.
func TestADeadlineEndsACallThatWaitsForAServer(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer server.Close()
	client := open(t, mlplat.Options{TrackingURI: "http://" + server.Addr().String()})
	soon, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	begun := time.Now()
	_, err = client.ExperimentByName(soon, "Default")
	if !errors.Is(err, mlplat.ErrCancelled) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(begun); took > 30*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestProgressIsToldWhileACallWaits(t *testing.T) {
	folder := t.TempDir()
	client := open(t, mlplat.Options{TrackingURI: store(folder)})
	_, err := client.EnsureExperiment(ctx, "there is a store")
	must(t, err)
	unlock := holdStore(t, filepath.Join(folder, "mlflow.db"))
	told := 0
	watched := mlplat.WithProgress(ctx, func(done, total uint64) {
		if told++; told == 2 {
			unlock()
		}
	})
	_, err = client.CreateExperiment(watched, "waits", mlplat.ExperimentOptions{})
	must(t, err)
	if told < 2 {
		t.Errorf("told %d times", told)
	}
}

func TestAPanicOfACallbackComesOutWhenTheLibraryHasReturned(t *testing.T) {
	client := open(t, mlplat.Options{})
	run := start(t, client, mlplat.RunOptions{})
	must(t, run.LogText(ctx, "some text", "notes.txt"))
	func() {
		defer func() { equal(t, "recovered", recover(), any("boom")) }()
		_ = client.Artifacts().Read(ctx, "runs:/"+run.ID()+"/notes.txt",
			writerFunc(func([]byte) (int, error) { panic("boom") }))
	}()
	must(t, run.LogText(ctx, "and it goes on", "more.txt"))
}

func TestACallbackMayCallTheLibrary(t *testing.T) {
	client := open(t, mlplat.Options{})
	run := start(t, client, mlplat.RunOptions{})
	must(t, run.LogText(ctx, "some text", "notes.txt"))
	inner := false
	must(t, client.Artifacts().Read(ctx, "runs:/"+run.ID()+"/notes.txt", writerFunc(func(p []byte) (int, error) {
		inside, cancel := context.WithCancel(ctx)
		defer cancel()
		_, err := client.GetRun(inside, run.ID())
		inner = err == nil && run.Log(inside, "read", 1) == nil
		return len(p), nil
	})))
	equal(t, "inner call", inner, true)
}
