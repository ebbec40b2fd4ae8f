package server

import (
	"encoding/base64"
	"encoding/binary"
	"hash/fnv"
)

const (
	defaultPageSize = 100
	maxPageSize     = 1000

	// maxPageBytes ends a page early: many clients accept 4 MiB, and one auth can have a megabyte of cooldowns.
	maxPageBytes = 2 << 20

	pageTokenVersion = 1
	pageTokenHead    = 1 + 8
)

// pageSize reads page_size.
func (v *violations) pageSize(size int32) int {
	switch {
	case size < 0:
		v.add("page_size", "must not be negative")
	case size == 0:
		return defaultPageSize
	}
	return int(min(size, maxPageSize))
}

// filterSum stands for the filters of a listing in its page tokens. The lengths keep neighbours apart.
func filterSum(filters ...string) uint64 {
	h := fnv.New64a()
	for _, f := range filters {
		var length [4]byte
		binary.BigEndian.PutUint32(length[:], uint32(len(f))) //nolint:gosec // filters are short
		_, _ = h.Write(length[:])
		_, _ = h.Write([]byte(f))
	}
	return h.Sum64()
}

// pageToken is where the next page begins, under which filters.
func pageToken(filters uint64, after string) string {
	raw := make([]byte, pageTokenHead, pageTokenHead+len(after))
	raw[0] = pageTokenVersion
	binary.BigEndian.PutUint64(raw[1:], filters)
	return base64.RawURLEncoding.EncodeToString(append(raw, after...))
}

// after reads page_token; empty: from the beginning.
func (v *violations) after(token string, filters uint64) string {
	if token == "" {
		return ""
	}
	if len(token) > maxPageToken {
		v.size("page_token", len(token), maxPageToken)
		return ""
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	switch {
	case err != nil || len(raw) <= pageTokenHead || raw[0] != pageTokenVersion:
		v.add("page_token", "is not a next_page_token of this method")
	case binary.BigEndian.Uint64(raw[1:]) != filters:
		v.add("page_token", "belongs to a listing with other filters; repeat those, or start without a token")
	default:
		return string(raw[pageTokenHead:])
	}
	return ""
}
