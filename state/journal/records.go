package journal

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"

	"go.etcd.io/bbolt"

	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/state"
)

// mostModels is how many scopes of a record are kept before those go that are too many for a record: by then the work of finding them is
// spread over as many reports.
const mostModels = 2 * cooldown.MaxModels

// keptRecords are the records of a file in a transaction that writes.
type keptRecords struct {
	file            *file
	records, scopes *tallied
}

func (f *file) openRecords(tx *bbolt.Tx) *keptRecords {
	return &keptRecords{f, openTallied(tx, bucketRecords), openTallied(tx, bucketScopes)}
}

// merge merges a record into what is kept of it, and writes what that changes.
func (k *keptRecords) merge(r *cooldown.Record) {
	key := []byte(state.FormatKey(r.Key))
	kept := k.records.bucket.Get(key)
	merged, err := readRecord(key, kept)
	if err != nil {
		k.records.err = cmp.Or(k.records.err, err)
		return
	}
	merged.Key = r.Key
	models := slices.Concat(merged.Scopes, r.Scopes) // a record of format 2 has its own
	head := *r
	merged.Scopes, head.Scopes = whole(merged.Scopes), whole(r.Scopes)
	merged.Merge(&head)
	k.records.change(key, kept, state.FormatRecord(&merged))
	for i := range models {
		if models[i].Model != "" {
			k.mergeModel(key, r.Key, &models[i])
		}
	}
	k.bound(key)
}

// whole are the scopes that are about no model.
func whole(scopes []cooldown.ScopeRecord) []cooldown.ScopeRecord {
	return slices.DeleteFunc(slices.Clone(scopes), func(s cooldown.ScopeRecord) bool { return s.Model != "" })
}

func (k *keptRecords) mergeModel(record []byte, name cooldown.RecordKey, s *cooldown.ScopeRecord) {
	count, known := k.count(record)
	key := scopeKey(record, s)
	kept := k.scopes.bucket.Get(key)
	merged, err := readScope(name, key, kept)
	if err != nil {
		k.scopes.err = cmp.Or(k.scopes.err, err)
		return
	}
	merged.Merge(&cooldown.Record{Scopes: []cooldown.ScopeRecord{*s}})
	k.scopes.change(key, kept, state.FormatRecord(&merged))
	if kept == nil || !known {
		if kept == nil {
			count++
		}
		k.file.models[string(record)] = count
	}
}

// count is how many scopes are kept of a record.
func (k *keptRecords) count(record []byte) (count int, known bool) {
	if count, known = k.file.models[string(record)]; !known {
		k.each(record, func(_, _ []byte) { count++ })
	}
	return count, known
}

// each calls f for the scopes that are kept of a record.
func (k *keptRecords) each(record []byte, f func(key, kept []byte)) {
	prefix := scopePrefix(record)
	cursor := k.scopes.bucket.Cursor()
	for key, kept := cursor.Seek(prefix); bytes.HasPrefix(key, prefix); key, kept = cursor.Next() {
		f(key, kept)
	}
}

// read reads a record with all its scopes.
func (k *keptRecords) read(key []byte) (cooldown.Record, error) {
	all, err := readRecord(key, k.records.bucket.Get(key))
	if err != nil {
		return all, err
	}
	name := all.Key
	k.each(key, func(at, kept []byte) {
		one, scopeErr := readScope(name, at, kept)
		err = cmp.Or(err, scopeErr)
		all.Scopes = append(all.Scopes, one.Scopes...)
	})
	return together(&all), err
}

// together is a record whose scopes were read from several values.
func together(all *cooldown.Record) cooldown.Record {
	all.SortScopes()
	r := cooldown.Record{Key: all.Key}
	r.Merge(all)
	return r
}

// bound removes scopes of a record that has too many.
func (k *keptRecords) bound(record []byte) {
	if k.file.models[string(record)] <= mostModels {
		return
	}
	all, err := k.read(record)
	if err != nil {
		k.records.err = cmp.Or(k.records.err, err)
		return
	}
	left := make(map[string]bool, len(all.Scopes))
	for i := range all.Scopes {
		left[string(scopeKey(record, &all.Scopes[i]))] = true
	}
	k.removeScopes(record, func(key []byte) bool { return !left[string(key)] })
}

// remove removes a record with all its scopes.
func (k *keptRecords) remove(record []byte) {
	k.records.remove(record)
	k.removeScopes(record, func([]byte) bool { return true })
}

func (k *keptRecords) removeScopes(record []byte, goes func(key []byte) bool) {
	var gone [][]byte
	left := 0
	k.each(record, func(key, _ []byte) {
		if goes(key) {
			gone = append(gone, slices.Clone(key))
		} else {
			left++
		}
	})
	for _, key := range gone {
		k.scopes.remove(key)
	}
	k.file.models[string(record)] = left
}

// scopePrefix is what the keys of all scopes of a record begin with: its length, so that no two records have one.
func scopePrefix(record []byte) []byte {
	return append(binary.AppendUvarint(nil, uint64(len(record))), record...)
}

// scopeKey is the key of a scope: after its record 0 or 1, a family's, and the model or glob.
func scopeKey(record []byte, s *cooldown.ScopeRecord) []byte {
	family := byte(0)
	if s.Family {
		family = 1
	}
	return append(append(scopePrefix(record), family), s.Model...)
}

// recordOfScope is the key of the record that a scope belongs to. False: there is none in it.
func recordOfScope(key []byte) ([]byte, bool) {
	size, n := binary.Uvarint(key)
	if n <= 0 || size >= uint64(len(key)-n) { //nolint:gosec // n is at most the length
		return nil, false
	}
	return key[n : n+int(size)], true //nolint:gosec // it is below the length of the key
}

// readScope reads what is kept of a scope, as a record that has nothing else; nil: nothing is.
func readScope(record cooldown.RecordKey, key, sealed []byte) (r cooldown.Record, err error) {
	if sealed == nil {
		return r, nil
	}
	value, ok := unseal(key, sealed)
	if !ok {
		return r, errRecord(key)
	}
	return state.ParseRecord(record, value)
}
