package state_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/sessions/bindings"
	"github.com/credbroker/credbroker/state"
	"github.com/credbroker/credbroker/state/statetest"
)

// disk is a store of one replica, in memory. It outlives the replica.
type disk struct {
	mu       sync.Mutex
	keys     state.Keys
	records  map[cooldown.RecordKey]cooldown.Record
	bindings map[selector.SessionKey]state.BoundSession
	saves    int
	full     bool          // Save fails
	slow     time.Duration // what a Save takes
	each     time.Duration // what each thing that is saved takes
	newer    string        // identity of which a newer version wrote the record
	stuck    chan struct{} // Save waits for its end
}

var _ state.Store = (*disk)(nil)

var errFull = errors.New("no space left on device")

func newDisk() *disk {
	return &disk{records: map[cooldown.RecordKey]cooldown.Record{}, bindings: map[selector.SessionKey]state.BoundSession{}}
}

func (d *disk) Keys(_ context.Context, proposed state.Keys) (state.Keys, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.keys == (state.Keys{}) {
		d.keys = proposed
	}
	return d.keys, nil
}

func (d *disk) Load(_ context.Context, into state.Sink) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range d.records {
		into.Records([]cooldown.Record{r})
	}
	for _, b := range d.bindings {
		into.Bindings([]state.BoundSession{b})
	}
	return nil
}

func (d *disk) Save(ctx context.Context, batch state.Batch) error {
	took := d.slow + time.Duration(len(batch.Records)+len(batch.Bindings))*d.each
	select {
	case <-time.After(took): // in a bubble
	case <-ctx.Done():
		return ctx.Err()
	}
	if d.stuck != nil {
		<-d.stuck
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.saves++
	if d.full {
		return errFull
	}
	var passed error
	for i := range batch.Records {
		if d.newer != "" && batch.Records[i].Key.Name == d.newer {
			passed = state.ErrPassedOver
			continue
		}
		r := d.records[batch.Records[i].Key]
		r.Key = batch.Records[i].Key
		r.Merge(&batch.Records[i])
		d.records[r.Key] = r
	}
	for _, b := range batch.Bindings {
		if b.Identity == "" {
			delete(d.bindings, b.Key)
		} else {
			d.bindings[b.Key] = b
		}
	}
	return passed
}

func (d *disk) Close() error { return nil }

func (d *disk) set(full bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.full = full
}

func (d *disk) count() (saves, bound int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.saves, len(d.bindings)
}

func (d *disk) binding(key selector.SessionKey) (b state.BoundSession, kept bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	b, kept = d.bindings[key]
	return b, kept
}

func (d *disk) disabled(identity string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.records[cooldown.RecordKey{Kind: cooldown.RecordIdentity, Name: identity}].Switch.Disabled
}

// replica is a pool and a table with their persister, while it runs.
type replica struct {
	t         *testing.T
	pool      *selector.Pool
	table     *bindings.Table
	persister *state.Persister
	seen      *observer
	stop      func()
}

// newReplica starts one with two auths, a and b, of provider p. Either store may be nil.
func newReplica(t *testing.T, local *disk, fleet *statetest.Replica) *replica {
	t.Helper()
	r := &replica{t: t, seen: &observer{}}
	r.table = bindings.New(bindings.Config{Recording: true})
	notifier := state.NewNotifier()
	r.pool = selector.New(selector.Config{Bindings: r.table, Recording: true, Permits: fleet != nil, Wake: notifier.Notify})
	c := state.PersisterConfig{Pool: r.pool, Table: r.table, Notifier: notifier, Observer: r.seen}
	if local != nil {
		c.Local = local
	}
	if fleet != nil {
		c.Fleet = fleet
	}
	r.persister = state.NewPersister(c)
	r.pool.Update([]*selector.Auth{{ID: "a", Provider: "p"}, {ID: "b", Provider: "p"}}, nil, r.persister.Now())
	if err := r.persister.Load(t.Context()); err != nil {
		t.Fatalf("Load: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.persister.Run(ctx)
	}()
	r.stop = func() { cancel(); <-done }
	t.Cleanup(r.stop)
	return r
}

func (r *replica) disable(id string) {
	r.t.Helper()
	if err := r.pool.Disable(id, "", r.persister.Now()); err != nil {
		r.t.Fatal(err)
	}
}

func (r *replica) isDisabled(id string) bool {
	r.t.Helper()
	st, err := r.pool.Status(id, r.persister.Now())
	if err != nil {
		r.t.Fatal(err)
	}
	return st.State == selector.StateDisabled
}

func request(number int) *selector.Request {
	return &selector.Request{Provider: "p", Sessions: []selector.Session{{Key: selector.SessionKey{Lo: uint64(number)}}}}
}

func (r *replica) pick(req *selector.Request) selector.Pick {
	r.t.Helper()
	pick, err := r.persister.Pick(r.t.Context(), req, r.persister.Now())
	if err != nil {
		r.t.Fatalf("Pick: %v", err)
	}
	return pick
}

// observer notes what a persister reports.
type observer struct {
	mu   sync.Mutex
	seen tally
}

// tally is what an observer has seen.
type tally struct {
	healthChanges                 []string
	failures, claims, unconfirmed int
}

func (o *observer) Saved(_ string, _, _ int, _ time.Duration, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err != nil {
		o.seen.failures++
	}
}

func (o *observer) HealthChanged(engine string, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen.healthChanges = append(o.seen.healthChanges, fmt.Sprintf("%s %t", engine, err == nil))
}

func (o *observer) ReplicationLag(time.Duration) {}

func (o *observer) Claimed(time.Duration, bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen.claims++
}

func (o *observer) Unconfirmed() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen.unconfirmed++
}

func (o *observer) tally() tally {
	o.mu.Lock()
	defer o.mu.Unlock()
	seen := o.seen
	seen.healthChanges = slices.Clone(seen.healthChanges)
	return seen
}

func TestWhatIsAcknowledgedIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		r := newReplica(t, d, nil)
		r.disable("a")
		if err := r.persister.Durable(t.Context(), "a"); err != nil || !d.disabled("a") {
			t.Fatalf("Durable: %v, kept: %t", err, d.disabled("a"))
		}
		saves, _ := d.count()
		for _, id := range []string{"a", "b"} {
			if err := r.persister.Durable(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		if again, _ := d.count(); again != saves {
			t.Errorf("%d saves for what is kept already", again-saves)
		}
		r.stop()
		if next := newReplica(t, d, nil); !next.isDisabled("a") || next.isDisabled("b") {
			t.Error("the next one does not know what was acknowledged")
		}
	})
}

