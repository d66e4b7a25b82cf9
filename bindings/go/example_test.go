package mlplat_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"

	mlplat "mlplat.example/bindings/go"
)

// folder is a store for an example, and how to take it away.
func folder() (uri string, remove func()) {
	place, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	return store(place), func() { os.RemoveAll(place) }
}

func Example() {
	uri, remove := folder()
	defer remove()
	ctx := context.Background()
	client, err := mlplat.Open(ctx, &mlplat.Options{TrackingURI: uri})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	err = client.WithRun(ctx, mlplat.RunOptions{Name: "first", Params: map[string]any{"depth": 6}},
		func(ctx context.Context, run *mlplat.Run) error {
			for _, loss := range []float64{0.9, 0.5, 0.25} {
				if err := run.Log(ctx, "loss", loss); err != nil {
					return err
				}
			}
			return run.LogText(ctx, "it went well", "notes.txt")
		})
	if err != nil {
		log.Fatal(err)
	}
	for run, err := range client.SearchRuns(ctx, mlplat.Search{Filter: "metrics.loss < 0.5"}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(run.Name, run.Status, run.Params["depth"], run.Metrics["loss"].Value, run.Metrics["loss"].Step)
	}
	// Output: first FINISHED 6 0.25 2
}

func ExampleClient_StartRun() {
	uri, remove := folder()
	defer remove()
	train := func(ctx context.Context) error {
		client, err := mlplat.Open(ctx, &mlplat.Options{TrackingURI: uri})
		if err != nil {
			return err
		}
		defer client.Close()
		run, err := client.StartRun(ctx, mlplat.RunOptions{Experiment: "fraud"})
		if err != nil {
			return fmt.Errorf("train: %w", err)
		}
		defer run.Close() // on every way out before End the run has failed
		losses := []float64{0.9, 0.5, 0.25}
		if err := run.LogValues(ctx, "loss", losses); err != nil {
			return err
		}
		return run.End(ctx, mlplat.Finished)
	}
	fmt.Println(train(context.Background()))
	// Output: <nil>
}

func ExampleError() {
	uri, remove := folder()
	defer remove()
	ctx := context.Background()
	client, err := mlplat.Open(ctx, &mlplat.Options{TrackingURI: uri})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	_, err = client.ExperimentByName(ctx, "no such")
	fmt.Println(errors.Is(err, mlplat.ErrNotFound))
	var e *mlplat.Error
	if errors.As(err, &e) {
		fmt.Println(e.Status, e.Retryable)
	}
	// Output:
	// true
	// NOT_FOUND false
}

func ExampleRegistry() {
	uri, remove := folder()
	defer remove()
	ctx := context.Background()
	client, err := mlplat.Open(ctx, &mlplat.Options{TrackingURI: uri})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	err = client.WithRun(ctx, mlplat.RunOptions{}, func(ctx context.Context, run *mlplat.Run) error {
		model, err := run.LogModel(ctx, "model", mlplat.Model{LoaderModule: "mlflow.sklearn"})
		if err != nil {
			return err
		}
		version, err := client.Registry().Register(ctx, "fraud", model, mlplat.VersionOptions{})
		if err != nil {
			return err
		}
		return client.Registry().SetAlias(ctx, "fraud", "champion", fmt.Sprint(version))
	})
	if err != nil {
		log.Fatal(err)
	}
	version, err := client.Registry().Version(ctx, "fraud", "@champion")
	fmt.Println(version.URI(), version.Aliases, err)
	// Output: models:/fraud/1 [champion] <nil>
}

func ExampleArtifacts_Read() {
	uri, remove := folder()
	defer remove()
	ctx := context.Background()
	client, err := mlplat.Open(ctx, &mlplat.Options{TrackingURI: uri})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	err = client.WithRun(ctx, mlplat.RunOptions{}, func(ctx context.Context, run *mlplat.Run) error {
		if err := run.LogReader(ctx, strings.NewReader("from any reader"), "notes.txt"); err != nil {
			return err
		}
		return client.Artifacts().Read(ctx, "runs:/"+run.ID()+"/notes.txt", os.Stdout)
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: from any reader
}

func ExampleNewPipeline() {
	hello, err := mlplat.ContainerComponent("hello", "busybox", "echo", "{{$.inputs.parameters['who']}}")
	if err != nil {
		log.Fatal(err)
	}
	if err := hello.Input("who", "String"); err != nil {
		log.Fatal(err)
	}
	p, err := mlplat.NewPipeline("greeting", "says hello")
	if err != nil {
		log.Fatal(err)
	}
	who, err := p.Input("who", "String", "world")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := p.Task(hello, "", mlplat.Inputs{"who": who}); err != nil {
		log.Fatal(err)
	}
	yaml, err := p.YAML()
	fmt.Println(strings.Contains(yaml, "name: greeting"), err)
	// Output: true <nil>
}
