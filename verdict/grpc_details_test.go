package verdict_test

import (
	"encoding/base64"
	"strconv"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/credbroker/credbroker/verdict"
)

// TestGRPCDetails: the details of a trailer are read as those of Google's errors over HTTP.
func TestGRPCDetails(t *testing.T) {
	at := time.Date(2026, 10, 14, 9, 30, 0, 0, time.UTC)
	for _, c := range []struct {
		name    string
		code    int32
		message string
		details []proto.Message
		rule    string
		delay   time.Duration
	}{
		{"a delay", 8, "Resource exhausted", []proto.Message{&errdetails.RetryInfo{RetryDelay: durationpb.New(3500 * time.Millisecond)}}, "google-rate", 3500 * time.Millisecond},
		{"a day's quota", 8, "Quota exceeded", []proto.Message{
			&errdetails.QuotaFailure{Violations: []*errdetails.QuotaFailure_Violation{{QuotaId: "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}}},
			&errdetails.RetryInfo{RetryDelay: durationpb.New(40 * time.Second)},
		}, "google-daily", 21*time.Hour + 30*time.Minute},
		{"a reason", 7, "Refused", []proto.Message{&errdetails.ErrorInfo{Reason: "CONSUMER_SUSPENDED", Domain: "googleapis.com"}}, "account-disabled", 0},
		{"a place for details that nobody knows", 14, "Try again", []proto.Message{&anypb.Any{TypeUrl: "type.googleapis.com/x.Y", Value: []byte{1}}}, "capacity", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			status := &rpcstatus.Status{Code: c.code, Message: c.message}
			for _, detail := range c.details {
				packed, ok := detail.(*anypb.Any)
				if !ok {
					var err error
					if packed, err = anypb.New(detail); err != nil {
						t.Fatal(err)
					}
				}
				status.Details = append(status.Details, packed)
			}
			encoded, err := proto.Marshal(status)
			if err != nil {
				t.Fatal(err)
			}
			for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.StdEncoding} {
				headers := map[string]string{"grpc-status": strconv.Itoa(int(c.code)), "grpc-status-details-bin": encoding.EncodeToString(encoded)}
				o := verdict.Outcome{Dialect: "vertex", Kind: verdict.KindOAuth, Model: "m-1", Status: 200, Headers: headers, ReceivedAt: at}
				if got := load(t).Judge(o); got.Rule != c.rule || got.Delay != c.delay {
					t.Errorf("Judge(%v) = %s for %v, want %s for %v", headers, got.Rule, got.Delay, c.rule, c.delay)
				}
			}
		})
	}
}

func TestBrokenGRPCDetails(t *testing.T) {
	for _, value := range []string{"", "%%%", "AAAA", "////////"} {
		o := verdict.Outcome{Dialect: "vertex", Status: 200, Headers: map[string]string{"grpc-status": "8", "grpc-status-details-bin": value}}
		if got := load(t).Judge(o); got.Reason != "rate_limited" {
			t.Errorf("Judge(%v) = %s by rule %s, want rate_limited", o.Headers, got.Reason, got.Rule)
		}
	}
}
