package config

import (
	"strings"
	"sync"
	"time"

	"github.com/credbroker/credbroker/internal/authdoc"
	"github.com/credbroker/credbroker/internal/document"
)

// The limits of a program that prints a secret.
const (
	maxArguments   = 64
	maxArgument    = 4 << 10
	maxHelperWait  = time.Minute
	minRefresh     = 10 * time.Second
	usualHelper    = 10 * time.Second
	helpersAtOnce  = 8
	maxHelperRetry = time.Minute
)

// helper is a program that prints the secret of an auth, as the YAML file names it.
type helper struct {
	argv             []string
	timeout, refresh time.Duration // refresh 0: it runs once

	draft *authdoc.Draft // of the auth; its secret comes and goes
	at    Problem        // where it stands
}

// command names what is run. Two auths with one command share one run.
func (h *helper) command() string { return strings.Join(h.argv, "\x00") }

// problem is one with a helper. No message repeats an argument or what was printed.
func (h *helper) problem(message string) Problem {
	p := h.at
	p.Message = message
	return p
}

// keys are those of a secret that a program prints.
func (h *helper) keys() document.Keys {
	h.timeout = usualHelper
	return document.Keys{
		"exec": document.List(&h.argv, maxArguments, argument).With(document.Schema{"type": "array", "minItems": 1}).
			Doc("A program that prints the secret, and its arguments. There is no shell."),
		"timeout": document.Duration(&h.timeout, time.Second, maxHelperWait).Doc("How long the program may take: 1s to 1m."),
		"refresh": document.Duration(&h.refresh, minRefresh, maxTTL).Doc("How long until it is run again: 10s to 8784h. Absent: it is run once."),
	}
}

func argument(to *string) document.Type {
	return document.Text(to, maxArgument, func(text string) string {
		if strings.ContainsRune(text, 0) {
			return "has a NUL character"
		}
		return ""
	})
}

// take makes a printed text the secret of the helper's auth; empty: it is a good one.
func (h *helper) take(text string) (wrong string) {
	text = strings.TrimSpace(text)
	if wrong := authdoc.WrongSecret(text); wrong != "" {
		return "what the program printed " + wrong
	}
	h.draft.SetSecret(text)
	return h.draft.Refusal()
}

// printed is what came of running a command.
type printed struct {
	text  string // open, as drafts are
	wrong string // why there is none
}

// runHelpers runs each command of the helpers once, some at a time.
func (o *Options) runHelpers(helpers []*helper) map[string]printed {
	commands := make(map[string]*helper)
	for _, h := range helpers {
		commands[h.command()] = h
	}
	var (
		wait    sync.WaitGroup
		mu      sync.Mutex
		results = make(map[string]printed, len(commands))
		slots   = make(chan struct{}, helpersAtOnce)
	)
	for command, h := range commands {
		wait.Go(func() {
			slots <- struct{}{}
			result := o.runHelper(h)
			<-slots
			mu.Lock()
			defer mu.Unlock()
			results[command] = result
		})
	}
	wait.Wait()
	return results
}

func (o *Options) runHelper(h *helper) printed {
	if o.RunHelper == nil {
		return printed{wrong: "programs cannot be run here"}
	}
	output, err := o.RunHelper(h.argv, h.timeout)
	if err != nil {
		return printed{wrong: "the program " + err.Error()}
	}
	return printed{text: string(output)}
}

// askHelpers gets the secrets that programs print: those that are not known from before.
func (c *Config) askHelpers(o Options, known map[string]printed) Problems {
	var fresh []*helper
	for _, h := range c.helpers {
		if _, ran := known[h.command()]; !ran {
			fresh = append(fresh, h)
		}
	}
	c.printed = o.runHelpers(fresh)
	var list Problems
	for _, h := range c.helpers {
		result, ran := c.printed[h.command()]
		if !ran {
			result = known[h.command()]
			c.printed[h.command()] = result
		}
		if result.wrong == "" {
			result.wrong = h.take(result.text)
		}
		if result.wrong != "" {
			list = append(list, h.problem(result.wrong))
		}
	}
	return list
}
