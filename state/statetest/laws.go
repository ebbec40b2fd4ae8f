package statetest

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector/cooldown"
)

// Form is how an engine keeps a record beside its key.
type Form struct {
	Format func(r *cooldown.Record) []byte
	Parse  func(key cooldown.RecordKey, text []byte) (cooldown.Record, error)
}

// Laws checks that records which were kept in a form merge in any order, any number of times, to the same, and that what is
// read is what was written.
func Laws(t *testing.T, form Form, rounds int) {
	t.Helper()
	seed := rand.Uint64()
	for i := range rounds {
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		if err := form.check(r); err != nil {
			t.Fatalf("seed %d, round %d: %v", seed, i, err)
		}
	}
	r := rand.New(rand.NewPCG(seed, seed))
	key := RandomKey(r)
	if err := form.laws(manyModels(r, key), manyModels(r, key), manyModels(r, key)); err != nil {
		t.Fatalf("seed %d, many models: %.2000v", seed, err)
	}
}

func (f Form) check(r *rand.Rand) error {
	key, now := RandomKey(r), time.Unix(1_800_000_000, 0)
	a := RandomRecord(r, key, now)
	b := RandomRecord(r, key, now, a)
	return f.laws(a, b, RandomRecord(r, key, now, a, b))
}

// manyModels is what one replica knows of so many models that not all that several know are kept.
func manyModels(r *rand.Rand, key cooldown.RecordKey) cooldown.Record {
	record := cooldown.Record{Key: key}
	for range cooldown.MaxModels - 100 {
		at := cooldown.Instant(1 + r.IntN(100))
		scope := record.Scope(fmt.Sprint("m", r.IntN(2*cooldown.MaxModels)), false)
		scope.Quota.Add(cooldown.Observation{Received: at, Until: at + 10})
	}
	return record
}

func (f Form) laws(a, b, c cooldown.Record) error {
	kept := make([]cooldown.Record, 3)
	for i, record := range []cooldown.Record{a, b, c} {
		var err error
		if kept[i], err = f.Parse(a.Key, f.Format(&record)); err != nil {
			return err
		}
		if got, want := show(kept[i]), show(record); got != want {
			return fmt.Errorf("read\n%s\nwant\n%s", got, want)
		}
	}
	want, err := f.merged(a, b, c)
	if err != nil {
		return err
	}
	for name, order := range map[string][]cooldown.Record{
		"in another order": {kept[2], kept[0], kept[1]}, "twice": {kept[0], kept[1], kept[2], kept[1], kept[0]},
	} {
		got, err := f.merged(order...)
		if err != nil {
			return err
		}
		if got != want {
			return fmt.Errorf("merged %s:\n%s\nwant\n%s", name, got, want)
		}
	}
	return f.pairs(kept, want)
}

// pairs merges what was merged already.
func (f Form) pairs(kept []cooldown.Record, want string) error {
	pair := cooldown.Record{Key: kept[0].Key}
	pair.Merge(&kept[1])
	pair.Merge(&kept[2])
	pair, err := f.Parse(pair.Key, f.Format(&pair))
	if err != nil {
		return err
	}
	if got, err := f.merged(kept[0], pair); err != nil || got != want {
		return fmt.Errorf("merged in pairs: %w\n%s\nwant\n%s", err, got, want)
	}
	return nil
}

// merged merges records one after the other, as a store that keeps each state of it does.
func (f Form) merged(records ...cooldown.Record) (string, error) {
	sum := cooldown.Record{Key: records[0].Key}
	for i := range records {
		sum.Merge(&records[i])
		var err error
		if sum, err = f.Parse(sum.Key, f.Format(&sum)); err != nil {
			return "", err
		}
	}
	return show(sum), nil
}

// show is a record as one line, the same for records that say the same.
func show(r cooldown.Record) string {
	normal := cooldown.Record{Key: r.Key}
	normal.Merge(&r)
	for i := range normal.Windows {
		w := &normal.Windows[i]
		w.ResetsAt, w.SeenAt = w.ResetsAt.UTC(), w.SeenAt.UTC()
	}
	normal.LastReport.ReceivedAt = normal.LastReport.ReceivedAt.UTC()
	return fmt.Sprintf("%+v", normal)
}
