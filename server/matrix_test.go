package server_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/credbroker/credbroker/access"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/server"
	"github.com/credbroker/credbroker/server/servertest"
)

// rolesOfMethods is who may call what. everybody: known or not; anyCaller: whoever is known.
func rolesOfMethods() map[string]access.Roles {
	return map[string]access.Roles{
		"/credbroker.v1.CredentialBroker/PickCredential":                 access.Pick,
		"/credbroker.v1.CredentialBroker/PickCredentials":                access.Pick,
		"/credbroker.v1.CredentialBroker/ReportCooldown":                 access.Report,
		"/credbroker.v1.CredentialBroker/ReportResult":                   access.Report,
		"/credbroker.v1.CredentialBroker/InvalidateAuth":                 access.Operate,
		"/credbroker.v1.AuthPool/ListAuths":                              access.Read,
		"/credbroker.v1.AuthPool/GetAuth":                                access.Read,
		"/credbroker.v1.AuthPool/ListSessions":                           access.Read,
		"/credbroker.v1.AuthPool/WatchAuths":                             access.Read,
		"/credbroker.v1.AuthPool/GetStatus":                              access.Read,
		"/credbroker.v1.AuthPool/EnableAuth":                             access.Operate,
		"/credbroker.v1.AuthPool/DisableAuth":                            access.Operate,
		"/credbroker.v1.AuthPool/ClearCooldown":                          access.Operate,
		"/credbroker.v1.AuthPool/ReleaseSession":                         access.Operate,
		"/credbroker.v1.AuthPool/PutAuth":                                access.WriteAuths,
		"/credbroker.v1.AuthPool/DeleteAuth":                             access.WriteAuths,
		"/grpc.health.v1.Health/Check":                                   everybody,
		"/grpc.health.v1.Health/List":                                    everybody,
		"/grpc.health.v1.Health/Watch":                                   everybody,
		"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo":      anyCaller,
		"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": anyCaller,
	}
}

const (
	everybody access.Roles = 1 << 7
	anyCaller              = access.AllRoles
)

// method is one of a service.
type method struct {
	name   string
	desc   protoreflect.MethodDescriptor
	stream bool
}

// methodsOf are all methods that a server answers, from the descriptors of their services.
func methodsOf(t testing.TB) []method {
	t.Helper()
	var list []method
	for _, service := range []string{
		"credbroker.v1.CredentialBroker", "credbroker.v1.AuthPool", "grpc.health.v1.Health",
		"grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection",
	} {
		found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service))
		if err != nil {
			t.Fatal(err)
		}
		methods := found.(protoreflect.ServiceDescriptor).Methods()
		for i := range methods.Len() {
			m := methods.Get(i)
			list = append(list, method{"/" + service + "/" + string(m.Name()), m, m.IsStreamingClient() || m.IsStreamingServer()})
		}
	}
	return list
}

// call makes a call with an empty request, and returns the status of its first answer.
func (m *method) call(ctx context.Context, conn *grpc.ClientConn, token string) *status.Status {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if token != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
	}
	request, answer := dynamicpb.NewMessage(m.desc.Input()), dynamicpb.NewMessage(m.desc.Output())
	if !m.stream {
		return status.Convert(conn.Invoke(ctx, m.name, request, answer))
	}
	desc := &grpc.StreamDesc{ServerStreams: m.desc.IsStreamingServer(), ClientStreams: m.desc.IsStreamingClient()}
	stream, err := conn.NewStream(ctx, desc, m.name)
	if err != nil {
		return status.Convert(err)
	}
	_ = stream.SendMsg(request)
	_ = stream.CloseSend()
	if err = stream.RecvMsg(answer); errors.Is(err, io.EOF) {
		err = nil
	}
	return status.Convert(err)
}

// Every method, asked by callers of each role with each kind of proof, answers as its role says, and a new method cannot be forgotten.
func TestMatrix(t *testing.T) {
	var callers []access.Caller
	tokens := make(map[string]map[string]string) // by role and proof
	n := byte(0)
	for _, role := range access.RoleNames() {
		c := access.Caller{Name: role, Roles: access.RoleNamed(role)}
		tokens[role] = map[string]string{"none": "", "wrong": access.NewToken([32]byte{200, n})}
		for _, proof := range []string{"right", "expired", "revoked"} {
			n++
			token, known := servertest.Token(n)
			if proof == "expired" {
				known.Expires = servertest.Start()
			}
			tokens[role][proof] = token
			c.Tokens = append(c.Tokens, known)
		}
		callers = append(callers, c)
	}
	h := servertest.New(t, servertest.Options{Auths: []*selector.Auth{servertest.Key("a", "claude")}, Callers: callers})
	for i := range callers {
		callers[i].Tokens = callers[i].Tokens[:2]
	}
	h.Server.Configure(server.Settings{Callers: servertest.Policy(t, callers)})

	want := rolesOfMethods()
	refusals := map[bool]*status.Status{} // that all who are not known get; a pick has a ready answer, too
	for _, m := range methodsOf(t) {
		takes, known := want[m.name]
		if !known {
			t.Errorf("%s: say in rolesOfMethods and in roles.go who may call it", m.name)
			continue
		}
		for role, proofs := range tokens {
			for proof, token := range proofs {
				h.Clock.Advance(time.Minute) // failures are forgotten
				got := m.call(t.Context(), h.Conn, token)
				refused := got.Code() == codes.Unauthenticated || got.Code() == codes.PermissionDenied
				switch {
				case takes == everybody:
					if refused {
						t.Errorf("%s by %s with proof %s: %v, want it let in", m.name, role, proof, got)
					}
				case proof != "right":
					refusal := refusals[takes == access.Pick]
					if refusal == nil {
						refusal, refusals[takes == access.Pick] = got, got
					}
					wantError(t, got.Err(), codes.Unauthenticated, server.ReasonUnauthenticated)
					if !proto.Equal(got.Proto(), refusal.Proto()) {
						t.Errorf("%s by %s with proof %s: %v, want the words for everybody: %v", m.name, role, proof, got, refusal)
					}
				case takes.Has(access.RoleNamed(role)):
					if refused {
						t.Errorf("%s by %s: %v, want it let in", m.name, role, got)
					}
				default:
					wantError(t, got.Err(), codes.PermissionDenied, server.ReasonPermissionDenied)
				}
			}
		}
		delete(want, m.name)
	}
	for name := range want {
		t.Errorf("rolesOfMethods has %s, and there is no such method", name)
	}
}
