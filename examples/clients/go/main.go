// A gateway's side of credbroker: pick an auth, report what came of it, do what is next, and decide by the reason of an error.
//
//	go run ./examples/clients/go [ADDRESS [PROVIDER [MODEL [RETRY_AFTER]]]]
package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	pb "github.com/credbroker/credbroker/gen/credbroker/v1"
)

func main() {
	arguments := slices.Concat(os.Args[1:], []string{"", "", "", ""})
	address := cmp.Or(arguments[0], os.Getenv("CREDBROKER_ADDRESS"), "127.0.0.1:7420") // or unix:///path
	// One connection for the life of the gateway.
	conn, err := grpc.NewClient(address,
		grpc.WithTransportCredentials(security()),
		grpc.WithNoProxy(), // the broker is a neighbour
		// A deadline of its own for each call: between two of them lies the upstream's answer, which may take minutes.
		grpc.WithDefaultServiceConfig(`{"methodConfig": [{"name": [{}], "timeout": "5s"}]}`),
		// A broker that was away is found again within a second, not after two minutes.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 2, MaxDelay: time.Second},
			MinConnectTimeout: 20 * time.Second,
		}))
	code := 0
	if err == nil {
		code, err = serve(pb.NewCredentialBrokerClient(conn), cmp.Or(arguments[1], "claude"), cmp.Or(arguments[2], "claude-sonnet-4-5"),
			cmp.Or(arguments[3], "30"))
	}
	os.Exit(cmp.Or(code, handle(err)))
}

// security encrypts where CREDBROKER_TLS_CA names the broker's authority, and shows a certificate where there is one.
func security() credentials.TransportCredentials {
	authority, err := os.ReadFile(os.Getenv("CREDBROKER_TLS_CA")) //nolint:gosec // who runs the gateway names it
	if err != nil {
		return insecure.NewCredentials()
	}
	config := &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: x509.NewCertPool()}
	config.RootCAs.AppendCertsFromPEM(authority)
	if own, err := tls.LoadX509KeyPair(os.Getenv("CREDBROKER_TLS_CERT"), os.Getenv("CREDBROKER_TLS_KEY")); err == nil {
		config.Certificates = []tls.Certificate{own}
	}
	return credentials.NewTLS(config)
}

// patience is how long the client of this gateway has time.
const patience = 5 * time.Second

// serve is what a gateway does for one request of its own client: pick, send, report, and then what the verdict says is next.
func serve(broker pb.CredentialBrokerClient, provider, model, retryAfter string) (exitCode int, err error) {
	// The broker logs this id: give it the one that is in your own log.
	ctx := metadata.AppendToOutgoingContext(context.Background(), "x-request-id", fmt.Sprintf("go-client-%d", os.Getpid()))
	if token := os.Getenv("CREDBROKER_TOKEN"); token != "" { // not beyond this machine without TLS
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
	}
	request := &pb.PickCredentialRequest{
		Provider: provider,
		Model:    model,
		// As the client sent them: they tell which conversation this is, so that it stays with its auth.
		Headers: map[string]string{"X-Session-ID": "go-example"},
		Body:    []byte(`{"messages": [{"role": "user", "content": "Hello"}]}`),
		// The shape of errors for the client, where the gateway knows it.
		ClientFormat: pb.ClientFormat_CLIENT_FORMAT_OPENAI_CHAT,
	}
	var tried []string
	for upstream := int32(429); ; upstream = 200 { // what the upstream shall answer to the first attempt and to the others
		picked, err := broker.PickCredential(ctx, request)
		if err != nil {
			return 0, err
		}
		auth := picked.GetCredential()
		// Through auth.GetProxyUrl() if there is one. The values of the headers are secret: they go upstream and into no log.
		fmt.Printf("%s (%s): send model %s to %s with %s\n", auth.GetAuthId(), picked.GetSession().GetBinding(), auth.GetModel(),
			cmp.Or(auth.GetBaseUrl(), "the provider"), strings.Join(slices.Sorted(maps.Keys(auth.GetRequestHeaders())), ", "))
		// Successes too, and the answer as it is: what it means is the broker's business.
		report := &pb.ReportResultRequest{
			AuthId: auth.GetAuthId(), Model: auth.GetModel(), PickId: picked.GetPickId(), HttpStatus: upstream, TriedAuthIds: tried,
		}
		if upstream == 200 { // conversations that open alike are told apart by their answers
			report.Answer = &pb.ReportResultRequest_AnswerMessage{AnswerMessage: []byte(`{"role": "assistant", "content": "Hi there"}`)}
		} else {
			report.Headers, report.Body = map[string]string{"Retry-After": retryAfter}, []byte(`{"error": {"message": "Rate limit reached"}}`)
		}
		// A stream that fails after part of it reached the client is reported with Outcome_OUTCOME_STREAM_BROKEN: next is then NEXT_DONE.
		result, err := broker.ReportResult(ctx, report)
		if upstream == 200 {
			return 0, err // worth a line in the log; the client is served all the same
		}
		if err != nil { // nobody knows whose fault the failure is: answer 500
			return 0, err
		}
		verdict := result.GetVerdict()
		if verdict.GetUntil() != nil {
			fmt.Printf("%s is cooling down until %s\n", auth.GetAuthId(), verdict.GetUntil().AsTime().Format(time.RFC3339))
		}
		tried, request.AttemptOf = append(tried, auth.GetAuthId()), picked.GetPickId()
		wait := verdict.GetWait().AsDuration()
		switch next := verdict.GetNext(); {
		case next == pb.Next_NEXT_PICK_AGAIN:
			request.ExcludeAuthIds = tried
		case next == pb.Next_NEXT_WAIT && wait <= patience:
			fmt.Printf("all are out: waiting %s\n", wait)
			time.Sleep(wait)
			request.ExcludeAuthIds = nil
		case next == pb.Next_NEXT_DONE:
			return 0, nil
		default: // NEXT_RETURN, or no time to wait
			answerClient(verdict.GetClientAnswer(), report)
			return 4, nil
		}
	}
}

