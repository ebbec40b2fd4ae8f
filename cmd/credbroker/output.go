package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// outputFormat is the value of --output.
type outputFormat string

// The formats of --output.
const (
	formatTable outputFormat = "table"
	formatJSON  outputFormat = "json"
)

func (f *outputFormat) String() string { return string(*f) }

// Type names the values in the help.
func (f *outputFormat) Type() string { return "table|json" }

// Set takes what the user wrote.
func (f *outputFormat) Set(text string) error {
	switch v := outputFormat(text); v {
	case formatTable, formatJSON:
		*f = v
		return nil
	}
	return fmt.Errorf("must be %s or %s", formatTable, formatJSON)
}

// newTable aligns tab-separated cells. The caller flushes it.
func newTable(w io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(w, 0, 0, 2, ' ', 0) }

// row writes the cells of one line; each must have come through cell, or be safe by its nature.
func row(w io.Writer, cells ...string) {
	_, _ = fmt.Fprintln(w, strings.TrimRight(strings.Join(cells, "\t"), "\t"))
}

// marshalJSON writes a message in the JSON mapping of protobuf, zero values included. protojson varies its blanks on
// purpose, so they are normalised.
func marshalJSON(m proto.Message) ([]byte, error) {
	raw, err := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode answer: %w", err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return nil, fmt.Errorf("encode answer: %w", err)
	}
	return compact.Bytes(), nil
}

// printJSON writes one indented document.
func printJSON(w io.Writer, m proto.Message) error {
	compact, err := marshalJSON(m)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, compact, "", "  "); err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	b.WriteByte('\n')
	_, err = w.Write(b.Bytes())
	return err
}

// printStatus writes an error of the broker as a google.rpc.Status. Details that this binary does not know are left out.
func printStatus(w io.Writer, s *status.Status) error {
	p := s.Proto()
	if _, err := protojson.Marshal(p); err != nil {
		p.Details = nil
	}
	return printJSON(w, p)
}
