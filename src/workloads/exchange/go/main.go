// Answers the calls of pipelab exchange --responder go, over the slots that it shares with the callers: fd 3 is the
// segment, fd 4 the link to who started it, and the arguments are the segment's size, its shape, and where in it the
// plan is. It says "ready TID...", a thread for each pair, when all is there; "done" when no more calls come; or
// "failed: WHY". It stays until the link ends, so that its threads can be looked at.
package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

const (
	segmentFile = 3
	linkFile    = 4
)

func main() {
	debug.SetGCPercent(-1) // it allocates nothing while it answers
	link := os.NewFile(linkFile, "link")
	if err := answerAll(link); err != nil {
		fmt.Fprintf(link, "failed: %v\n", err)
		os.Exit(1)
	}
	link.Read(make([]byte, 1))
}

func answerAll(link *os.File) error {
	var numbers [3]int
	if len(os.Args) != len(numbers)+1 {
		return fmt.Errorf("%d arguments were given, not %d", len(os.Args)-1, len(numbers))
	}
	for at := range numbers {
		number, err := strconv.Atoi(os.Args[at+1])
		if err != nil {
			return fmt.Errorf("'%s' is no number", os.Args[at+1])
		}
		numbers[at] = number
	}
	memory, err := attach(segmentFile, numbers[0], numbers[1])
	if err != nil {
		return err
	}
	plan := memory.plan(numbers[2])
	pairs := memory.pairs(numbers[2], plan.pairs)

	tids := make([]string, len(pairs))
	var ready, done sync.WaitGroup
	ready.Add(len(pairs))
	done.Add(len(pairs))
	failures := make(chan error, len(pairs))
	for at := range pairs {
		go answerOne(newResponder(memory, plan, at, &pairs[at]), &tids[at], &ready, &done, failures)
	}
	ready.Wait()
	fmt.Fprintf(link, "ready %s\n", strings.Join(tids, " "))
	go func() {
		done.Wait()
		failures <- nil
	}()
	if err := <-failures; err != nil {
		return err
	}
	_, err = fmt.Fprintln(link, "done")
	return err
}

// answerOne answers one caller's calls on a thread of its own, which then stays.
func answerOne(responder *responder, tid *string, ready, done *sync.WaitGroup, failures chan error) {
	lockThread(responder.name)
	*tid = strconv.Itoa(syscall.Gettid())
	ready.Done()
	if err := responder.answerAll(); err != nil {
		failures <- err
	}
	done.Done()
	select {}
}
