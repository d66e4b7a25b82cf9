package raw

/*
#include "gocall.h"
#include <stdlib.h>
static int next(struct ArrowArrayStream *stream, struct ArrowArray *out) { return stream->get_next(stream, out); }
static const char *problem(struct ArrowArrayStream *stream) { return stream->get_last_error(stream); }
static void release_stream(struct ArrowArrayStream *stream)
{
	if (stream->release)
		stream->release(stream);
	free(stream);
}
static void release_array(struct ArrowArray *array)
{
	if (array->release)
		array->release(array);
}
static const void *buffer(const struct ArrowArray *array, int column, int which)
{
	return array->children[column]->buffers[which];
}
static long long offset(const struct ArrowArray *array, int column) { return array->children[column]->offset; }
*/
import "C"

import (
	"runtime"
	"unsafe"
)

// PlotSeries is mlplat_plot_series.
type PlotSeries C.mlplat_plot_series

// Lines keeps the lines of a plot in their places while C looks at them.
type Lines struct {
	List []PlotSeries
	pins runtime.Pinner
}

// Add adds a line; x may be nil.
func (l *Lines) Add(label string, x, y []float64) {
	line := C.mlplat_plot_series{n: C.size_t(len(y))}
	if label != "" {
		line.label = C.CString(label)
	}
	if len(y) > 0 {
		l.pins.Pin(&y[0])
		line.y = (*C.double)(&y[0])
	}
	if len(x) > 0 {
		l.pins.Pin(&x[0])
		line.x = (*C.double)(&x[0])
	}
	l.List = append(l.List, PlotSeries(line))
}

// Free lets the lines go.
func (l *Lines) Free() {
	l.pins.Unpin()
	for _, line := range l.List {
		C.free(unsafe.Pointer(line.label))
	}
	l.List = nil
}

// NewStream makes an empty Arrow stream for C to fill.
func NewStream() unsafe.Pointer { return C.calloc(1, C.sizeof_struct_ArrowArrayStream) }

// FreeStream releases a stream and frees it.
func FreeStream(stream unsafe.Pointer) { C.release_stream((*C.struct_ArrowArrayStream)(stream)) }

// Batch is some rows of a stream. Free it.
type Batch struct{ array C.struct_ArrowArray }

// Next gives the next batch: nil at the end, and a message if it failed.
func Next(stream unsafe.Pointer) (*Batch, string) {
	s := (*C.struct_ArrowArrayStream)(stream)
	batch := &Batch{}
	if C.next(s, &batch.array) != 0 {
		return nil, C.GoString(C.problem(s))
	}
	if batch.array.release == nil {
		return nil, ""
	}
	return batch, ""
}

// Len is the number of rows.
func (b *Batch) Len() int { return int(b.array.length) }

// Free releases the batch.
func (b *Batch) Free() { C.release_array(&b.array) }

func column[T any](b *Batch, at int) []T {
	if b.Len() == 0 {
		return nil
	}
	all := unsafe.Slice((*T)(C.buffer(&b.array, C.int(at), 1)), b.Len()+int(C.offset(&b.array, C.int(at))))
	return append([]T(nil), all[C.offset(&b.array, C.int(at)):]...)
}

// Ints copies a column of 64-bit integers or times.
func (b *Batch) Ints(at int) []int64 { return column[int64](b, at) }

// Floats copies a column of doubles.
func (b *Batch) Floats(at int) []float64 { return column[float64](b, at) }

// Text copies the text of one row.
func (b *Batch) Text(at, row int) string {
	row += int(C.offset(&b.array, C.int(at)))
	ends := unsafe.Slice((*int32)(C.buffer(&b.array, C.int(at), 1)), row+2)
	data := unsafe.Slice((*byte)(C.buffer(&b.array, C.int(at), 2)), ends[row+1])
	return string(data[ends[row]:ends[row+1]])
}
