package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"comity/agent/account"
	"comity/agent/api"
	"comity/agent/envelope"
	"comity/agent/evidence"
	"comity/agent/link"
	"comity/agent/notify"
	"comity/agent/people"
	"comity/agent/policy"
	"comity/agent/scan"
	"comity/agent/store"
	"comity/exposition"
	"comity/pki"
	"comity/pki/jose"
	"comity/powercut"
	"comity/schemas"
)

// Options are what a program hands in beside the configuration. The zero value works.
type Options struct {
	Log *slog.Logger     // default: discard
	Now func() time.Time // default: time.Now
	// Registry takes the agent's metrics. Default: one of its own.
	Registry *prometheus.Registry
	// Extractor is the command line of the child process that reads attachments. Without one only plain text is read, and
	// every other attachment is held.
	Extractor []string
}

// Agent is a running desk. Its methods are safe for concurrent use once New has returned.
type Agent struct {
	config   Config
	me       schemas.AuthorityID
	identity *Identity
	log      *slog.Logger
	now      func() time.Time

	store    *store.Store
	trust    *pki.Keeper
	policy   *rulebook
	register *guardedRegister
	scanner  *scan.Scanner
	gate     *people.Gate
	accounts *account.Book
	link     *link.Link
	registry *prometheus.Registry
	metrics  *metrics
	notifier *notify.Notifier
	bulk     *link.Link // of chunks alone: no message stands behind one
	spool    *evidence.Spool
	opens    *evidence.Reader

	lookUps    sync.Map // of each officer: name to *rate.Limiter
	recalledBy sync.Map // peers: authority to *rate.Limiter
	keptTrust  sync.Map // first byte of each published document that is in the store

	// trustGood: nothing was refused when the published folder was last looked at, and no alarm says otherwise. Whoever
	// looks owns it: New, then watchTrust.
	trustGood bool

	// How messages leave at one tick: in this order, and so many of them sealed at the same time. Only a test that compares
	// two worlds has them leave in any order but a random one.
	order    func([]*store.Message)
	parallel int

	// How far the broker's clock was ahead of ours at its last acceptance, and whether there was one. An officer is told;
	// nothing is decided by it.
	brokerAhead atomic.Int64 // time.Duration
	compared    atomic.Bool

	reckoning  atomic.Bool  // indicators are being computed
	copying    atomic.Bool  // a backup is being made
	statistics statistics   // of the console's overview
	consoleURL atomic.Value // string: where browsers find the console, once it listens
	ends       ends
	recalling  atomic.Bool // something is compared with a peer, or was and is not all here
	changes    *changes
	hooks      *hookRunner
	notices    *notices
	released   bells // an approved message may leave
	submitted  bells // the outbox has something new
	failures   failures
	announced  announced
	uploads    chan struct{} // files that arrive from browsers
	jobs       *jobs
	fetches    *fetches
	finishing  chan struct{} // so many files are opened at the same time
	talking    talks
	chores     signal // a hole or an expiry may be nearer
	arrived    signal // nobody has looked at a message yet
	erased     signal // something that was erased is still on the disk
	looked     signal // the register does not hold yet whom a message protects
	ready      chan struct{}
	readyOnce  sync.Once
}

// signal wakes a loop; several before it looks are one.
type signal chan struct{}

func newSignal() signal { return make(signal, 1) }

func (s signal) give() {
	select {
	case s <- struct{}{}:
	default:
	}
}

// bells wake the loops of both lanes.
type bells map[store.Lane]signal

func newBells() bells { return bells{store.Express: newSignal(), store.Ordinary: newSignal()} }

func (b bells) give() {
	for _, s := range b {
		s.give()
	}
}

// approved wakes the loops that may let a message go: the one of the ordinary lane lets all of them go.
func (b bells) approved(m *store.Message) {
	b[store.Ordinary].give()
	if isExpress(m) {
		b[store.Express].give()
	}
}

// decidePatience is how long register and scanner may take for one message: reading attachments anew takes its time.
const decidePatience = 10 * time.Second

// New opens the agent's keys, trust documents and database. It connects to nobody: Run does. Close must be called.
func New(ctx context.Context, c Config, o Options) (*Agent, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Registry == nil {
		o.Registry = prometheus.NewRegistry()
	}
	a := &Agent{
		config: c, me: c.Authority, registry: o.Registry, log: o.Log.With(slog.String("authority", string(c.Authority))), now: o.Now,
		order: shuffled, parallel: releaseParallel,
		changes: newChanges(), hooks: newHookRunner(), notices: newNotices(), released: newBells(), submitted: newBells(), chores: newSignal(), arrived: newSignal(), looked: newSignal(), erased: newSignal(),
		ready: make(chan struct{}), uploads: make(chan struct{}, uploadsAtOnce), jobs: newJobs(), fetches: newFetches(), finishing: make(chan struct{}, finishesAtOnce),
	}
	a.notifier = notify.New(c.Mail, a.log)
	if err := a.open(ctx, o); err != nil {
		a.Close()
		return nil, fmt.Errorf("agent %s: %w", c.Authority, err)
	}
	return a, nil
}

