package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"time"

	mlplat "mlplat.example/bindings/go"
)

const champion = "models:/scores@champion"

type service struct {
	client *mlplat.Client
	run    *mlplat.Run
	model  model
}

// model is a logistic regression.
type model struct {
	uri     string
	Weights []float64 `json:"weights"`
	Bias    float64   `json:"bias"`
}

// newService loads the champion from the registry.
func newService(ctx context.Context, client *mlplat.Client, run *mlplat.Run) (*service, error) {
	version, err := client.Registry().Version(ctx, "scores", "@champion")
	if errors.Is(err, mlplat.ErrNotFound) {
		return nil, fmt.Errorf("there is no %s: register a folder with weights.json in it: %w", champion, err)
	} else if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := client.Artifacts().Read(ctx, version.URI()+"/weights.json", &text); err != nil {
		return nil, err
	}
	m := model{uri: version.URI()}
	if err := json.Unmarshal(text.Bytes(), &m); err != nil {
		return nil, fmt.Errorf("%s/weights.json: %w", m.uri, err)
	}
	return &service{client, run, m}, run.LogParam(ctx, "model", m.uri)
}

func (m model) predict(row []float64) (float64, error) {
	if len(row) != len(m.Weights) {
		return 0, fmt.Errorf("%d numbers came, and the model takes %d", len(row), len(m.Weights))
	}
	z := m.Bias
	for i, x := range row {
		z += m.Weights[i] * x
	}
	return 1 / (1 + math.Exp(-z)), nil
}

func (s *service) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /predict", s.predict)
	mux.HandleFunc("GET /metrics", s.metrics)
	mux.HandleFunc("GET /runs", s.runs)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	return mux
}

// predict answers {"row": [...]} with {"score": ...}, and tracks the score and the time it took.
func (s *service) predict(w http.ResponseWriter, r *http.Request) {
	begun := time.Now()
	var request struct {
		Row []float64 `json:"row"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&request); err != nil {
		http.Error(w, "the body is no {\"row\": [numbers]}: "+err.Error(), http.StatusBadRequest)
		return
	}
	score, err := s.model.predict(request.Row)
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	// A caller who went away has had a prediction all the same: it is tracked whatever its context says.
	ctx := context.WithoutCancel(r.Context())
	err = errors.Join(s.run.Log(ctx, "score", score), s.run.Log(ctx, "seconds", time.Since(begun).Seconds()))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	writeJSON(w, map[string]any{"score": score, "model": s.model.uri})
}

// metrics shows this service's run as it is now.
func (s *service) metrics(w http.ResponseWriter, r *http.Request) {
	data, err := s.run.Data(r.Context())
	if err != nil {
		http.Error(w, err.Error(), statusOf(err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(data.Raw)
}

// runs gives one page of the runs of this service: ?page_token=... asks for the next.
func (s *service) runs(w http.ResponseWriter, r *http.Request) {
	page, err := s.client.SearchRunsPage(r.Context(), mlplat.Search{ExperimentIDs: []string{s.run.ExperimentID()},
		PageSize: 20, PageToken: r.URL.Query().Get("page_token")})
	if err != nil {
		http.Error(w, err.Error(), statusOf(err))
		return
	}
	type row struct {
		ID     string           `json:"id"`
		Status mlplat.RunStatus `json:"status"`
		Model  string           `json:"model"`
	}
	rows := []row{}
	for _, run := range page.Items {
		rows = append(rows, row{run.ID, run.Status, run.Params["model"]})
	}
	writeJSON(w, map[string]any{"runs": rows, "next_page_token": page.NextPageToken})
}

func writeJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(value)
}

// statusOf is HTTP's word for an error of the library's.
func statusOf(err error) int {
	switch {
	case errors.Is(err, mlplat.ErrInvalid):
		return http.StatusBadRequest
	case errors.Is(err, mlplat.ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, mlplat.ErrUnavailable), errors.Is(err, mlplat.ErrState):
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
