// Package glob matches names of models, codes and headers against patterns with wildcards.
//
// It exists because model keys are matched by the selector, verdicts and limit domains by the same patterns, and a pattern
// must mean the same to all of them. A leaf: it knows nothing of auths or rules, keeps nothing, and may be used concurrently.
package glob
