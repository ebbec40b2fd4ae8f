package doubt

// maxRecent bounds the requests of a Recent: one more than what shows that an auth fails whoever asks.
const maxRecent = 3

// Recent are the last requests that failed with one auth for one reason, with none that was served between. The zero value is empty.
type Recent struct {
	reason string
	since  int64 // when the first of them all failed
	last   []attempt
}

type attempt struct {
	tag uint64
	at  int64
}

// Note adds a failure. What was known before proof is forgotten: the auth has served a request since, or somebody has changed it.
func (r *Recent) Note(reason string, tag uint64, at, proof int64) {
	if reason != r.reason || len(r.last) == 0 || r.last[len(r.last)-1].at <= proof {
		*r = Recent{reason: reason, since: at, last: r.last[:0]}
	}
	for i := range r.last {
		if r.last[i].tag == tag {
			r.last = append(r.last[:i], r.last[i+1:]...)
			break
		}
	}
	if len(r.last) == maxRecent {
		r.last = append(r.last[:0], r.last[1:]...)
	}
	r.last = append(r.last, attempt{tag, at})
}

// Since is when those began of which at least two other requests than one failed since proof, for a reason. False: there are none.
func (r *Recent) Since(reason string, tag uint64, proof int64) (since int64, ok bool) {
	others := 0
	for _, a := range r.last {
		if a.tag != tag && a.at > proof {
			others++
		}
	}
	return r.since, reason == r.reason && others >= maxRecent-1
}
