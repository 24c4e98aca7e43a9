package main

import (
	"errors"
	"fmt"
	"sync/atomic"
	"unsafe"
)

// exchange::Word: which turn it is, what is said, in how many words, and on which CPU, which Go does not know.
const (
	wordsShift  = 3
	cpuShift    = 13
	turnShift   = 23
	kinds       = 1<<wordsShift - 1
	mostWords   = 1<<(cpuShift-wordsShift) - 1
	unknownCPU  = 1<<(turnShift-cpuShift) - 1
	kindRequest = 1
	kindReply   = 2
	kindClose   = 3
)

// Numbers of calls, as exchange::number_of() makes them.
const (
	withinBits = 4
	measured   = 1 << 62
)

// responder answers one caller's calls.
type responder struct {
	name    string
	word    *uint64
	payload []uint64
	own     []uint64 // empty: payloads are read and written in place
	ear     ear
	served  []served
	every   uint64
	depth   uint64
	turn    uint64
	last    uint64 // number
	account *account
}

func newResponder(memory segment, plan *plan, number int, pair *pair) *responder {
	here := &responder{
		name:    fmt.Sprintf("responder-%d", number),
		word:    memory.word(pair.word),
		payload: memory.words(pair.payload, plan.words),
		ear:     newEar(memory, plan.parks, pair),
		every:   plan.servedEvery,
		depth:   plan.depth,
		account: (*account)(memory.at(pair.account, unsafe.Sizeof(account{}))),
	}
	if plan.zeroCopy == 0 {
		here.own = make([]uint64, plan.words)
	}
	if plan.served > 0 {
		here.served = unsafe.Slice((*served)(memory.at(pair.served, unsafe.Sizeof(served{}))), memory.counted(pair.served, plan.served, unsafe.Sizeof(served{})))
	}
	return here
}

// answerAll returns when no more calls come.
func (here *responder) answerAll() error {
	defer here.ear.tellTo(here.account)
	for {
		kind, err := here.listen()
		if err != nil || kind == kindClose {
			return err
		}
		if kind != kindRequest {
			return fmt.Errorf("in turn %d came a reply to nothing", here.turn)
		}
		if err := here.answer(0); err != nil {
			return err
		}
	}
}

func (here *responder) answer(level uint64) error {
	taken := nanotime()
	number, err := here.read()
	if err != nil {
		return err
	}
	if number <= here.last {
		return errors.New("a request came twice, or too late")
	}
	here.last = number
	if level < here.depth {
		if err := here.call(number+1, level+1); err != nil {
			return err
		}
	}
	if level == 0 {
		here.writeDown(number, taken)
	}
	here.say(kindReply, ^number)
	here.account.answers++
	return nil
}

// call calls the caller, who waits, back.
func (here *responder) call(number, level uint64) error {
	here.say(kindRequest, number)
	here.account.calls++
	for {
		kind, err := here.listen()
		if err != nil {
			return err
		}
		if kind == kindReply {
			break
		}
		if kind != kindRequest {
			return fmt.Errorf("in turn %d the other side closes in the middle of a call", here.turn)
		}
		if err := here.answer(level + 1); err != nil {
			return err
		}
	}
	reply, err := here.read()
	if err == nil && reply != ^number {
		err = errors.New("a reply is to another call")
	}
	here.account.replies++
	return err
}

func (here *responder) listen() (uint64, error) {
	word := here.ear.wait(here.word, here.turn)
	here.turn++
	kind, words := word&kinds, word>>wordsShift&mostWords
	switch {
	case word>>turnShift != here.turn:
		return 0, fmt.Errorf("the other side says that this is turn %d, not %d: it overwrote the sequence", word>>turnShift, here.turn)
	case kind < kindRequest || kind > kindClose:
		return 0, fmt.Errorf("in turn %d the other side says %d, which is no request, reply or close", here.turn, kind)
	case words != uint64(len(here.payload)):
		return 0, fmt.Errorf("in turn %d the other side says that its payload has %d words, not %d", here.turn, words, len(here.payload))
	}
	return kind, nil
}

// say hands over the turn. The payload is written from its end, and the word last, as slot_connection.hpp does.
func (here *responder) say(kind, number uint64) {
	from := here.payload
	if here.own != nil {
		for at := range here.own {
			here.own[at] = number
		}
		from = here.own
	}
	for at := len(here.payload) - 1; at >= 0; at-- {
		if here.own != nil {
			number = from[at]
		}
		here.payload[at] = number
	}
	here.turn++
	atomic.StoreUint64(here.word, here.turn<<turnShift|unknownCPU<<cpuShift|uint64(len(here.payload))<<wordsShift|kind)
	here.ear.tell()
}

// read gives the number in a payload, of which each word is read once, since the other side may change it.
func (here *responder) read() (uint64, error) {
	from := here.payload
	if here.own != nil {
		copy(here.own, from)
		from = here.own
	}
	number := from[0]
	var differences uint64
	for _, word := range from[1:] {
		differences |= word ^ number
	}
	if differences != 0 {
		return 0, errors.New("a payload came torn")
	}
	return number, nil
}

// writeDown keeps the times of a call if the caller keeps it, too.
func (here *responder) writeDown(number uint64, taken int64) {
	if number < measured {
		return
	}
	call := (number - measured) >> withinBits
	if call%here.every == 0 && call/here.every < uint64(len(here.served)) {
		here.served[call/here.every] = served{taken, nanotime()}
	}
}
