package doubt

import "slices"

// maxRecent bounds the requests of a Recent: one more than what shows that an auth fails whoever asks.
const maxRecent = 3

// Recent are the last requests that failed with one auth for one reason, with none that was served between. The zero value is empty.
//
// Answers may take longer than bad requests take to come: then some fail between the begin of a request that is served and its
// answer. Those stay, what came before goes, and it is counted anew what others serve:
//
//	1s  a good request begins
//	2s  request 1 fails       since 2s
//	5s  request 2 fails       since 2s: both count
//	6s  the good one's answer proof 1s: both still count, and others have served nothing since then
//	7s  another good one, begun at 3s, is answered: since 5s, and only request 2 counts
type Recent struct {
	reason string
	since  int64  // when the first of them all failed, or the oldest that is kept since the auth last served
	served uint64 // what others had served then
	proof  int64  // what failed until then does not count
	last   []attempt
}

type attempt struct {
	tag uint64
	at  int64
}

// Streak is how long an auth has failed with nothing served between.
type Streak struct {
	// Since is when the first of all its failures was, and Served what all auths have served after it.
	Since  int64
	Served uint64
}

// Note adds a failure, at a time when all auths together have served a number of requests. What was known before proof is forgotten:
// the auth has served a request since, or somebody has changed it.
func (r *Recent) Note(reason string, tag uint64, at, proof int64, served uint64) {
	if r.forget(proof, served); reason != r.reason || len(r.last) == 0 {
		r.reason, r.since, r.served, r.last = reason, at, served, r.last[:0]
	}
	r.last = slices.DeleteFunc(r.last, func(a attempt) bool { return a.tag == tag })
	if len(r.last) == maxRecent {
		r.last = slices.Delete(r.last, 0, 1)
	}
	r.last = append(r.last, attempt{tag, at})
}

// forget drops what failed until proof.
func (r *Recent) forget(proof int64, served uint64) {
	r.served = min(r.served, served) // they may be counted anew
	if proof <= r.proof {
		return
	}
	r.proof, r.served = proof, served
	r.last = slices.DeleteFunc(r.last, func(a attempt) bool { return a.at <= proof })
	if len(r.last) > 0 {
		r.since = r.last[0].at
	}
}

// Streak is that in which at least two other requests than one failed for a reason. False: there is none.
func (r *Recent) Streak(reason string, tag uint64, proof int64, served uint64) (s Streak, ok bool) {
	r.forget(proof, served)
	others := len(r.last)
	if slices.ContainsFunc(r.last, func(a attempt) bool { return a.tag == tag }) {
		others--
	}
	return Streak{Since: r.since, Served: served - r.served}, reason == r.reason && others >= maxRecent-1
}
