package mlplat

import (
	"bytes"
	"context"
	"encoding/json"
	"iter"
	"time"
	"unsafe"

	"mlplat.example/bindings/go/internal/raw"
)

// Prompts are kept in the registry, as MLflow keeps them. A version is named by its number, "3", by an alias, "@live",
// or by "latest". Tags, aliases, and versions to delete: by the Registry's calls.
type Prompts struct{ c *Client }

// Prompts gives the prompts of the client.
func (c *Client) Prompts() Prompts { return Prompts{c} }

// Prompt is a name with its versions.
type Prompt struct {
	Name         string
	Description  string
	CreationTime time.Time
	UpdateTime   time.Time
	Tags         Tags
	Raw          json.RawMessage // the whole document
}

// UnmarshalJSON reads the library's document.
func (p *Prompt) UnmarshalJSON(text []byte) error {
	var plain struct {
		Name         string `json:"name"`
		Description  string `json:"description"`
		CreationTime int64  `json:"creation_timestamp"`
		UpdateTime   int64  `json:"last_updated_timestamp"`
		Tags         Tags   `json:"tags"`
	}
	err := json.Unmarshal(text, &plain)
	*p = Prompt{plain.Name, plain.Description, moment(plain.CreationTime), moment(plain.UpdateTime), plain.Tags,
		bytes.Clone(text)}
	return err
}

// Message is one of a chat.
type Message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// PromptVersion is a version of a prompt: a text, or messages of a chat.
type PromptVersion struct {
	Name           string
	Version        int64
	CommitMessage  string
	Text           string
	Messages       []Message // of a chat, which has no Text
	Variables      []string
	ResponseFormat json.RawMessage
	ModelConfig    json.RawMessage
	CreationTime   time.Time
	UpdateTime     time.Time
	Tags           Tags
	Aliases        []string
	Raw            json.RawMessage // the whole document
}

// UnmarshalJSON reads the library's document.
func (v *PromptVersion) UnmarshalJSON(text []byte) error {
	var plain struct {
		Name           string          `json:"name"`
		Version        int64           `json:"version,string"`
		CommitMessage  string          `json:"commit_message"`
		Type           string          `json:"type"`
		Template       json.RawMessage `json:"template"`
		Variables      []string        `json:"variables"`
		ResponseFormat json.RawMessage `json:"response_format"`
		ModelConfig    json.RawMessage `json:"model_config"`
		CreationTime   int64           `json:"creation_timestamp"`
		UpdateTime     int64           `json:"last_updated_timestamp"`
		Tags           Tags            `json:"tags"`
		Aliases        []string        `json:"aliases"`
	}
	if err := json.Unmarshal(text, &plain); err != nil {
		return err
	}
	*v = PromptVersion{plain.Name, plain.Version, plain.CommitMessage, "", nil, plain.Variables, plain.ResponseFormat,
		plain.ModelConfig, moment(plain.CreationTime), moment(plain.UpdateTime), plain.Tags, plain.Aliases,
		bytes.Clone(text)}
	if plain.Type == "chat" {
		return json.Unmarshal(plain.Template, &v.Messages)
	}
	return json.Unmarshal(plain.Template, &v.Text)
}

// Format gives the text with values in the place of its variables (mlplat_prompt_format). partial: variables without a
// value stay.
func (v PromptVersion) Format(values map[string]string, partial bool) (string, error) {
	return formatPrompt(v.Text, values, partial)
}

// FormatChat gives the messages with values in the place of their variables (mlplat_prompt_format).
func (v PromptVersion) FormatChat(values map[string]string, partial bool) (messages []Message, err error) {
	for _, message := range v.Messages {
		if message.Content, err = formatPrompt(message.Content, values, partial); err != nil {
			return nil, err
		}
		messages = append(messages, message)
	}
	return messages, nil
}

func formatPrompt(text string, values Tags, partial bool) (string, error) {
	if values == nil {
		values = Tags{}
	}
	var out unsafe.Pointer
	some := flag(partial)
	err := do(context.Background(), nil, func(call *raw.Call) int {
		return raw.Prompt_format(text, values.object(), some, &out, call)
	})
	return raw.TakeText(out), err
}

