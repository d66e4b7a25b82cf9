// What logging one value costs from Go: bench/bindings.py runs this beside C, Python and MLflow.
//
//	bench FOLDER POINTS
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	mlplat "mlplat.example/bindings/go"
)

// measure times each call alone, as a caller would see it: two readings of the clock are in every figure.
func measure(folder string, points int) (map[string]any, error) {
	ctx, cancel := context.WithCancel(context.Background()) // as most callers have it: it can end
	defer cancel()
	client, err := mlplat.Open(ctx, &mlplat.Options{TrackingURI: "sqlite:///" + folder + "/mlflow.db",
		Durability: mlplat.DurabilityProcess})
	if err != nil {
		return nil, err
	}
	defer client.Close()
	run, err := client.StartRun(ctx, mlplat.RunOptions{})
	if err != nil {
		return nil, err
	}
	defer run.Close()
	if err := run.LogStep(ctx, "warm", 0, 0); err != nil { // the journal is there before the clock starts
		return nil, err
	}
	took := make([]int64, points)
	clock := int64(1 << 62)
	for range 1000 {
		begun := time.Now()
		clock = min(clock, int64(time.Since(begun)))
	}
	for i := range took {
		begun := time.Now()
		err := run.LogStep(ctx, "loss", float64(i)*0.5, int64(i))
		took[i] = int64(time.Since(begun))
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(took)
	return map[string]any{"p50_ns": took[points/2], "p99_ns": took[points*99/100], "p99_9_ns": took[points*999/1000],
		"max_ns": took[points-1], "clock_ns": clock}, run.End(ctx, mlplat.Finished)
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: bench FOLDER POINTS")
		os.Exit(2)
	}
	points, err := strconv.Atoi(os.Args[2])
	if err != nil || points < 1 {
		fmt.Fprintln(os.Stderr, "bench: POINTS is a number of 1 or more")
		os.Exit(2)
	}
	figures, err := measure(os.Args[1], points)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	json.NewEncoder(os.Stdout).Encode(figures)
}
