package mlplat_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"testing"

	mlplat "mlplat.example/bindings/go"
)

func TestModelsAreRegisteredAndFound(t *testing.T) {
	client := open(t, mlplat.Options{})
	run := start(t, client, mlplat.RunOptions{})
	registry := client.Registry()
	must(t, registry.Create(ctx, "fraud", "finds fraud", mlplat.Tags{"team": "a"}))
	equal(t, "twice", errors.Is(registry.Create(ctx, "fraud", "", nil), mlplat.ErrExists), true)
	uri, err := run.LogModel(ctx, "model", mlplat.Model{LoaderModule: "mlflow.sklearn"})
	must(t, err)
	for want := range int64(3) {
		version, err := registry.Register(ctx, "fraud", uri, mlplat.VersionOptions{Description: fmt.Sprint("no ", want)})
		must(t, err)
		equal(t, "version", version, want+1)
	}
	must(t, registry.SetAlias(ctx, "fraud", "champion", "2"))
	version, err := registry.Version(ctx, "fraud", "@champion")
	must(t, err)
	equal(t, "champion", version.URI(), "models:/fraud/2")
	equal(t, "run", version.RunID, run.ID())
	equal(t, "description", version.Description, "no 1")
	equal(t, "aliases", fmt.Sprint(version.Aliases), "[champion]")
	model, err := registry.Get(ctx, "fraud")
	must(t, err)
	equal(t, "aliases of the model", model.Aliases["champion"], 2)
	equal(t, "team", model.Tags["team"], "a")
	equal(t, "latest", model.LatestVersions[0].Version, 3)
	_, err = client.Artifacts().ModelInfo(ctx, "models:/fraud@champion")
	must(t, err)
}

func TestModelsAndVersionsAreChanged(t *testing.T) {
	client := open(t, mlplat.Options{})
	registry := client.Registry()
	_, err := registry.Register(ctx, "fraud", t.TempDir(), mlplat.VersionOptions{Tags: mlplat.Tags{"a": "b"}})
	must(t, err)
	must(t, registry.Update(ctx, "fraud", "better"))
	must(t, registry.UpdateVersion(ctx, "fraud", "1", "the first"))
	must(t, registry.SetTag(ctx, "fraud", "k", "v"))
	must(t, registry.SetVersionTag(ctx, "fraud", "latest", "k", "v"))
	must(t, registry.DeleteVersionTag(ctx, "fraud", "1", "a"))
	version, err := registry.Version(ctx, "fraud", "latest")
	must(t, err)
	equal(t, "version", words(version.Version, version.Description, version.Tags), "1 the first map[k:v]")
	must(t, registry.UpdateVersion(ctx, "fraud", "1", ""))
	must(t, registry.Update(ctx, "fraud", ""))
	must(t, registry.DeleteTag(ctx, "fraud", "k"))
	model, err := registry.Get(ctx, "fraud")
	must(t, err)
	equal(t, "model", words(model.Description, len(model.Tags), model.LatestVersions[0].Description), " 0 ")
	must(t, registry.SetAlias(ctx, "fraud", "champion", "1"))
	must(t, registry.DeleteAlias(ctx, "fraud", "champion"))
	_, err = registry.Version(ctx, "fraud", "@champion")
	equal(t, "alias", errors.Is(err, mlplat.ErrNotFound), true)
	must(t, registry.DeleteVersion(ctx, "fraud", "1"))
	must(t, registry.Delete(ctx, "fraud"))
	_, err = registry.Get(ctx, "fraud")
	equal(t, "model", errors.Is(err, mlplat.ErrNotFound), true)
}

