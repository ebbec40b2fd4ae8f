package server

import (
	"strings"

	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionv1alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"

	"github.com/credbroker/credbroker/access"
	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
)

// methodAccess is what a method asks of its caller.
type methodAccess struct {
	service string
	roles   access.Roles // 0: anybody's who is known
	open    bool         // everybody's, known or not
	pick    bool         // counts as one
}

// releases reports whether the method hands out credentials, and acts whether it changes what others get. Both are audited.
func (m *methodAccess) releases() bool { return m.roles.Has(access.Pick) }

func (m *methodAccess) acts() bool {
	return m.roles.Has(access.Operate) || m.roles.Has(access.WriteAuths)
}

// methodsAccess is the table of all methods. A method that is not in it is refused, whoever calls it.
func methodsAccess() map[string]methodAccess {
	table := make(map[string]methodAccess)
	add := func(service string, m methodAccess, methods ...string) {
		m.service = service
		for _, method := range methods {
			table["/"+service+"/"+method] = m
		}
	}
	gateway, admin := credbrokerv1.CredentialBroker_ServiceDesc.ServiceName, credbrokerv1.AuthPool_ServiceDesc.ServiceName
	add(gateway, methodAccess{roles: access.Pick, pick: true}, "PickCredential")
	add(gateway, methodAccess{roles: access.Pick}, "PickCredentials")
	add(gateway, methodAccess{roles: access.Report}, "ReportCooldown", "ReportResult")
	// It takes an auth from all of its sessions, or out of rotation.
	add(gateway, methodAccess{roles: access.Operate}, "InvalidateAuth")
	add(admin, methodAccess{roles: access.Read}, "ListAuths", "GetAuth", "ListSessions", "WatchAuths", "GetStatus")
	add(admin, methodAccess{roles: access.Operate}, "EnableAuth", "DisableAuth", "ClearCooldown", "ReleaseSession")
	add(admin, methodAccess{roles: access.WriteAuths}, "PutAuth", "DeleteAuth")
	add(healthv1.Health_ServiceDesc.ServiceName, methodAccess{open: true}, "Check", "Watch", "List")
	add(reflectionv1.ServerReflection_ServiceDesc.ServiceName, methodAccess{}, "ServerReflectionInfo")
	add(reflectionv1alpha.ServerReflection_ServiceDesc.ServiceName, methodAccess{}, "ServerReflectionInfo")
	return table
}

// ServiceNames are the gRPC services of a part of the API: `gateway`, `admin` or `health`. Reflection goes with the first two.
func ServiceNames(part string) []string {
	reflection := []string{reflectionv1.ServerReflection_ServiceDesc.ServiceName, reflectionv1alpha.ServerReflection_ServiceDesc.ServiceName}
	switch part {
	case "gateway":
		return append(reflection, credbrokerv1.CredentialBroker_ServiceDesc.ServiceName)
	case "admin":
		return append(reflection, credbrokerv1.AuthPool_ServiceDesc.ServiceName)
	case "health":
		return []string{healthv1.Health_ServiceDesc.ServiceName}
	}
	return nil
}

// serviceOf is the service of a method's full name.
func serviceOf(method string) string {
	service, _, _ := strings.Cut(strings.TrimPrefix(method, "/"), "/")
	return service
}
