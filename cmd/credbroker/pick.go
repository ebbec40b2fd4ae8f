package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
)

// maxBody is the contract's limit for a message, so no body can be longer.
const maxBody = 32 << 20

// pickFlags are the flags of pick as given.
type pickFlags struct {
	request     credbrokerv1.PickCredentialRequest
	headers     []string
	body        string
	format      string
	showSecrets bool
}

func (a *app) pickCommand() *cobra.Command {
	var f pickFlags
	cmd := &cobra.Command{
		Use:   "pick",
		Short: "Ask for the auth of one request, as a gateway does",
		Long: "pick asks the broker for the auth of one request, as a gateway does: it binds the session and advances the\n" +
			"rotation, unless --dry-run. Secrets in the answer are masked unless --show-secrets.",
		Args: cobra.NoArgs,
	}
	fs := cmd.Flags()
	fs.StringVar(&f.request.Provider, "provider", "", "provider to pick from; empty or mixed: every provider")
	fs.StringVar(&f.request.Model, "model", "", "model as the client asked for it")
	fs.StringVar(&f.request.SessionId, "session", "", "session id; headers are then not looked at, the body only for references and reasoning")
	fs.StringArrayVar(&f.headers, "header", nil, "header of the client's request, as name=value; may be repeated")
	fs.StringVar(&f.body, "body", "", "file with the body of the client's request; - reads standard input")
	fs.StringArrayVar(&f.request.ExcludeAuthIds, "exclude", nil, "id of an auth that was tried already; may be repeated")
	fs.StringVar(&f.request.AttemptOf, "attempt-of", "", "pick id of an earlier attempt of the same request")
	fs.StringVar(&f.format, "client-format", "", "shape of answers for the client: "+strings.Join(clientFormats(), ", "))
	_ = cmd.RegisterFlagCompletionFunc("client-format", cobra.FixedCompletions(clientFormats(), cobra.ShellCompDirectiveNoFileComp))
	fs.BoolVar(&f.request.DownstreamWebsocket, "websocket", false, "the client is connected over a WebSocket")
	fs.BoolVar(&f.request.Explain, "explain", false, "show why each auth was or was not picked")
	fs.BoolVar(&f.request.DryRun, "dry-run", false, "bind, advance and count nothing")
	fs.BoolVar(&f.showSecrets, "show-secrets", false, "print secrets instead of masking them")
	return a.clientCommand(cmd, func(ctx context.Context, s *session, _ []string) error {
		if err := f.complete(s.stdin); err != nil {
			return err
		}
		resp, err := call(ctx, s, s.broker.PickCredential, &f.request)
		if err != nil {
			s.printRefusal(err)
			return err
		}
		if !f.showSecrets {
			mask(resp.GetCredential())
		}
		if s.output == formatJSON {
			return printJSON(s.stdout, resp)
		}
		return s.printPick(resp)
	})
}

// complete reads what the flags only name.
func (f *pickFlags) complete(stdin io.Reader) error {
	headers, err := parseHeaders(f.headers)
	if err != nil {
		return err
	}
	f.request.Headers = headers
	if f.request.ClientFormat, err = parseClientFormat(f.format); err != nil {
		return err
	}
	f.request.Body, err = readBody(f.body, stdin)
	return err
}

// clientFormats are the values of --client-format.
func clientFormats() []string {
	return []string{"anthropic", "openai-chat", "openai-responses", "gemini"}
}

func parseClientFormat(name string) (credbrokerv1.ClientFormat, error) {
	if name == "" {
		return credbrokerv1.ClientFormat_CLIENT_FORMAT_UNSPECIFIED, nil
	}
	i := slices.Index(clientFormats(), name)
	if i < 0 {
		return 0, usageErrorf("--client-format %q: must be one of %s", name, strings.Join(clientFormats(), ", "))
	}
	return credbrokerv1.ClientFormat(i + 1), nil //nolint:gosec // they are four
}

// parseHeaders reads name=value. Of a repeated name the first value that is not empty counts, as the contract asks of
// gateways.
func parseHeaders(pairs []string) (map[string]string, error) {
	headers := make(map[string]string, len(pairs))
	for _, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		name = strings.TrimSpace(name)
		if !ok || name == "" {
			return nil, usageErrorf("--header %q: must be name=value", pair)
		}
		if headers[name] == "" {
			headers[name] = value
		}
	}
	return headers, nil
}

func readBody(name string, stdin io.Reader) ([]byte, error) {
	if name == "" {
		return nil, nil
	}
	in := stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, usageErrorf("--body: %w", err)
		}
		defer func() { _ = file.Close() }()
		in = file
	}
	body, err := io.ReadAll(io.LimitReader(in, maxBody+1))
	if err != nil {
		return nil, usageErrorf("--body: %w", err)
	}
	if len(body) > maxBody {
		return nil, usageErrorf("--body: %s is over the limit of %d MiB", name, maxBody>>20)
	}
	return body, nil
}

// masked stands in for a secret in what is printed.
const masked = "[secret]"

// mask takes the secrets out of a credential.
func mask(c *credbrokerv1.Credential) {
	for name := range c.GetRequestHeaders() {
		c.RequestHeaders[name] = masked
	}
	if c != nil {
		c.ProxyUrl = maskUserinfo(c.GetProxyUrl())
	}
}

// maskUserinfo hides everything before the @ of a URL's authority. It does not parse: what is no proper URL may hold a
// password as well.
func maskUserinfo(url string) string {
	at := strings.LastIndexByte(url, '@')
	if at < 0 {
		return url
	}
	scheme, _, ok := strings.Cut(url[:at], "://")
	if !ok {
		return masked + url[at:]
	}
	return fmt.Sprintf("%s://%s%s", scheme, masked, url[at:])
}
