package mlplat

import (
	"bytes"
	"context"
	"encoding/json"
	"iter"
	"math"
	"strconv"
	"unsafe"

	"mlplat.example/bindings/go/internal/raw"
)

// Tags are names with their texts; MLflow's documents have them as a list.
type Tags map[string]string

type pair struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// UnmarshalJSON reads MLflow's list of {"key", "value"}.
func (t *Tags) UnmarshalJSON(text []byte) error {
	var list []pair
	if err := json.Unmarshal(text, &list); err != nil {
		return err
	}
	*t = make(Tags, len(list))
	for _, item := range list {
		(*t)[item.Key] = item.Value
	}
	return nil
}

// pairs is MLflow's list of {"key", "value"}.
func (t Tags) pairs() []pair {
	list := make([]pair, 0, len(t))
	for key, value := range t {
		list = append(list, pair{key, value})
	}
	return list
}

// object is the text of a JSON object for C; "" for none at all.
func (t Tags) object() string {
	if t == nil {
		return ""
	}
	text, _ := json.Marshal(map[string]string(t)) // a map of strings can always be written
	return string(text)
}

// number is a float as MLflow writes it: one that is not finite is a word.
type number float64

func (n *number) UnmarshalJSON(text []byte) error {
	value, err := strconv.ParseFloat(string(bytes.Trim(text, `"`)), 64)
	*n = number(value)
	return err
}

func (n number) MarshalJSON() ([]byte, error) {
	switch value := float64(n); {
	case math.IsNaN(value):
		return []byte(`"NaN"`), nil
	case math.IsInf(value, 0):
		return []byte(`"` + map[bool]string{true: "", false: "-"}[value > 0] + `Infinity"`), nil
	default:
		return json.Marshal(value)
	}
}

// jsonText is a value as JSON text for C: nil is none, JSON text stays as it is.
func jsonText(value any) (string, error) {
	switch value := value.(type) {
	case nil:
		return "", nil
	case json.RawMessage:
		return string(value), nil
	}
	text, err := json.Marshal(value)
	if err != nil {
		return "", invalid("this is no JSON: " + err.Error())
	}
	return string(text), nil
}

// YAMLToJSON reads one YAML document by the 1.2 core schema (mlplat_doc_parse_yaml).
func YAMLToJSON(yaml string) (json.RawMessage, error) {
	var out unsafe.Pointer
	err := do(context.Background(), nil, func(call *raw.Call) int { return raw.Doc_parse_yaml(yaml, &out, call) })
	return raw.TakeDoc(out), err
}

// JSONToYAML writes a JSON document as YAML (mlplat_doc_yaml).
func JSONToYAML(text json.RawMessage) (string, error) {
	var yaml unsafe.Pointer
	err := withDocument(string(text), func(doc unsafe.Pointer) error {
		return do(context.Background(), nil, func(call *raw.Call) int { return raw.Doc_yaml(doc, &yaml, call) })
	})
	return raw.TakeText(yaml), err
}

// withDocument parses JSON text for the time of a call (mlplat_doc_parse).
func withDocument(text string, fn func(doc unsafe.Pointer) error) error {
	var doc unsafe.Pointer
	err := do(context.Background(), nil, func(call *raw.Call) int { return raw.Doc_parse(text, &doc, call) })
	if err != nil {
		return err
	}
	defer raw.Doc_free(doc)
	return fn(doc)
}

// Page is one page of a list, and the token that asks for the next; "" for the last.
type Page[T any] struct {
	Items         []T
	NextPageToken string
}

// pages goes through a list, fetching page after page as they are needed. The first error ends it.
func pages[T any](token string, fetch func(token string) (Page[T], error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for token := token; ; {
			page, err := fetch(token)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range page.Items {
				if !yield(item, nil) {
					return
				}
			}
			if token = page.NextPageToken; token == "" {
				return
			}
		}
	}
}

// page fetches one page, whose items are the document's member of this name.
func page[T any](ctx context.Context, h *handle, owner any, name string,
	fn func(p unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int) (Page[T], error) {
	var document map[string]json.RawMessage
	var result Page[T]
	if err := h.document(ctx, owner, &document, fn); err != nil {
		return result, err
	}
	for member, into := range map[string]any{name: &result.Items, "next_page_token": &result.NextPageToken} {
		if text, ok := document[member]; ok {
			if err := json.Unmarshal(text, into); err != nil {
				return result, corrupt("the library's list of " + name + " cannot be read: " + err.Error())
			}
		}
	}
	return result, nil
}

// given is a text that is set even if it is empty.
func given(text string) string {
	if text == "" {
		return raw.Blank
	}
	return text
}
