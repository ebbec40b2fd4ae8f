package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/credbroker/credbroker/config"
	"github.com/credbroker/credbroker/server"
)

// hiddenText has a C1 control, one that turns the direction of text, one of no width, and a tag beyond 16 bits.
const hiddenText = "a\u009b31mb\u202ec\u200bd\U000e0041é漢"

func TestHiddenCharactersInTables(t *testing.T) {
	if got, want := cell(hiddenText), "a\ufffd31mb\ufffdc\ufffdd\ufffdé漢"; got != want {
		t.Errorf("cell(%q) = %q, want %q", hiddenText, got, want)
	}
}

func TestHiddenCharactersInTheLog(t *testing.T) {
	for _, format := range []string{"json", "console"} {
		t.Run(format, func(t *testing.T) {
			var out strings.Builder
			buffer := server.NewLogBuffer(&out)
			p := process{now: testNow}
			log, _ := p.newLog(buffer, config.Log{Level: "info", Format: format})
			log.Info().Str(fieldKey, hiddenText).Msg(logListening)
			if err := buffer.Close(); err != nil {
				t.Fatal(err)
			}
			if strings.ContainsAny(out.String(), "\u009b\u202e\u200b\U000e0041") {
				t.Errorf("the line is %q", &out)
			}
			if format != "json" {
				return
			}
			var line map[string]any
			if err := json.Unmarshal([]byte(out.String()), &line); err != nil || line[fieldKey] != hiddenText {
				t.Errorf("the line says %q (%v), want %q", line[fieldKey], err, hiddenText)
			}
		})
	}
}
