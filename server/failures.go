package server

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// failuresPerSecond and failuresAtOnce are how many calls of one address may fail to show who makes them before they are told to
	// wait. Calls that do show it are never kept waiting: others may be behind the same address.
	failuresPerSecond = 1
	failuresAtOnce    = 20
	failureLines      = time.Minute

	// failureSlots bounds the memory: addresses share slots where there are more of them.
	failureSlots = 1024
	// sitePrefix is the part of an IPv6 address that one site has.
	sitePrefix = 64
)

// failures are calls that did not show who makes them, by address.
type failures struct {
	seed  maphash.Seed
	slots [failureSlots]failureSlot
}

type failureSlot struct {
	mu     sync.Mutex
	bucket *rate.Limiter
	logged time.Time
}

func newFailures() *failures { return &failures{seed: maphash.MakeSeed()} }

// note counts a failure of an address. wait is how long the address should wait, and line whether this failure is worth a line of
// the log.
func (f *failures) note(from string, now time.Time) (wait time.Duration, line bool) {
	slot := &f.slots[maphash.String(f.seed, from)%failureSlots]
	slot.mu.Lock()
	defer slot.mu.Unlock()
	if slot.bucket == nil {
		slot.bucket = rate.NewLimiter(failuresPerSecond, failuresAtOnce)
	}
	if line = slot.logged.IsZero() || now.Sub(slot.logged) >= failureLines; line {
		slot.logged = now
	}
	return waitFor(slot.bucket, now), line
}

// waitFor takes one from a bucket, or says how long it takes until there is one.
func waitFor(bucket *rate.Limiter, now time.Time) time.Duration {
	r := bucket.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait > 0 {
		r.CancelAt(now)
	}
	return wait
}

// hostOf is the part of an address, host:port, that tells one machine, or one site, from another; fallback where it has none.
func hostOf(address, fallback string) string {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fallback
	}
	ip := at.Addr().Unmap().WithZone("")
	if ip.Is6() {
		if site, err := ip.Prefix(sitePrefix); err == nil {
			return site.String()
		}
	}
	return ip.String()
}
