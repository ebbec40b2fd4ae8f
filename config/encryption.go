package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"

	"github.com/credbroker/credbroker/internal/authdoc"
	"github.com/credbroker/credbroker/internal/document"
)

const (
	// encryptedSuffix ends the names of files that the broker encrypted. Other programs do not take them for auth files.
	encryptedSuffix = ".age"
	// maxEncrypted is more than a file takes that is encrypted.
	maxEncrypted = authdoc.MaxFile + 64<<10

	maxIdentities = 16
	maxIdentity   = 4 << 10 // of each, with the comments around it
)

// encryption is with what the broker encrypts the files that it makes, and what it can read. Nil: it encrypts nothing.
type encryption struct {
	identities []age.Identity
	recipient  age.Recipient // of the first
	text       string        // to tell whether it is another
}

func (l *loader) encryption() document.Type {
	return document.Object(document.Keys{
		"identities": l.identities().Doc("Keys of age, one on each line, as age-keygen prints them. Files are encrypted with the first, and read with each."),
	}).Requires("identities")
}

// identities are a reference to keys. A message never repeats what stands there.
func (l *loader) identities() document.Type {
	var name, file string
	keys := document.Keys{
		keyEnv: document.Text(&name, authdoc.MaxID, wrongVariable).With(document.Schema{"pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}).
			Doc("Name of an environment variable."),
		keyFile: l.path(&file).Doc("Path of a file. A relative one lies beside this file."),
	}
	schema := func() document.Schema {
		return document.Object(keys).With(document.Schema{"type": "object", "minProperties": 1, "maxProperties": 1}).Schema()
	}
	return document.NewType(schema, func(v document.Value) {
		form, ok := chosenForm(v, keys, "one of {env: NAME} and {file: PATH}")
		if !ok {
			return
		}
		var text, subject string
		switch {
		case name != "":
			text, ok = l.lookup(form.Value, name)
			subject = "the environment variable " + name + " "
		case file != "":
			var data []byte
			data, ok = l.readSecret(form.Value, file, maxIdentities*maxIdentity)
			text, subject = string(data), "the file "+file+" "
		default:
			return // it was noted
		}
		if !ok {
			return
		}
		var wrong string
		if l.into.encryption, wrong = newEncryption(text); wrong != "" {
			form.Problemf("%s", subject+wrong)
		}
	})
}

func newEncryption(text string) (e *encryption, wrong string) {
	identities, err := age.ParseIdentities(strings.NewReader(text))
	if err != nil || len(identities) > maxIdentities {
		return nil, fmt.Sprintf("holds no keys of age; allowed: 1 to %d lines that begin AGE-SECRET-KEY-, and comments that begin #", maxIdentities)
	}
	e = &encryption{identities: identities, text: text}
	switch first := identities[0].(type) {
	case *age.X25519Identity:
		e.recipient = first.Recipient()
	case *age.HybridIdentity:
		e.recipient = first.Recipient()
	default:
		return nil, "holds a key of a sort that is not known"
	}
	return e, ""
}

// encrypt is the text of a file that only the keys can read.
func (e *encryption) encrypt(data []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := age.Encrypt(&out, e.recipient)
	if err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	if _, err := w.Write(data); err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	return out.Bytes(), nil
}

// decrypt is what a file holds. Its errors are to be put behind the file's name.
func (e *encryption) decrypt(data []byte) ([]byte, error) {
	if e == nil {
		return nil, errors.New("is encrypted; allowed: encryption.identities with its key")
	}
	r, err := age.Decrypt(bytes.NewReader(data), e.identities...)
	if _, noKey := errors.AsType[*age.NoIdentityMatchError](err); noKey {
		return nil, errors.New("is encrypted with another key; allowed: encryption.identities with its key")
	}
	if err != nil {
		return nil, errors.New("cannot be decrypted: it is damaged, or no file of age")
	}
	text, err := io.ReadAll(io.LimitReader(r, authdoc.MaxFile+1))
	switch {
	case err != nil:
		return nil, errors.New("cannot be decrypted: it is damaged")
	case len(text) > authdoc.MaxFile:
		return nil, tooLarge(authdoc.MaxFile)
	}
	return text, nil
}

// isAuthFile tells whether a name is that of an auth file.
func isAuthFile(name string) bool { return strings.HasSuffix(plainName(name), authdoc.Suffix) }

// plainName is what a file would be called if it were not encrypted. Auths are named after it.
func plainName(name string) string { return strings.TrimSuffix(name, encryptedSuffix) }

func isEncrypted(name string) bool { return strings.HasSuffix(name, encryptedSuffix) }

// readPlain reads an auth file, and decrypts it where its name says that it is encrypted.
func (s *Source) readPlain(at location) ([]byte, stamp, error) {
	if !isEncrypted(at.path) {
		return readFile(at.real(), authdoc.MaxFile)
	}
	data, seen, err := readFile(at.real(), maxEncrypted)
	if err != nil {
		return nil, seen, err
	}
	text, err := s.encryption.decrypt(data)
	return text, seen, err
}

// adoptEncryption takes over keys. With other ones encrypted files may be readable that were not.
func (s *Source) adoptEncryption(e *encryption) {
	before := s.encryption
	s.encryption = e
	if before == e || before != nil && e != nil && before.text == e.text {
		return
	}
	for _, f := range s.folders {
		for path, known := range f.files {
			if isEncrypted(path) {
				known.stamp = stamp{}
			}
		}
	}
}
