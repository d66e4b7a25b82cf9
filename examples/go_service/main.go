// A small prediction service with the platform inside it: no server, no sidecar, one file beside the program.
//
// It takes its model from the registry ("scores@champion", a file of weights), answers POST /predict, and tracks what
// it does in a run of its own: a metric per prediction and per latency, which costs less than a microsecond, so every
// request has one. GET /metrics shows the run, GET /runs the runs before it. SIGTERM ends the run when the last request
// is done.
//
//	go run . -address 127.0.0.1:8080 -store sqlite:///mlflow.db
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	mlplat "mlplat.example/bindings/go"
)

func main() {
	address := flag.String("address", "127.0.0.1:8080", "where to listen")
	store := flag.String("store", "", "tracking URI; empty: MLFLOW_TRACKING_URI, else mlflow.db right here")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := serve(ctx, *address, *store, slog.Default()); err != nil {
		slog.Error("go_service", "error", err)
		os.Exit(1)
	}
}

// serve answers until the context ends; then it lets requests finish, and ends its run.
func serve(ctx context.Context, address, store string, log *slog.Logger) (err error) {
	client, err := mlplat.Open(ctx, &mlplat.Options{TrackingURI: store, Logger: log})
	if err != nil {
		return err
	}
	defer client.Close()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	return client.WithRun(ctx, mlplat.RunOptions{Experiment: "serving", SourceName: "go_service"},
		func(_ context.Context, run *mlplat.Run) error {
			s, err := newService(ctx, client, run)
			if err != nil {
				return errors.Join(err, listener.Close())
			}
			log.Info("serving", "address", listener.Addr().String(), "model", s.model.uri, "run", run.ID())
			if err := answer(ctx, listener, s.routes()); err != nil {
				return err
			}
			return run.End(context.WithoutCancel(ctx), mlplat.Finished)
		})
}

// answer serves until the context ends, and ten seconds more for requests that have begun.
func answer(ctx context.Context, listener net.Listener, routes http.Handler) error {
	server := &http.Server{Handler: routes, ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return server.Shutdown(last)
}
