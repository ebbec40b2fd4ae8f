// Package modelglob is which models an auth serves: globs on model keys, and a prefix under which it names them as well.
package modelglob
