// Package mlplat tracks experiments, registers models, keeps artifacts and runs pipelines, in MLflow's own format and
// without a server: it is libmlplat, a C library, behind an interface of Go's manner.
//
//	client, err := mlplat.Open(ctx, nil)
//	if err != nil {
//		return err
//	}
//	defer client.Close()
//	run, err := client.StartRun(ctx, mlplat.RunOptions{Experiment: "fraud"})
//	if err != nil {
//		return fmt.Errorf("train: %w", err)
//	}
//	defer run.Close()
//	if err := run.Log(ctx, "loss", 0.25); err != nil {
//		return err
//	}
//	return run.End(ctx, mlplat.Finished)
//
// Calls that can wait take a context: what cancels it cancels them. Errors are of type [*Error]; what to do about one
// is asked with [errors.Is] and the statuses: errors.Is(err, mlplat.ErrNotFound). A [Client] and a [Run] may be used by
// any number of goroutines; a [Pipeline] and a [Component] by one at a time.
//
// It needs cgo, a C compiler, and the installed library, which is found by pkg-config; with the build tag mlplat_static
// the library becomes part of the program.
package mlplat
