package mlplat_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
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
