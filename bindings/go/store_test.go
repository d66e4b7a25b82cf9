package mlplat_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	mlplat "mlplat.example/bindings/go"
)

func TestAStoreIsCreatedOnce(t *testing.T) {
	folder := t.TempDir()
	client := open(t, mlplat.Options{TrackingURI: store(folder)})
	info, err := client.Store().Create(ctx, "")
	must(t, err)
	equal(t, "created", info.Created, true)
	_, err = os.Stat(info.Path)
	must(t, err)
	info, err = open(t, mlplat.Options{TrackingURI: store(folder)}).Store().Create(ctx, "")
	must(t, err)
	equal(t, "created again", info.Created, false)
	equal(t, "there is a head", info.Head != "", true)
}

func TestAnOldStoreIsUpgraded(t *testing.T) {
	client := open(t, mlplat.Options{MLflowVersion: "2.14.0"})
	made, err := client.Store().Create(ctx, "")
	must(t, err)
	heads, err := mlplat.StoreHeads()
	must(t, err)
	newest := heads[len(heads)-1].Head
	equal(t, "old", made.Head != newest, true)
	info, err := client.Store().Upgrade(ctx, newest)
	must(t, err)
	equal(t, "upgrade", words(info.From, info.Head, info.Changed), words(made.Head, newest, true))
	start(t, client, mlplat.RunOptions{})
}

func TestAStoreIsLookedAfter(t *testing.T) {
	client := open(t, mlplat.Options{})
	run := start(t, client, mlplat.RunOptions{})
	must(t, run.LogText(ctx, "some text", "notes.txt"))
	must(t, run.End(ctx, mlplat.Finished))
	report, err := client.Store().Check(ctx, true)
	must(t, err)
	if !report.OK {
		t.Errorf("got %+v", report)
	}
	backup, err := client.Store().Backup(ctx, filepath.Join(t.TempDir(), "copy.db"), true)
	must(t, err)
	data, err := open(t, mlplat.Options{TrackingURI: "sqlite:///" + backup.Path}).GetRun(ctx, run.ID())
	must(t, err)
	equal(t, "in the backup", data.Status, mlplat.Finished)
	must(t, client.DeleteRun(ctx, run.ID()))
	result, err := client.Store().GC(ctx, mlplat.GCOptions{DryRun: true})
	must(t, err)
	equal(t, "would go", words(result.Runs), words([]string{run.ID()}))
	_, err = client.Store().GC(ctx, mlplat.GCOptions{Runs: []string{run.ID()}})
	must(t, err)
	_, err = client.GetRun(ctx, run.ID())
	equal(t, "gone", errors.Is(err, mlplat.ErrNotFound), true)
}

func TestAnArchiveGoesOutAndIn(t *testing.T) {
	client := open(t, mlplat.Options{})
	run := start(t, client, mlplat.RunOptions{Experiment: "fraud"})
	must(t, run.LogText(ctx, "some text", "notes.txt"))
	must(t, run.End(ctx, mlplat.Finished))
	told := false
	watched := mlplat.WithProgress(ctx, func(done, total uint64) { told = true })
	archive, err := client.Store().Export(watched, filepath.Join(t.TempDir(), "out"),
		mlplat.ExportOptions{Experiments: []string{"fraud"}})
	must(t, err)
	equal(t, "progress", told, true)
	other := open(t, mlplat.Options{})
	result, err := other.Store().Import(ctx, archive.Path, mlplat.ImportOptions{})
	must(t, err)
	equal(t, "runs", result.Runs, mlplat.ImportCounts{Imported: 1})
	var text bytes.Buffer
	must(t, other.Artifacts().Read(ctx, "runs:/"+run.ID()+"/notes.txt", &text))
	equal(t, "text", text.String(), "some text")
	result, err = other.Store().Import(ctx, archive.Path, mlplat.ImportOptions{DryRun: true, OnConflict: "keep"})
	must(t, err)
	equal(t, "again", result.Runs, mlplat.ImportCounts{Same: 1})
}