func (a *Agent) open(ctx context.Context, o Options) error {
	if err := os.MkdirAll(a.config.Data, 0o700); err != nil {
		return err
	}
	var err error
	if a.identity, err = ReadIdentity(a.config.Keys); err != nil {
		return err
	}
	if a.gate, err = people.NewGate(a.me, a.config.Staff, a.now); err != nil {
		return err
	}
	a.register = &guardedRegister{config: RegisterConfig(a.config, a.now)}
	if a.scanner, err = scan.New(scan.Config{Extractor: o.Extractor}); err != nil {
		return err
	}
	if a.policy, err = openRulebook(a.config.Rules, policy.Config{Register: a.register, Scanner: a.scanner, Patience: decidePatience}); err != nil {
		return err
	}
	if a.trust, err = pki.OpenKeeper(filepath.Join(a.config.Data, "trust"), a.config.Pin, a.now); err != nil {
		return err
	}
	columns, err := store.ReadColumns(a.config.Keys.Store)
	if err != nil {
		return err
	}
	if a.store, err = store.Open(ctx, filepath.Join(a.config.Data, "agent.db"), columns); err != nil {
		return err
	}
	spool := a.config.Evidence
	spool.Dir = filepath.Join(a.config.Data, "evidence")
	if a.spool, err = evidence.Open(spool); err != nil {
		return err
	}
	a.opens = a.spool.With(evidence.OfKey(a.identity.Encryption))
	a.accounts = account.Open(account.Config{
		Acting:    a.acting,
		Authority: a.me, Store: a.store, Staff: a.config.Staff, Record: a.recordAccount, Now: a.now,
		Key: a.identity.Signing, Thumbprint: jose.Thumbprint(a.identity.SigningCertificate),
		Idle: a.config.Console.Idle, Absolute: a.config.Console.Absolute, Cost: a.config.Console.Cost,
	})
	a.gate.Acting(a.acting)
	if err := clearBackups(a.config.Data); err != nil { // now that no other agent can be making one
		return err
	}
	if a.metrics, err = newMetrics(o.Registry, a); err != nil {
		return err
	}
	if err := a.refreshTrust(ctx); err != nil {
		return err
	}
	return a.noticeRestore(ctx)
}

// Close gives up the database. The agent must not be running.
func (a *Agent) Close() error {
	var errs []error
	if a.register != nil {
		errs = append(errs, a.register.close())
	}
	if a.store != nil {
		errs = append(errs, a.store.Close())
	}
	return errors.Join(errs...)
}

// Handler answers what the socket answers, for commands that work while no agent runs.
func (a *Agent) Handler() http.Handler { return api.NewServer(a, a.gate, a.log).Handler() }

// Ready is closed when the agent serves its socket and has been connected to the broker once.
func (a *Agent) Ready() <-chan struct{} { return a.ready }

