package api

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"comity/agent/people"
	"comity/schemas"
)

// maxAnswer bounds what a client reads: a full list of messages.
const maxAnswer = 16 << 20

// ErrNoAgent says that nothing answers on the socket.
var ErrNoAgent = errors.New("no agent answers")

// Client speaks to an agent on its socket, as one person.
type Client struct {
	authority  schemas.AuthorityID
	credential *people.Credential
	socket     string
	http       *http.Client
}

// Dial makes a client. It connects at the first request. credential may be nil for Health.
func Dial(socket string, authority schemas.AuthorityID, credential *people.Credential) *Client {
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "unix", socket)
		if err != nil {
			return nil, fmt.Errorf("%w on %s: %w", ErrNoAgent, socket, err)
		}
		return conn, nil
	}}
	return &Client{authority: authority, credential: credential, socket: socket, http: &http.Client{Transport: transport}}
}

// Close ends idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Draft hands in a draft; each recipient makes one message.
func (c *Client) Draft(ctx context.Context, draft []byte) ([]Message, error) {
	var answer Messages
	err := c.do(ctx, http.MethodPost, "/v1/drafts", draft, &answer)
	return answer.Messages, err
}

// Edit replaces the content of a message that has not left, and undoes its approval.
func (c *Client) Edit(ctx context.Context, id schemas.MessageID, draft []byte) (m Message, err error) {
	return m, c.do(ctx, http.MethodPut, "/v1/messages/"+string(id)+"/draft", draft, &m)
}

// Search finds exchanged messages by words of their content.
func (c *Client) Search(ctx context.Context, words string) ([]Message, error) {
	var answer Messages
	err := c.do(ctx, http.MethodGet, "/v1/search?"+url.Values{"words": {words}}.Encode(), nil, &answer)
	return answer.Messages, err
}

// Approve approves exactly the bytes with this SHA-256 (hexadecimal).
func (c *Client) Approve(ctx context.Context, id schemas.MessageID, sha256 string) (Message, error) {
	return c.sign(ctx, id, "approval", sha256)
}

// SignAlone lets a message of the caller's own go with one signature, where its type allows that.
func (c *Client) SignAlone(ctx context.Context, id schemas.MessageID, sha256 string) (Message, error) {
	return c.sign(ctx, id, "signature", sha256)
}

// LookAgain is the second pair of eyes on a message that left with one signature.
func (c *Client) LookAgain(ctx context.Context, id schemas.MessageID, sha256 string) (Message, error) {
	return c.sign(ctx, id, "second-look", sha256)
}

func (c *Client) sign(ctx context.Context, id schemas.MessageID, act, sha256 string) (m Message, err error) {
	body, err := schemas.Canonical(Approval{SHA256: sha256})
	if err != nil {
		return m, err
	}
	return m, c.do(ctx, http.MethodPost, "/v1/messages/"+string(id)+"/"+act, body, &m)
}

// Discard gives up a message that has not left.
func (c *Client) Discard(ctx context.Context, id schemas.MessageID) (m Message, err error) {
	return m, c.do(ctx, http.MethodDelete, "/v1/messages/"+string(id), nil, &m)
}

// Messages lists messages, newest first.
func (c *Client) Messages(ctx context.Context, q Query) ([]Message, error) {
	values := url.Values{}
	for name, value := range map[string]string{"state": q.State, "case": string(q.Case), "peer": string(q.Peer)} {
		if value != "" {
			values.Set(name, value)
		}
	}
	if q.Limit > 0 {
		values.Set("limit", strconv.Itoa(q.Limit))
	}
	target := "/v1/messages"
	if len(values) > 0 {
		target += "?" + values.Encode()
	}
	var answer Messages
	err := c.do(ctx, http.MethodGet, target, nil, &answer)
	return answer.Messages, err
}

// Message shows one message by its id or the beginning of it.
func (c *Client) Message(ctx context.Context, prefix string) (m Message, err error) {
	return m, c.do(ctx, http.MethodGet, "/v1/messages/"+url.PathEscape(prefix), nil, &m)
}

// Cases lists at most limit cases; 0 is as many as the agent gives.
func (c *Client) Cases(ctx context.Context, limit int) ([]Case, error) {
	target := "/v1/cases"
	if limit > 0 {
		target += "?limit=" + strconv.Itoa(limit)
	}
	var answer Cases
	err := c.do(ctx, http.MethodGet, target, nil, &answer)
	return answer.Cases, err
}

// Case shows one case by its id or the beginning of it.
func (c *Client) Case(ctx context.Context, prefix string) (file Case, err error) {
	return file, c.do(ctx, http.MethodGet, "/v1/cases/"+url.PathEscape(prefix), nil, &file)
}

// Tasks lists what is due, the next one first: this authority's own, or with everybody what it waits for too.
func (c *Client) Tasks(ctx context.Context, everybody bool) ([]Task, error) {
	target := "/v1/tasks"
	if everybody {
		target += "?all=true"
	}
	var answer Tasks
	err := c.do(ctx, http.MethodGet, target, nil, &answer)
	return answer.Tasks, err
}

// Health asks the agent how it is. It needs no credential.
func (c *Client) Health(ctx context.Context) (h Health, err error) {
	return h, c.do(ctx, http.MethodGet, "/v1/health", nil, &h)
}

// Events calls handle for what changes from now on, until ctx ends, handle fails, or the agent stops. ready, if not nil,
// is called once the agent listens: whatever changes after that reaches handle.
func (c *Client) Events(ctx context.Context, ready func(), handle func(Event) error) error {
	response, err := c.send(ctx, http.MethodGet, "/v1/events", nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return readProblem(response)
	}
	if ready != nil {
		ready()
	}
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var e Event
		if err := schemas.Decode([]byte(data), &e, schemas.DefaultLimits); err != nil {
			return fmt.Errorf("reading an event: %w", err)
		}
		if err := handle(e); err != nil {
			return err
		}
	}
	if err := errors.Join(ctx.Err(), lines.Err()); err != nil {
		return err
	}
	return io.ErrUnexpectedEOF
}

func (c *Client) do(ctx context.Context, method, target string, body []byte, answer any) error {
	response, err := c.send(ctx, method, target, body)
	if err != nil {
		return err
	}
	return readAnswer(response, answer)
}

func readAnswer(response *http.Response, answer any) error {
	defer response.Body.Close()
	if response.StatusCode >= 300 {
		return readProblem(response)
	}
	content, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("reading the agent's answer: %w", err)
	}
	if err := json.Unmarshal(content, answer); err != nil {
		return fmt.Errorf("reading the agent's answer: %w", err)
	}
	return nil
}

func (c *Client) send(ctx context.Context, method, target string, body []byte) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://agent"+target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if err := c.prove(request, target, body); err != nil {
		return nil, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	return response, nil
}

// prove puts the caller's name to a request.
func (c *Client) prove(request *http.Request, target string, body []byte) error {
	if c.credential == nil {
		return nil
	}
	proof, err := c.credential.Prove(c.authority, request.Method, target, body, time.Now())
	if err != nil {
		return fmt.Errorf("signing the command: %w", err)
	}
	request.Header.Set(ProofHeader, string(proof))
	return nil
}

func readProblem(response *http.Response) error {
	content, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	var p Problem
	if err != nil || json.Unmarshal(content, &p) != nil || p.Message == "" {
		return fmt.Errorf("the agent answered %s", response.Status)
	}
	return &p
}
