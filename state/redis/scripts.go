package redis

import (
	_ "embed" // for the scripts

	"github.com/redis/rueidis"
)

//go:embed announce.lua
var announceLua string

//go:embed ensure.lua
var ensureLua string

//go:embed write.lua
var writeLua string

//go:embed bind.lua
var bindLua string

//go:embed keep.lua
var keepLua string

//go:embed claim.lua
var claimLua string

//go:embed drop.lua
var dropLua string

//go:embed giveback.lua
var giveBackLua string

// scripts are what the store runs on the server. Each is one round trip, and nothing comes between its steps.
type scripts struct {
	ensure, write, bind, keep, claim, giveBack, drop *rueidis.Lua
}

func newScripts() scripts {
	return scripts{
		ensure:   rueidis.NewLuaScript(announceLua + ensureLua),
		write:    rueidis.NewLuaScript(announceLua + writeLua),
		bind:     rueidis.NewLuaScript(announceLua + bindLua),
		keep:     rueidis.NewLuaScript(announceLua + keepLua),
		claim:    rueidis.NewLuaScript(claimLua),
		giveBack: rueidis.NewLuaScript(giveBackLua),
		drop:     rueidis.NewLuaScript(dropLua),
	}
}
