// Package console is what officers of one authority see of their agent in a browser: pages made on the server, which work
// without any script, and are a little quicker with one.
//
// Who asks, and whether they may, is decided before a page is made, by agent/account and agent/people; each route names its act.
// What is done is done by the agent's desk (agent/api), with the same checks as for every other door. Templates, style, scripts and
// texts are compiled in, and no page has a browser fetch anything from elsewhere or run anything that stands in the page.
//
// It trusts the desk for what it hands out, and nobody for what is typed. Text of a peer is shown as text, with whatever could
// turn or hide a line spelt out. It must never show an ordinary role why a message waits, put content into an address, a log or a
// cookie, or let a page be kept by a browser.
package console
