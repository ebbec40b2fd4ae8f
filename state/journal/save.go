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
	"github.com/credbroker/credbroker/state"
)

// sumSize is the length of the checksum in front of a record.
const sumSize = 4

// Save is as selector.Store says. What was saved last of a binding holds.
func (j *Journal) Save(ctx context.Context, batch selector.Batch) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	named := len(j.numbers)
	err := j.update(ctx, func(tx *bbolt.Tx) error {
		records := tx.Bucket([]byte(bucketRecords))
		for i := range batch.Records {
			if err := saveRecord(records, &batch.Records[i]); err != nil {
				return err
			}
		}
		if len(batch.Bindings) == 0 {
			return nil
		}
		return j.saveBindings(tx, batch.Bindings)
	})
	if err != nil { // the numbers that were given out were not kept
		maps.DeleteFunc(j.numbers, func(_ string, number uint32) bool { return int(number) >= named })
	}
	return err
}

// saveRecord merges a record into the one that is kept.
func saveRecord(records *bbolt.Bucket, r *selector.Record) error {
	key := []byte(state.FormatKey(r.Key))
	merged := selector.Record{Key: r.Key}
	kept := records.Get(key)
	if kept != nil {
		var err error
		if merged, err = parseRecord(r.Key, kept); err != nil {
			return err
		}
	}
	merged.Merge(r)
	value := formatRecord(&merged)
	if bytes.Equal(value, kept) {
		return nil
	}
	return records.Put(key, value)
}

// formatRecord is the form of a record with a checksum in front.
func formatRecord(r *selector.Record) []byte {
	form := state.FormatRecord(r)
	value := make([]byte, 0, sumSize+len(form))
	return append(binary.BigEndian.AppendUint32(value, checksum(form)), form...)
}

func parseRecord(key selector.RecordKey, value []byte) (selector.Record, error) {
	if len(value) < sumSize || binary.BigEndian.Uint32(value) != checksum(value[sumSize:]) {
		return selector.Record{}, fmt.Errorf("the record of %s is not what was written: %w", state.FormatKey(key), state.ErrDamaged)
	}
	return state.ParseRecord(key, value[sumSize:])
}

func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// saveBindings writes bindings, the last of each id, and removes some of those that are over.
func (j *Journal) saveBindings(tx *bbolt.Tx, all []selector.BoundSession) error {
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
