package journal

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/state"
)

// saveRecords merges records into those that are kept, and removes those of the stale ones that are still so.
func (f *file) saveRecords(tx *bbolt.Tx, batch []cooldown.Record, stale [][]byte, now int64) error {
	if len(batch)+len(stale) == 0 {
		return nil
	}
	k := f.openRecords(tx)
	for i := range batch {
		k.merge(&batch[i])
	}
	for _, key := range stale {
		if r, err := k.read(key); err == nil && isStale(&r, now) {
			k.remove(key)
		}
	}
	return cmp.Or(k.records.done(tx), k.scopes.done(tx))
}

// readRecord reads what is kept of a record; nil: nothing is.
func readRecord(key, sealed []byte) (r cooldown.Record, err error) {
	if sealed == nil {
		return r, nil
	}
	value, ok := unseal(key, sealed)
	if !ok {
		return r, errRecord(key)
	}
	return parseRecord(key, value)
}

func parseRecord(key, value []byte) (cooldown.Record, error) {
	name, err := state.ParseKey(string(key))
	if err != nil {
		return cooldown.Record{}, err
	}
	return state.ParseRecord(name, value)
}

// errRecord says that a record is damaged.
func errRecord(key []byte) error {
	return fmt.Errorf("the record of %q is not what was written: %w", key, state.ErrDamaged)
}

// saveBindings writes bindings, the last of each id, and removes some of those that are over.
func (f *file) saveBindings(tx *bbolt.Tx, all []state.BoundSession, now int64) error {
	last := make(map[selector.SessionKey]int, len(all))
	for i := range all {
		last[all[i].Key] = i
	}
	order := make([]int, 0, len(last))
	for _, i := range last {
		order = append(order, i)
	}
	// In the order of the tree, neighbours are written to one page.
	slices.SortFunc(order, func(a, b int) int { return compareKeys(all[a].Key, all[b].Key) })
	bindings, identities := openTallied(tx, bucketBindings), openTallied(tx, bucketIdentities)
	for _, i := range order {
		key := state.AppendSessionKey(make([]byte, 0, state.SessionKeySize), all[i].Key)
		if all[i].Identity == "" {
			bindings.remove(key)
		} else {
			bindings.put(key, formatBinding(&all[i], f.number(all[i].Identity, identities)))
		}
	}
	f.sweep(bindings, 2*len(order), now) // twice as many, so that it keeps up
	return cmp.Or(bindings.done(tx), identities.done(tx))
}

// sweep removes what is over among the next bindings, from where it ended last.
func (f *file) sweep(bindings *tallied, most int, now int64) {
	cursor := bindings.bucket.Cursor()
	var over [][]byte
	key, value := cursor.Seek(f.swept)
	for ; key != nil && most > 0; key, value = cursor.Next() {
		if most--; endOf(value) <= now {
			over = append(over, slices.Clone(key))
		}
	}
	f.swept = slices.Clone(key) // nil: from the beginning
	for _, key := range over {
		bindings.remove(key)
	}
}

// number is what bindings have instead of an identity's name, which is written if it is new.
func (f *file) number(identity string, identities *tallied) uint32 {
	number, ok := f.numbers[identity]
	if !ok {
		number = f.next
		f.next++
		f.numbers[identity] = number
		identities.put(binary.BigEndian.AppendUint32(nil, number), []byte(identity))
	}
	return number
}
