package mlplat_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	mlplat "mlplat.example/bindings/go"
)

// No setting of the machine's gets in.
func TestMain(m *testing.M) {
	if os.Getenv("COMPONENT") != "" {
		mlplat.ComponentMain(trainer)
	}
	if file := os.Getenv("HOLD"); file != "" {
		if err := hold(file); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if uri := os.Getenv("LEAVE"); uri != "" {
		if err := leave(uri); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	for _, setting := range os.Environ() {
		if name, _, _ := strings.Cut(setting, "="); strings.HasPrefix(name, "MLPLAT_") || strings.HasPrefix(name, "MLFLOW_") {
			os.Unsetenv(name)
		}
	}
	os.Setenv("XDG_CONFIG_HOME", "/nonexistent")
	os.Exit(m.Run())
}

// store is a folder's URI of a store.
func store(folder string) string { return "sqlite:///" + filepath.Join(folder, "mlflow.db") }

// open gives a client of a store of the test's own.
func open(t testing.TB, options mlplat.Options) *mlplat.Client {
	t.Helper()
	if options.TrackingURI == "" {
		options.TrackingURI = store(t.TempDir())
	}
	client, err := mlplat.Open(context.Background(), &options)
	must(t, err)
	t.Cleanup(func() { must(t, client.Close()) })
	return client
}

func start(t testing.TB, client *mlplat.Client, options mlplat.RunOptions) *mlplat.Run {
	t.Helper()
	run, err := client.StartRun(context.Background(), options)
	must(t, err)
	t.Cleanup(func() { must(t, run.Close()) })
	return run
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

type ctxt = context.Context

var withCancel = context.WithCancel

var withTimeout = context.WithTimeout

// words are values with a space between each.
func words(values ...any) string { return strings.TrimSuffix(fmt.Sprintln(values...), "\n") }
