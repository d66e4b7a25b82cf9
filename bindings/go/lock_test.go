package mlplat_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	mlplat "mlplat.example/bindings/go"
)

// holdStore takes the write lock of a store's file for another process, until unlock.
func holdStore(t *testing.T, file string) (unlock func()) {
	t.Helper()
	holder := exec.Command(os.Args[0])
	holder.Env = append(os.Environ(), "HOLD="+file)
	holder.Stderr = os.Stderr
	stdin, err := holder.StdinPipe()
	must(t, err)
	stdout, err := holder.StdoutPipe()
	must(t, err)
	must(t, holder.Start())
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "held\n" {
		t.Fatalf("the store is not held: %q, %v", line, err)
	}
	return sync.OnceFunc(func() {
		stdin.Close()
		must(t, holder.Wait())
	})
}

// leftBehind is what a killed program leaves in the spool of a store: so many points.
func leftBehind(t *testing.T, uri string, points int) {
	t.Helper()
	program := exec.Command(os.Args[0])
	program.Env = append(os.Environ(), "LEAVE="+uri, fmt.Sprint("POINTS=", points))
	program.Stderr = os.Stderr
	stdin, err := program.StdinPipe()
	must(t, err)
	stdout, err := program.StdoutPipe()
	must(t, err)
	must(t, program.Start())
	said := bufio.NewScanner(stdout)
	equal(t, "it has a run", said.Scan(), true)
	unlock := holdStore(t, strings.TrimPrefix(uri, "sqlite:///"))
	fmt.Fprintln(stdin)
	equal(t, "it has logged", said.Scan(), true)
	must(t, program.Process.Kill())
	program.Wait()
	unlock()
}

// leave is that program.
func leave(uri string) error {
	client, err := mlplat.Open(ctx, &mlplat.Options{TrackingURI: uri})
	if err != nil {
		return err
	}
	run, err := client.StartRun(ctx, mlplat.RunOptions{})
	if err != nil {
		return err
	}
	fmt.Println("begun")
	said := bufio.NewReader(os.Stdin)
	points, err := strconv.Atoi(os.Getenv("POINTS"))
	if _, wait := said.ReadString('\n'); err != nil || wait != nil {
		return errors.Join(err, wait)
	}
	if err := run.LogValues(ctx, "loss", make([]float64, points)); err != nil {
		return err
	}
	fmt.Println("logged")
	_, err = io.ReadAll(said) // until it is killed
	return err
}

// hold is the other process: byte 120 of the shared memory file is the writer's lock of SQLite's WAL mode.
func hold(file string) error {
	memory, err := os.OpenFile(file+"-shm", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer memory.Close()
	lock := syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart, Start: 120, Len: 1}
	if err := syscall.FcntlFlock(memory.Fd(), syscall.F_SETLKW, &lock); err != nil {
		return err
	}
	fmt.Println("held")
	_, err = io.ReadAll(os.Stdin)
	return err
}
