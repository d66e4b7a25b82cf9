package mlplat_test

import (
	"errors"
	"testing"

	mlplat "mlplat.example/bindings/go"
)

func TestWebhooksNeedAServer(t *testing.T) {
	webhooks := open(t, mlplat.Options{}).Webhooks()
	events := []mlplat.WebhookEvent{"model_version.created"}
	_, created := webhooks.Create(ctx, mlplat.WebhookOptions{Name: "w", URL: "https://example.org", Events: events})
	_, got := webhooks.Get(ctx, "1")
	_, changed := webhooks.Update(ctx, "1", mlplat.WebhookOptions{Status: "DISABLED"})
	_, tested := webhooks.Test(ctx, "1", events[0])
	for _, err := range webhooks.List(ctx) {
		equal(t, "listed", errors.Is(err, mlplat.ErrUnsupported), true)
	}
	for _, err := range []error{created, got, changed, tested, webhooks.Delete(ctx, "1")} {
		equal(t, "unsupported", errors.Is(err, mlplat.ErrUnsupported), true)
	}
	_, err := webhooks.Create(ctx, mlplat.WebhookOptions{Name: "w", URL: "https://example.org"})
	equal(t, "without events", errors.Is(err, mlplat.ErrInvalid), true)
	_, err = webhooks.Test(ctx, "1", "no event")
	equal(t, "no event", errors.Is(err, mlplat.ErrInvalid), true)
}