// answerClient answers the client: with what the broker gives, or else with what the upstream answered, which is the client's own
// fault.
func answerClient(answer *pb.HttpError, upstream *pb.ReportResultRequest) {
	if answer == nil {
		answer = &pb.HttpError{Status: upstream.GetHttpStatus(), Headers: upstream.GetHeaders(), Body: upstream.GetBody()}
	}
	fmt.Printf("answer %d %v\n%s\n", answer.GetStatus(), answer.GetHeaders(), answer.GetBody())
}

// handle decides by the reason of an error, never by its code alone, and returns the exit code.
func handle(err error) int {
	if err == nil {
		return 0
	}
	info, answer, wait := &errdetails.ErrorInfo{}, &pb.HttpError{}, "none"
	for _, detail := range status.Convert(err).Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			info = detail
		case *pb.HttpError:
			answer = detail
		case *errdetails.RetryInfo:
			wait = detail.GetRetryDelay().AsDuration().String()
		}
	}
	message := status.Convert(err).Message()
	switch info.GetReason() {
	case "": // the transport's own error. Unavailable: no broker there; DeadlineExceeded: one that is too slow
		fmt.Printf("no broker answered, %s: %s\n", status.Code(err), message)
		return 3
	case "MODEL_COOLDOWN", "AUTH_UNAVAILABLE": // pass the answer on as it is, or wait if that is short enough
		fmt.Printf("no auth, %s: %s (retry delay: %s)\n", info.GetReason(), message, wait)
		answerClient(answer, nil)
		return 4
	case "SESSION_PINNED": // WAIT for the one auth that can go on, or STRIP the reference, send all messages and pick again
		fmt.Printf("%s for %s: %s (retry delay: %s)\n", info.GetMetadata()["advice"], info.GetMetadata()["reference"], message, wait)
		answerClient(answer, nil) // where the gateway does neither
		return 4
	case "OVERLOADED", "RATE_LIMITED", "STATE_UNAVAILABLE": // the broker is busy: the same call again, after a while
		fmt.Printf("busy, %s: %s (retry delay: %s)\n", info.GetReason(), message, wait)
	default: // the gateway or the configuration is wrong: log it, and pass on the answer that a refused pick has, else a 500
		fmt.Printf("refused, %s: %s\n", info.GetReason(), message)
		if answer.GetStatus() != 0 {
			answerClient(answer, nil)
		}
	}
	return 1
}
