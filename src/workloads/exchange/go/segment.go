package main

import (
	"fmt"
	"syscall"
	"unsafe"
)

// What platform::Segment begins with, and what both sides must agree on.
const (
	magic   = 0x6b6e696c65706970
	version = 2
)

type header struct {
	magic   uint64
	version uint32
	shape   uint32
	bytes   uint64
}

// plan is exchange::GoPlan.
type plan struct {
	pairs       uint64
	words       uint64
	parks       uint64 // 0: spins, 1: yields, 2: parks at once, 3: spins first
	depth       uint64
	zeroCopy    uint64
	served      uint64 // how many calls' times are kept
	servedEvery uint64
}

// pair is exchange::GoPair: where in the segment is what one pair uses.
type pair struct {
	word    uint64
	payload uint64
	sleep   uint64 // where this side sleeps
	wake    uint64 // and the other one
	served  uint64
	account uint64
}

// account is exchange::Account.
type account struct {
	calls, replies, answers, refused     uint64
	parks, wakes, systemCalls, lateFinds uint64
}

// served is exchange::Served::Times.
type served struct{ takenNs, answeredNs int64 }

type segment []byte

// attach maps a segment, having looked at what it begins with.
func attach(file, bytes, shape int) (segment, error) {
	var found syscall.Stat_t
	if err := syscall.Fstat(file, &found); err != nil {
		return nil, fmt.Errorf("look at the shared segment: %w", err)
	}
	if found.Size != int64(bytes) || bytes < int(unsafe.Sizeof(header{})) {
		return nil, fmt.Errorf("the shared segment has a file of size %d, not %d", found.Size, bytes)
	}
	memory, err := syscall.Mmap(file, 0, bytes, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED|syscall.MAP_POPULATE)
	if err != nil {
		return nil, fmt.Errorf("map the shared segment: %w", err)
	}
	said := *(*header)(unsafe.Pointer(&memory[0]))
	if wanted := (header{magic, version, uint32(shape), uint64(bytes)}); said != wanted {
		return nil, fmt.Errorf("the shared segment begins with %v, not %v: both sides must be of one build", said, wanted)
	}
	return memory, nil
}

func (memory segment) at(offset uint64, bytes uintptr) unsafe.Pointer {
	return unsafe.Pointer(&memory[offset : offset+uint64(bytes)][0]) // whose bounds are checked
}

func (memory segment) word(offset uint64) *uint64 {
	return (*uint64)(memory.at(offset, 8))
}

func (memory segment) words(offset, count uint64) []uint64 {
	return unsafe.Slice(memory.word(offset), memory.counted(offset, count, 8))
}

func (memory segment) counted(offset, count uint64, bytes uintptr) int {
	memory.at(offset, uintptr(count)*bytes)
	return int(count)
}

func (memory segment) plan(offset int) *plan {
	return (*plan)(memory.at(uint64(offset), unsafe.Sizeof(plan{})))
}

func (memory segment) pairs(offset int, count uint64) []pair {
	first := uint64(offset) + uint64(unsafe.Sizeof(plan{}))
	return unsafe.Slice((*pair)(memory.at(first, unsafe.Sizeof(pair{}))), memory.counted(first, count, unsafe.Sizeof(pair{})))
}
