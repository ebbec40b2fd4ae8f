package redis_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credbroker/credbroker/state"
	"github.com/credbroker/credbroker/state/redis"
	"github.com/credbroker/credbroker/state/redis/redistest"
	"github.com/credbroker/credbroker/state/statetest"
)

// refusals are what a store refused.
type refusals struct {
	mu    sync.Mutex
	words []string
}

func (r *refusals) add(what string, cause error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.words = append(r.words, what+": "+cause.Error())
}

func (r *refusals) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.words, "\n")
}

// hostileReplies are what no Redis answers, and what is said of them.
func hostileReplies() map[string]struct{ reply, want string } {
	return map[string]struct{ reply, want string }{
		"an array of 2^31 elements":             {"*2147483647\r\n", "elements 2147483647"},
		"a text of a gigabyte":                  {"$1000000000\r\n", "bytes 1000000"},
		"an error of a gigabyte":                {"!1000000000\r\n", "bytes 1000000"},
		"a verbatim string of a gigabyte":       {"=1000000000\r\ntxt:", "bytes 1000000"},
		"a map of 2^31 pairs":                   {"%2147483647\r\n", "elements 2147483647"},
		"a set of 2^31 elements":                {"~2147483647\r\n", "elements 2147483647"},
		"a push of 2^31 elements":               {">2147483647\r\n", "elements 2147483647"},
		"an attribute of 2^31 pairs":            {"|2147483647\r\n", "elements 2147483647"},
		"a length that overflows":               {"*99999999999999999999999\r\n", "digits"},
		"a length below zero":                   {"*-7\r\n", "length -7"},
		"a map of a length below zero":          {"%-1\r\n", "length -1"},
		"a text of a length below zero":         {"$-7\r\n", "length -7"},
		"arrays in arrays, 10,000 deep":         {strings.Repeat("*1\r\n", 10_000), "lists in lists"},
		"large arrays in arrays":                {strings.Repeat("*200000\r\n", 2), "elements 400000"},
		"many texts that are large together":    {"*9\r\n" + strings.Repeat("$1000\r\n"+strings.Repeat("x", 1000)+"\r\n", 8) + "$67108864\r\n", "bytes 671"},
		"a streamed string":                     {"$?\r\n;4\r\n", "digits"},
		"a streamed array":                      {"*?\r\n", "digits"},
		"a streamed map":                        {"%?\r\n", "digits"},
		"a line without an end":                 {"+" + strings.Repeat("x", 100_000), "bytes of a line"},
		"a number without an end":               {":" + strings.Repeat("1", 100_000), "bytes of a line"},
		"a big number without an end":           {"(" + strings.Repeat("1", 100_000), "bytes of a line"},
		"attributes without an end":             {strings.Repeat("|1\r\n+a\r\n+b\r\n", 200_000), "elements"},
		"a type that there is not":              {"@1\r\n", "type"},
		"an end of a stream that did not begin": {".\r\n", "type"},
		"a null that hides a length":            {"_*2147483647\r\n", "null"},
		"a boolean that hides a length":         {"#tx*2147483647\r\n", "boolean"},
		"two answers to one request":            {"+OK\r\n+OK\r\n", "nothing was asked"},
		"a push that nobody asked for":          {">3\r\n+subscribe\r\n+a\r\n:1\r\n", "push"},
		"a redirection to nowhere":              {"-MOVED\r\n", "nowhere"},
		"the same as a long error":              {"!5\r\nASK a\r\n", "nowhere"},
		"the same inside of an array":           {"*1\r\n-REDIRECT\r\n", "nowhere"},
	}
}

// Whatever a server answers costs little memory, names what and how much is refused, and harms nobody.
func TestHostileReplies(t *testing.T) {
	for name, test := range hostileReplies() {
		t.Run(name, func(t *testing.T) {
			server := redistest.StartScripted(t, func(request []string) string {
				if request[0] == "EVALSHA" {
					return test.reply
				}
				return ""
			})
			proxy := redistest.NewProxy(t, server.Addr)
			var refused refusals
			s := openStore(t, &redis.Config{Addresses: []string{proxy.Addr}, Namespace: "hostile", Refused: refused.add})
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for range 3 {
				_, err := s.Keys(t.Context(), state.Keys{})
				if err == nil && !strings.Contains(name, "two answers") {
					t.Error("Keys has no error")
				}
			}
			await(t, func() bool { return strings.Contains(refused.String(), test.want) }, func() string {
				return fmt.Sprintf("%s is not among what was refused:\n%s", test.want, &refused)
			})
			runtime.ReadMemStats(&after)
			if took := after.TotalAlloc - before.TotalAlloc; took > 3*(32<<20) {
				t.Errorf("%d bytes were allocated", took)
			}
			if text := refused.String(); strings.Contains(text, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx") || !strings.Contains(text, proxy.Addr) {
				t.Errorf("said is\n%.2000s", text)
			}
			proxy.Turn(redistest.Start(t).Addr)
			await(t, func() bool {
				_, err := s.Keys(t.Context(), state.Keys{})
				return err == nil
			}, func() string { return "the store does not come back" })
		})
	}
}

