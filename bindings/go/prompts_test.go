package mlplat_test

import (
	"errors"
	"fmt"
	"testing"

	mlplat "mlplat.example/bindings/go"
)

func TestPromptsAreRegisteredAndFilled(t *testing.T) {
	prompts := open(t, mlplat.Options{}).Prompts()
	must(t, prompts.Create(ctx, "greeting", "says hello", mlplat.Tags{"team": "a"}))
	version, err := prompts.Register(ctx, "greeting", "Hello {{ name }}, {{ word }}", mlplat.PromptOptions{
		CommitMessage: "first", ModelConfig: map[string]any{"temperature": 0.5}})
	must(t, err)
	equal(t, "version", version, 1)
	found, err := prompts.Load(ctx, "prompts:/greeting/1")
	must(t, err)
	equal(t, "variables", fmt.Sprint(found.Variables), "[name word]")
	equal(t, "words", words(found.CommitMessage, string(found.ModelConfig)), `first {"temperature":0.5}`)
	text, err := found.Format(map[string]string{"name": "you"}, true)
	must(t, err)
	equal(t, "some", text, "Hello you, {{ word }}")
	_, err = found.Format(map[string]string{"name": "you"}, false)
	equal(t, "all", errors.Is(err, mlplat.ErrInvalid), true)
	must(t, prompts.SetConfig(ctx, "greeting", "1", nil))
	for version, err := range prompts.Versions(ctx, "greeting") {
		must(t, err)
		equal(t, "a version", words(version.Version, string(version.ModelConfig)), "1 ")
	}
	for prompt, err := range prompts.Search(ctx, mlplat.Search{Filter: "name LIKE 'greet%'"}) {
		must(t, err)
		equal(t, "found", prompt.Name, "greeting")
	}
	prompt, err := prompts.Get(ctx, "greeting")
	must(t, err)
	equal(t, "prompt", words(prompt.Description, prompt.Tags["team"]), "says hello a")
}

func TestChatsAreFilledMessageByMessage(t *testing.T) {
	prompts := open(t, mlplat.Options{}).Prompts()
	_, err := prompts.RegisterChat(ctx, "chat", []mlplat.Message{{"system", "be {{ how }}"}, {"user", "{{ what }}"}},
		mlplat.PromptOptions{})
	must(t, err)
	found, err := prompts.Version(ctx, "chat", "latest")
	must(t, err)
	messages, err := found.FormatChat(map[string]string{"how": "brief", "what": "why?"}, false)
	must(t, err)
	equal(t, "messages", fmt.Sprint(messages), "[{system be brief} {user why?}]")
}
