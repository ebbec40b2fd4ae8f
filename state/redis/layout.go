package redis

import (
	"strconv"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/state"
)

// layout makes the names of keys. Their hash tag puts all of them on one node of a cluster.
type layout struct {
	records, log, sweep string
	bindings, permits   string // to go before a name
}

func newLayout(namespace string) layout {
	prefix := "cb:{" + namespace + "}:"
	return layout{
		records: prefix + "records", log: prefix + "log", sweep: prefix + "sweep",
		bindings: prefix + "b:", permits: prefix + "p:",
	}
}

// binding is the key of a session's binding. Its name is the key itself, in half the bytes of what String gives.
func (l *layout) binding(key selector.SessionKey) string {
	b := make([]byte, 0, len(l.bindings)+state.SessionKeySize)
	return string(state.AppendSessionKey(append(b, l.bindings...), key))
}

// permit is the key of a permit.
func (l *layout) permit(key *selector.PermitKey) string {
	scope := " model "
	if key.Family {
		scope = " family "
	}
	// The model comes first by its length, so that no two permits have one name whatever their parts hold.
	return l.permits + strconv.Itoa(len(key.Model)) + scope + key.Model + " " + state.FormatKey(key.Record)
}
