package authdoc

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/credbroker/credbroker/internal/document"
)

// Document is an auth file as PutAuth writes it. Files of other programs hold more, and some of it under other names.
type Document struct {
	ID            string            `json:"id"`
	Type          string            `json:"type"` // the provider
	Kind          string            `json:"kind,omitempty"`
	Label         string            `json:"label,omitempty"`
	Note          string            `json:"note,omitempty"`
	Disabled      bool              `json:"disabled,omitempty"`
	Priority      int64             `json:"priority,omitempty"`
	Weight        *uint32           `json:"weight,omitempty"`
	Models        []string          `json:"models,omitempty"`
	ExcludeModels []string          `json:"excluded_models,omitempty"`
	Prefix        string            `json:"prefix,omitempty"`
	BaseURL       string            `json:"base_url,omitempty"`
	ProxyURL      string            `json:"proxy_url,omitempty"`
	Attributes    map[string]string `json:"attributes,omitempty"`
	Domains       []string          `json:"domains,omitempty"`
	Dialect       string            `json:"dialect,omitempty"`

	APIKey      string            `json:"api_key,omitempty"`
	AccessToken string            `json:"access_token,omitempty"`
	Expired     string            `json:"expired,omitempty"` // RFC 3339
	AccountID   string            `json:"account_id,omitempty"`
	Headers     map[string]string `json:"headers,omitempty"`
}

// Encode writes the JSON object, and says what is wrong with it by member.
func (d *Document) Encode() ([]byte, document.Problems, error) {
	data, err := json.Marshal(d) //nolint:gosec // the secret is what is to be kept
	if err != nil {
		return nil, nil, fmt.Errorf("write document: %w", err)
	}
	_, problems := Parse(Suffix, "", data) // the id is one for files to be named after, which has rules of its own
	if wrong := WrongID(d.ID); wrong != "" {
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
