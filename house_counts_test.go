package credbroker_test

import (
	"go/ast"
	"go/token"
	"path"
	"testing"
)

// What a package and a type may hold, so that a reader can still survey them.
const (
	maxTypes   = 60
	maxMethods = 45
)

// checkCounts counts the types of every package and the methods of every type, tests left out.
func (r *repository) checkCounts(t *testing.T) {
	types, methods := map[string]int{}, map[string]int{}
	for _, s := range r.code() {
		folder := path.Dir(s.path)
		for _, decl := range s.ast.Decls {
			switch decl := decl.(type) {
			case *ast.GenDecl:
				if decl.Tok == token.TYPE {
					types[folder] += len(decl.Specs)
				}
			case *ast.FuncDecl:
				if decl.Recv != nil {
					methods[folder+"."+receiver(decl.Recv.List[0].Type)]++
				}
			}
		}
	}
	for folder, count := range types {
		if count > maxTypes {
			t.Errorf("%s has %d types, at most %d are allowed: give a part that stands alone a package of its own", folder, count, maxTypes)
		}
	}
	for name, count := range methods {
		if count > maxMethods {
			t.Errorf("%s has %d methods, at most %d are allowed: give a part of its fields a type of its own", name, count, maxMethods)
		}
	}
}

// receiver is the name of a receiver's type.
func receiver(of ast.Expr) string {
	switch of := of.(type) {
	case *ast.StarExpr:
		return receiver(of.X)
	case *ast.IndexExpr:
		return receiver(of.X)
	case *ast.IndexListExpr:
		return receiver(of.X)
	case *ast.Ident:
		return of.Name
	}
	return ""
}
