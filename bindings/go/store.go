package mlplat

import (
	"context"
	"encoding/json"
	"unsafe"

	"mlplat.example/bindings/go/internal/raw"
)

// Store is the store as a whole: made, looked after, taken along.
type Store struct{ c *Client }

// Store gives the store of the client.
func (c *Client) Store() Store { return Store{c} }

// StoreInfo is what a store is.
type StoreInfo struct {
	URI     string `json:"uri"`
	Path    string `json:"path"`
	Head    string `json:"head"`    // the version of MLflow's schema
	From    string `json:"from"`    // the one that it had before Upgrade
	Created bool   `json:"created"` // Create made it
	Changed bool   `json:"changed"` // Upgrade changed it
}

// Create creates the store that the tracking URI names, if it is not there (mlplat_store_create). mlflow: the MLflow
// that it is made for, "2.14.0", or a head; "": the options' MLflowVersion, else the newest known.
func (s Store) Create(ctx context.Context, mlflow string) (info StoreInfo, err error) {
	err = s.c.document(ctx, &info, func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
		return raw.Store_create(p, mlflow, out, call)
	})
	return info, err
}

// Upgrade moves the store to the head of a newer MLflow, all or nothing (mlplat_store_upgrade). to: as in Create.
func (s Store) Upgrade(ctx context.Context, to string) (info StoreInfo, err error) {
	err = s.c.document(ctx, &info, func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
		return raw.Store_upgrade(p, to, out, call)
	})
	return info, err
}

func flag(on bool) int32 {
	if on {
		return 1
	}
	return 0
}

// StoreFinding is something that is not as it should be, or worth knowing.
type StoreFinding struct {
	Check    string `json:"check"`
	Severity string `json:"severity"` // "error" or "note"
	What     string `json:"what"`
	Count    int64  `json:"count"`
	Example  string `json:"example"`
	Repaired bool   `json:"repaired"`
}

// StoreReport is the answer of Check. OK is false with an error that was not repaired.
type StoreReport struct {
	OK       bool           `json:"ok"`
	Path     string         `json:"path"`
	Head     string         `json:"head"`
	Findings []StoreFinding `json:"findings"`
}

// Check asks whether the store is whole, while others write (mlplat_store_check). repair: put right what can be
// derived.
func (s Store) Check(ctx context.Context, repair bool) (report StoreReport, err error) {
	err = s.c.document(ctx, &report, func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
		return raw.Store_check(p, flag(repair), out, call)
	})
	return report, err
}

// StoreBackup is what Backup made.
type StoreBackup struct {
	Path      string `json:"path"`
	Size      int64  `json:"size"`
	Head      string `json:"head"`
	Files     int64  `json:"files"`
	Bytes     int64  `json:"bytes"`
	Artifacts string `json:"artifacts"` // the folder beside it; "": none
}

// Backup copies the store's file to a new one, a consistent snapshot while others write (mlplat_store_backup).
// artifacts: also the artifact root, into the folder "<path>.artifacts".
func (s Store) Backup(ctx context.Context, path string, artifacts bool) (backup StoreBackup, err error) {
	err = s.c.document(ctx, &backup, func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
		return raw.Store_backup(p, path, flag(artifacts), out, call)
	})
	return backup, err
}

// GCOptions says what to remove for good. Nothing named: all that is deleted.
type GCOptions struct {
	OlderThan   string   // deleted at least so long ago, as MLflow writes it: "30d", "2d8h5m20s"; "": any
	Runs        []string // ids: these alone
	Experiments []string // ids, with all their runs and logged models
	Models      []string // ids of logged models
	// Orphans: also artifact folders in the store's folder that no run or logged model has, of this store or of another
	// one beside it, an hour old or OlderThan; what lies elsewhere is told under Kept.
	Orphans bool
	DryRun  bool // only tell
}

