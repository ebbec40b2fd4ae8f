package config

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/credbroker/credbroker/selector"
)

// programs stands in for those that print secrets.
type programs struct {
	mu     sync.Mutex
	prints map[string]string // by arguments; absent: it fails
	runs   []string
	block  chan struct{} // nil: they end at once
}

func (p *programs) run(argv []string, timeout time.Duration) ([]byte, error) {
	p.mu.Lock()
	command := strings.Join(argv, " ")
	p.runs = append(p.runs, command+" in "+timeout.String())
	text, ok := p.prints[command]
	block := p.block
	p.mu.Unlock()
	if block != nil {
		<-block
	}
	if !ok {
		return nil, errors.New("failed: exit status 1")
	}
	return []byte(text), nil
}

func (p *programs) print(command, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if text == "" {
		delete(p.prints, command)
		return
	}
	p.prints[command] = text
}

func (p *programs) setBlock(block chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.block = block
}

func (p *programs) took() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer func() { p.runs = nil }()
	return strings.Join(p.runs, ", ")
}

// helped is a scene whose auths get their secrets from programs.
func helped(t *testing.T, yaml string) (*scene, *programs) {
	t.Helper()
	s := &scene{target: newTarget(t), dir: t.TempDir()}
	s.write("c.yaml", yaml)
	p := &programs{prints: map[string]string{"print a": " sk-1\n", "print b": "sk-b"}}
	s.openWith(func(o *Options) { o.RunHelper = p.run })
	return s, p
}

const oneHelper = "auths: [{id: a, provider: claude, secret: {exec: [print, a], refresh: 1h}}]\n"

func TestHelpersPrintSecrets(t *testing.T) {
	s, p := helped(t, "auths:\n  - {id: a, provider: claude, secret: {exec: [print, a]}}\n  - {id: b, provider: openai, secret: {exec: [print, a], timeout: 3s}}\n")
	if !s.sends("a", "sk-1") || !s.sends("b", "Bearer sk-1") {
		t.Errorf("auths are %+v and %+v", s.auth("a"), s.auth("b"))
	}
	if took := p.took(); strings.Count(took, "print a") != 1 {
		t.Errorf("runs are %s, want one for both", took)
	}
	// What is not new in the configuration is not run, whatever else changes, and SIGHUP neither.
	for _, change := range []string{"# c\n", "sessions: {ttl: 2h}\n"} {
		s.write("c.yaml", s.read("c.yaml")+change)
		s.source.Reload()
	}
	if took := p.took(); took != "" || s.takeUpdates() != "" {
		t.Errorf("a reload runs %s", took)
	}
	s.write("c.yaml", s.read("c.yaml")+"#\n  \n")
	s.write("c.yaml", "auths:\n  - {id: a, provider: claude, secret: {exec: [print, a]}}\n  - {id: b, provider: openai, secret: {exec: [print, b]}}\n")
	s.source.Reload()
	if took := p.took(); took != "print b in 10s" || !s.sends("b", "Bearer sk-b") || s.takeUpdates() != "+b" {
		t.Errorf("another program: runs are %s, auth %+v", took, s.auth("b"))
	}
	s.wantProblems()
}

