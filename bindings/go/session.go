package mlplat

import (
	"context"
	"log/slog"
	"runtime"
	"runtime/cgo"
	"sync"
	"time"
	"unsafe"

	"mlplat.example/bindings/go/internal/raw"
)

// Durability is what a logging call waits for; each includes those before it.
type Durability int32

const (
	DurabilityDefault Durability = iota // as configured, else DurabilityProcess
	DurabilityMemory                    // in memory: lost with the process
	DurabilityProcess                   // in the journal's page cache: survives kill -9 of the process
	DurabilityDisk                      // in the journal on disk: survives power loss
	DurabilityRemote                    // in the store, durably
)

// Options says how to open a client. What is empty comes from the environment, then the profile file, then the embedded
// default.
type Options struct {
	TrackingURI  string     // MLPLAT_TRACKING_URI, MLFLOW_TRACKING_URI; default "sqlite:///mlflow.db"
	RegistryURI  string     // MLPLAT_REGISTRY_URI, MLFLOW_REGISTRY_URI; default: the tracking URI
	MirrorURI    string     // MLPLAT_MIRROR_URI: a second store that is given what is logged as well
	ArtifactRoot string     // MLPLAT_ARTIFACT_ROOT: where new experiments keep artifacts
	SpoolDir     string     // MLPLAT_SPOOL; default: the store's path with ".spool" appended
	Durability   Durability // MLPLAT_DURABILITY
	Profile      string     // MLPLAT_PROFILE: the profile to read; default "default"
	ConfigFile   string     // MLPLAT_CONFIG; default $XDG_CONFIG_HOME/mlplat/config.yaml
	// MLPLAT_MLFLOW_VERSION: a store that has to be made is made for this MLflow, such as "2.14.0"; default: the newest
	MLflowVersion string
	SpoolQuota    int64         // MLPLAT_SPOOL_QUOTA: bytes of files that may wait for the store; negative: any
	SpoolFull     string        // MLPLAT_SPOOL_FULL: at the quota a call does "block", "drop-oldest" or "error"
	SpoolRate     int64         // MLPLAT_SPOOL_RATE: records a second that a server is given; negative: any
	CloseTimeout  time.Duration // MLPLAT_CLOSE_TIMEOUT_MS: how long closing waits for a server; negative: no limit
	Logger        *slog.Logger  // nil: warnings and errors go to stderr
}

// Client is a session: one object for everything. Close it.
type Client struct {
	s *session
}

// session is what a client and its runs share, and what is left when nobody has the client any more.
type session struct {
	*handle
	waits bool // logging waits for a disk or a server
	log   cgo.Handle
	mu    sync.Mutex
	runs  map[*runState]struct{}
}

// Open opens a client (mlplat_open); options may be nil. It does no I/O but reading the profile file: stores are opened
// at first use.
func Open(ctx context.Context, options *Options) (*Client, error) {
	if options == nil {
		options = &Options{}
	}
	var log cgo.Handle
	if options.Logger != nil {
		log = cgo.NewHandle(logger{options.Logger})
	}
	var p unsafe.Pointer
	err := do(ctx, nil, func(call *raw.Call) int {
		return raw.Session_open(options.TrackingURI, options.RegistryURI, options.ArtifactRoot, options.SpoolDir,
			int32(options.Durability), options.Profile, options.ConfigFile, options.MLflowVersion, options.SpoolFull,
			options.SpoolQuota, options.SpoolRate, milliseconds(options.CloseTimeout), options.MirrorURI, uintptr(log), &p,
			call)
	})
	if err != nil {
		if log != 0 {
			log.Delete()
		}
		return nil, err
	}
	client := newClient(p, raw.Close)
	client.s.log = log
	if client.s.waits, err = client.logWaits(ctx); err != nil {
		client.Close()
		return nil, err
	}
	runtime.AddCleanup(client, func(s *session) { go s.end() }, client.s)
	return client, nil
}

// milliseconds rounds away from 0, which says that nothing is given.
func milliseconds(d time.Duration) int64 {
	if d < 0 {
		return -1
	}
	return int64((d + time.Millisecond - 1) / time.Millisecond)
}

func newClient(p unsafe.Pointer, free func(unsafe.Pointer)) *Client {
	return &Client{&session{handle: newHandle("client", p, free), runs: map[*runState]struct{}{}}}
}

// Close stores what was accepted, and closes (mlplat_close). Runs that were not ended end first, as Run.Close ends
// them. It waits for calls that go on: do not call it from a [Progress] or a logger. Again is fine. What cannot be
// stored stays in the spool, and a warning in the log says so; the error is nil, always.
func (c *Client) Close() error {
	if c != nil && c.s != nil {
		c.s.end()
	}
	return nil
}

func (s *session) end() {
	s.close(func() {
		for _, run := range s.open() {
			run.end()
		}
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.log != 0 {
		s.log.Delete()
		s.log = 0
	}
}

func (s *session) open() (runs []*runState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for run := range s.runs {
		runs = append(runs, run)
	}
	return runs
}

func (c *Client) handle() *handle {
	if c == nil || c.s == nil {
		return nil
	}
	return c.s.handle
}

func (c *Client) do(ctx context.Context, fn func(p unsafe.Pointer, call *raw.Call) int) error {
	return c.handle().do(ctx, c, fn)
}

func (c *Client) text(ctx context.Context,
	fn func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int) (string, error) {
	return c.handle().text(ctx, c, fn)
}

func (c *Client) document(ctx context.Context, into any,
	fn func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int) error {
	return c.handle().document(ctx, c, into, fn)
}

// Flush waits until everything accepted so far is in its store, or the context ends (mlplat_flush).
func (c *Client) Flush(ctx context.Context) error {
	return c.do(ctx, func(p unsafe.Pointer, call *raw.Call) int { return raw.Flush(p, -1, call) })
}

// Setting is one setting, and who set it.
type Setting struct {
	Value  any    `json:"value"`
	Source string `json:"source"`
}

// Config gives every setting; secrets are replaced by *** (mlplat_config).
func (c *Client) Config(ctx context.Context) (map[string]Setting, error) {
	var settings map[string]Setting
	err := c.document(ctx, &settings, raw.Config)
	return settings, err
}

func (c *Client) logWaits(ctx context.Context) (bool, error) {
	settings, err := c.Config(ctx)
	level := settings["durability"].Value
	return level == "disk" || level == "remote", err
}

// Version is that of the library that is loaded (mlplat_version).
func Version() string { return raw.Version() }

// logger brings the library's lines to slog, and keeps what it might panic with from C.
type logger struct{ *slog.Logger }

func (l logger) Log(level int, line string) {
	defer func() { _ = recover() }()
	levels := [...]slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError}
	l.Logger.Log(context.Background(), levels[min(max(level, 0), len(levels)-1)], line)
}

// millis is a time as MLflow writes it; the zero time is 0.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// moment is a time that MLflow wrote; 0 is the zero time.
func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