// GCResult is what was removed.
type GCResult struct {
	Runs         []string `json:"runs"`
	Experiments  []string `json:"experiments"`
	LoggedModels []string `json:"logged_models"`
	Orphans      []string `json:"orphans"`
	Kept         []struct {
		ID  string `json:"id"`
		Why string `json:"why"`
	} `json:"kept"`
}

// GC removes for good what was deleted, with its artifacts, as `mlflow gc` does (mlplat_store_gc).
func (s Store) GC(ctx context.Context, options GCOptions) (result GCResult, err error) {
	err = s.c.document(ctx, &result, func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
		return raw.Store_gc(p, options.OlderThan, list(options.Runs), list(options.Experiments), list(options.Models),
			flag(options.Orphans), flag(options.DryRun), out, call)
	})
	return result, err
}

// list is a list as JSON text for C; "" for none.
func list(texts []string) string {
	if texts == nil {
		return ""
	}
	text, _ := json.Marshal(texts) // a list of strings can always be written
	return string(text)
}

// ExportOptions says what to export. Nothing named: all experiments, runs, logged models and registered models.
type ExportOptions struct {
	Experiments []string // names: all that is in them; with a filter: where to search
	Runs        []string // ids
	Filter      string   // runs that match, as in a Search
	Models      []string // names of registered models, each with all versions and aliases
	NoArtifacts bool     // rows alone, which then keep the places where the artifacts are now
}

// Archive is what Export made: one folder.
type Archive struct {
	Path    string           `json:"path"`
	Files   int64            `json:"files"`
	Size    int64            `json:"size"`
	RawSize int64            `json:"raw_size"`
	Counts  map[string]int64 `json:"counts"` // rows by table
}

// Export writes experiments, runs and models with their artifacts to a new folder, one snapshot while others write
// (mlplat_export).
func (s Store) Export(ctx context.Context, path string, options ExportOptions) (archive Archive, err error) {
	err = s.c.document(ctx, &archive, func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
		return raw.Store_export(p, path, list(options.Experiments), list(options.Runs), options.Filter,
			list(options.Models), flag(options.NoArtifacts), out, call)
	})
	return archive, err
}

// ImportOptions says how to import.
type ImportOptions struct {
	OnConflict string // of what is in the store and differs: "fail", also "": nothing is imported; "keep"; "replace"
	DryRun     bool   // everything is checked, and told what would be done
	MaxBytes   int64  // most that the archive may hold uncompressed; 0: 1 TiB
}

// ImportCounts are the numbers of one kind of things.
type ImportCounts struct{ Imported, Same, Kept, Replaced int64 }

// ImportResult is what became of an archive's content.
type ImportResult struct {
	Experiments      ImportCounts `json:"experiments"`
	Runs             ImportCounts `json:"runs"`
	LoggedModels     ImportCounts `json:"logged_models"`
	RegisteredModels ImportCounts `json:"registered_models"`
	ModelVersions    ImportCounts `json:"model_versions"`
}

// Import brings in an archive; done again, it completes one that was stopped (mlplat_import).
func (s Store) Import(ctx context.Context, path string, options ImportOptions) (result ImportResult, err error) {
	err = s.c.document(ctx, &result, func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
		return raw.Store_import(p, path, options.OnConflict, flag(options.DryRun), options.MaxBytes, out, call)
	})
	return result, err
}

// StoreHead is a version of MLflow's schema.
type StoreHead struct {
	Head   string `json:"head"`
	MLflow string `json:"mlflow"` // the first release that has it; "": none
}

// StoreHeads gives the versions of MLflow's schema that are known, oldest first (mlplat_store_heads).
func StoreHeads() ([]StoreHead, error) {
	var out unsafe.Pointer
	err := do(context.Background(), nil, func(call *raw.Call) int { return raw.Store_heads(&out, call) })
	var list struct {
		Heads []StoreHead `json:"heads"`
	}
	text := raw.TakeDoc(out)
	if err == nil {
		err = json.Unmarshal(text, &list)
	}
	return list.Heads, err
}
