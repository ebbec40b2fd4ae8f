package journal_test

import (
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/state"
	"github.com/credbroker/credbroker/state/journal"
	"github.com/credbroker/credbroker/state/statetest"
)

func TestRecordsThatSayNothingAnyMoreGo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	now := time.Unix(1_800_000_000, 0)
	c := journal.Config{Path: path, Now: func() time.Time { return now }}
	cleared := state.Batch{Records: []cooldown.Record{
		{Key: cooldown.RecordKey{Kind: cooldown.RecordIdentity, Name: "gone"}, Cleared: cooldown.InstantOf(now)},
		{Key: cooldown.RecordKey{Kind: cooldown.RecordIdentity, Name: "said again"}, Cleared: cooldown.InstantOf(now)},
	}}
	kept := batch(2, 0).Records // switches, which hold for ever
	kept = append(kept, cooldown.Record{
		Key:     cooldown.RecordKey{Kind: cooldown.RecordIdentity, Name: "shown"},
		Windows: []cooldown.Window{{Name: "5h", SeenAt: now.Add(30 * time.Hour)}},
	})
	j := open(t, c)
	save(t, j, cleared)
	save(t, j, state.Batch{Records: kept})
	wantRecords(t, j, append(kept, cleared.Records...))
	now = now.Add(48 * time.Hour)
	wantRecords(t, j, kept)
	again := cleared.Records[1]
	again.Cleared = cooldown.InstantOf(now)
	save(t, j, state.Batch{Records: []cooldown.Record{again}})
	wantRecords(t, j, append(kept, again))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	now = now.Add(-48 * time.Hour) // what is still there would count now
	wantRecords(t, open(t, c), append(kept, again))
}

func wantRecords(t *testing.T, j *journal.Journal, records []cooldown.Record) {
	t.Helper()
	var got, want statetest.Received
	if err := j.Load(t.Context(), &got); err != nil {
		t.Fatal(err)
	}
	want.Records(records)
	if got.String() != want.String() {
		t.Errorf("Load hands over\n%s\nwant\n%s", &got, &want)
	}
}

func TestWhatIsOverGoesAsOthersAreSaved(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out what waits for seconds")
	}
	path := filepath.Join(t.TempDir(), "state.db")
	now := time.Unix(1_800_000_000, 0)
	j := open(t, journal.Config{Path: path, Now: func() time.Time { return now }})
	const live, rounds = 300, 40
	for range rounds {
		all := batch(0, live).Bindings
		for i := range all {
			all[i].Key = selector.SessionKey{Hi: all[i].Key.Hi, Lo: uint64(now.Unix())}
			all[i].Ends = now.Add(time.Hour).UnixNano()
		}
		for len(all) > 0 {
			save(t, j, state.Batch{Bindings: all[:10]})
			all = all[10:]
		}
		now = now.Add(time.Hour)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.View(func(tx *bbolt.Tx) error {
		if n := tx.Bucket([]byte("bindings")).Stats().KeyN; n > 3*live {
			t.Errorf("of %d bindings, %d of them not over before the last hour, %d are in the file", live*rounds, live, n)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