// Run serves until ctx ends, and then returns nil once everything it started has ended.
func (a *Agent) Run(ctx context.Context) error {
	listener, err := api.Listen(a.config.Socket)
	if err != nil {
		return fmt.Errorf("agent %s: %w", a.me, err)
	}
	scraped, err := exposition.Listen(a.config.Metrics, a.registry, a.log)
	if err != nil {
		listener.Close()
		return fmt.Errorf("agent %s: %w", a.me, err)
	}
	dial := link.Config{
		URL: a.config.BrokerURL, TLS: a.identity.TLS, Roots: a.trust.View().BrokerRoots(), Parallel: receiveParallel, Now: a.now, Log: a.log,
	}
	a.link, err = link.Dial(ctx, dial)
	if err == nil {
		dial.Parallel = chunksParallel
		a.bulk, err = link.Dial(ctx, dial)
	}
	if err != nil {
		listener.Close()
		scraped.Close()
		return fmt.Errorf("agent %s: %w", a.me, err)
	}

	web, err := a.openConsole()
	if err != nil {
		listener.Close()
		scraped.Close()
		return fmt.Errorf("agent %s: %w", a.me, err)
	}

	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return api.NewServer(a, a.gate, a.log).Serve(ctx, listener) })
	group.Go(func() error { return web.serve(ctx) })
	group.Go(func() error { return scraped.Serve(ctx) })
	group.Go(func() error { return a.notifier.Run(ctx) })
	group.Go(func() error { return a.watchTrust(ctx) })
	group.Go(func() error { return a.watchRules(ctx) })
	group.Go(func() error { return a.watchRegister(ctx) })
	group.Go(func() error { return a.watchLink(ctx) })
	group.Go(func() error { return a.releaseAtOnce(ctx) })
	group.Go(func() error { return a.releaseAtTicks(ctx) })
	group.Go(func() error { return a.emptyOutbox(ctx, store.Express) })
	group.Go(func() error { return a.emptyOutbox(ctx, store.Ordinary) })
	group.Go(func() error { return a.receiveAll(ctx) })
	group.Go(func() error { return a.receiveChunks(ctx) })
	group.Go(func() error { return a.fetchAll(ctx) })
	group.Go(func() error { return a.serveAll(ctx) })
	group.Go(func() error { return a.screenAll(ctx) })
	group.Go(func() error { return a.labelAll(ctx) })
	group.Go(func() error { return a.doChores(ctx) })
	group.Go(func() error { return a.watchDisk(ctx) })
	group.Go(func() error { return a.retain(ctx) })
	group.Go(func() error { return a.searchAll(ctx) })
	group.Go(func() error { return a.tellHooks(ctx) })
	err = group.Wait()
	if err != nil && ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// watchDisk ends the agent when its disk has not confirmed a write. Started again, it goes on from what the disk has.
func (a *Agent) watchDisk(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-a.store.Broken():
		return fmt.Errorf("agent %s: %w", a.me, store.ErrSync)
	}
}

// watchTrust looks at the published folder until ctx ends. A document that is refused leaves the last good one in place.
func (a *Agent) watchTrust(ctx context.Context) error {
	ticker := time.NewTicker(a.config.Refresh)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			if err := a.refreshTrust(ctx); err != nil {
				return err
			}
		}
	}
}

// refreshTrust fails on the agent's own storage only; what is wrong with a document is an alarm.
func (a *Agent) refreshTrust(ctx context.Context) error {
	powercut.Before(powercut.TrustRenewed)
	changed, refused := a.trust.Refresh(a.config.Published)
	if changed {
		powercut.After(powercut.TrustRenewed)
	}
	if err := a.keepTrust(ctx, a.trust.View(), ""); err != nil {
		return err
	}
	if refused == nil && !changed && a.trustGood {
		return nil
	}
	err := a.store.Update(ctx, func(tx *store.Tx) error {
		if refused == nil {
			return tx.ClearAlarmsOf(string(AlarmTrust), a.now())
		}
		subject := string(pki.ReasonOf(refused))
		if subject == "" {
			subject = "unreadable"
			if errors.Is(refused, fs.ErrNotExist) {
				subject = "missing"
			}
		}
		return a.raise(tx, AlarmTrust, "", subject)
	})
	a.trustGood = err == nil && refused == nil
	return err
}

// watchLink wakes what waits for the broker whenever the connection comes back, and tells an officer when it is away for long.
func (a *Agent) watchLink(ctx context.Context) error {
	const stands = time.Duration(1<<63 - 1)
	for {
		changed := a.link.Changes()
		patience := a.config.Timing.LinkAlarm
		if a.link.Up() {
			a.readyOnce.Do(func() { close(a.ready) })
			a.released.give()
			a.submitted.give()
			a.unreachable(ctx, false)
			patience = stands
		}
		timer := time.NewTimer(patience)
		select {
		case <-timer.C:
			a.unreachable(ctx, true)
			select {
			case <-ctx.Done():
			case <-changed:
			}
		case <-ctx.Done():
		case <-changed:
		}
		timer.Stop()
		if ctx.Err() != nil {
			return nil
		}
	}
}

// unreachable raises or ends the alarm about the broker.
func (a *Agent) unreachable(ctx context.Context, yes bool) {
	err := a.store.Update(ctx, func(tx *store.Tx) error {
		if yes {
			return a.raise(tx, AlarmUnreachable, "", "")
		}
		return a.clear(tx, AlarmUnreachable, "", "")
	})
	if err != nil && ctx.Err() == nil {
		a.log.Error("writing to the store", slog.Any("error", err))
	}
}

func (a *Agent) desk() envelope.Desk {
	return envelope.Desk{Authority: a.me, Keys: []envelope.DecryptionKey{
		{Key: a.identity.Encryption, Certificate: a.identity.EncryptionCertificate},
	}}
}

func (a *Agent) signer() envelope.Signer {
	return envelope.Signer{Key: a.identity.Signing, Certificate: a.identity.SigningCertificate}
}
