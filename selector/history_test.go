package selector_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
)

// A history is a list of operations that hold everything they need, so that leaving some out gives another history.
type history struct {
	config selector.Config
	bound  bool // sessions are bound
	models []string
	ops    []operation
	// checkEvery is after how many operations the pool's index is compared with one made anew.
	checkEvery int
}

type operation interface {
	// do plays the operation on both sides and reports where they differ.
	do(w *world) error
}

// world is the two sides that a history is played on.
type world struct {
	pool    *selector.Pool
	oracle  *oracle
	watcher *selector.Watcher
	seen    map[string]string // what the watcher's reader knows of each auth
	models  []string
}

const sessionTTL = 7 * time.Second

func historyStart() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

func newWorld(h *history) *world {
	config := h.config
	w := &world{oracle: newOracle(config, historyStart()), seen: map[string]string{}, models: h.models}
	if h.bound {
		config.Bindings = newSessionTable[selector.Slot](sessionTTL)
		w.oracle.bindings = newSessionTable[string](sessionTTL)
	}
	w.pool = selector.New(config)
	w.watcher = w.pool.Watch()
	return w
}

// simplifier is an operation with parts that a failure may not need.
type simplifier interface {
	simplify(fails func(operation) bool) operation
}

// shorten leaves out runs of parts, shorter and shorter ones, as long as what is left fails.
func shorten[T any](parts []T, fails func([]T) bool) []T {
	for size := len(parts); size > 0; size /= 2 {
		for at := 0; at+size <= len(parts); {
			if shorter := slices.Delete(slices.Clone(parts), at, at+size); fails(shorter) {
				parts = shorter
			} else {
				at += size
			}
		}
	}
	return parts
}

func (h *history) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "settings %+v, cursors from %d, sessions bound: %t\n", h.config.Settings, h.config.CursorStart, h.bound)
	for _, op := range h.ops {
		fmt.Fprintf(&b, "  %T %+v\n", op, op)
	}
	return b.String()
}

// seedOf is the seed of a run: that of CREDBROKER_SEED, or a new one.
func seedOf(t *testing.T) uint64 {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv("CREDBROKER_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("CREDBROKER_SEED: %v", err)
		}
	}
	return seed
}
