package mlplat_test

import (
	"errors"
	"testing"

	mlplat "mlplat.example/bindings/go"
)

func TestALoggedModelLives(t *testing.T) {
	client := open(t, mlplat.Options{})
	run := start(t, client, mlplat.RunOptions{})
	models := client.LoggedModels()
	model, err := models.Create(ctx, mlplat.LoggedModelOptions{Name: "fraud", ModelType: "forest", SourceRunID: run.ID(),
		Params: map[string]any{"depth": 6}, Tags: mlplat.Tags{"team": "a"}})
	must(t, err)
	equal(t, "status", model.Status, "LOGGED_MODEL_PENDING")
	must(t, models.SetTags(ctx, model.ID, mlplat.Tags{"stage": "done"}))
	must(t, models.DeleteTag(ctx, model.ID, "team"))
	must(t, models.LogParams(ctx, model.ID, map[string]any{"rate": 0.5}))
	equal(t, "again", errors.Is(models.LogParams(ctx, model.ID, map[string]any{"rate": 1}), mlplat.ErrExists), true)
	_, err = models.Finalize(ctx, model.ID, true)
	must(t, err)
	model, err = models.Get(ctx, model.ID)
	must(t, err)
	equal(t, "model", words(model.Name, model.ModelType, model.Status, model.Params, model.Tags),
		"fraud forest LOGGED_MODEL_READY map[depth:6 rate:0.5] map[stage:done]")
	equal(t, "run", model.SourceRunID, run.ID())
	equal(t, "uri", model.URI(), "models:/"+model.ID)
	must(t, models.Delete(ctx, model.ID))
	_, err = models.Get(ctx, model.ID)
	equal(t, "deleted", errors.Is(err, mlplat.ErrNotFound), true)
}

func TestLoggedModelsAreSearched(t *testing.T) {
	client := open(t, mlplat.Options{})
	run := start(t, client, mlplat.RunOptions{})
	models := client.LoggedModels()
	for i := range 5 {
		model, err := models.Create(ctx, mlplat.LoggedModelOptions{SourceRunID: run.ID()})
		must(t, err)
		must(t, run.LogBatch(ctx, mlplat.Batch{Metrics: []mlplat.Metric{{Key: "auc", Value: float64(i), ModelID: model.ID}}}))
	}
	var found []float64
	search := mlplat.LoggedModelSearch{ExperimentIDs: []string{run.ExperimentID()}, Filter: "metrics.auc > 1",
		OrderBy: []mlplat.ModelOrder{{Field: "metrics.auc", Ascending: true}}, PageSize: 2}
	for model, err := range models.Search(ctx, search) {
		must(t, err)
		found = append(found, model.Metrics[0].Value)
	}
	equal(t, "found", words(found), "[2 3 4]")
}
