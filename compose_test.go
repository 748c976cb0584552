package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pb33f/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"usher/internal/config"
	"usher/internal/telemetry"
)

// kinds tells of each command how a deployment runs it. A command that is missing here is missing in deploy/compose.yaml, too: think of both.
var kinds = map[string]string{
	"gateway": "role", "worker": "role", "relay": "role", "indexer": "role",
	"migrate": "step", "topics": "step",
	"dev": "by hand", "import": "by hand", "generate": "by hand", "secrets": "by hand", "keys": "by hand", "audit": "by hand", "report": "by hand", "partitions": "by hand", "health": "by hand", "config": "by hand", "reindex": "by hand",
}

type object = map[string]any

func composeFile(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("deploy/compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// composeFaults are the ways in which a compose file is none, or one that must not be deployed.
func composeFaults(t *testing.T, text string) (faults []string) {
	t.Helper()
	var file object
	if err := yaml.Unmarshal([]byte(text), &file); err != nil {
		return []string{err.Error()}
	}
	if err := composeSchema(t).Validate(file); err != nil {
		return []string{err.Error()}
	}
	services, declared := file["services"].(object), file["secrets"].(object)
	runs := map[string]bool{}
	for name, s := range services {
		service := s.(object)
		say := func(wrong bool, format string, args ...any) {
			if wrong {
				faults = append(faults, name+": "+fmt.Sprintf(format, args...))
			}
		}
		say(!slices.Equal(list(service["cap_drop"]), []string{"ALL"}), "keeps capabilities")
		say(!slices.Contains(list(service["security_opt"]), "no-new-privileges:true"), "may gain privileges")
		say(service["privileged"] != nil || service["network_mode"] == "host", "is not contained")
		deploy, _ := service["deploy"].(object)
		resources, _ := deploy["resources"].(object)
		limits, _ := resources["limits"].(object)
		say(limits["memory"] == nil || limits["cpus"] == nil || limits["pids"] == nil, "has no limits")
		for _, secret := range list(service["secrets"]) {
			say(declared[secret] == nil, "secret %s is not declared", secret)
		}
		for _, p := range list(service["ports"]) {
			say(!strings.HasPrefix(p, "127.0.0.1:"), "port %s is open to the network", p)
		}
		environment, _ := service["environment"].(object)
		for variable, value := range environment {
			say(regexp.MustCompile(`://[^/]*:[^/]*@`).MatchString(fmt.Sprint(value)), "%s holds a password", variable)
			file, isFile := strings.CutPrefix(fmt.Sprint(value), "/run/secrets/")
			say(isFile && !slices.Contains(list(service["secrets"]), file), "%s names a secret that it is not given", variable)
		}
		if image, _ := service["image"].(string); !strings.HasPrefix(image, "usher:") {
			say(!regexp.MustCompile(`:\d+\.\d+`).MatchString(image), "image %s is not pinned to a version", image)
			continue
		}
		say(service["read_only"] != true, "can write to its root")
		command := list(service["command"])
		if len(command) == 0 || kinds[command[0]] == "" {
			say(true, "runs %q, which is no command", command)
			continue
		}
		runs[command[0]] = true
		check, _ := service["healthcheck"].(object)
		say((kinds[command[0]] == "role") == (check["disable"] == true), "roles are asked whether they live, and nobody else")
		for _, fault := range settingFaults(command[0], environment) {
			say(true, "%s", fault)
		}
	}
	for _, c := range commands() {
		kind, known := kinds[c.name]
		if !known {
			faults = append(faults, c.name+" is not among the kinds of commands")
		}
		if kind != "by hand" && !runs[c.name] {
			faults = append(faults, "nobody runs "+c.name)
		}
	}
	for secret, s := range declared {
		source, _ := s.(object)["file"].(string)
		if !strings.HasPrefix(source, "./secrets/") || !slices.Contains(secretNames(t), filepath.Base(source)) {
			faults = append(faults, secret+" is no file that `usher secrets` makes")
		}
	}
	return faults
}

// settingFaults are the variables of a service that its command does not read, and those that it needs and lacks.
func settingFaults(command string, environment object) (faults []string) {
	settings := map[string]config.Setting{}
	for _, s := range config.Settings() {
		settings[s.Env] = s
	}
	for variable := range environment {
		s, known := settings[variable]
		if strings.HasPrefix(variable, "USHER_") && (!known || s.Roles != "all" && !slices.Contains(strings.Fields(s.Roles), command)) {
			faults = append(faults, variable+" is no setting of usher "+command)
		}
	}
	needed := []string{"USHER_POSTGRES", "USHER_KAFKA"}
	switch command {
	case "gateway", "worker", "relay":
		needed = append(needed, "USHER_REDIS")
	case "indexer":
		needed = append(needed, "USHER_ELASTICSEARCH")
	}
	if command == "gateway" {
		needed = append(needed, "USHER_PUBLIC_URL", "USHER_ADMIN_TOKEN_FILE", "USHER_SECRET_FILE", "USHER_PASS_KEYS_FILE")
	} else {
		needed = append(needed, "USHER_METRICS_ADDR")
	}
	for _, variable := range needed {
		if kinds[command] == "role" && environment[variable] == nil {
			faults = append(faults, variable+" is needed")
		}
	}
	return faults
}

// list returns a list of texts; of a list of mappings their sources.
func list(v any) (out []string) {
	items, _ := v.([]any)
	for _, item := range items {
		out = append(out, fmt.Sprint(item))
	}
	return out
}

func composeSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	f, err := os.Open("deploy/testdata/compose-spec.json")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	document, err := jsonschema.UnmarshalJSON(f)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("compose-spec.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("compose-spec.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func secretNames(t *testing.T) []string {
	t.Helper()
	made, err := makeSecretFiles(filepath.Join(t.TempDir(), "secrets"))
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestTheComposeFileCanBeDeployed(t *testing.T) {
	t.Parallel()
	for _, fault := range composeFaults(t, composeFile(t)) {
		t.Error(fault)
	}
}

func TestControlWhatMustNotBeDeployedIsFound(t *testing.T) {
	t.Parallel()
	good := composeFile(t)
	f := func(old, new, want string) {
		t.Helper()
		bad := strings.Replace(good, old, new, 1)
		if faults := composeFaults(t, bad); bad == good || !slices.ContainsFunc(faults, func(f string) bool { return strings.Contains(f, want) }) {
			t.Errorf("%q for %q: %q, want …%s…", new, old, faults, want)
		}
	}
	f("services:\n", "servces:\n", "servces")
	f("restart: unless-stopped", "restart: [often]", "restart")
	f("cap_drop: [ALL]\n  security_opt: [\"no-new-privileges:true\"]\n  networks: [stores]\n  stop_grace_period", "networks: [stores]\n  stop_grace_period", "capabilities")
	f("\"no-new-privileges:true\"", "\"seccomp:unconfined\"", "privileges")
	f("read_only: true", "read_only: false", "can write")
	f("\"127.0.0.1:8081:8081\"", "\"8081:8081\"", "open to the network")
	f("command: [worker]", "command: [werker]", "no command")
	f("command: [relay]", "command: [worker]", "nobody runs relay")
	f("USHER_METRICS_ADDR: :8082", "USHER_METRIC_ADDR: :8082", "no setting of usher worker")
	f("USHER_ADMIN_TOKEN_FILE: /run/secrets/admin-token", "USHER_ADMIN_TOKEN_FILE: /run/secrets/token", "it is not given")
	f("postgres://usher@", "postgres://usher:pw@", "holds a password")
	f("image: redis:7.0.15-bookworm", "image: redis:latest", "pinned")
	f("./secrets/kafka-password", "./secrets/kafka", "no file that")
	f(", pids: 500", "", "limits")
}

// Where Docker's own client is, it reads the file, too.
func TestDockerReadsTheComposeFile(t *testing.T) {
	t.Parallel()
	if err := exec.CommandContext(t.Context(), "docker", "compose", "version").Run(); err != nil {
		t.Skip("it needs the client of Docker Compose; make test names it among what was not run")
	}
	cmd := exec.CommandContext(t.Context(), "docker", "compose", "-f", "deploy/compose.yaml", "config", "--quiet")
	cmd.Env = append(os.Environ(), "USHER_PUBLIC_URL=https://tickets.example.org")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestSecretsAreMadeOnce(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "secrets")
	var out strings.Builder
	none := func(string) string { return "" }
	if err := runSecrets(t.Context(), []string{dir}, none, &out); err != nil {
		t.Fatal(err)
	}
	before := contents(t, dir)
	if len(before) != 8 || strings.Contains(out.String(), before["admin-token"]) {
		t.Errorf("%d files; it says: %s", len(before), out.String())
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder: %v, %v", info.Mode(), err)
	}
	if err := runSecrets(t.Context(), []string{dir}, none, &out); err != nil {
		t.Fatal(err)
	}
	if after := contents(t, dir); !maps.Equal(before, after) {
		t.Error("the second time changed what was there")
	}
	if err := runSecrets(t.Context(), nil, none, &out); err == nil {
		t.Error("without a folder it made files somewhere")
	}
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[e.Name()] = strings.TrimSpace(string(b))
	}
	return out
}

// serveMetrics serves the figures of this process on a free port until ctx ends.
func serveMetrics(t *testing.T, ctx context.Context, ready error) (addr string, ended chan error) {
	t.Helper()
	for range 100 { // below the range that the kernel takes the ports of connections from: one of those may be somebody's again at once
		at, failed := fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(20_000)), make(chan error, 1)
		go func() {
			failed <- telemetry.Serve(ctx, at, func(context.Context) error { return errors.Join(ready) })
		}()
		for range 4000 {
			time.Sleep(5 * time.Millisecond)
			if len(failed) > 0 { // the port was somebody else's
				break
			}
			if c, err := new(net.Dialer).DialContext(ctx, "tcp", at); err == nil && c.Close() == nil && len(failed) == 0 {
				return at, failed
			}
		}
	}
	t.Fatal("no port is free")
	return "", nil
}
