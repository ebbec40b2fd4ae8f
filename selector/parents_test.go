package selector

import (
	"fmt"
	"testing"
)

func TestInnerCursorsOfParentsThatLeftAreBounded(t *testing.T) {
	p := internalPool(t)
	parent := func(name string) map[string]string { return map[string]string{attributeVirtualParent: name} }
	for i := range 3 * maxParents {
		p.Update([]*Auth{
			{ID: "a", Provider: "p", Attributes: parent(fmt.Sprint("x", i))}, {ID: "b", Provider: "p", Attributes: parent("y")},
		}, nil, start())
		for range 2 {
			if _, err := p.Pick(&Request{Provider: "p", Model: "m"}, start()); err != nil {
				t.Fatal(err)
			}
		}
	}
	inner := p.routes.byKey[routeKey{provider: "p", model: "m"}].parents
	if inner.Len() > maxParents+2 || inner.Inner("y") != 3*maxParents {
		t.Errorf("%d inner cursors, that of a parent that stayed at %d, want at most %d, and %d", inner.Len(), inner.Inner("y"), maxParents+2, 3*maxParents)
	}
}
