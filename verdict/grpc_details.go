package verdict

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	// The details that are known by name.
	_ "google.golang.org/genproto/googleapis/rpc/errdetails"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

const headerGRPCDetails = "grpc-status-details-bin"

// grpcError returns the google.rpc.Status of a trailer in the form in which Google's APIs write it over HTTP: with RetryInfo,
// ErrorInfo and QuotaFailure among its details. It is no object if there is none that can be read.
func (v *view) grpcError() gjson.Result {
	encoded, _, _ := strings.Cut(v.headers[headerGRPCDetails], ",")
	if encoded == "" || len(encoded) > maxErrorHeader {
		return gjson.Result{}
	}
	decoded, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.TrimSpace(encoded), "="))
	if err != nil {
		return gjson.Result{}
	}
	status := &rpcstatus.Status{}
	if err := proto.Unmarshal(decoded, status); err != nil {
		return gjson.Result{}
	}
	status.Details = slices.DeleteFunc(status.GetDetails(), func(detail *anypb.Any) bool {
		_, err := detail.UnmarshalNew()
		return err != nil
	})
	written, err := protojson.Marshal(status)
	if err != nil {
		return gjson.Result{}
	}
	var compact bytes.Buffer // protojson varies the white space
	if err := json.Compact(&compact, written); err != nil {
		return gjson.Result{}
	}
	return gjson.ParseBytes(compact.Bytes())
}
