package mlplat

import (
	"bytes"
	"context"
	"encoding/json"
	"iter"
	"strings"
	"time"
	"unsafe"

	"mlplat.example/bindings/go/internal/raw"
)

// Webhooks are calls that an MLflow server makes when something happens in its registry. An embedded store has nobody
// who would call: there all of these are ErrUnsupported.
type Webhooks struct{ c *Client }

// Webhooks gives the webhooks of the client's server.
func (c *Client) Webhooks() Webhooks { return Webhooks{c} }

// WebhookEvent is what a webhook is called for, as "model_version.created".
type WebhookEvent string

// UnmarshalJSON reads MLflow's document.
func (e *WebhookEvent) UnmarshalJSON(text []byte) error {
	var plain struct {
		Entity string `json:"entity"`
		Action string `json:"action"`
	}
	err := json.Unmarshal(text, &plain)
	*e = WebhookEvent(strings.ToLower(plain.Entity + "." + plain.Action))
	return err
}

// Webhook is one. Its secret is never told.
type Webhook struct {
	ID           string
	Name         string
	URL          string
	Events       []WebhookEvent
	Description  string
	Status       string // "ACTIVE" or "DISABLED"
	CreationTime time.Time
	UpdateTime   time.Time
	Raw          json.RawMessage // the whole document
}

// UnmarshalJSON reads MLflow's document.
func (w *Webhook) UnmarshalJSON(text []byte) error {
	var plain struct {
		ID           string         `json:"webhook_id"`
		Name         string         `json:"name"`
		URL          string         `json:"url"`
		Events       []WebhookEvent `json:"events"`
		Description  string         `json:"description"`
		Status       string         `json:"status"`
		CreationTime int64          `json:"creation_timestamp"`
		UpdateTime   int64          `json:"last_updated_timestamp"`
	}
	err := json.Unmarshal(text, &plain)
	*w = Webhook{plain.ID, plain.Name, plain.URL, plain.Events, plain.Description, plain.Status,
		moment(plain.CreationTime), moment(plain.UpdateTime), bytes.Clone(text)}
	return err
}

// WebhookOptions says what a webhook is; "" and nil: left as it is.
type WebhookOptions struct {
	Name        string
	URL         string
	Events      []WebhookEvent
	Description string
	Secret      string // calls are signed with it
	Status      string // "ACTIVE" or "DISABLED"
}

func (o WebhookOptions) events() string {
	words := make([]string, len(o.Events))
	for i, event := range o.Events {
		words[i] = string(event)
	}
	return strings.Join(words, ",")
}

// WebhookTest is what came of a test.
type WebhookTest struct {
	Success        bool   `json:"success"`
	ResponseStatus int    `json:"response_status"`
	ResponseBody   string `json:"response_body"`
	ErrorMessage   string `json:"error_message"`
}

// Create creates a webhook; it needs a name, a URL and events (mlplat_webhook_create).
func (w Webhooks) Create(ctx context.Context, o WebhookOptions) (webhook Webhook, err error) {
	err = w.c.document(ctx, &webhook, func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
		return raw.Webhook_create(p, o.Name, o.URL, o.events(), o.Description, o.Secret, o.Status, out, call)
	})
	return webhook, err
}

// Get gives a webhook (mlplat_webhook_get).
func (w Webhooks) Get(ctx context.Context, id string) (webhook Webhook, err error) {
	err = w.c.document(ctx, &webhook, func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
		return raw.Webhook_get(p, id, out, call)
	})
	return webhook, err
}

// List goes through webhooks (mlplat_webhook_list).
func (w Webhooks) List(ctx context.Context) iter.Seq2[Webhook, error] {
	return pages("", func(token string) (Page[Webhook], error) {
		return page[Webhook](ctx, w.c.handle(), w.c, "webhooks",
			func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
				return raw.Webhook_list(p, 0, token, out, call)
			})
	})
}

// Update changes what the options say (mlplat_webhook_update).
func (w Webhooks) Update(ctx context.Context, id string, o WebhookOptions) (webhook Webhook, err error) {
	err = w.c.document(ctx, &webhook, func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
		return raw.Webhook_update(p, id, o.Name, o.URL, o.events(), o.Description, o.Secret, o.Status, out, call)
	})
	return webhook, err
}

// Delete deletes a webhook (mlplat_webhook_delete).
func (w Webhooks) Delete(ctx context.Context, id string) error {
	return w.c.do(ctx, func(p unsafe.Pointer, call *raw.Call) int { return raw.Webhook_delete(p, id, call) })
}

// Test has the server call the URL with an example of an event; "": the webhook's first (mlplat_webhook_test).
func (w Webhooks) Test(ctx context.Context, id string, event WebhookEvent) (result WebhookTest, err error) {
	err = w.c.document(ctx, &result, func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
		return raw.Webhook_test(p, id, string(event), out, call)
	})
	return result, err
}
