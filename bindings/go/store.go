package mlplat

import (
	"context"

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
	Created bool   `json:"created"` // this client made it
}

// Create creates the store that the tracking URI names, if it is not there (mlplat_store_create).
func (s Store) Create(ctx context.Context) (info StoreInfo, err error) {
	err = s.c.document(ctx, &info, raw.Store_create)
	return info, err
}
