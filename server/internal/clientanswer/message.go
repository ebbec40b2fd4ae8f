package clientanswer

import "github.com/credbroker/credbroker/broker"

// Message is what an answer says for humans to read.
func Message(a *broker.Answer) string {
	model, via := a.Model, ""
	if model == "" {
		model = "requested model"
	}
	if provider := shownProvider(a); provider != "" {
		via = " via provider " + provider
	}
	switch a.Problem {
	case broker.ProblemLimited:
		return "All credentials for model " + model + " are cooling down" + via
	case broker.ProblemOverloaded:
		return "The upstream has no capacity for model " + model + via
	case broker.ProblemFailed:
		return "The upstream failed for model " + model + via
	case broker.ProblemModel:
		return "No credential may use model " + model + via
	case broker.ProblemRequest:
		return "The upstream refuses this request for model " + model + via
	case broker.ProblemPinned:
		return "The credential that alone can continue this conversation cannot be used now"
	case broker.ProblemReference:
		return "Previous response not found: nothing can continue from it any more. Send the whole conversation without the reference"
	case broker.ProblemTooLarge:
		return "A part of the request is larger than it may be"
	default:
		return "No credential for model " + model + " can be used" + via
	}
}

// shownProvider is the provider that was asked for; empty: any.
func shownProvider(a *broker.Answer) string {
	if a.Provider == broker.MixedProvider {
		return ""
	}
	return a.Provider
}