func TestHelpersThatFail(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "the program failed: exit status 1",
		"\n":                      "what the program printed is empty",
		"sk-1\nsk-2":              "what the program printed has a character that an HTTP header cannot have",
		strings.Repeat("s", 17e3): "what the program printed is too long",
		"sk-2":                    "",
	} {
		t.Run(want, func(t *testing.T) {
			s, p := helped(t, oneHelper)
			p.print("print new", text)
			s.write("c.yaml", strings.ReplaceAll(oneHelper, "print, a", "print, new"))
			p.took()
			s.source.rescan(changes{paths: map[string]bool{s.path("c.yaml"): true}}, tentative)
			if want == "" {
				s.wantProblems()
				return
			}
			s.wantProblems("c.yaml:1: auths[0].secret.exec: " + want)
			if strings.Contains(s.problems(), "sk-1") || !s.sends("a", "sk-1") || p.took() != "print new in 10s" {
				t.Errorf("problems %s, auth %+v", s.problems(), s.auth("a"))
			}
			// It is not run again until something changes.
			s.source.rescan(changes{}, final)
			if took := p.took(); took != "" {
				t.Errorf("another look runs %s", took)
			}
			if _, _, err := Check(s.path("c.yaml"), Options{RunHelper: p.run}); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("Check: %v, want %s", err, want)
			}
		})
	}
	if _, err := Open("testdata/reject/helper-refused.yaml", testOptions); err == nil || strings.Contains(err.Error(), "sk-argument") {
		t.Errorf("Open without programs: %v", err)
	}
}

func TestSecretsAreRefreshed(t *testing.T) {
	s, p := helped(t, strings.Replace(oneHelper, "claude,", "claude, kind: oauth, account: acc,", 1))
	p.took()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		s.source.refreshing.changed = make(chan struct{}, 1)
		s.source.refreshing.adopt(s.source.config, time.Now())
		go s.source.refreshSecrets(ctx)
		after := func(d time.Duration, runs, secret string, problems ...string) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			if took := p.took(); took != runs || !hasHeader(s.auth("a"), "Bearer "+secret) {
				t.Errorf("runs are %q, want %q; the auth is %+v, want %s", took, runs, s.auth("a"), secret)
			}
			s.wantProblems(problems...)
		}
		const run, fault = "print a in 10s", "c.yaml:1: auths[0].secret.exec: the program failed: exit status 1; the last secret goes on"
		p.print("print a", "sk-2")
		after(time.Hour-1, "", "sk-1")
		after(1, run, "sk-2")
		p.print("print a", "")
		after(time.Hour, run, "sk-2", fault)
		if s.auth("a").Identity != "account:claude:acc" {
			t.Errorf("the auth is %+v, want the account that it was", s.auth("a"))
		}
		s.write("c.yaml", s.read("c.yaml")+"# another line\n")
		s.source.Reload()
		after(time.Minute-1, "", "sk-2", fault)
		p.print("print a", "sk-3")
		after(1, run, "sk-3")
		s.write("c.yaml", strings.Replace(s.read("c.yaml"), "1h", "20s", 1))
		s.source.Reload()
		p.print("print a", "sk-4")
		after(20*time.Second, run, "sk-4")
		// While it runs nothing waits for it.
		block := make(chan struct{})
		p.setBlock(block)
		p.print("print a", "sk-5")
		time.Sleep(20 * time.Second)
		synctest.Wait()
		s.source.Reload()
		if s.auth("a") == nil || s.source.Status().ProblemCount != 0 {
			t.Error("a program that runs is in the way")
		}
		close(block)
		after(0, run, "sk-5")
		p.setBlock(nil)
		s.write("c.yaml", "{}")
		s.source.Reload()
		time.Sleep(time.Hour)
		if took := p.took(); took != "" || s.ids() != "" {
			t.Errorf("without the auth runs are %s", took)
		}
	})
}

func hasHeader(a *selector.Auth, value string) bool {
	if a == nil {
		return false
	}
	for _, h := range a.Headers {
		if h.Value.Equal(selector.NewSecret(value)) {
			return true
		}
	}
	return false
}

func TestHelpersAreForTheYAMLFileOnly(t *testing.T) {
	s := newScene(t, map[string]string{"c.yaml": "auth_dirs: [auths]", "auths/a.json": `{"type":"claude","secret":{"exec":["print","a"]}}`})
	s.wantProblems("auths/a.json: has no secret")
	if _, err := s.source.Put(t.Context(), "b", []byte(`{"type":"claude","api_key":{"exec":["print","a"]}}`)); err == nil {
		t.Error("Put takes a program")
	}
}