func TestTheRegistryIsSearchedPageByPage(t *testing.T) {
	client := open(t, mlplat.Options{})
	registry := client.Registry()
	for i := range 5 {
		_, err := registry.Register(ctx, fmt.Sprint("model-", i), t.TempDir(), mlplat.VersionOptions{})
		must(t, err)
		_, err = registry.Register(ctx, "model-0", t.TempDir(), mlplat.VersionOptions{})
		must(t, err)
	}
	var names, versions []string
	for model, err := range registry.Search(ctx, mlplat.Search{PageSize: 2}) {
		must(t, err)
		names = append(names, model.Name)
	}
	for model, err := range registry.Search(ctx, mlplat.Search{Filter: "name LIKE '%-3'"}) {
		must(t, err)
		equal(t, "found", model.Name, "model-3")
	}
	equal(t, "models", fmt.Sprint(names), "[model-0 model-1 model-2 model-3 model-4]")
	search := mlplat.Search{PageSize: 4, OrderBy: []string{"version_number DESC"}}
	for version, err := range registry.Versions(ctx, "model-0", search) {
		must(t, err)
		versions = append(versions, fmt.Sprint(version.Version))
	}
	equal(t, "versions", fmt.Sprint(versions), "[6 5 4 3 2 1]")
}

func TestStagesNamesAndCopies(t *testing.T) {
	client := open(t, mlplat.Options{})
	registry := client.Registry()
	for range 2 {
		_, err := registry.Register(ctx, "fraud", t.TempDir(), mlplat.VersionOptions{})
		must(t, err)
	}
	_, err := registry.Transition(ctx, "fraud", "1", "Production", false)
	must(t, err)
	moved, err := registry.Transition(ctx, "fraud", "2", "Production", true)
	must(t, err)
	equal(t, "stage", moved.Stage, "Production")
	latest, err := registry.Latest(ctx, "fraud", "Production", "Archived")
	must(t, err)
	equal(t, "latest", words(len(latest), latest[0].Version+latest[1].Version), "2 3")
	version, err := registry.Copy(ctx, "models:/fraud/Production", "scam")
	must(t, err)
	equal(t, "copy", version, 1)
	must(t, registry.Rename(ctx, "fraud", "fraud-2"))
	_, err = registry.Version(ctx, "fraud-2", "Production")
	must(t, err)
}

// TEST_SERVER is an MLflow server of the test's own, TEST_ARTIFACTS its folder of artifacts:
// tests/integration/test_server_registry.py gives them.
func TestTheRegistryOfAServer(t *testing.T) {
	server := os.Getenv("TEST_SERVER")
	if server == "" {
		t.Skip("TEST_SERVER names no MLflow server")
	}
	client := open(t, mlplat.Options{TrackingURI: server, ArtifactRoot: os.Getenv("TEST_ARTIFACTS")})
	run := start(t, client, mlplat.RunOptions{})
	source := "runs:/" + run.ID() + "/model"
	must(t, client.Artifacts().PutBytes(ctx, source+"/model.txt", []byte("weights")))
	registry := client.Registry()
	number, err := registry.Register(ctx, "by-go", source, mlplat.VersionOptions{Tags: mlplat.Tags{"by": "go"}})
	must(t, err)
	must(t, registry.SetAlias(ctx, "by-go", "champion", fmt.Sprint(number)))
	version, err := registry.Version(ctx, "by-go", "@champion")
	must(t, err)
	equal(t, "version", words(version.Version, version.RunID, version.Tags["by"]), "1 "+run.ID()+" go")
	var text bytes.Buffer
	must(t, client.Artifacts().Read(ctx, "models:/by-go@champion/model.txt", &text))
	equal(t, "text", text.String(), "weights")
	webhook, err := client.Webhooks().Create(ctx, mlplat.WebhookOptions{Name: "by-go", URL: "http://127.0.0.1:9/hook",
		Events: []mlplat.WebhookEvent{"model_version.created"}, Secret: "s3cr3t"})
	must(t, err)
	equal(t, "webhook", fmt.Sprint(webhook.Status, " ", webhook.Events), "ACTIVE [model_version.created]")
	must(t, client.Webhooks().Delete(ctx, webhook.ID))
	_, err = client.Webhooks().Get(ctx, webhook.ID)
	equal(t, "gone", errors.Is(err, mlplat.ErrNotFound), true)
}