func TestManyShareOneSave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		d.slow = 10 * time.Millisecond
		r := newReplica(t, d, nil)
		began := time.Now()
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				r.disable([]string{"a", "b"}[i%2])
				if err := r.persister.Durable(t.Context(), "a"); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if took := time.Since(began); took > 3*d.slow {
			t.Errorf("a hundred reports at once took %v, want at most two saves of %v", took, d.slow)
		}
	})
}

func TestAFullDiskIsReportedAndGotOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		r := newReplica(t, d, nil)
		d.set(true)
		r.disable("a")
		for range 3 {
			if err := r.persister.Durable(t.Context(), "a"); !errors.Is(err, state.ErrNotKept) || !errors.Is(err, errFull) {
				t.Fatalf("Durable = %v, want that it is not kept because the disk is full", err)
			}
		}
		if err := r.persister.Durable(t.Context(), "b"); err != nil {
			t.Errorf("Durable of an auth that nothing was said of = %v", err)
		}
		if e := r.persister.Engines(); len(e) != 1 || !errors.Is(e[0].Failure, errFull) || e[0].Records != 1 {
			t.Errorf("Engines = %+v, want one that fails with one record to save", e)
		}
		d.set(false)
		time.Sleep(5 * time.Second)
		if !d.disabled("a") {
			t.Error("what could not be kept was not tried again")
		}
		if seen := r.seen.tally(); !slices.Equal(seen.healthChanges, []string{"journal false", "journal true"}) || seen.failures < 3 {
			t.Errorf("saw %+v, want one change each way however many failures", seen)
		}
	})
}

func TestBindingsAreKeptSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		r := newReplica(t, d, nil)
		want := map[int]string{}
		for i := range 50 {
			want[i] = r.pick(request(i)).Identity
		}
		time.Sleep(100 * time.Millisecond)
		if _, n := d.count(); n != 50 {
			t.Fatalf("%d bindings kept after 100 ms, want 50", n)
		}
		if _, ok, err := r.persister.Unbind(t.Context(), selector.SessionKey{Lo: 7}, r.persister.Now()); !ok || err != nil {
			t.Fatalf("Unbind = %t, %v", ok, err)
		}
		if _, n := d.count(); n != 49 {
			t.Errorf("%d bindings kept after one was released, want 49", n)
		}
		if _, ok, err := r.persister.Unbind(t.Context(), selector.SessionKey{Lo: 700}, r.persister.Now()); ok || err != nil {
			t.Errorf("Unbind of no session = %t, %v", ok, err)
		}
		r.stop()
		next := newReplica(t, d, nil)
		for i := range 50 {
			pick := next.pick(request(i))
			if i == 7 && pick.Binding != selector.BindingNew || i != 7 && (pick.Binding != selector.BindingHit || pick.Identity != want[i]) {
				t.Errorf("session %d is bound to %s, %v; before to %s", i, pick.Identity, pick.Binding, want[i])
			}
		}
	})
}

