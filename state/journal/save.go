package journal

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"

	"go.etcd.io/bbolt"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/state"
)

// sumSize is the length of the checksum in front of a record.
const sumSize = 4

// Save is as state.Store says. What was saved last of a binding holds.
func (j *Journal) Save(ctx context.Context, batch state.Batch) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	named := len(j.numbers)
	err := j.update(ctx, func(tx *bbolt.Tx) error {
		if err := j.saveRecords(tx, batch.Records); err != nil || len(batch.Bindings) == 0 {
			return err
		}
		return j.saveBindings(tx, batch.Bindings)
	})
	if err != nil { // the numbers that were given out were not kept
		maps.DeleteFunc(j.numbers, func(_ string, number uint32) bool { return int(number) >= named })
	}
	return err
}

// saveRecords merges records into those that are kept, and counts these, so that none can go missing unseen.
func (j *Journal) saveRecords(tx *bbolt.Tx, batch []cooldown.Record) error {
	records, added := tx.Bucket([]byte(bucketRecords)), uint64(0)
	for i := range batch {
		isNew, err := saveRecord(records, &batch[i])
		if err != nil {
			return err
		}
		if isNew {
			added++
		}
	}
	removed, err := j.removeStale(records)
	if err != nil || added == removed {
		return err
	}
	head := tx.Bucket([]byte(bucketMeta))
	return head.Put([]byte(keyRecords), binary.BigEndian.AppendUint64(nil, recordCount(head)+added-removed))
}

// removeStale removes the records that said nothing any more when they were loaded, and still do not.
func (j *Journal) removeStale(records *bbolt.Bucket) (removed uint64, err error) {
	j.staleMu.Lock()
	stale := j.stale
	j.stale = nil
	j.staleMu.Unlock()
	now := j.now().UnixNano()
	for _, key := range stale {
		value := records.Get(key)
		if value == nil {
			continue
		}
		if r, err := parseRecord(key, value); err != nil || !isStale(&r, now) {
			continue
		}
		if err := records.Delete(key); err != nil {
			return 0, err
		}
		removed++
	}
	return removed, nil
}

// recordCount is how many records there are, by the head.
func recordCount(head *bbolt.Bucket) uint64 {
	count := head.Get([]byte(keyRecords))
	if len(count) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(count)
}

// saveRecord merges a record into the one that is kept, and reports whether none was.
func saveRecord(records *bbolt.Bucket, r *cooldown.Record) (isNew bool, err error) {
	key := []byte(state.FormatKey(r.Key))
	merged := cooldown.Record{Key: r.Key}
	kept := records.Get(key)
	if kept != nil {
		if merged, err = parseRecord(key, kept); err != nil {
			return false, err
		}
	}
	merged.Merge(r)
	value := formatRecord(key, &merged)
	if bytes.Equal(value, kept) {
		return false, nil
	}
	return kept == nil, records.Put(key, value)
}

// formatRecord is the form of a record with a checksum of it, and of its key, in front.
func formatRecord(key []byte, r *cooldown.Record) []byte {
	form := state.FormatRecord(r)
	value := make([]byte, 0, sumSize+len(form))
	return append(binary.BigEndian.AppendUint32(value, checksum(key, form)), form...)
}

func parseRecord(key, value []byte) (cooldown.Record, error) {
	if len(value) < sumSize || binary.BigEndian.Uint32(value) != checksum(key, value[sumSize:]) {
		return cooldown.Record{}, fmt.Errorf("the record of %q is not what was written: %w", key, state.ErrDamaged)
	}
	name, err := state.ParseKey(string(key))
	if err != nil {
		return cooldown.Record{}, err
	}
	return state.ParseRecord(name, value[sumSize:])
}

func checksum(key, form []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Checksum(key, table), table, form)
}

// saveBindings writes bindings, the last of each id, and removes some of those that are over.
func (j *Journal) saveBindings(tx *bbolt.Tx, all []state.BoundSession) error {
	bindings := tx.Bucket([]byte(bucketBindings))
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
	for _, i := range order {
		key := state.AppendSessionKey(make([]byte, 0, state.SessionKeySize), all[i].Key)
		if all[i].Identity == "" {
			if err := bindings.Delete(key); err != nil {
				return err
			}
			continue
		}
		number, err := j.number(tx, all[i].Identity)
		if err != nil {
			return err
		}
		if err := bindings.Put(key, formatBinding(&all[i], number)); err != nil {
			return err
		}
	}
	return j.sweep(bindings, 2*len(order)) // twice as many, so that it keeps up
}

// number is what bindings have instead of an identity's name.
func (j *Journal) number(tx *bbolt.Tx, identity string) (uint32, error) {
	if number, ok := j.numbers[identity]; ok {
		return number, nil
	}
	number := uint32(len(j.numbers)) //nolint:gosec // there are fewer identities
	key := binary.BigEndian.AppendUint32(nil, number)
	if err := tx.Bucket([]byte(bucketIdentities)).Put(key, []byte(identity)); err != nil {
		return 0, err
	}
	j.numbers[identity] = number
	return number, nil
}

// sweep removes what is over among the next bindings, from where it ended last.
func (j *Journal) sweep(bindings *bbolt.Bucket, most int) error {
	now := j.now().UnixNano()
	cursor := bindings.Cursor()
	var over [][]byte
	key, value := cursor.Seek(j.swept)
	for ; key != nil && most > 0; key, value = cursor.Next() {
		if most--; endOf(value) <= now {
			over = append(over, slices.Clone(key))
		}
	}
	j.swept = slices.Clone(key) // nil: from the beginning
	for _, key := range over {
		if err := bindings.Delete(key); err != nil {
			return err
		}
	}
	return nil
}
