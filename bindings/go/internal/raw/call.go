// Package raw is the C interface as it is: mlplat.go and mlplat_wrap.c are made by SWIG from bindings/swig, the rest is
// what goes between. It is for the package above alone.
package raw

/*
#include "gocall.h"
#include <string.h>
*/
import "C"

import (
	"encoding/binary"
	"math"
	"runtime/cgo"
	"unsafe"
)

// Blank is the text that is given and empty, where "" means that none is given.
const Blank = "\x00"

// StepAuto asks for the key's next step, and TimeNow for the present.
const (
	StepAuto int64 = math.MinInt64
	TimeNow  int64 = -1
)

// Call is what a call carries in and out: hooks, and the error.
type Call C.mlp_gocall

// Status of the failure, 0 if there was none.
func (c *Call) Status() int { return int(c.error.status) }

// HTTPStatus of a server's last answer, or 0.
func (c *Call) HTTPStatus() int { return int(c.error.http_status) }

// Retryable says whether the same call may succeed later.
func (c *Call) Retryable() bool { return c.error.retryable != 0 }

// Message of the failure.
func (c *Call) Message() string { return C.GoString(&c.error.message[0]) }

// SetHooks makes the call report to h.
func (c *Call) SetHooks(h cgo.Handle) { c.hooks = C.uintptr_t(h) }

// SpoolCounts is mlplat_spool_counts.
type SpoolCounts C.mlplat_spool_counts

// Counts gives what is in it.
func (s *SpoolCounts) Counts() (accepted, durable, stored, dead uint64) {
	return uint64(s.accepted), uint64(s.durable), uint64(s.stored), uint64(s.dead)
}

// Lent copies a text that C keeps.
func Lent(p unsafe.Pointer) string {
	if p == nil {
		return ""
	}
	return C.GoString((*C.char)(p))
}

// TakeText copies a text that C handed out, and frees it.
func TakeText(p unsafe.Pointer) string {
	text := Lent(p)
	Free(p)
	return text
}

// TakeDoc copies the JSON text of a document that C handed out, and frees it.
func TakeDoc(p unsafe.Pointer) []byte {
	if p == nil {
		return nil
	}
	text := C.mlplat_doc_text((*C.mlplat_doc)(p))
	bytes := C.GoBytes(unsafe.Pointer(text), C.int(C.strlen(text)))
	Doc_free(p)
	return bytes
}

// Words packs a list of words for C.
func Words(words ...string) string {
	var packed []byte
	for _, word := range words {
		packed = binary.NativeEndian.AppendUint32(packed, uint32(len(word)))
		packed = append(packed, word...)
	}
	return string(packed)
}

// Hooks is what C calls while a call goes on, on the caller's thread.
type Hooks interface {
	// Progress says whether to go on. It is told to the user, or is that of a part that only asks.
	Progress(tell bool, done, total uint64) bool
	// Write says whether it took all.
	Write(data []byte) bool
}

// Logger takes lines of the log, from any thread.
type Logger interface {
	Log(level int, line string)
}

// Component is the body of a component: a status, and a message for one that is not 0.
type Component interface {
	Run(step unsafe.Pointer) (status int, message string)
}

//export mlplatGoProgress
func mlplatGoProgress(hooks C.uintptr_t, tell C.int, done, total C.uint64_t) C.int {
	if cgo.Handle(hooks).Value().(Hooks).Progress(tell != 0, uint64(done), uint64(total)) {
		return 0
	}
	return 1
}

//export mlplatGoWrite
func mlplatGoWrite(hooks C.uintptr_t, data unsafe.Pointer, n C.size_t) C.int64_t {
	if cgo.Handle(hooks).Value().(Hooks).Write(unsafe.Slice((*byte)(data), int(n))) {
		return C.int64_t(n)
	}
	return -1
}

//export mlplatGoLog
func mlplatGoLog(log C.uintptr_t, level C.int, line *C.char) {
	cgo.Handle(log).Value().(Logger).Log(int(level), C.GoString(line))
}

//export mlplatGoComponent
func mlplatGoComponent(body C.uintptr_t, step unsafe.Pointer, err *C.mlplat_error) C.int {
	status, message := cgo.Handle(body).Value().(Component).Run(step)
	if status != 0 && err != nil {
		err.status = C.mlplat_status(status)
		room := unsafe.Slice((*byte)(unsafe.Pointer(&err.message[0])), len(err.message))
		room[copy(room[:len(room)-1], message)] = 0
	}
	return C.int(status)
}
