// Package exposition serves the metrics of one component, agent or broker, to the Prometheus of its own operator, on a
// listener of its own: GET /metrics and nothing else.
//
// It trusts the component for what is in the registry: that labels come from closed sets, and that nothing in it tells of a
// person, of content, or of what policy decided. It asks nobody who they are, so it listens on the loopback interface unless
// an operator says otherwise, and answers no web page that was led there by a name (DNS rebinding).
//
// It must never see a message, a key or a person's record.
package exposition
