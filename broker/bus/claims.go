package bus

import (
	"fmt"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"
)

// What an agent may name in its own account. The consumer API stands under an alias of our own: an import under
// $JS.API would clash with the server's. Inbox and consumer have the same alias everywhere, so that an agent needs to
// know nothing but its certificate.
const (
	submitPrefix  = "comity.submit"
	replyPrefix   = "comity.reply"
	aliasPrefix   = "CORE.API"
	aliasStream   = "inbox"
	aliasConsumer = "desk"

	aliasNext = aliasPrefix + ".CONSUMER.MSG.NEXT." + aliasStream + "." + aliasConsumer
	aliasInfo = aliasPrefix + ".CONSUMER.INFO." + aliasStream + "." + aliasConsumer

	// The same for chunks of evidence, which have an ingress and a stream of their own: they never stand before a message.
	chunkPrefix     = "comity.chunk"
	aliasChunks     = "chunks"
	aliasChunksNext = aliasPrefix + ".CONSUMER.MSG.NEXT." + aliasChunks + "." + aliasConsumer
	aliasChunksInfo = aliasPrefix + ".CONSUMER.INFO." + aliasChunks + "." + aliasConsumer
)

// What CORE names the same things.
const (
	ingressPrefix = "x"
	chunksIngress = "y"
	inboxPrefix   = "inbox"
	chunksPrefix  = "chunks"
	apiNext       = "$JS.API.CONSUMER.MSG.NEXT"
	apiInfo       = "$JS.API.CONSUMER.INFO"
	apiAck        = "$JS.ACK"
)

// Limits of one authority's account. An agent needs one connection and a handful of subscriptions.
const (
	accountConnections   = 16
	accountSubscriptions = 256
)

func publicKey(kp nkeys.KeyPair) (string, error) {
	key, err := kp.PublicKey()
	if err != nil {
		return "", fmt.Errorf("reading a public nkey: %w", err)
	}
	return key, nil
}

// operatorClaims names the operator whose signature the server demands on every account.
func operatorClaims(h house) (*jwt.OperatorClaims, error) {
	operator, err := publicKey(h.operator)
	if err != nil {
		return nil, err
	}
	system, err := publicKey(h.system)
	if err != nil {
		return nil, err
	}
	claims := jwt.NewOperatorClaims(operator)
	claims.Name = "comity"
	claims.SystemAccount = system
	token, err := claims.Encode(h.operator)
	if err != nil {
		return nil, fmt.Errorf("encoding the operator claims: %w", err)
	}
	return jwt.DecodeOperatorClaims(token)
}

// coreClaims exports to each account what concerns that account and no other: the token at the position named is
// the importing account's own nkey, or the server refuses the import. Five exports serve every authority; this JWT
// is never pushed again in service, because an update stalls live pulls until AckWait.
func coreClaims(core string) *jwt.AccountClaims {
	claims := jwt.NewAccountClaims(core)
	claims.Name = "CORE"
	claims.Limits.JetStreamLimits = jwt.JetStreamLimits{
		MemoryStorage: jwt.NoLimit, DiskStorage: jwt.NoLimit, Streams: jwt.NoLimit, Consumer: jwt.NoLimit,
	}
	service := func(name, subject string, position uint, response jwt.ResponseType) *jwt.Export {
		return &jwt.Export{
			Name: name, Type: jwt.Service, ResponseType: response,
			Subject: jwt.Subject(subject), AccountTokenPosition: position,
		}
	}
	claims.Exports.Add(
		service("ingress", ingressPrefix+".*.>", 2, jwt.ResponseTypeSingleton),
		service("chunks", chunksIngress+".*.>", 2, jwt.ResponseTypeSingleton),
		service("next", apiNext+".*.*", 7, jwt.ResponseTypeStream),
		service("info", apiInfo+".*.*", 6, jwt.ResponseTypeSingleton),
		service("ack", apiAck+".*.*.>", 4, jwt.ResponseTypeSingleton),
	)
	return claims
}

// authorityClaims imports the account's own services: of messages, and of chunks.
func authorityClaims(a *account, core string) *jwt.AccountClaims {
	claims := jwt.NewAccountClaims(string(a.Key))
	claims.Name = string(a.Authority)
	claims.Limits.Conn = accountConnections
	claims.Limits.Subs = accountSubscriptions
	claims.Limits.LeafNodeConn = 0
	claims.Limits.Exports = 0
	claims.Limits.WildcardExports = false
	claims.Limits.DisallowBearer = true
	service := func(name, subject, local string) *jwt.Import {
		return &jwt.Import{
			Name: name, Type: jwt.Service, Account: core,
			Subject: jwt.Subject(subject), LocalSubject: jwt.RenamingSubject(local),
		}
	}
	own, chunks := a.Stream+"."+string(a.Key), a.chunks()+"."+string(a.Key)
	claims.Imports.Add(
		service("ingress", ingressPrefix+"."+string(a.Key)+".>", submitPrefix+".>"),
		service("next", apiNext+"."+own, aliasNext),
		service("info", apiInfo+"."+own, aliasInfo),
		service("ack", apiAck+"."+own+".>", apiAck+"."+own+".>"),
		service("chunks", chunksIngress+"."+string(a.Key)+".>", chunkPrefix+".>"),
		service("chunks-next", apiNext+"."+chunks, aliasChunksNext),
		service("chunks-info", apiInfo+"."+chunks, aliasChunksInfo),
		service("chunks-ack", apiAck+"."+chunks+".>", apiAck+"."+chunks+".>"),
	)
	return claims
}

// agentClaims is the user of one connection: what the account's imports offer, and an own prefix for replies.
func agentClaims(a *account, user string, expires time.Time) *jwt.UserClaims {
	claims := jwt.NewUserClaims(user)
	claims.Name = string(a.Authority)
	claims.Expires = expires.Unix()
	claims.AllowedConnectionTypes.Add(jwt.ConnectionTypeStandard)
	claims.Pub.Allow.Add(submitPrefix+".*.*.*", aliasNext, aliasInfo, apiAck+"."+a.Stream+"."+string(a.Key)+".>")
	claims.Pub.Allow.Add(chunkPrefix+".*.*.*", aliasChunksNext, aliasChunksInfo, apiAck+"."+a.chunks()+"."+string(a.Key)+".>")
	claims.Sub.Allow.Add(replyPrefix + ".>")
	return claims
}

// sentinelClaims is what a connection that shows no JWT is taken for, so that an agent needs only its certificate.
// It may do nothing; the callout replaces it or refuses.
func sentinelClaims() (*jwt.UserClaims, error) {
	user, err := nkeys.CreateUser()
	if err != nil {
		return nil, fmt.Errorf("creating the sentinel's key: %w", err)
	}
	key, err := publicKey(user)
	if err != nil {
		return nil, err
	}
	claims := jwt.NewUserClaims(key)
	claims.Name = "sentinel"
	claims.BearerToken = true
	claims.Pub.Deny.Add(">")
	claims.Sub.Deny.Add(">")
	return claims, nil
}
