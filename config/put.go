package config

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"strings"

	"github.com/credbroker/credbroker/internal/authdoc"
	"github.com/credbroker/credbroker/selector"
)

// maxMemory is how many auths are kept in memory only.
const maxMemory = 100_000

// The field that an error names if it is about no member of the document.
const fieldDocument = "document"

// Put adds or replaces one auth by the JSON object of an auth file, and reports whether it outlives a restart: it is
// written to the file that it is in, else to a file named after it in the first of auth_dirs, and without folders to
// memory. A document with neither key nor token takes over those of the auth that it replaces, and with them all that is
// no setting. The target has it when Put returns.
//
// Errors: selector.ErrManagedByConfig, *selector.FieldError, and those of the file system.
func (s *Source) Put(ctx context.Context, id string, document []byte) (persisted bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	holder, held := s.catalog.holder(id)
	if held && holder.rank == yamlRank {
		return false, selector.ErrManagedByConfig
	}
	members, withSecret, err := readDocument(id, document)
	if err != nil {
		return false, err
	}
	if held && !withSecret {
		if err := s.inheritSecret(id, holder, members); err != nil {
			return false, err
		}
	}
	delete(members, authdoc.MemberID)
	if err := members.markSecretless(id); err != nil {
		return false, err
	}
	if len(s.folders) == 0 {
		return false, s.putMemory(id, members)
	}
	at, err := s.locationFor(id, holder, held)
	if err != nil {
		return false, err
	}
	// What keeps the secret keeps all that the file has of the account.
	return true, s.putFile(id, at, members, withSecret || !held)
}

// Delete removes one auth, and its file if it has one, of which the trash keeps a copy.
//
// Errors: selector.ErrUnknownAuth, selector.ErrManagedByConfig, and those of the file system.
func (s *Source) Delete(ctx context.Context, id string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	holder, held := s.catalog.holder(id)
	switch {
	case !held:
		return selector.ErrUnknownAuth
	case holder.rank == yamlRank:
		return selector.ErrManagedByConfig
	case holder.rank == memoryRank:
		delete(s.memory, id)
		s.catalog.remove(holder.origin)
	default:
		f := s.folders[holder.rank-1]
		if err := s.discard(location{f, holder.path}); err != nil {
			return err
		}
		if err := removeFile(f.root, holder.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove auth file: %w", err)
		}
		s.drop(location{f, holder.path})
	}
	s.publish(false)
	return nil
}

// documentMembers is the members of an auth file as they are written.
type documentMembers map[string]json.RawMessage

// readDocument checks what can be checked before it is known where the document goes, and tells whether it has a key or token.
func readDocument(id string, data []byte) (members documentMembers, withSecret bool, err error) {
	if wrong := authdoc.WrongID(id); wrong != "" {
		return nil, false, refused(authdoc.MemberID, "%s", wrong)
	}
	if len(data) > authdoc.MaxFile {
		return nil, false, refused(fieldDocument, "%s", tooLarge(authdoc.MaxFile))
	}
	draft, err := parse(id, "", data)
	if err != nil {
		return nil, false, err
	}
	if err := json.Unmarshal(data, &members); err != nil {
		return nil, false, refused(fieldDocument, "is not a JSON object")
	}
	var named string
	if raw, ok := members[authdoc.MemberID]; ok && json.Unmarshal(raw, &named) == nil && named != id {
		return nil, false, refused(authdoc.MemberID, "is not the id that is put")
	}
	return members, draft.HasSecret(), nil
}

// draft is the auth that the members are of.
func (m documentMembers) draft(id string) (*authdoc.Draft, error) {
	data, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("write document: %w", err)
	}
	return parse(id, "", data)
}

// markSecretless says of a document without anything to send that it is meant so: somebody put it.
func (m documentMembers) markSecretless(id string) error {
	draft, err := m.draft(id)
	if err == nil && !draft.Sends() {
		m[authdoc.MemberSecretless] = json.RawMessage("true")
	}
	return err
}

// parse reads a document; its error names the first member that is wrong.
func parse(id, file string, data []byte) (*authdoc.Draft, error) {
	draft, problems := authdoc.Parse(id, file, data)
	if len(problems) > 0 {
		return nil, refused(problems[0].Field, "%s", problems[0].Message)
	}
	return draft, nil
}

// refused says what is wrong with a member, or with the document.
func refused(member, format string, args ...any) error {
	return &selector.FieldError{Field: cmp.Or(member, fieldDocument), Problem: fmt.Sprintf(format, args...)}
}

