package authdoc

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strings"

	"github.com/credbroker/credbroker/internal/document"
)

// Encode writes an auth file of its members, without those that are empty, and says what is wrong with it by member.
func Encode(id, provider string, members map[string]any) ([]byte, document.Problems, error) {
	maps.DeleteFunc(members, func(_ string, value any) bool {
		v := reflect.ValueOf(value)
		return v.IsZero() || (v.Kind() == reflect.Map || v.Kind() == reflect.Slice) && v.Len() == 0
	})
	members[MemberID], members[memberType] = id, provider
	data, err := json.Marshal(members)
	if err != nil {
		return nil, nil, fmt.Errorf("write document: %w", err)
	}
	_, problems := Parse(Suffix, "", data) // the id is one for files to be named after, which has rules of its own
	if wrong := WrongID(id); wrong != "" {
		problems = append(problems, document.Problem{Field: MemberID, Message: wrong})
	}
	return data, problems, nil
}

const (
	// MaxFolderDepth is how many folders an auth file may lie in, below the folder of auth files.
	MaxFolderDepth = 8
	// maxSegment keeps the names of files, and of the files that become them, within what file systems take.
	maxSegment = 240
)

// WrongID allows ids that can be the path of a file below a folder.
func WrongID(id string) string {
	if wrong := WrongLine(id); wrong != "" {
		return wrong
	}
	segments := strings.Split(id, "/")
	if len(id) > MaxID || len(segments) > MaxFolderDepth+1 {
		return fmt.Sprintf("is too long; allowed: at most %d bytes and %d slashes", MaxID, MaxFolderDepth)
	}
	for _, segment := range segments {
		if segment == "" || segment[0] == '.' || strings.Contains(segment, `\`) || len(segment) > maxSegment {
			return fmt.Sprintf("cannot be the path of a file; allowed: parts of at most %d bytes between slashes, "+
				"none of which is empty, begins with a dot or has a backslash", maxSegment)
		}
	}
	return ""
}
