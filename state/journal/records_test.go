package journal_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/state"
	"github.com/credbroker/credbroker/state/journal"
	"github.com/credbroker/credbroker/state/statetest"
)

// The file was written by the broker that wrote format 2, with these keys and this batch: what is known of models is in the values of records.
func TestAFileOfFormat2IsRead(t *testing.T) {
	path := unpacked(t, "format2.db")
	for range 2 {
		j := open(t, journal.Config{Path: path, Now: fixtureTime})
		wantFixture(t, j)
		// A change of a record moves what is known of its models.
		save(t, j, state.Batch{Records: fixtureBatch().Records[:1]})
		wantFixture(t, j)
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if n := keptScopes(t, path); n != 2 {
		t.Errorf("%d scopes have values of their own, want the 2 of the record that was written", n)
	}
}

// modelsOf is a record of one identity with cooldowns of some models, which end the later the higher their number.
func modelsOf(from, to int, at time.Time, reason string) (r cooldown.Record) {
	r.Key = cooldown.RecordKey{Kind: cooldown.RecordIdentity, Name: "account:claude:1"}
	now := cooldown.InstantOf(at)
	for i := from; i < to; i++ {
		s := r.Scope(fmt.Sprintf("model-%05d", i), i%7 == 0)
		until := now.Add(time.Hour + time.Duration(i)*time.Second)
		s.Quota.Observations = []cooldown.Observation{{Received: now, Until: until, Probe: until, Reason: reason}}
	}
	return r
}

func keptScopes(t *testing.T, path string) (count int) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("scopes")).ForEach(func(_, _ []byte) error { count++; return nil })
	}); err != nil {
		t.Fatal(err)
	}
	return count
}

// However many models a record was told of, no more are kept than a record has, and a few that are still to go.
func TestScopesOfARecordAreBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	j := open(t, journal.Config{Path: path, Now: fixtureTime})
	var want statetest.Received
	for part := range 50 {
		b := state.Batch{Records: []cooldown.Record{modelsOf(100*part, 100*part+100, fixtureTime(), "limited")}}
		save(t, j, b)
		want.Records(b.Records)
		if part%20 == 0 { // what it counts it finds again
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			j = open(t, journal.Config{Path: path, Now: fixtureTime})
		}
	}
	var got statetest.Received
	if err := j.Load(t.Context(), &got); err != nil || got.String() != want.String() {
		t.Errorf("Load: %v, hands over\n%.2000s\nwant\n%.2000s", err, &got, &want)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if n := keptScopes(t, path); n < cooldown.MaxModels || n > 2*cooldown.MaxModels {
		t.Errorf("%d scopes are kept, want %d to twice as many", n, cooldown.MaxModels)
	}
	later := func() time.Time { return fixtureTime().Add(1000 * time.Hour) }
	j = open(t, journal.Config{Path: path, Now: later})
	if err := j.Load(t.Context(), &got); err != nil {
		t.Fatal(err)
	}
	save(t, j, batch(1, 0))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if n := keptScopes(t, path); n != 0 {
		t.Errorf("%d scopes are left of a record that says nothing any more", n)
	}
}

// A scope that is not what was written is found, as everything is.
func TestDamagedScopesAreFound(t *testing.T) {
	for name, damage := range map[string]func(b *bbolt.Bucket, key, value []byte) error{
		"another value": func(b *bbolt.Bucket, key, value []byte) error {
			changed := append([]byte(nil), value...)
			changed[len(changed)-3]++
			return b.Put(key, changed)
		},
		"one is gone":          func(b *bbolt.Bucket, key, _ []byte) error { return b.Delete(key) },
		"one of nothing known": func(b *bbolt.Bucket, _, value []byte) error { return b.Put([]byte{200}, value) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.db")
			j := open(t, journal.Config{Path: path, Now: fixtureTime})
			save(t, j, state.Batch{Records: []cooldown.Record{modelsOf(0, 3, fixtureTime(), "limited")}})
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			db, err := bbolt.Open(path, 0o600, nil)
			if err != nil {
				t.Fatal(err)
			}
			err = db.Update(func(tx *bbolt.Tx) error {
				b := tx.Bucket([]byte("scopes"))
				key, value := b.Cursor().First()
				return damage(b, key, value)
			})
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			j = open(t, journal.Config{Path: path, Now: fixtureTime})
			if err := j.Load(t.Context(), &statetest.Received{}); err == nil {
				t.Error("Load finds nothing wrong")
			}
		})
	}
}

// BenchmarkSaveOneModel is a report of one model of an auth that is blocked for as many as are kept, with reasons as long as callers may
// give. Bytes are what the report hands over.
func BenchmarkSaveOneModel(b *testing.B) {
	j := open(b, journal.Config{Path: filepath.Join(b.TempDir(), "state.db"), Now: fixtureTime})
	reason := strings.Repeat("r", 1<<10)
	save(b, j, state.Batch{Records: []cooldown.Record{modelsOf(0, cooldown.MaxModels, fixtureTime(), reason)}})
	for i := 0; b.Loop(); i++ {
		at := fixtureTime().Add(time.Duration(i) * time.Millisecond)
		model := i % cooldown.MaxModels
		save(b, j, state.Batch{Records: []cooldown.Record{modelsOf(model, model+1, at, reason)}})
	}
}
