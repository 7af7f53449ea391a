package evidence

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"comity/schemas"
)

// onSmallDisk tells a test of this program that it runs where it may mount one.
const onSmallDisk = "COMITY_SMALL_DISK"

// smallDisk is a disk of 8 MiB. The test runs again in a process of its own for it, as the root of its own namespaces: nobody else
// sees the disk, and it is gone with the process.
func smallDisk(t *testing.T) (dir string, here bool) {
	t.Helper()
	if os.Getenv(onSmallDisk) != "" {
		dir := t.TempDir()
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=8m"); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) }) // it goes with the process anyway
		return dir, true
	}
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
	child.Env = append(os.Environ(), onSmallDisk+"=1")
	child.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	said, err := child.CombinedOutput()
	if child.ProcessState == nil && os.Getenv("COMITY_REQUIRE") != "" {
		t.Fatalf("a disk of its own is required here: %v", err)
	}
	if child.ProcessState == nil {
		t.Skipf("this system lets nobody have a disk of their own: %v", err)
	}
	if err != nil || !bytes.Contains(said, []byte("--- PASS: "+t.Name())) {
		t.Errorf("on a small disk: %v\n%s", err, said)
	}
	return "", false
}

// TestDiskFullOnTheWay: a disk that is full although it said that it had room. What was begun is refused by name and leaves nothing, and
// what has room afterwards goes on.
func TestDiskFullOnTheWay(t *testing.T) {
	dir, here := smallDisk(t)
	if !here {
		return
	}
	to, identity := key(t)
	lies := func(c *Config) { c.Dir, c.Free = dir, func(string) (int64, error) { return 1 << 40, nil } }
	s := spool(t, lies)
	large, fits := content(1, 12<<20), content(2, 2<<20)
	announced := Announced{Bytes: int64(len(large)), SHA256: sum(large)}
	if _, err := s.Add(t.Context(), schemas.NewFileID(), bytes.NewReader(large), announced, to); ReasonOf(err) != NoSpace {
		t.Errorf("adding what has no room: %v", err)
	}
	nothingOf(t, dir)
	from := spool(t)
	f := add(t, from, large, to)
	if _, err := s.Receive(qm, f); ReasonOf(err) != NoSpace {
		t.Errorf("receiving what has no room: %v", err)
	}
	nothingOf(t, dir)
	if s.used != 0 {
		t.Errorf("%d bytes of the quota are taken for nothing", s.used)
	}
	f = add(t, from, fits, to)
	in, err := s.Receive(qm, f)
	if err != nil {
		t.Fatalf("receiving what has room: %v", err)
	}
	defer in.Close()
	for _, wire := range chunks(t, from, f) {
		if _, err := put(t, in, wire); err != nil {
			t.Fatal(err)
		}
	}
	if err := in.Whole(t.Context(), s.With(identity), f); err != nil {
		t.Error(err)
	}
	add(t, s, fits, to)
}

// nothingOf demands that a spool's folders are empty.
func nothingOf(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			t.Errorf("%s was left", filepath.Base(path))
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
