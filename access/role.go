package access

import "strings"

// Roles are what a caller may do: a set, of which each constant below is one element.
type Roles uint8

// The roles.
const (
	// Pick gets credentials.
	Pick Roles = 1 << iota
	// Report tells what came of picks.
	Report
	// Read lists and watches auths, sessions and the state of the broker, never secrets.
	Read
	// Operate enables, disables and clears auths, and releases sessions.
	Operate
	// WriteAuths puts and deletes auths, with their secrets.
	WriteAuths
	// Metrics reads the metrics beyond this machine.
	Metrics

	// AllRoles is every one of them.
	AllRoles = Pick | Report | Read | Operate | WriteAuths | Metrics
)

// roleNames are in the order of the constants.
var roleNames = [...]string{"pick", "report", "read", "operate", "write-auths", "metrics"}

// RoleNames lists the roles as the configuration writes them.
func RoleNames() []string { return roleNames[:] }

// RoleNamed is the role of a name; 0: there is none.
func RoleNamed(name string) Roles {
	for i, known := range roleNames {
		if name == known {
			return 1 << i
		}
	}
	return 0
}

// Has tells whether all of the others are among the roles. Of none it is false, so that what has no role is nobody's.
func (r Roles) Has(others Roles) bool { return others != 0 && r&others == others }

// String lists the names.
func (r Roles) String() string {
	var names []string
	for i, name := range roleNames {
		if r&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}
