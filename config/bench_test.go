package config

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// manyFiles opens a folder of n auth files, a thousand in each of its folders.
func manyFiles(b *testing.B, n int) (dir string, source *Source) {
	b.Helper()
	dir = b.TempDir()
	for i := range n {
		folder := filepath.Join(dir, "auths", fmt.Sprint(i/1000))
		if i%1000 == 0 {
			if err := os.MkdirAll(folder, 0o700); err != nil {
				b.Fatal(err)
			}
		}
		text := fmt.Sprintf(`{"type":"claude","email":"%d@example.com","access_token":"at-%d","refresh_token":"rt","expired":"2099-01-01T00:00:00Z"}`, i, i)
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%d.json", i)), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	file := filepath.Join(dir, "c.yaml")
	if err := os.WriteFile(file, []byte("auth_dirs: [auths]"), 0o600); err != nil {
		b.Fatal(err)
	}
	source, err := Open(file, testOptions)
	if err != nil {
		b.Fatal(err)
	}
	source.Attach(new(collector), testKey)
	return dir, source
}

// BenchmarkOpen is a start with many auth files.
func BenchmarkOpen(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		b.Run(fmt.Sprintf("files=%d", n), func(b *testing.B) {
			dir, _ := manyFiles(b, n)
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := loadFile(filepath.Join(dir, "c.yaml"), testOptions); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkChange is one auth file that changes, among others.
func BenchmarkChange(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		b.Run(fmt.Sprintf("files=%d", n), func(b *testing.B) {
			dir, source := manyFiles(b, n)
			file := filepath.Join(dir, "auths", "0", "0.json")
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				i++
				if err := os.WriteFile(file, fmt.Appendf(nil, `{"type":"claude","access_token":"at-%d"}`, i), 0o600); err != nil {
					b.Fatal(err)
				}
				if again := source.rescan(changes{paths: map[string]bool{file: true}}, final); !again.isEmpty() {
					b.Fatal("the file is broken")
				}
			}
		})
	}
}

// BenchmarkRescan is the scan of all files, when nothing changed.
func BenchmarkRescan(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		b.Run(fmt.Sprintf("files=%d", n), func(b *testing.B) {
			_, source := manyFiles(b, n)
			b.ReportAllocs()
			for b.Loop() {
				source.rescan(changes{}, tentative)
			}
		})
	}
}
