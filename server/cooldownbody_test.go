package server

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
)

type cooldownCase struct {
	Family     string              `json:"family"`
	ID         string              `json:"id"`
	Model      string              `json:"model"`
	Provider   string              `json:"provider"`
	ResetInNS  int64               `json:"reset_in_ns"`
	WantStatus int32               `json:"want_http_status"`
	WantBody   string              `json:"want_body"`
	WantHeader map[string][]string `json:"want_headers"`
}

func TestConformanceCooldownError(t *testing.T) {
	count := 0
	for _, folder := range conformanceFolders(t) {
		n := 0
		files, err := filepath.Glob(filepath.Join(folder, "*.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			n += runCooldownCases(t, file)
		}
		if n == 0 {
			t.Errorf("%s has no cases of family cooldown_error", folder)
		}
		count += n
	}
	t.Logf("cooldown_error: %d cases", count)
}

// conformanceFolders are those of CREDBROKER_CONFORMANCE. Without it, and without the default folder, there is nothing
// to test, but not so in CI.
func conformanceFolders(t *testing.T) []string {
	t.Helper()
	if folders := os.Getenv("CREDBROKER_CONFORMANCE"); folders != "" {
		return filepath.SplitList(folders)
	}
	folder := filepath.Join("..", "..", "shared", "conformance")
	if _, err := os.Stat(folder); err != nil && os.Getenv("CI") == "" {
		t.Skip("no conformance data: CREDBROKER_CONFORMANCE is not set and the default folder is absent")
	}
	return []string{folder}
}

func runCooldownCases(t *testing.T, file string) (count int) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, len(data)+1)
	for lines.Scan() {
		var c cooldownCase
		// Other families have members of other types under the same names.
		if !bytes.Contains(lines.Bytes(), []byte(`"cooldown_error"`)) {
			continue
		}
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if c.Family != "cooldown_error" {
			continue
		}
		count++
		t.Run(c.ID, func(t *testing.T) {
			got := cooldownAnswer(c.Model, c.Provider, time.Duration(c.ResetInNS))
			if got.GetStatus() != c.WantStatus {
				t.Errorf("status = %d, want %d", got.GetStatus(), c.WantStatus)
			}
			if diff := cmp.Diff(c.WantBody, string(got.GetBody())); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			header := make(map[string][]string)
			for name, value := range got.GetHeaders() {
				header[name] = []string{value}
			}
			if diff := cmp.Diff(c.WantHeader, header); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
		})
	}
	if err := lines.Err(); err != nil {
		t.Errorf("%s: %v", file, err)
	}
	return count
}

func TestCooldownAnswer(t *testing.T) {
	for _, tt := range []struct {
		name            string
		model, provider string
		wait            time.Duration
		wantBody        string
	}{
		{
			name: "mixed is no provider to name", model: "m", provider: "mixed", wait: time.Minute,
			wantBody: `{"error":{"code":"model_cooldown","message":"All credentials for model m are cooling down","model":"m","reset_seconds":60,"reset_time":"1m0s"}}`,
		},
		{
			name: "invalid UTF-8 is replaced", model: "a\xffb", wait: 0,
			wantBody: `{"error":{"code":"model_cooldown","message":"All credentials for model a\ufffdb are cooling down","model":"a\ufffdb","reset_seconds":0,"reset_time":"0s"}}`,
		},
		{
			name: "control characters and quotes are escaped", model: "a\"\\\n\x00", wait: time.Hour,
			wantBody: `{"error":{"code":"model_cooldown","message":"All credentials for model a\"\\\n\u0000 are cooling down","model":"a\"\\\n\u0000","reset_seconds":3600,"reset_time":"1h0m0s"}}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := string(cooldownAnswer(tt.model, tt.provider, tt.wait).GetBody())
			if diff := cmp.Diff(tt.wantBody, got); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUnavailableAnswer(t *testing.T) {
	for _, tt := range []struct {
		name string
		wait time.Duration
		want *credbrokerv1.HttpError
	}{
		{
			name: "no time is known",
			want: &credbrokerv1.HttpError{
				Status: 503, Headers: map[string]string{"Content-Type": "application/json"},
				Body: []byte(`{"error":{"code":"auth_unavailable","message":"No credential for model m can be used via provider p","model":"m","provider":"p"}}`),
			},
		},
		{
			name: "the time is rounded up", wait: 1001 * time.Millisecond,
			want: &credbrokerv1.HttpError{
				Status: 503, Headers: map[string]string{"Content-Type": "application/json", "Retry-After": "2"},
				Body: []byte(`{"error":{"code":"auth_unavailable","message":"No credential for model m can be used via provider p","model":"m","provider":"p","reset_seconds":2,"reset_time":"1s"}}`),
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := unavailableAnswer("m", "p", tt.wait)
			if got.GetStatus() != tt.want.GetStatus() || !cmp.Equal(got.GetHeaders(), tt.want.GetHeaders()) ||
				!bytes.Equal(got.GetBody(), tt.want.GetBody()) {
				t.Errorf("unavailableAnswer = %v, want %v", got, tt.want)
			}
		})
	}
	if !strings.HasPrefix(shownDuration(time.Nanosecond), "1s") {
		t.Errorf("shownDuration(1ns) = %s, want 1s", shownDuration(time.Nanosecond))
	}
}
