// Package notify sends mail that says that something needs a look, and nothing else: the same words whatever happened, to
// addresses that an operator wrote down. Mail leaves the house by servers that others read.
//
// It trusts the mail server for nothing but to take the mail, over TLS that proves the server's name. It must never see what a
// notice is about: Wake takes no argument.
package notify
