package mlplat

import (
	"context"
	"encoding/json"
	"io/fs"

	"mlplat.example/bindings/go/internal/raw"
)

// Status is why a call failed. It is an error itself, for [errors.Is].
type Status int

// The statuses; docs/errors.md says what the caller does about each.
const (
	ErrInvalid     Status = 1  // an argument is wrong: correct it
	ErrNotFound    Status = 2  // there is no such thing: check the name, or make it; also fs.ErrNotExist
	ErrExists      Status = 3  // the name is taken: use what is there, or another name; also fs.ErrExist
	ErrConflict    Status = 4  // somebody changed it meanwhile, or it has another value: read again, then decide
	ErrDenied      Status = 5  // there is no permission: check credentials or file modes; also fs.ErrPermission
	ErrUnavailable Status = 6  // the store cannot be reached now: try again later
	ErrTimeout     Status = 7  // not done in the time given: try again, or allow more
	ErrCancelled   Status = 8  // the context was cancelled, or a writer failed: unwraps to why
	ErrCorrupt     Status = 9  // stored data is damaged or foreign: restore it, or point elsewhere
	ErrIO          Status = 10 // the system refused a read or a write: look at the message
	ErrNoSpace     Status = 11 // disk or quota is full: free some and call again
	ErrNoMemory    Status = 12 // an allocation failed; nothing was changed
	ErrUnsupported Status = 13 // this store or this build cannot do it: the message names what can
	ErrState       Status = 14 // not possible in this state: an ended run, a closed handle; also fs.ErrClosed
)

// String gives the status' name: "NOT_FOUND".
func (s Status) String() string { return raw.Status_name(int(s)) }

// Error is the same as String.
func (s Status) Error() string { return s.String() }

// Error is what a failed call returns.
type Error struct {
	Status     Status
	HTTPStatus int             // of the last answer of a server, 0 if there was none
	Retryable  bool            // whether the same call may succeed later
	Message    string          // one line, without secrets: names the thing, what was wrong, and what would help
	Document   json.RawMessage // what came out nonetheless, such as the result of a pipeline with a failed task
	causes     []error
}

// Error gives the message.
func (e *Error) Error() string { return "mlplat: " + e.Message }

// Unwrap gives the status, and of a cancelled call what cancelled it.
func (e *Error) Unwrap() []error { return append([]error{e.Status}, e.causes...) }

// Is knows the errors of package fs that say the same.
func (e *Error) Is(target error) bool {
	switch e.Status {
	case ErrNotFound:
		return target == fs.ErrNotExist
	case ErrExists:
		return target == fs.ErrExist
	case ErrDenied:
		return target == fs.ErrPermission
	}
	return false
}

func stateError(message string, causes ...error) error {
	return &Error{Status: ErrState, Message: message, causes: causes}
}

func invalid(message string) error { return &Error{Status: ErrInvalid, Message: message} }

func corrupt(message string) error { return &Error{Status: ErrCorrupt, Message: message} }

// cancelled is the error of a call whose context is done.
func cancelled(ctx context.Context, message string) error {
	e := &Error{Status: ErrCancelled, Message: message + ": " + context.Cause(ctx).Error()}
	e.causes = append(e.causes, ctx.Err())
	if cause := context.Cause(ctx); cause != ctx.Err() {
		e.causes = append(e.causes, cause)
	}
	return e
}