// Create creates a prompt without versions (mlplat_prompt_create).
func (p Prompts) Create(ctx context.Context, name, description string, tags Tags) error {
	return p.c.do(ctx, func(at unsafe.Pointer, call *raw.Call) int {
		return raw.Prompt_create(at, name, description, tags.object(), call)
	})
}

// PromptOptions says more of a version of a prompt.
type PromptOptions struct {
	CommitMessage  string // what is new in it; the description of a prompt that is made
	Tags           Tags   // of the version and of the prompt
	ResponseFormat any    // the schema of answers; a value for JSON
	ModelConfig    any    // "model_name", "temperature", "max_tokens", ...; likewise
	ExperimentID   string // whose page in MLflow shows it; "": MLFLOW_EXPERIMENT_ID, else "0"
}

// Register registers a version of a prompt, which is created if it is not there, and gives its number. Variables are
// written "{{ name }}" (mlplat_prompt_register).
func (p Prompts) Register(ctx context.Context, name, text string, options PromptOptions) (int64, error) {
	return p.register(ctx, name, text, 0, options)
}

// RegisterChat is Register for the messages of a chat (mlplat_prompt_register).
func (p Prompts) RegisterChat(ctx context.Context, name string, messages []Message,
	options PromptOptions) (int64, error) {
	text, err := jsonText(messages)
	if err != nil {
		return 0, err
	}
	return p.register(ctx, name, text, 1, options)
}

func (p Prompts) register(ctx context.Context, name, text string, chat int32, o PromptOptions) (version int64,
	err error) {
	format, err := jsonText(o.ResponseFormat)
	if err != nil {
		return 0, err
	}
	config, err := jsonText(o.ModelConfig)
	if err != nil {
		return 0, err
	}
	err = p.c.do(ctx, func(at unsafe.Pointer, call *raw.Call) int {
		return raw.Prompt_register(at, name, text, o.CommitMessage, o.Tags.object(), chat, format, config,
			o.ExperimentID, &version, call)
	})
	return version, err
}

// Get gives a prompt (mlplat_prompt_get).
func (p Prompts) Get(ctx context.Context, name string) (prompt Prompt, err error) {
	err = p.c.document(ctx, &prompt, func(at unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
		return raw.Prompt_get(at, name, out, call)
	})
	return prompt, err
}

// Version gives a version of a prompt (mlplat_prompt_version_get).
func (p Prompts) Version(ctx context.Context, name, version string) (found PromptVersion, err error) {
	err = p.c.document(ctx, &found, func(at unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
		return raw.Prompt_version_get(at, name, version, out, call)
	})
	return found, err
}

// Search goes through prompts; "experiment_id = '1'" finds those of an experiment (mlplat_prompt_search).
func (p Prompts) Search(ctx context.Context, search Search) iter.Seq2[Prompt, error] {
	return pages(search.PageToken, func(token string) (Page[Prompt], error) {
		return page[Prompt](ctx, p.c.handle(), p.c, "prompts",
			func(at unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
				return raw.Prompt_search(at, search.Filter, search.orderBy(), search.pageSize(), token, out, call)
			})
	})
}

// Versions goes through the versions of a prompt, newest first (mlplat_prompt_version_search).
func (p Prompts) Versions(ctx context.Context, name string) iter.Seq2[PromptVersion, error] {
	return pages("", func(token string) (Page[PromptVersion], error) {
		return page[PromptVersion](ctx, p.c.handle(), p.c, "prompt_versions",
			func(at unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
				return raw.Prompt_version_search(at, name, 0, token, out, call)
			})
	})
}

// SetConfig changes the model and the settings that a version names; nil takes them away
// (mlplat_prompt_version_set_config).
func (p Prompts) SetConfig(ctx context.Context, name, version string, config any) error {
	text, err := jsonText(config)
	if err != nil {
		return err
	}
	return p.c.do(ctx, func(at unsafe.Pointer, call *raw.Call) int {
		return raw.Prompt_version_set_config(at, name, version, text, call)
	})
}

// Load gives a version of a prompt by its URI, prompts:/<name>/<version> or prompts:/<name>@<alias>, or the latest one
// by its name (mlplat_prompt_load).
func (p Prompts) Load(ctx context.Context, uri string) (found PromptVersion, err error) {
	err = p.c.document(ctx, &found, func(at unsafe.Pointer, out *unsafe.Pointer, call *raw.Call) int {
		return raw.Prompt_load(at, uri, out, call)
	})
	return found, err
}
