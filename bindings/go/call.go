package mlplat

import (
	"context"
	"encoding/json"
	"io"
	"runtime"
	"runtime/cgo"
	"unsafe"

	"mlplat.example/bindings/go/internal/raw"
)

// Progress is told how far a call is, at least every 100 ms while it waits; total 0: not known. To stop the call,
// cancel its context. It must not close what the call uses.
type Progress func(done, total uint64)

type progressKey struct{}

// WithProgress makes the calls that get this context, or one made from it, report to progress: artifacts in bytes,
// pipelines in tasks.
func WithProgress(ctx context.Context, progress Progress) context.Context {
	return context.WithValue(ctx, progressKey{}, progress)
}

// hooks is what C calls while a call goes on. A panic of the user's function waits here until C has returned.
type hooks struct {
	ctx      context.Context
	progress Progress
	writer   io.Writer
	err      error // of the writer
	panicked any
}

func (h *hooks) keepPanic() {
	if p := recover(); p != nil {
		h.panicked = p
	}
}

func (h *hooks) Progress(tell bool, done, total uint64) bool {
	defer h.keepPanic()
	if h.ctx.Err() != nil || h.panicked != nil {
		return false
	}
	if h.progress != nil && tell {
		h.progress(done, total)
	}
	return h.panicked == nil && h.ctx.Err() == nil
}

func (h *hooks) Write(data []byte) (taken bool) {
	defer h.keepPanic()
	if h.writer == nil || h.ctx.Err() != nil {
		return false
	}
	n, err := h.writer.Write(data)
	if err == nil && n < len(data) {
		err = io.ErrShortWrite
	}
	h.err = err
	return err == nil
}

// begin makes the hooks of a call; nil if nobody listens.
func begin(ctx context.Context, writer io.Writer) *hooks {
	progress, _ := ctx.Value(progressKey{}).(Progress)
	if writer == nil && progress == nil && ctx.Done() == nil {
		return nil
	}
	return &hooks{ctx: ctx, progress: progress, writer: writer}
}

// do makes one call of C: what it says becomes an error.
func do(ctx context.Context, writer io.Writer, fn func(*raw.Call) int) error {
	if ctx.Err() != nil {
		return cancelled(ctx, "the call was not made")
	}
	var call raw.Call
	h := begin(ctx, writer)
	if h != nil {
		number := cgo.NewHandle(h)
		defer number.Delete()
		call.SetHooks(number)
	}
	status := fn(&call)
	if h != nil && h.panicked != nil {
		panic(h.panicked)
	}
	if status == 0 {
		return nil
	}
	return failure(ctx, h, Status(status), &call)
}

func failure(ctx context.Context, h *hooks, status Status, call *raw.Call) error {
	if status == ErrCancelled && ctx.Err() != nil {
		return cancelled(ctx, call.Message())
	}
	e := &Error{Status: status, HTTPStatus: call.HTTPStatus(), Retryable: call.Retryable(), Message: call.Message()}
	if h != nil && h.err != nil {
		e.Message += ": " + h.err.Error()
		e.causes = append(e.causes, h.err)
	}
	return e
}

// do makes a call with what the handle stands for. The owner, which closes the handle when nobody has it any more,
// lives until the end of it.
func (h *handle) do(ctx context.Context, owner any, fn func(p unsafe.Pointer, call *raw.Call) int) error {
	return h.write(ctx, owner, nil, fn)
}

func (h *handle) write(ctx context.Context, owner any, writer io.Writer,
	fn func(p unsafe.Pointer, call *raw.Call) int) error {
	if err := h.pin(); err != nil {
		return err
	}
	defer h.unpin()
	err := do(ctx, writer, func(call *raw.Call) int { return fn(h.p, call) })
	runtime.KeepAlive(owner)
	return err
}

// text makes a call whose answer is a text of the caller's.
func (h *handle) text(ctx context.Context, owner any,
	fn func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int) (string, error) {
	var out unsafe.Pointer
	err := h.do(ctx, owner, func(p unsafe.Pointer, call *raw.Call) int { return fn(p, &out, call) })
	return raw.TakeText(out), err
}

// document makes a call whose answer is a document, and reads it into what into points to. What comes out of a call
// that fails goes with the error.
func (h *handle) document(ctx context.Context, owner any, into any,
	fn func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int) error {
	var out unsafe.Pointer
	err := h.do(ctx, owner, func(p unsafe.Pointer, call *raw.Call) int { return fn(p, &out, call) })
	text := raw.TakeDoc(out)
	if err != nil {
		if e, ok := err.(*Error); ok {
			e.Document = text
		}
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return corrupt("the library's answer cannot be read: " + err.Error())
	}
	return nil
}