// inheritSecret adds to a document what the stored one knows of the account. Where that would send the secret to somebody
// else, it refuses: who may write an auth need not be able to read it.
func (s *Source) inheritSecret(id string, holder claim, members documentMembers) error {
	data := s.memory[holder.path]
	if holder.rank != memoryRank {
		var err error
		if data, _, err = s.readPlain(location{s.folders[holder.rank-1], holder.path}); err != nil {
			return refused(authdoc.MemberAPIKey, "is needed, because the present file %s", err)
		}
	}
	before, _ := authdoc.Parse(id, "", data) // what cannot be read there is not kept
	var stored documentMembers
	if err := json.Unmarshal(data, &stored); err != nil {
		return refused(authdoc.MemberAPIKey, "is needed, because the present file is not a JSON object")
	}
	for _, name := range authdoc.SettingMembers() {
		delete(stored, name)
	}
	for _, blank := range []string{authdoc.MemberAPIKey, authdoc.MemberAccessToken, authdoc.MemberToken} {
		delete(members, blank)
	}
	for _, name := range authdoc.ExpiryMembers() {
		if _, given := members[name]; given {
			for _, other := range authdoc.ExpiryMembers() {
				delete(stored, other)
			}
			break
		}
	}
	maps.Copy(stored, members)
	maps.Copy(members, stored)
	after, err := members.draft(id)
	if err != nil {
		return err
	}
	if member := after.Redirected(before); member != "" {
		return refused(member, "would send the present secret elsewhere or otherwise than before; allowed: the present value, "+
			"or a secret with it, the same one or a new one")
	}
	return nil
}

func (s *Source) putMemory(id string, members documentMembers) error {
	if _, there := s.memory[id]; !there && len(s.memory) >= maxMemory {
		return refused(authdoc.MemberID, "is one too many; allowed: %d auths in memory", maxMemory)
	}
	data, err := json.Marshal(members)
	if err != nil {
		return fmt.Errorf("write document: %w", err)
	}
	draft, err := parse(id, "", data)
	if err != nil {
		return err
	}
	draft.Auth.Origin = selector.OriginMemory
	s.memory[id] = data
	s.catalog.put(origin{memoryRank, id}, draft.Build(s.fingerprintKey))
	s.publish(false)
	return nil
}

// locationFor decides in which file an auth is.
func (s *Source) locationFor(id string, holder claim, held bool) (location, error) {
	if held && holder.rank != memoryRank {
		return location{s.folders[holder.rank-1], holder.path}, nil
	}
	at := location{s.folders[0], id}
	if !strings.HasSuffix(id, authdoc.Suffix) {
		at.path += authdoc.Suffix
	}
	if s.encryption != nil && at.folder.files[at.path] == nil {
		at.path += encryptedSuffix
	}
	if other := s.catalog.byOrigin[at.folder.origin(at.path)]; other != nil && other.ID != id {
		return location{}, refused(authdoc.MemberID, "would be in the file of auth %q", other.ID)
	}
	if limit := at.folder.maxFiles; at.folder.files[at.path] == nil && len(at.folder.files) >= limit {
		return location{}, refused(authdoc.MemberID, "is one too many; allowed: %d files in the folder", limit)
	}
	return at, nil
}

// putFile writes a file, and keeps a copy of the one before if that holds more than what is written.
func (s *Source) putFile(id string, at location, members documentMembers, replaces bool) error {
	if plainName(at.path) != id {
		name, err := json.Marshal(id)
		if err != nil {
			return fmt.Errorf("write id: %w", err)
		}
		members[authdoc.MemberID] = name
	}
	data, err := json.MarshalIndent(members, "", "  ")
	if err != nil {
		return fmt.Errorf("write document: %w", err)
	}
	// What is written must be readable, with all that was added to it.
	if _, err := parse(plainName(at.path), at.real(), data); err != nil {
		return err
	}
	if len(data) >= authdoc.MaxFile {
		return refused(fieldDocument, "%s", tooLarge(authdoc.MaxFile))
	}
	data = append(data, '\n')
	if isEncrypted(at.path) {
		// What cannot be read is not written over: somebody may have the key.
		if _, seen, err := s.readPlain(at); err != nil && seen.info != nil {
			return refused(fieldDocument, "would be written to %s, which %s", at.path, err)
		}
		if data, err = s.encryption.encrypt(data); err != nil {
			return err
		}
	}
	// After all that can be refused: copies of refused calls would push others out of the trash.
	if replaces {
		if err := s.discard(at); err != nil {
			return err
		}
	}
	if err := writeFile(at.folder.root, at.path, data); err != nil {
		return fmt.Errorf("write auth file: %w", err)
	}
	delete(s.memory, id)
	s.catalog.remove(origin{memoryRank, id})
	delete(at.folder.faults, "/") // the folder is there now
	s.accept(at, s.readAuth(at), true)
	s.publish(false)
	if holder, ok := s.catalog.holder(id); !ok || holder.origin != at.folder.origin(at.path) {
		return fmt.Errorf("write auth file: %s is not what was written", at.real())
	}
	return nil
}
