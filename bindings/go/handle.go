package mlplat

import (
	"io/fs"
	"math"
	"sync/atomic"
	"unsafe"
)

// A handle is an object of C's and the count of calls that use it: it is freed by close, once, when none does.
type handle struct {
	what  string // for messages: "run"
	free  func(unsafe.Pointer)
	p     unsafe.Pointer
	state atomic.Int64  // calls that go on, and the bit closed
	idle  chan struct{} // closed when the last call has returned after close was asked for
	freed chan struct{}
}

const closed = math.MinInt64

func newHandle(what string, p unsafe.Pointer, free func(unsafe.Pointer)) *handle {
	return &handle{what: what, p: p, free: free, idle: make(chan struct{}), freed: make(chan struct{})}
}

// pin keeps the object alive until unpin.
func (h *handle) pin() error {
	if h == nil {
		return stateError("it was not made by this package's functions", fs.ErrClosed)
	}
	for {
		n := h.state.Load()
		if n < 0 {
			return stateError(h.what+" is closed", fs.ErrClosed)
		}
		if h.state.CompareAndSwap(n, n+1) {
			return nil
		}
	}
}

func (h *handle) unpin() {
	if h.state.Add(-1) == closed {
		close(h.idle)
	}
}

// close lets no new call in, waits for those that go on, does what is to be done before the end, and frees. Any number
// of goroutines may call it; all return when it is done.
func (h *handle) close(before func()) {
	old := h.state.Or(closed)
	if old < 0 {
		<-h.freed
		return
	}
	if old > 0 {
		<-h.idle
	}
	if before != nil {
		before()
	}
	if h.free != nil {
		h.free(h.p)
	}
	close(h.freed)
}
