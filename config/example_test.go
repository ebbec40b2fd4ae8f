package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/credbroker/credbroker/config"
	"github.com/credbroker/credbroker/selector"
)

// A program opens the configuration, makes a pool by it, and hands the pool what is in it. After that it runs
// source.Run until its context ends.
func Example() {
	source, err := config.Open(filepath.Join("..", "examples", "quickstart.yaml"), config.Options{
		LookupEnv: os.LookupEnv,
		Clock:     time.Now,
	})
	if err != nil {
		fmt.Println(err) // one line for each problem
		return
	}
	pool := selector.New(selector.Config{Settings: source.Config().Settings()})
	source.Attach(pool, [32]byte{}) // where state is kept, with the key that is kept with it

	pick, err := pool.Pick(&selector.Request{Provider: "claude", Model: "claude-sonnet-4-5"}, time.Now())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(pick.Auth.ID, pick.Auth.Headers[0].Name, pick.Auth.Headers[0].Value)
	// Output: claude-team-1 x-api-key [secret]
}
