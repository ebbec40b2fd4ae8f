package state

import (
	"context"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions/bindings"
)

// recheck has the fleet asked what the sessions of this replica are bound to, the last used ones first: it may have missed
// that others moved them, because it was not there, or because the fleet's store lost the news. Room is left for sessions
// that are bound without the fleet.
func (c *claims) recheck(ctx context.Context) {
	query := bindings.Query{Size: bindings.MaxPage}
	for count := 0; count < maxUnconfirmed/2 && ctx.Err() == nil; count += query.Size {
		page, next, err := c.table.List(query, c.now())
		if err != nil {
			return
		}
		for i := range page {
			c.addUnconfirmed([]selector.Session{{Key: page[i].Key, Source: page[i].Source}})
		}
		if next == "" {
			break
		}
		query.Token = next
	}
	c.check.Notify()
}
