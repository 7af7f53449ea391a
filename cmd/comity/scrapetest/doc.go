// Package scrapetest holds the dashboards, alert rules and scrape configuration of deploy/ against what agents and broker really
// expose: every metric and label that is asked for exists, Prometheus' own tools take every file, and a real Prometheus
// scrapes a running sandbox.
//
// It trusts Debian's Prometheus for what a good file is. It must never leave a process behind, nor reach another machine.
package scrapetest
