package scrapetest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"comity/agent"
	"comity/broker"
	"comity/cmd/comity/sandbox"
	"comity/schemas"
)

const (
	deploy     = "../../../deploy"
	rulesFile  = deploy + "/prometheus/rules/comity.yml"
	alertTests = deploy + "/prometheus/comity_test.yml"
)

// tool is a program that a test needs.
func tool(t *testing.T, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("COMITY_REQUIRE") != "" {
		t.Fatalf("%s is not installed, and COMITY_REQUIRE asks for it: apt-get install prometheus prometheus-alertmanager", names[0])
	}
	t.Skipf("%s is not installed (Debian: prometheus, prometheus-alertmanager)", names[0])
	return ""
}

// newSandbox has metrics, and nothing of it runs.
func newSandbox(t *testing.T) *sandbox.Sandbox {
	t.Helper()
	dir, err := os.MkdirTemp("", "c-") // short: the path of a socket is
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s, err := sandbox.Init(sandbox.Plan{
		Dir: filepath.Join(dir, "s"), States: []schemas.StateCode{"QM", "QN"}, Routine: 20 * time.Millisecond, Urgent: 20 * time.Millisecond,
		Metrics: true, Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// registered is every metric of an agent and of a broker, as their registries describe them.
func registered(t *testing.T) map[string]metric {
	t.Helper()
	s := newSandbox(t)
	ofAgent, ofBroker := prometheus.NewRegistry(), prometheus.NewRegistry()
	agentConfig, err := agent.LoadConfig(s.AgentConfig("QM/justice"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := agent.New(t.Context(), agentConfig, agent.Options{Registry: ofAgent})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	brokerConfig, err := broker.LoadConfig(s.BrokerConfig())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := broker.New(brokerConfig, broker.Options{Registry: ofBroker}); err != nil {
		t.Fatal(err)
	}
	known := map[string]metric{"up": {}}
	for _, registry := range []*prometheus.Registry{ofAgent, ofBroker} {
		described := make(chan *prometheus.Desc, 1000)
		registry.Describe(described)
		close(described)
		for d := range described {
			name, m := parse(t, d.String())
			known[name] = m
		}
	}
	return known
}

// described is how a Desc writes itself: it has no other way to be asked.
var described = regexp.MustCompile(`fqName: "([^"]+)".*variableLabels: \{([^}]*)\}`)

func parse(t *testing.T, desc string) (string, metric) {
	t.Helper()
	found := described.FindStringSubmatch(desc)
	if found == nil {
		t.Fatalf("a metric describes itself as %s", desc)
	}
	m := metric{histogram: strings.HasSuffix(found[1], "_seconds") && (strings.Contains(found[1], "_time_to_") || strings.Contains(found[1], "_latency_"))}
	if found[2] != "" {
		m.labels = strings.Split(found[2], ",")
	}
	return found[1], m
}

// expressions are all that deploy/ asks Prometheus, each with the place where it stands.
func expressions(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, name := range []string{"liaison.json", "operator.json"} {
		content := read(t, filepath.Join(deploy, "grafana", name))
		var dashboard struct {
			Templating struct {
				List []struct{ Name, Definition string }
			}
			Panels []struct {
				Title   string
				Targets []struct{ Expr string }
			}
		}
		if err := json.Unmarshal([]byte(content), &dashboard); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, v := range dashboard.Templating.List {
			if inside, ok := strings.CutPrefix(v.Definition, "label_values("); ok {
				metric, label, _ := strings.Cut(strings.TrimSuffix(inside, ")"), ", ")
				all[name+", variable "+v.Name] = "sum by (" + label + ") (" + metric + ")"
			}
		}
		for _, p := range dashboard.Panels {
			for i, target := range p.Targets {
				all[name+", "+p.Title+", "+string(rune('A'+i))] = target.Expr
			}
		}
	}
	for name, expression := range alerts(t) {
		all["alert "+name] = expression
	}
	return all
}

// rule is an alert in the file: its expression on one line, or folded over several.
var rule = regexp.MustCompile(`(?m)^      - alert: (\w+)\n        expr: (?:>-\n((?:          .*\n)+)|(.*)\n)`)

func alerts(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, r := range rule.FindAllStringSubmatch(read(t, rulesFile), -1) {
		found[r[1]] = strings.Join(strings.Fields(r[2]+r[3]), " ")
	}
	if n := strings.Count(read(t, rulesFile), "- alert:"); len(found) != n || n == 0 {
		t.Fatalf("read %d alerts of %d", len(found), n)
	}
	return found
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestEveryMetricThatIsAskedForExists(t *testing.T) {
	known, asked := registered(t), expressions(t)
	if len(asked) < 70 {
		t.Fatalf("only %d expressions were found", len(asked))
	}
	used := map[string]bool{}
	for place, expression := range asked {
		for _, problem := range problems(expression, known) {
			t.Errorf("%s: %s\n%s", place, problem, expression)
		}
		for name, m := range known {
			for _, series := range []string{name, name + "_bucket", name + "_sum", name + "_count"} {
				if (series == name || m.histogram) && regexp.MustCompile(`\b`+series+`\b`).MatchString(expression) {
					used[name] = true
				}
			}
		}
	}
	for name := range known { // what nobody looks at need not be there
		if strings.HasPrefix(name, "comity_") && !used[name] {
			t.Errorf("no dashboard and no alert asks for %s", name)
		}
	}
	t.Logf("%d expressions, %d metrics", len(asked), len(known))
}

// Every alert has a test in which it fires and one in which it does not.
func TestEveryAlertIsTested(t *testing.T) {
	tests := read(t, alertTests)
	for name := range alerts(t) {
		fires := regexp.MustCompile(`alertname: ` + name + `\n        exp_alerts:\n`).MatchString(tests)
		rests := strings.Contains(tests, "alertname: "+name+"\n        exp_alerts: []\n")
		if !fires || !rests {
			t.Errorf("%s: fires in a test %v, rests in a test %v", name, fires, rests)
		}
	}
}

// Prometheus' own tools take every file, and the tests of the alerts pass. An alert that is changed so that it never fires
// fails them.
func TestPrometheusTakesTheFiles(t *testing.T) {
	promtool := tool(t, "promtool")
	for _, command := range [][]string{
		{"check", "rules", "rules/comity.yml"}, {"check", "config", "prometheus.yml"}, {"test", "rules", "comity_test.yml"},
	} {
		run(t, deploy+"/prometheus", promtool, command...)
	}
	spoilt := t.TempDir()
	content := strings.Replace(read(t, rulesFile), "comity_link_up == 0", "comity_link_up == 2", 1)
	copyFile(t, alertTests, filepath.Join(spoilt, "comity_test.yml"))
	write(t, filepath.Join(spoilt, "rules", "comity.yml"), content)
	command := exec.CommandContext(t.Context(), promtool, "test", "rules", "comity_test.yml")
	command.Dir = spoilt
	if out, err := command.CombinedOutput(); err == nil || !strings.Contains(string(out), "ComityLinkDown") {
		t.Errorf("an alert that cannot fire passes its test: %v\n%s", err, out)
	}
}

// What the dashboards ask is PromQL: each as a rule of its own.
func TestDashboardsArePromQL(t *testing.T) {
	promtool := tool(t, "promtool")
	var text strings.Builder
	text.WriteString("groups:\n  - name: dashboards\n    rules:\n")
	for _, expression := range sorted(expressions(t)) {
		expression = strings.NewReplacer(`"$authority"`, `".*"`, `"$channel"`, `".*"`, `"$peer"`, `".*"`).Replace(expression)
		quoted, err := json.Marshal(expression)
		if err != nil {
			t.Fatal(err)
		}
		text.WriteString("      - record: comity:dashboard\n        expr: " + string(quoted) + "\n")
	}
	path := filepath.Join(t.TempDir(), "dashboards.yml")
	write(t, path, text.String())
	run(t, ".", promtool, "check", "rules", "--lint=none", path)
}

func TestAlertsFindTheirReceiver(t *testing.T) {
	amtool := tool(t, "amtool")
	config := deploy + "/alertmanager/alertmanager.yml"
	run(t, ".", amtool, "check-config", config)
	for labels, want := range map[string]string{
		"severity=page team=liaison": "duty-desk", "severity=page team=operator": "operator-now", "severity=page team=key-officer": "key-officer",
		"severity=ticket team=liaison": "liaison", "severity=ticket team=operator": "operator", "severity=ticket team=key-officer": "key-officer",
	} {
		out := run(t, ".", amtool, append([]string{"config", "routes", "test", "--config.file", config}, strings.Fields(labels)...)...)
		if got := strings.Fields(out)[0]; got != want {
			t.Errorf("%s goes to %s, want %s", labels, got, want)
		}
	}
	// No mail says what the alert is: no template, no label.
	if text := read(t, config); strings.Contains(text, "{{") || strings.Count(text, `html: ""`) != strings.Count(text, "email_configs") {
		t.Error("a mail could hold labels of an alert")
	}
}

func run(t *testing.T, dir, program string, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), program, args...)
	command.Dir = dir
	var errs strings.Builder
	command.Stderr = &errs
	out, err := command.Output()
	if err != nil {
		t.Errorf("%s %s: %v\n%s%s", filepath.Base(program), strings.Join(args, " "), err, out, errs.String())
	}
	return string(out)
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	write(t, to, read(t, from))
}

func sorted(m map[string]string) (values []string) {
	for _, v := range m {
		values = append(values, v)
	}
	slices.Sort(values)
	return values
}
