package admission

import (
	"testing"
	"time"
)

// run lets connections spend as fast as they can for a second, each up to what it wants, and returns what each got.
// What they want below zero they waste.
func run(p *pacer, want []int64) []int64 {
	got, paces, next := make([]int64, len(want)), make([]pace, len(want)), make([]time.Duration, len(want))
	start := time.Unix(1_800_000_000, 0)
	const step = time.Millisecond / 4
	for at := time.Duration(0); at < time.Second; at += step {
		for i := range want {
			wasted := int64(0)
			if want[i] < 0 {
				wasted = wasteUnits
			}
			for next[i] <= at && got[i] < max(want[i], -want[i])*int64(at+step)/int64(time.Second) {
				wait := p.spend(&paces[i], callUnits+wasted, wasted > 0, start.Add(at))
				if wait > 0 {
					next[i] = at + wait
					break
				}
				got[i]++
			}
		}
	}
	return got
}

func TestPacer(t *testing.T) {
	for _, tt := range []struct {
		name string
		want []int64 // calls a second
		// least and most that each gets of a rate of 10,000
		least, most []int64
	}{
		{"one alone gets what it wants", []int64{9000}, []int64{8990}, []int64{9000}},
		{"and no more than there is", []int64{50_000}, []int64{14_800}, []int64{15_200}},
		{"a flood does not slow down who wants less than its part", []int64{200_000, 4900}, []int64{5000, 4850}, []int64{10_200, 4900}},
		{"whoever wastes calls gets no more than a part, which pays for few", []int64{-200_000, 9000}, []int64{400, 8900}, []int64{700, 9000}},
		{"however many they are", []int64{-90_000, -90_000, -90_000, -90_000, -90_000, -90_000, -90_000, -90_000, -90_000, 5500}, []int64{
			50, 50, 50, 50, 50, 50, 50, 50, 50, 5400,
		}, []int64{200, 200, 200, 200, 200, 200, 200, 200, 200, 5500}},
		{"two floods share", []int64{200_000, 200_000}, []int64{4900, 4900}, []int64{10_200, 10_200}},
		{"ten floods leave a tenth", []int64{
			90_000, 90_000, 90_000, 90_000, 90_000, 90_000, 90_000, 90_000, 90_000, 800,
		}, []int64{500, 500, 500, 500, 500, 500, 500, 500, 500, 780}, []int64{
			11_000, 11_000, 11_000, 11_000, 11_000, 11_000, 11_000, 11_000, 11_000, 800,
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := run(newPacer(10_000), tt.want)
			sum := int64(0)
			for i := range got {
				sum += got[i]
				if got[i] < tt.least[i] || got[i] > tt.most[i] {
					t.Errorf("connection %d got %d calls, want %d to %d", i, got[i], tt.least[i], tt.most[i])
				}
			}
			if sum > 15_500 {
				t.Errorf("all got %d calls, want at most one and a half times the rate", sum)
			}
		})
	}
}
