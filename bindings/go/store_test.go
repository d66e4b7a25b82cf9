package mlplat_test

import (
	"os"
	"testing"

	mlplat "mlplat.example/bindings/go"
)

func TestAStoreIsCreatedOnce(t *testing.T) {
	folder := t.TempDir()
	client := open(t, mlplat.Options{TrackingURI: store(folder)})
	info, err := client.Store().Create(ctx)
	must(t, err)
	equal(t, "created", info.Created, true)
	_, err = os.Stat(info.Path)
	must(t, err)
	info, err = open(t, mlplat.Options{TrackingURI: store(folder)}).Store().Create(ctx)
	must(t, err)
	equal(t, "created again", info.Created, false)
	equal(t, "there is a head", info.Head != "", true)
}
