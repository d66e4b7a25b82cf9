package raw

// A call that is short, and that never comes back to Go, is told to the compiler: it then costs no allocation.

/*
#cgo noescape mlp_gocall_log_metric
#cgo nocallback mlp_gocall_log_metric
#include "gocall.h"
*/
import "C"

import (
	"runtime/cgo"
	"unsafe"
)

// News is what a quick call has to tell.
type News C.mlp_gonews

// LogMetric logs one value; nil: it was accepted.
func LogMetric(run unsafe.Pointer, key string, value float64, step, timestampMS int64) *News {
	return (*News)(C.mlp_gocall_log_metric((*C.mlplat_run)(run), (*C.char)(unsafe.Pointer(unsafe.StringData(key))),
		C.size_t(len(key)), C.double(value), C.int64_t(step), C.int64_t(timestampMS)))
}

// Take gives the error, hands the lines to the log, and frees.
func (n *News) Take() *Call {
	call := &Call{error: n.error}
	for line := n.lines; line != nil; line = line.next {
		text := C.GoString((*C.char)(unsafe.Add(unsafe.Pointer(line), C.sizeof_mlp_goline)))
		cgo.Handle(n.log).Value().(Logger).Log(int(line.level), text)
	}
	C.mlp_gocall_news_free((*C.mlp_gonews)(n))
	return call
}
