package webtest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"comity/agent/console/consoletest"
	"comity/schemas"
)

// chromium is one browser for the whole package; everybody has a profile of their own in it.
var chromium struct {
	once   sync.Once
	ctx    context.Context
	reason string // why there is none
	stop   func()
}

// needsChromium skips where there is no Chromium, unless COMITY_REQUIRE asks for it.
func needsChromium(t *testing.T) context.Context {
	t.Helper()
	chromium.once.Do(func() {
		path, err := exec.LookPath("chromium")
		if err != nil {
			chromium.reason = "chromium is not installed: apt-get install chromium"
			return
		}
		options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.IgnoreCertErrors,
			chromedp.Flag("lang", "en"), chromedp.Flag("disable-background-networking", true), chromedp.Flag("autoplay-policy", "no-user-gesture-required"))
		allocator, stopAllocator := chromedp.NewExecAllocator(context.Background(), options...)
		ctx, stopBrowser := chromedp.NewContext(allocator)
		if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
			chromium.reason = "chromium does not start: " + err.Error()
		}
		chromium.ctx, chromium.stop = ctx, func() { stopBrowser(); stopAllocator() }
	})
	switch {
	case chromium.reason == "":
		return chromium.ctx
	case os.Getenv("COMITY_REQUIRE") != "":
		t.Fatal(chromium.reason)
	default:
		t.Skip(chromium.reason)
	}
	return nil
}

// scripted is a profile of a real browser. It notes every address that any page asks for.
type scripted struct {
	ctx  context.Context
	base string

	mu    sync.Mutex
	asked []string
}

// inBrowser is the entrance of a real browser.
func inBrowser(t *testing.T, id schemas.AuthorityID) means {
	t.Helper()
	root := needsChromium(t)
	ctx, stop := chromedp.NewContext(root, chromedp.WithNewBrowserContext())
	t.Cleanup(stop)
	b := &scripted{ctx: ctx, base: start(t).ConsoleURL(id)}
	if err := chromedp.Listen(ctx, b.note); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1280, 900)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if len(b.asked) == 0 {
			t.Error("the browser's requests were not noted")
		}
		for _, address := range b.asked {
			if !strings.HasPrefix(address, b.base+"/") && address != "about:blank" && !strings.HasPrefix(address, "data:") { // data: is the browser drawing its own controls
				t.Errorf("a page asked another host: %s", address)
			}
		}
	})
	return b
}

func (b *scripted) note(event any) {
	if request, ok := event.(*network.EventRequestWillBeSent); ok {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.asked = append(b.asked, request.Request.URL)
	}
}

func (b *scripted) open(_ context.Context, path string) (*consoletest.Page, error) {
	if err := b.do(chromedp.Navigate(b.base + path)); err != nil {
		return nil, err
	}
	return b.page()
}

// do does one thing, for no longer than anybody would wait.
func (b *scripted) do(steps ...chromedp.Action[chromedp.Void]) error {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	return chromedp.Do(ctx, steps...)
}

func ask[T any](b *scripted, script string) (T, error) {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](script))
}

// page reads what the browser shows. The values of controls stand there as the page brought them.
func (b *scripted) page() (*consoletest.Page, error) {
	shown, err := ask[struct {
		URL    string `json:"url"`
		Status int    `json:"status"`
		HTML   string `json:"html"`
	}](b, `({url: location.href, status: performance.getEntriesByType("navigation")[0].responseStatus, html: document.documentElement.outerHTML})`)
	if err != nil {
		return nil, err
	}
	at, err := url.Parse(shown.URL)
	if err != nil {
		return nil, err
	}
	return consoletest.Read(at, shown.Status, shown.HTML)
}

// fillIn sets controls as a person does, and marks the button that is to be pressed. It answers what it did not find.
const fillIn = `((action, button, value, controls) => {
	const form = [...document.forms].find((f) => f.getAttribute("action") === action);
	if (!form) return "form " + action;
	for (const [name, text] of controls) {
		const found = [...form.elements].filter((e) => e.name === name);
		if (!found.length) return "control " + name;
		for (const e of found) {
			if (e.type === "checkbox") e.checked = e.value === text; else e.value = text;
			e.dispatchEvent(new Event("input", {bubbles: true}));
		}
	}
	const buttons = [...form.querySelectorAll("button")].filter((b) => !b.classList.contains("hidden"));
	const pressed = buttons.find((b) => button === "" ? true : b.name === button && b.value === value);
	if (!pressed) return "button " + button + " " + value;
	window.pageBefore = true;
	pressed.click();
	return "";
})`

func (b *scripted) press(_ context.Context, _ *consoletest.Page, action, button, value string, controls []string) (*consoletest.Page, error) {
	pairs := [][2]string{}
	for i := 0; i+1 < len(controls); i += 2 {
		pairs = append(pairs, [2]string{controls[i], controls[i+1]})
	}
	arguments, err := json.Marshal([]any{action, button, value, pairs})
	if err != nil {
		return nil, err
	}
	missing, err := ask[string](b, fillIn+"(..."+string(arguments)+")")
	if err != nil {
		return nil, err
	}
	if missing != "" {
		return nil, fmt.Errorf("the page has no %s", missing)
	}
	return b.next()
}

// next waits for the page that follows.
func (b *scripted) next() (*consoletest.Page, error) {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		there, err := ask[bool](b, `window.pageBefore === undefined && document.readyState === "complete"`)
		if err == nil && there { // an error is a page that is just going
			return b.page()
		}
	}
	return nil, fmt.Errorf("no page follows")
}

func (b *scripted) attach(ctx context.Context, page *consoletest.Page, action string, content []byte) (*consoletest.Page, error) {
	dir, err := os.MkdirTemp("", "attach-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "TESTPERSON ALPHA-01.txt")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		return nil, err
	}
	if err := b.do(chromedp.SetUploadFiles("#file", []string{file}, chromedp.NodeReady)); err != nil {
		return nil, err
	}
	return b.press(ctx, page, action, "act", "attach", nil)
}

// The same case in a real browser: what a script adds must not be in the way.
func TestACaseFromComposeToClosedInABrowser(t *testing.T) {
	needsChromium(t)
	playCase(t, inBrowser)
}
