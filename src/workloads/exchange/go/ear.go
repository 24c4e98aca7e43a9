package main

import (
	"runtime"
	"sync/atomic"
	"syscall"
	"unsafe"
	_ "unsafe" // for go:linkname
)

// How a responder waits.
const (
	waySpin = iota
	wayYield
	wayPark
	waySpinAndPark
)

const (
	wakeUpNs     = 30_000      // for about which a spin is worth it
	turnsALook   = 16          // turns between two looks at the clock
	sleepLimitNs = 200_000_000 // nothing should sleep so long and find something then
	futexWait    = 0
	futexWake    = 1
)

// ear waits for the other side, and wakes it: as threads::ParkingSpot does.
type ear struct {
	way         uint64
	mine        *uint32
	theirs      *uint32
	parks       uint64
	wakes       uint64
	systemCalls uint64
	lateFinds   uint64
}

func newEar(memory segment, way uint64, pair *pair) ear {
	return ear{
		way:    way,
		mine:   (*uint32)(memory.at(pair.sleep, 4)),
		theirs: (*uint32)(memory.at(pair.wake, 4)),
	}
}

// wait returns the word that the other side says after turn.
func (here *ear) wait(word *uint64, turn uint64) uint64 {
	var began int64
	for turns := 0; ; turns++ {
		if said := atomic.LoadUint64(word); said>>turnShift != turn {
			return said
		}
		switch {
		case here.way == waySpin:
			spinHint()
		case here.way == wayYield:
			here.systemCalls++
			syscall.RawSyscall(syscall.SYS_SCHED_YIELD, 0, 0, 0)
			spinHint()
		case here.way == waySpinAndPark && turns%turnsALook != turnsALook-1:
			spinHint()
		case here.way == waySpinAndPark && began == 0:
			began = nanotime()
		case here.way == waySpinAndPark && nanotime()-began < wakeUpNs:
			spinHint()
		default:
			here.park(word, turn)
			began = 1 // once asleep, it does not spin any more
		}
	}
}

// park sleeps unless the other side has said something after turn. It sets its own word and then reads the other's, both
// sequentially consistent, and tell does the same the other way round: so one of them sees the other's. When its time is
// up and there is something to find, it sleeps once more: the other side may have lost its CPU before it could tell.
func (here *ear) park(word *uint64, turn uint64) {
	here.parks++
	here.systemCalls++
	atomic.StoreUint32(here.mine, 1)
	found := func() bool { return atomic.LoadUint64(word)>>turnShift != turn }
	inTime := found() || here.sleep() || (found() && here.sleep())
	if atomic.SwapUint32(here.mine, 0) == 1 && !inTime && found() {
		here.lateFinds++
	}
}

// sleep sleeps while the word is 1, and says whether that ended before its time.
func (here *ear) sleep() bool {
	limit := syscall.NsecToTimespec(sleepLimitNs)
	_, _, err := syscall.RawSyscall6(syscall.SYS_FUTEX, uintptr(unsafe.Pointer(here.mine)), futexWait, 1,
		uintptr(unsafe.Pointer(&limit)), 0, 0)
	return err != syscall.ETIMEDOUT
}

// tell wakes the other side if it sleeps.
func (here *ear) tell() {
	if here.way == waySpin || here.way == wayYield {
		return
	}
	if atomic.LoadUint32(here.theirs) != 0 && atomic.SwapUint32(here.theirs, 0) != 0 {
		here.wakes++
		here.systemCalls++
		syscall.RawSyscall6(syscall.SYS_FUTEX, uintptr(unsafe.Pointer(here.theirs)), futexWake, 1, 0, 0, 0)
	}
}

func (here *ear) tellTo(account *account) {
	account.parks, account.wakes = here.parks, here.wakes
	account.systemCalls, account.lateFinds = here.systemCalls, here.lateFinds
}

// lockThread gives the goroutine a thread of its own, of that name.
func lockThread(name string) {
	runtime.LockOSThread()
	text := append([]byte(name), 0)
	syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_NAME, uintptr(unsafe.Pointer(&text[0])), 0)
}

// spinHint tells the CPU, and QEMU, that this turn made no progress: in spin_*.s.
func spinHint()

// nanotime reads the clock that the callers read, CLOCK_MONOTONIC, without a system call.
//
//go:linkname nanotime runtime.nanotime
func nanotime() int64