// await waits until something is so.
func await(t *testing.T, so func() bool, words func() string) {
	t.Helper()
	for began := time.Now(); !so(); wait(t.Context(), 10*time.Millisecond) {
		if time.Since(began) > 10*time.Second {
			t.Fatal(words())
		}
	}
}

// A sentinel can say what the library takes apart without looking.
func TestHostileSentinels(t *testing.T) {
	message := func(channel, text string) string {
		return fmt.Sprintf(">3\r\n+message\r\n+%s\r\n+%s\r\n", channel, text)
	}
	for name, test := range map[string]struct{ asked, reply, want string }{
		"no master":                          {"SENTINEL GET-MASTER-ADDR-BY-NAME", "*0\r\n", "no answer"},
		"half a master":                      {"SENTINEL GET-MASTER-ADDR-BY-NAME", "*1\r\n+127.0.0.1\r\n", "no answer"},
		"a role that is none":                {"ROLE", "*0\r\n", "no answer"},
		"a sentinel without an address":      {"SENTINEL SENTINELS", message("+sentinel", "sentinel a"), "push"},
		"a master that moves to nowhere":     {"SENTINEL SENTINELS", message("+switch-master", "fleet a 1"), "push"},
		"a master that starts at nowhere":    {"SENTINEL SENTINELS", message("+reboot", "master"), "push"},
		"a subscription that is answered":    {"SUBSCRIBE", "+QUEUED\r\n", "no answer"},
		"pushes for a request of another":    {"SENTINEL SENTINELS", ">3\r\n+subscribe\r\n+a\r\n:1\r\n", "push"},
		"very many sentinels":                {"SENTINEL SENTINELS", "*10000000\r\n", "elements"},
		"no end of a subscription":           {"UNSUBSCRIBE", "+OK\r\n", "no answer"},
		"something else than a sign of life": {"PING", "+PENG\r\n", "no answer"},
	} {
		t.Run(name, func(t *testing.T) {
			var addr string
			server := redistest.StartScripted(t, func(request []string) string {
				switch asked := strings.Join(request, " "); {
				case strings.HasPrefix(asked, test.asked):
					return test.reply
				case strings.HasPrefix(asked, "SENTINEL SENTINELS"):
					return "*0\r\n"
				case strings.HasPrefix(asked, "SENTINEL GET-MASTER-ADDR-BY-NAME"):
					host, port, _ := strings.Cut(addr, ":")
					return fmt.Sprintf("*2\r\n+%s\r\n+%s\r\n", host, port)
				case request[0] == "EVALSHA":
					return "+\r\n"
				}
				return ""
			})
			addr = server.Addr
			var refused refusals
			s := openStore(t, &redis.Config{
				Addresses: []string{server.Addr}, Namespace: "hostile", Sentinel: redis.Sentinel{Master: "fleet"}, Refused: refused.add,
			})
			await(t, func() bool {
				_, _ = s.Keys(t.Context(), state.Keys{})
				return strings.Contains(refused.String(), test.want)
			}, func() string { return fmt.Sprintf("%s is not among what was refused:\n%s", test.want, &refused) })
		})
	}
}

// Records that are too long for one reply are read in smaller pieces.
func TestManyLongRecords(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out what is 80 MB long")
	}
	server := redistest.Start(t)
	s := openStore(t, &redis.Config{Addresses: []string{server.Addr}, Namespace: "long", Timeout: time.Minute})
	batch := state.Batch{}
	for i := range 4 {
		name := fmt.Sprint(i)
		batch.Records = append(batch.Records, disabled(name))
		server.Do("EVAL", `redis.call('HSET', KEYS[1], ARGV[1], 'tag {"v":1,"unknown":"' .. string.rep('x', 20 * 1048576) .. '"}')`,
			"1", "cb:{long}:records", "identity:"+name)
	}
	var received statetest.Received
	if err := s.Load(t.Context(), &received); err != nil || strings.Count(received.String(), "Kind:") < 4 {
		t.Errorf("Load: %v, hands over\n%.1000s", err, &received)
	}
	if err := s.Save(t.Context(), batch); err != nil {
		t.Errorf("Save: %v", err)
	}
}