// That a session is unbound is acknowledged once that is kept, however much else has changed, and queues nothing else: while
// the disk is away, what waits does not grow with each session that is unbound.
func TestUnbindQueuesNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		r := newReplica(t, d, nil)
		const sessions = 12_000
		for i := range sessions {
			r.pick(request(i))
		}
		time.Sleep(time.Second)
		unbind := func(i int) error {
			_, ok, err := r.persister.Unbind(t.Context(), request(i).Sessions[0].Key, r.persister.Now())
			if !ok {
				t.Errorf("session %d is not bound", i)
			}
			return err
		}
		for i := range sessions / 2 { // as others move them
			r.table.Unbind(request(i).Sessions[0].Key, r.persister.Now())
		}
		if err := unbind(sessions - 1); err != nil {
			t.Fatal(err)
		}
		if _, kept := d.binding(request(sessions - 1).Sessions[0].Key); kept {
			t.Error("it is acknowledged that a session is unbound, and not kept")
		}
		d.set(true)
		for i := range sessions {
			r.pick(request(i))
		}
		for i := range 3 {
			if err := unbind(i); !errors.Is(err, state.ErrNotKept) {
				t.Errorf("Unbind = %v, want %v", err, state.ErrNotKept)
			}
		}
		if waiting := r.persister.Engines()[0].Bindings; waiting > 5000 {
			t.Errorf("%d bindings wait", waiting)
		}
	})
}

func TestUseIsKeptNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		r := newReplica(t, d, nil)
		r.pick(request(1))
		time.Sleep(time.Second)
		before, _ := d.count()
		for range 600 {
			r.pick(request(1))
			time.Sleep(time.Second)
		}
		if saves, _ := d.count(); saves == before || saves-before > 3 {
			t.Errorf("%d saves for ten minutes of use, want one for each eighth of an hour", saves-before)
		}
	})
}

func TestFlushKeepsWhatIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		r := newReplica(t, d, nil)
		r.stop()
		r.disable("a")
		r.pick(request(1))
		if err := r.persister.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, n := d.count(); n != 1 || !d.disabled("a") {
			t.Errorf("%d bindings kept, disabled %t; want one and true", n, d.disabled("a"))
		}
		d.set(true)
		r.disable("b")
		if err := r.persister.Flush(t.Context()); !errors.Is(err, errFull) {
			t.Errorf("Flush to a full disk = %v", err)
		}
	})
}

// A disk that does not answer is reported while that lasts.
func TestADiskThatDoesNotAnswerIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		d.stuck = make(chan struct{})
		r := newReplica(t, d, nil)
		r.disable("a")
		if err := r.persister.Durable(t.Context(), "a"); !errors.Is(err, state.ErrNotKept) {
			t.Errorf("Durable = %v, want %v", err, state.ErrNotKept)
		}
		time.Sleep(time.Second)
		if seen := r.seen.tally(); !slices.Equal(seen.healthChanges, []string{"journal false"}) {
			t.Errorf("reported: %v while the disk does not answer, want that it does not work", seen.healthChanges)
		}
		close(d.stuck)
		time.Sleep(5 * time.Second)
		if seen := r.seen.tally(); !slices.Equal(seen.healthChanges, []string{"journal false", "journal true"}) || !d.disabled("a") {
			t.Errorf("reported: %v once it answers, disabled %t", seen.healthChanges, d.disabled("a"))
		}
	})
}

// A disk that is nearly full fails and succeeds in turns.
func TestOneOutageIsReportedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		r := newReplica(t, d, nil)
		for i := range 20 {
			d.set(i%2 == 0)
			r.disable("a")
			_ = r.persister.Durable(t.Context(), "a") // every other time it is not kept
			time.Sleep(500 * time.Millisecond)
		}
		if seen := r.seen.tally(); !slices.Equal(seen.healthChanges, []string{"journal false"}) {
			t.Errorf("saw %v, want one change while it goes on", seen.healthChanges)
		}
		time.Sleep(5 * time.Second)
		if seen := r.seen.tally(); !slices.Equal(seen.healthChanges, []string{"journal false", "journal true"}) {
			t.Errorf("saw %v, want one change each way", seen.healthChanges)
		}
	})
}
