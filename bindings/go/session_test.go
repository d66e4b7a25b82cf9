package mlplat_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	mlplat "mlplat.example/bindings/go"
)

var ctx = context.Background()

func TestVersionIsTheLibrarys(t *testing.T) {
	if !strings.HasPrefix(mlplat.Version(), "0.") {
		t.Errorf("version %q", mlplat.Version())
	}
}

func TestASettingSaysWhoSetIt(t *testing.T) {
	client := open(t, mlplat.Options{Durability: mlplat.DurabilityDisk})
	settings, err := client.Config(ctx)
	must(t, err)
	equal(t, "durability", settings["durability"].Value, any("disk"))
	if settings["tracking_uri"].Source == "" {
		t.Errorf("no source: %v", settings)
	}
}

func TestHowMuchMayWaitAndForHowLongIsSaidAtOpen(t *testing.T) {
	client := open(t, mlplat.Options{
		SpoolQuota: 8 << 20, SpoolFull: "error", SpoolRate: -1, CloseTimeout: 250 * time.Millisecond,
	})
	settings, err := client.Config(ctx)
	must(t, err)
	for name, want := range map[string]string{
		"spool_quota": "8388608", "spool_full": "error", "spool_rate": "none", "close_timeout_ms": "250",
	} {
		equal(t, name, settings[name].Value, any(want))
		equal(t, name, settings[name].Source, "call")
	}
	_, err = mlplat.Open(ctx, &mlplat.Options{SpoolFull: "forget"})
	if !errors.Is(err, mlplat.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}

func TestAMirrorIsGivenWhatIsLogged(t *testing.T) {
	copied := "sqlite:///" + filepath.Join(t.TempDir(), "copy.db")
	client := open(t, mlplat.Options{MirrorURI: copied})
	run := start(t, client, mlplat.RunOptions{Name: "both"})
	must(t, run.Log(ctx, "loss", 0.5))
	must(t, run.End(ctx, mlplat.Finished))
	must(t, client.Close())
	mirror := open(t, mlplat.Options{TrackingURI: copied})
	found, err := mirror.GetRun(ctx, run.ID())
	must(t, err)
	equal(t, "name", found.Name, "both")
	equal(t, "status", found.Status, mlplat.Finished)
	equal(t, "loss", found.Metrics["loss"].Value, 0.5)
}

func TestAWrongSettingIsRefusedAtOpen(t *testing.T) {
	_, err := mlplat.Open(ctx, &mlplat.Options{TrackingURI: "gopher://host"})
	var e *mlplat.Error
	if !errors.As(err, &e) || e.Status != mlplat.ErrUnsupported || !strings.Contains(e.Message, "gopher") {
		t.Errorf("got %v", err)
	}
}

func TestTextWithAZeroByteIsRefusedByName(t *testing.T) {
	client := open(t, mlplat.Options{})
	_, err := client.GetRun(ctx, "a\x00b")
	if !errors.Is(err, mlplat.ErrInvalid) || !strings.Contains(err.Error(), "run_id") {
		t.Errorf("got %v", err)
	}
	_, err = client.EnsureExperiment(ctx, "works after it")
	must(t, err)
}

func TestEverythingAnswersWhenClosed(t *testing.T) {
	client := open(t, mlplat.Options{})
	run := start(t, client, mlplat.RunOptions{})
	must(t, client.Close())
	must(t, client.Close())
	_, err := client.GetRun(ctx, run.ID())
	for what, err := range map[string]error{
		"client": err, "run": run.Log(ctx, "loss", 1), "tag": run.SetTag(ctx, "a", "b"), "flush": client.Flush(ctx),
		"registry": client.Registry().Delete(ctx, "m"), "artifacts": client.Artifacts().Get(ctx, "runs:/x/y", "z"),
	} {
		if !errors.Is(err, mlplat.ErrState) || !errors.Is(err, fs.ErrClosed) {
			t.Errorf("%s: got %v", what, err)
		}
	}
	var none *mlplat.Client
	if _, err := none.GetRun(ctx, "x"); !errors.Is(err, mlplat.ErrState) {
		t.Errorf("nil client: got %v", err)
	}
	var empty mlplat.Run
	if err := empty.Log(ctx, "loss", 1); !errors.Is(err, mlplat.ErrState) {
		t.Errorf("empty run: got %v", err)
	}
	must(t, empty.Close())
}

func TestCloseWaitsForCallsThatGoOn(t *testing.T) {
	for range 20 {
		client := open(t, mlplat.Options{})
		run := start(t, client, mlplat.RunOptions{})
		var wait sync.WaitGroup
		for range 4 {
			wait.Add(1)
			go func() {
				defer wait.Done()
				for {
					if err := run.Log(ctx, "loss", 1); err != nil {
						if !errors.Is(err, fs.ErrClosed) && !errors.Is(err, mlplat.ErrState) {
							t.Error(err)
						}
						return
					}
				}
			}()
		}
		time.AfterFunc(time.Millisecond, func() { client.Close() })
		wait.Wait()
	}
}

func TestAClosedClientKeepsWhatWasAccepted(t *testing.T) {
	folder := t.TempDir()
	client := open(t, mlplat.Options{TrackingURI: store(folder)})
	run := start(t, client, mlplat.RunOptions{})
	must(t, run.Log(ctx, "loss", 0.5))
	must(t, run.End(ctx, mlplat.Finished))
	must(t, client.Close())
	if _, err := os.Stat(filepath.Join(folder, "mlflow.db.spool")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the spool is still there: %v", err)
	}
	data, err := open(t, mlplat.Options{TrackingURI: store(folder)}).GetRun(ctx, run.ID())
	must(t, err)
	equal(t, "loss", data.Metrics["loss"].Value, 0.5)
}

func TestWhatIsDroppedIsFreedAndItsRunHasFailed(t *testing.T) {
	folder := t.TempDir()
	id := func() string {
		client, err := mlplat.Open(ctx, &mlplat.Options{TrackingURI: store(folder)})
		must(t, err)
		run, err := client.StartRun(ctx, mlplat.RunOptions{})
		must(t, err)
		must(t, run.Log(ctx, "loss", 0.5))
		return run.ID()
	}()
	watch := open(t, mlplat.Options{TrackingURI: store(folder)})
	for deadline := time.Now().Add(30 * time.Second); ; {
		runtime.GC()
		data, err := watch.GetRun(ctx, id)
		must(t, err)
		if data.Status == mlplat.Failed {
			equal(t, "loss", data.Metrics["loss"].Value, 0.5)
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the run is still %s", data.Status)
		}
		runtime.Gosched()
	}
}

func TestARunKeepsItsClientAlive(t *testing.T) {
	run := func() *mlplat.Run {
		client, err := mlplat.Open(ctx, &mlplat.Options{TrackingURI: store(t.TempDir())})
		must(t, err)
		run, err := client.StartRun(ctx, mlplat.RunOptions{})
		must(t, err)
		return run
	}()
	for range 5 {
		runtime.GC()
		must(t, run.LogParam(ctx, "depth", 6))
	}
	must(t, run.End(ctx, mlplat.Finished))
	must(t, run.Close())
}

func TestLinesOfTheLogGoToSlog(t *testing.T) {
	var text bytes.Buffer
	var mu sync.Mutex
	handler := slog.NewTextHandler(writerFunc(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return text.Write(p)
	}), nil)
	client := open(t, mlplat.Options{Logger: slog.New(handler)})
	run := start(t, client, mlplat.RunOptions{})
	must(t, run.SetTag(ctx, "long", strings.Repeat("x", 9000)))
	mu.Lock()
	defer mu.Unlock()
	if !strings.Contains(text.String(), "level=WARN") || !strings.Contains(text.String(), "long") {
		t.Errorf("log: %q", text.String())
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
